//! TLS: to the target, inside a tunnel, and to the proxy.

use std::path::PathBuf;

use cuttle_egress::TlsSettings;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use tokio_rustls::TlsAcceptor;

use super::{peer::Peer, *};

/// A self-signed certificate, and its PEM in a file.
pub(crate) struct Identity {
    certified: CertifiedKey<KeyPair>,
    folder: tempfile::TempDir,
}

impl Identity {
    pub(crate) fn of(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let identity = Self {
            certified: generate_simple_self_signed(names).unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(identity.file("cert.pem"), identity.pem()).unwrap();
        std::fs::write(
            identity.file("key.pem"),
            identity.certified.signing_key.serialize_pem(),
        )
        .unwrap();
        identity
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn pem(&self) -> String {
        self.certified.cert.pem()
    }

    fn acceptor(&self) -> TlsAcceptor {
        self.acceptor_for(None)
    }

    /// Asks for the certificate of `client`, if there is one to ask for.
    fn acceptor_for(&self, client: Option<&Self>) -> TlsAcceptor {
        let key = PrivatePkcs8KeyDer::from(self.certified.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let mut roots = RootCertStore::empty();
                roots.add(client.certified.cert.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let config = builder.with_single_cert(
            vec![self.certified.cert.der().clone()],
            PrivateKeyDer::from(key),
        );
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }

    /// Chooses among `protocols` by ALPN.
    pub(crate) fn acceptor_speaking(&self, protocols: &[&[u8]]) -> TlsAcceptor {
        let mut config = ServerConfig::clone(self.acceptor().config());
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    pub(crate) fn settings(&self) -> TlsSettings {
        TlsSettings {
            ca_certs: vec![self.file("cert.pem")],
            ..TlsSettings::default()
        }
    }

    pub(crate) fn trusting(&self) -> Client {
        with(self.settings())
    }
}

fn with(tls: TlsSettings) -> Client {
    Client::new(Settings {
        tls,
        ..Settings::default()
    })
    .unwrap()
}

/// An origin with TLS for `names`.
pub(crate) async fn origin(names: &[&str]) -> (Peer, Identity) {
    let identity = Identity::of(names);
    let peer = Peer::start_tls(identity.acceptor(), |mut wire| async move {
        while wire.request().await.is_some() && wire.write(OK.as_bytes()).await {}
    })
    .await;
    (peer, identity)
}

/// An origin with TLS for `name`, and a client that trusts it.
pub(crate) async fn secure_origin(name: &str) -> (Peer, Client) {
    let (peer, identity) = origin(&[name]).await;
    (peer, identity.trusting())
}

pub(crate) fn https(host: &str, peer: &Peer) -> String {
    format!("https://{host}:{}/p", peer.address.port())
}

#[tokio::test]
async fn a_name_and_an_address_are_verified() {
    for host in ["localhost", "127.0.0.1"] {
        let (origin, identity) = origin(&[host]).await;
        let client = identity.trusting();
        for _ in 0..3 {
            let response = get(&client, &https(host, &origin), &Way::Direct)
                .await
                .unwrap();
            assert_eq!(text(response).await.unwrap(), "ok");
        }
        assert_eq!(origin.connections(), 1);
        let line = format!(
            "GET /p HTTP/1.1\r\nhost: {host}:{}\r\n\r\n",
            origin.address.port()
        );
        assert_eq!(origin.received(), line.repeat(3));
    }
}

#[tokio::test]
async fn a_wrong_name_or_an_unknown_issuer_is_refused_before_a_byte_is_sent() {
    let (origin, identity) = origin(&["other.test"]).await;
    let wrong_name = identity.trusting();
    let unknown = client();
    let proxy = Peer::forwarding().await;
    for client in [wrong_name, unknown] {
        for way in [Way::Direct, through(&proxy.url(""))] {
            let error = get(&client, &https("127.0.0.1", &origin), &way)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Tls, "{}", shown(&error));
        }
    }
    assert_eq!(origin.received(), "");
}

#[tokio::test]
async fn insecure_connections_are_possible_on_demand() {
    let (origin, _identity) = origin(&["other.test"]).await;
    let client = with(TlsSettings {
        allow_insecure_connections: true,
        ..TlsSettings::default()
    });
    let response = get(&client, &https("127.0.0.1", &origin), &Way::Direct)
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_target_that_asks() {
    let (server, own) = (Identity::of(&["127.0.0.1"]), Identity::of(&["me.test"]));
    let origin = Peer::start_tls(server.acceptor_for(Some(&own)), |mut wire| async move {
        while wire.request().await.is_some() && wire.write(OK.as_bytes()).await {}
    })
    .await;
    let url = https("127.0.0.1", &origin);
    let client = with(TlsSettings {
        client_certs: vec![(own.file("cert.pem"), own.file("key.pem"))],
        ..server.settings()
    });
    assert_eq!(
        get(&client, &url, &Way::Direct).await.unwrap().status(),
        200
    );
    let error = get(&server.trusting(), &url, &Way::Direct)
        .await
        .unwrap_err();
    // The server's alert may be lost with its connection.
    let kind = error.kind();
    assert!(
        matches!(kind, ErrorKind::Tls | ErrorKind::Closed),
        "{}",
        shown(&error)
    );
}

#[tokio::test]
async fn a_tunnel_carries_tls_to_the_target_and_hides_the_request() {
    for host in ["localhost", "127.0.0.1"] {
        let (origin, identity) = origin(&[host]).await;
        let proxy = Peer::forwarding().await;
        let way = through(&format!("http://alice:secret@{}", proxy.address));
        let client = identity.trusting();
        for _ in 0..3 {
            let response = get(&client, &https(host, &origin), &way).await.unwrap();
            assert_eq!(text(response).await.unwrap(), "ok");
        }
        let place = format!("{host}:{}", origin.address.port());
        let expected = format!(
            "CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nproxy-authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n"
        );
        assert_eq!(proxy.received(), expected);
        let line = format!("GET /p HTTP/1.1\r\nhost: {place}\r\n\r\n");
        assert_eq!(origin.received(), line.repeat(3));
    }
}

#[tokio::test]
async fn tunnels_are_not_shared_between_targets() {
    let (one, identity) = origin(&["localhost", "127.0.0.1"]).await;
    let proxy = Peer::forwarding().await;
    let (client, way) = (identity.trusting(), through(&proxy.url("")));
    for host in ["localhost", "127.0.0.1", "localhost", "127.0.0.1"] {
        text(get(&client, &https(host, &one), &way).await.unwrap())
            .await
            .unwrap();
    }
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn a_refused_tunnel_sends_no_byte_of_tls() {
    let proxy = Peer::answering("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n").await;
    let error = get(&client(), "https://a.test/", &through(&proxy.url("")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProxyStatus(403));
    assert_eq!(
        proxy.received(),
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"
    );
}

/// A proxy that itself speaks TLS.
async fn secure_proxy(identity: &Identity) -> Peer {
    secure_proxy_for(identity, None).await
}

/// The same, for those who show the certificate of `client`.
async fn secure_proxy_for(identity: &Identity, client: Option<&Identity>) -> Peer {
    Peer::start_tls(identity.acceptor_for(client), |mut wire| async move {
        while let Some(request) = wire.request().await {
            if !request.starts_with("CONNECT ") {
                wire.write(OK.as_bytes()).await;
                continue;
            }
            let place = request.split(' ').nth(1).unwrap();
            let mut target = tokio::net::TcpStream::connect(place).await.unwrap();
            wire.write(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let _ = tokio::io::copy_bidirectional(&mut wire.io, &mut target).await;
            return;
        }
    })
    .await
}

#[tokio::test]
async fn a_proxy_behind_tls_is_verified_by_its_own_ca() {
    let (origin, identity) = origin(&["localhost"]).await;
    let proxys = Identity::of(&["127.0.0.1"]);
    let proxy = secure_proxy(&proxys).await;
    let address = format!("https://127.0.0.1:{}", proxy.address.port());
    let options = ProxyOptions {
        ca_pem: Some(proxys.pem()),
        ..ProxyOptions::default()
    };
    let way = Way::Proxy(Arc::new(Proxy::new(&address, options).unwrap()));
    let client = identity.trusting();
    for url in [https("localhost", &origin), "http://a.test/".to_owned()] {
        let response = get(&client, &url, &way).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    assert!(proxy.received().contains("GET http://a.test/ HTTP/1.1\r\n"));

    // The client's own CAs do not hold for it, nor the system's.
    let before = proxy.received();
    let error = get(&client, "http://a.test/", &through(&address))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert_eq!(proxy.received(), before);
}

#[tokio::test]
async fn a_proxy_that_asks_for_a_certificate_gets_the_one_meant_for_it() {
    let (origin, identity) = origin(&["localhost"]).await;
    let (proxys, own, other) = (
        Identity::of(&["127.0.0.1"]),
        Identity::of(&["gateway"]),
        Identity::of(&["gateway"]),
    );
    let proxy = secure_proxy_for(&proxys, Some(&own)).await;
    let way = |certificate: Option<&Identity>| {
        let pem =
            |identity: &Identity| identity.pem() + &identity.certified.signing_key.serialize_pem();
        let options = ProxyOptions {
            ca_pem: Some(proxys.pem()),
            client_certificate_pem: certificate.map(pem),
            ..ProxyOptions::default()
        };
        let address = format!("https://127.0.0.1:{}", proxy.address.port());
        Way::Proxy(Arc::new(Proxy::new(&address, options).unwrap()))
    };
    let client = identity.trusting();
    for url in [https("localhost", &origin), "http://a.test/".to_owned()] {
        let response = get(&client, &url, &way(Some(&own))).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    // A connection of the one is none for the other.
    let before = proxy.received();
    for wrong in [Some(&other), None] {
        let error = get(&client, "http://a.test/", &way(wrong))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{}", shown(&error));
    }
    assert_eq!(proxy.received(), before);
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_a_tls_error() {
    let origin = Peer::start(|mut wire| async move {
        wire.write(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        wire.closed().await;
    })
    .await;
    let error = get(&client(), &https("127.0.0.1", &origin), &Way::Direct)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
}

#[tokio::test]
async fn a_truncated_answer_inside_tls_is_an_error() {
    let identity = Identity::of(&["127.0.0.1"]);
    let origin = Peer::start_tls(identity.acceptor(), |mut wire| async move {
        wire.request().await;
        wire.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
            .await;
    })
    .await;
    // Without a length only the end of TLS (close_notify) marks the end.
    let response = get(
        &identity.trusting(),
        &https("127.0.0.1", &origin),
        &Way::Direct,
    )
    .await
    .unwrap();
    assert_eq!(
        kind_of(&text(response).await.unwrap_err()),
        ErrorKind::Closed
    );
}

#[test]
fn a_setting_that_cannot_be_used_names_its_file() {
    let identity = Identity::of(&["a.test"]);
    let (cert, key) = (identity.file("cert.pem"), identity.file("key.pem"));
    let missing = identity.file("missing.pem");
    let other = Identity::of(&["b.test"])
        .certified
        .signing_key
        .serialize_pem();
    let foreign = identity.file("foreign.pem");
    std::fs::write(&foreign, other).unwrap();
    let base = TlsSettings::default;
    for (tls, culprit) in [
        (
            TlsSettings {
                ca_certs: vec![missing.clone()],
                ..base()
            },
            Some(&missing),
        ),
        (
            TlsSettings {
                ca_certs: vec![key.clone()],
                ..base()
            },
            Some(&key),
        ),
        (
            TlsSettings {
                client_certs: vec![(missing.clone(), key.clone())],
                ..base()
            },
            Some(&missing),
        ),
        (
            TlsSettings {
                client_certs: vec![(cert.clone(), missing.clone())],
                ..base()
            },
            Some(&missing),
        ),
        (
            TlsSettings {
                client_certs: vec![(cert.clone(), cert.clone())],
                ..base()
            },
            Some(&cert),
        ),
        (
            TlsSettings {
                client_certs: vec![(cert.clone(), foreign.clone())],
                ..base()
            },
            Some(&foreign),
        ),
        (
            TlsSettings {
                tls12: false,
                tls13: false,
                ..base()
            },
            None,
        ),
    ] {
        let error = Client::new(Settings {
            tls,
            ..Settings::default()
        })
        .unwrap_err();
        assert_eq!(error.file.as_ref(), culprit, "{error}");
    }
}
