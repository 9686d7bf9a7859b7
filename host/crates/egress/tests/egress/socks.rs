//! Requests through SOCKS proxies.

use std::sync::Mutex;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use super::{peer::Peer, *};

/// A SOCKS5 and SOCKS4a server that connects everybody to one place, whatever
/// they ask for, and writes down what that was.
struct Server {
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `login`: the user and password it wants. `refuses`: a kind of address
    /// (RFC 1928, section 5) that it cannot reach.
    async fn start(to: &Peer, login: Option<&'static str>, refuses: Option<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
        };
        let (asked, to) = (Arc::clone(&server.asked), to.address);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let asked = Arc::clone(&asked);
                tokio::spawn(async move {
                    let _ = serve(client, to, login, refuses, &asked).await;
                });
            }
        });
        server
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut client: TcpStream,
    to: std::net::SocketAddr,
    login: Option<&str>,
    refuses: Option<u8>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    if client.read_u8().await? == 4 {
        client.read_u8().await?;
        let port = client.read_u16().await?;
        let address = client.read_u32().await?;
        let _user = zero_ended(&mut client).await?;
        assert_eq!(address, 1, "not a name");
        let name = zero_ended(&mut client).await?;
        asked.lock().unwrap().push(format!("name {name}:{port}"));
        client.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await?;
    } else {
        let methods = counted(&mut client).await?;
        let wanted = if login.is_some() { 2 } else { 0 };
        if !methods.contains(&wanted) {
            return client.write_all(&[5, 0xff]).await;
        }
        client.write_all(&[5, wanted]).await?;
        if let Some(login) = login {
            client.read_u8().await?;
            let (user, password) = (counted(&mut client).await?, counted(&mut client).await?);
            let given = [user, password].join(&b':');
            let wrong = u8::from(given != login.as_bytes());
            client.write_all(&[1, wrong]).await?;
            if wrong != 0 {
                return Ok(());
            }
        }
        let mut head = [0; 4];
        client.read_exact(&mut head).await?;
        let place = match head[3] {
            1 => format!("v4 {}", std::net::Ipv4Addr::from(client.read_u32().await?)),
            4 => format!("v6 {}", std::net::Ipv6Addr::from(client.read_u128().await?)),
            _ => format!(
                "name {}",
                String::from_utf8(counted(&mut client).await?).unwrap()
            ),
        };
        let port = client.read_u16().await?;
        asked.lock().unwrap().push(format!("{place}:{port}"));
        if refuses == Some(head[3]) {
            return client.write_all(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        }
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    }
    let mut target = TcpStream::connect(to).await?;
    copy_bidirectional(&mut client, &mut target).await?;
    Ok(())
}

async fn counted(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(client.read_u8().await?)];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn zero_ended(client: &mut TcpStream) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        match client.read_u8().await? {
            0 => return Ok(text),
            byte => text.push(byte.into()),
        }
    }
}

/// `a.test` has no address, so a lookup of it would fail the request.
#[tokio::test]
async fn a_name_is_looked_up_by_the_proxy_alone() {
    for scheme in ["socks5h", "socks4a"] {
        let origin = Peer::answering(OK).await;
        let server = Server::start(&origin, None, None).await;
        let way = through(&server.url(scheme));
        let response = get(&client(), "http://a.test/p?q", &way).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
        assert_eq!(server.asked(), ["name a.test:80"], "{scheme}");
        assert_eq!(
            origin.received(),
            "GET /p?q HTTP/1.1\r\nhost: a.test\r\n\r\n"
        );
    }
}

#[tokio::test]
async fn socks5_looks_the_name_up_here_and_never_sends_it() {
    let origin = Peer::answering(OK).await;
    let server = Server::start(&origin, None, None).await;
    let way = through(&server.url("socks5"));
    get(&client(), "http://localhost:81/", &way).await.unwrap();
    let asked = server.asked();
    assert!(
        ["v4 127.0.0.1:81", "v6 ::1:81"].contains(&asked[0].as_str()),
        "{asked:?}"
    );

    let error = get(&client(), "http://a.test/", &way).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dns, "{error}");
    assert_eq!(server.asked().len(), asked.len(), "the proxy was asked");
}

