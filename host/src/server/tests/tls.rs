use std::{fs, path::Path};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;

/// Writes a certificate for `name` and its key; returns it.
fn issue(dir: &Path, name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    fs::write(dir.join(format!("{name}.pem")), made.cert.pem()).unwrap();
    fs::write(
        dir.join(format!("{name}.key")),
        made.signing_key.serialize_pem(),
    )
    .unwrap();
    made
}

fn keys(dir: &Path, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| {
            let file = |end| dir.join(format!("{name}.{end}"));
            json!({ "public_key": file("pem"), "private_key": file("key") })
        })
        .collect()
}

struct Dialer {
    roots: RootCertStore,
    versions: &'static [&'static rustls::SupportedProtocolVersion],
    alpn: &'static [&'static str],
    identity: Option<rcgen::CertifiedKey<rcgen::KeyPair>>,
}

impl Dialer {
    fn trusting(certificates: &[&rcgen::CertifiedKey<rcgen::KeyPair>]) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate.cert.der().clone()).unwrap();
        }
        Self {
            roots,
            versions: rustls::ALL_VERSIONS,
            alpn: &["http/1.1"],
            identity: None,
        }
    }

    async fn dial(
        self,
        server: &Running,
        name: &'static str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(self.roots);
        let mut config = match self.identity {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key =
                    rustls::pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
                builder
                    .with_client_auth_cert(vec![own.cert.der().clone()], key)
                    .unwrap()
            }
        };
        config.alpn_protocols = self
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let stream = TcpStream::connect(server.address).await?;
        let name = ServerName::try_from(name).unwrap();
        within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
    }
}

async fn asked(mut stream: TlsStream<TcpStream>) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut got = Vec::new();
    let _ = stream.write_all(LAST.as_bytes()).await;
    let _ = within(stream.read_to_end(&mut got)).await;
    String::from_utf8(got).unwrap()
}

#[tokio::test]
async fn http_1_and_2_are_spoken_by_alpn() {
    let dir = tempfile::tempdir().unwrap();
    let own = issue(dir.path(), "a.test");
    let tls = json!({ "tls": { "keys": keys(dir.path(), &["a.test"]) } });
    let server = Running::start(&tls, &Backend::echo());

    let stream = Dialer::trusting(&[&own])
        .dial(&server, "a.test")
        .await
        .unwrap();
    assert_eq!(status(&asked(stream).await), "200");

    let dialer = Dialer {
        alpn: &["h2", "http/1.1"],
        ..Dialer::trusting(&[&own])
    };
    let stream = dialer.dial(&server, "a.test").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://a.test/x")
        .body(Empty::<Bytes>::new())
        .unwrap();
    assert_eq!(
        within(client.send_request(request)).await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn the_first_key_is_for_names_that_no_other_has() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (issue(dir.path(), "a.test"), issue(dir.path(), "b.test"));
    let tls = json!({ "tls": { "keys": keys(dir.path(), &["a.test", "b.test"]) } });
    let server = Running::start(&tls, &Backend::echo());
    for (name, certificate) in [("a.test", &first), ("b.test", &second)] {
        let stream = Dialer::trusting(&[&first, &second])
            .dial(&server, name)
            .await
            .unwrap();
        let shown = &stream.get_ref().1.peer_certificates().unwrap()[0];
        assert_eq!(shown, certificate.cert.der(), "{name}");
    }
    let refused = Dialer::trusting(&[&first, &second])
        .dial(&server, "c.test")
        .await;
    assert!(
        refused.unwrap_err().to_string().contains("a.test"),
        "the first was shown"
    );
}

#[tokio::test]
async fn tls_1_2_is_spoken_where_configured_only() {
    let dir = tempfile::tempdir().unwrap();
    let own = issue(dir.path(), "a.test");
    for (oldest, works) in [("TLS12", true), ("TLS13", false)] {
        let tls =
            json!({ "tls": { "keys": keys(dir.path(), &["a.test"]), "min_version": oldest } });
        let server = Running::start(&tls, &Backend::echo());
        static OLD: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];
        let dialer = Dialer {
            versions: OLD,
            ..Dialer::trusting(&[&own])
        };
        assert_eq!(
            dialer.dial(&server, "a.test").await.is_ok(),
            works,
            "{oldest}"
        );
    }
}

#[tokio::test]
async fn mtls_wants_a_certificate_of_a_known_ca() {
    let dir = tempfile::tempdir().unwrap();
    let own = issue(dir.path(), "a.test");
    let known = issue(dir.path(), "known.test");
    let stranger = issue(dir.path(), "stranger.test");
    let tls = json!({ "tls": {
        "keys": keys(dir.path(), &["a.test"]), "enable_mtls": true,
        "ca_certs": [dir.path().join("known.test.pem")], "disable_system_ca_pool": true,
    } });
    let server = Running::start(&tls, &Backend::echo());
    for (identity, expected) in [
        (None, "none"),
        (Some(stranger), "none"),
        (Some(known), "200"),
    ] {
        let dialer = Dialer {
            identity,
            ..Dialer::trusting(&[&own])
        };
        // With TLS 1.3 a client learns of the refusal when it reads.
        let answer = match dialer.dial(&server, "a.test").await {
            Ok(stream) => asked(stream).await,
            Err(_) => String::new(),
        };
        assert_eq!(status(&answer), expected);
    }
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    issue(dir.path(), "a.test");
    let tls = json!({ "tls": { "keys": keys(dir.path(), &["a.test"]) } });
    let server = Running::start(&tls, &Backend::echo());
    let answer = server.exchange(GET).await;
    assert!(
        answer.starts_with("HTTP/1.0 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(answer.contains("HTTPS server"), "{answer}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    issue(dir.path(), "a.test");
    issue(dir.path(), "b.test");
    let path = |name| dir.path().join(name);
    fs::write(path("garbage"), "garbage").unwrap();
    let cases = [
        ("missing", "a.test.key", "tls.keys[0].public_key", "missing"),
        ("garbage", "a.test.key", "tls.keys[0].public_key", "garbage"),
        (
            "a.test.pem",
            "missing",
            "tls.keys[0].private_key",
            "missing",
        ),
        (
            "a.test.pem",
            "a.test.pem",
            "tls.keys[0].private_key",
            "a.test.pem",
        ),
        (
            "a.test.pem",
            "b.test.key",
            "tls.keys[0].private_key",
            "b.test.key",
        ),
    ];
    for (public, private, place, file) in cases {
        let keys = json!([{ "public_key": path(public), "private_key": path(private) }]);
        let tls = json!({ "tls": { "keys": keys } });
        let error = Running::try_start(&tls, &Backend::echo())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.starts_with(&format!("{place}: ")),
            "{public} {private}: {error}"
        );
        assert!(
            error.contains(&path(file).display().to_string()),
            "{public} {private}: {error}"
        );
    }
}