/// A proxy without IPv6 is asked for the next address.
#[tokio::test]
async fn an_address_that_the_proxy_cannot_reach_gives_way_to_the_next() {
    let origin = Peer::answering(OK).await;
    for (refused, outcome) in [(4, true), (1, false)] {
        let server = Server::start(&origin, None, Some(refused)).await;
        let way = through(&server.url("socks5"));
        // Every machine has the IPv4 one, most have both.
        let got = get(&client(), "http://localhost:81/", &way).await;
        let asked = server.asked();
        let has_ipv6 = asked.iter().any(|place| place.starts_with("v6"));
        assert_eq!(got.is_ok(), outcome || has_ipv6, "{asked:?}");
    }
}

#[tokio::test]
async fn tls_with_the_target_runs_inside_a_socks_tunnel() {
    let (origin, client) = super::tls::secure_origin("a.test").await;
    let server = Server::start(&origin, None, None).await;
    let way = through(&server.url("socks5h"));
    for _ in 0..2 {
        let response = get(&client, "https://a.test/p", &way).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    assert_eq!(server.asked(), ["name a.test:443"]);
    let error = get(&client, "https://b.test/", &way).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
}

/// The credentials reach the proxy, in the protocol, and nobody else.
#[tokio::test]
async fn credentials_are_for_the_socks_proxy_alone() {
    let origin = Peer::answering(OK).await;
    let server = Server::start(&origin, Some("alice:s3 cr@t"), None).await;
    let way = |credentials: &str| through(&format!("socks5h://{credentials}{}", server.address));
    let right = way("alice:s3%20cr%40t@");
    get(&client(), "http://a.test/", &right).await.unwrap();
    for secret in ["alice", "s3 cr@t", "proxy-authorization"] {
        assert!(!origin.received().contains(secret), "{}", origin.received());
    }
    for wrong in ["alice:hunter2@", "hunter2@", ""] {
        let error = get(&client(), "http://a.test/", &way(wrong))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProxyAuthentication, "{error}");
        assert!(!shown(&error).contains("hunter2"), "{error}");
    }
    assert_eq!(origin.connections(), 1);
}

/// Tunnels are not shared between targets, nor between credentials.
#[tokio::test]
async fn a_connection_serves_one_target_and_one_user() {
    let origin = Peer::answering(OK).await;
    let server = Server::start(&origin, None, None).await;
    let client = client();
    let (one, other) = (
        through(&server.url("socks5h")),
        through(&format!("socks5h://bob@{}", server.address)),
    );
    for (way, url) in [
        (&one, "http://a.test/"),
        (&one, "http://a.test/"),
        (&one, "http://b.test/"),
        (&one, "http://a.test:81/"),
        (&other, "http://a.test/"),
        (&other, "http://a.test/"),
    ] {
        text(get(&client, url, way).await.unwrap()).await.unwrap();
    }
    assert_eq!(
        server.asked(),
        [
            "name a.test:80",
            "name b.test:80",
            "name a.test:81",
            "name a.test:80"
        ]
    );
}

#[tokio::test]
async fn a_refusal_names_proxy_target_and_reason() {
    let origin = Peer::answering(OK).await;
    let server = Server::start(&origin, None, Some(3)).await;
    let way = through(&server.url("socks5h"));
    let error = get(&client(), "http://a.test/", &way).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SocksReply(8));
    let (text, label) = (error.to_string(), server.url("socks5h"));
    for part in [&label[..], "a.test:80", "kind of address not supported"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(origin.connections(), 0);
}

/// One that says nothing is waited for as long as the setting or the deadline
/// allows; the error says what it was doing.
#[tokio::test]
async fn a_silent_socks_proxy_takes_no_longer_than_its_limit() {
    let silent = Peer::start(|mut wire| async move { wire.closed().await }).await;
    for scheme in ["socks5h", "socks4a"] {
        let address = format!("{scheme}://{}", silent.address);
        let options = ProxyOptions {
            connect_timeout: Some(Duration::from_millis(100)),
            ..ProxyOptions::default()
        };
        let way = Way::Proxy(Arc::new(Proxy::new(&address, options).unwrap()));
        let error = get(&client(), "http://a.test/", &way).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectTimeout);
        assert!(error.to_string().contains("opened the tunnel"), "{error}");

        let limit = within(Duration::from_millis(100));
        let asked = request("GET", "http://a.test/", empty());
        let error = client()
            .send(asked, &through(&address), &limit)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("opened the tunnel"), "{error}");
    }
}
