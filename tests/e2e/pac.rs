//! `proxy_pac`: a script decides about the way of each target.

use cuttle_tests::{FaultProxy, Gateway, Origin, Step, TestResult};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{endpoint, service};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nby the proxy";

/// A PAC file in a folder of its own.
struct Script(TempDir);

impl Script {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("proxy.pac"), text).expect("a file");
        Self(folder)
    }

    /// An endpoint that goes where the script says.
    fn leads(&self, endpoint: Value) -> Value {
        by_pac(endpoint, &self.0.path().join("proxy.pac").to_string_lossy())
    }
}

fn by_pac(mut endpoint: Value, file: &str) -> Value {
    endpoint["backend"][0]["extra_config"] = json!({
        "backend/http/client": {
            "proxy_pac": file,
            "proxy_username": "user",
            "proxy_password": "s3cret",
            "no_proxy": ["excepted.test", "127.0.0.2"],
        }
    });
    endpoint
}

#[tokio::test]
async fn requests_go_where_the_script_says_and_nowhere_else() -> TestResult {
    let proxy = FaultProxy::start(vec![Step::Head, Step::send(ANSWER)]).await;
    let origin = Origin::replying("direct").await;
    let gone = FaultProxy::refused().await.replace("http://", "");
    let script = Script::new(&format!(
        "function FindProxyForURL(url, host) {{
            switch (host) {{
                case 'proxied.test': return 'PROXY {proxy}';
                case 'second.test': return 'PROXY {gone}; PROXY {proxy}; DIRECT';
                case 'throws.test': throw new Error('on purpose');
                case 'junk.test': return 'PROXY {proxy}; nonsense';
                case 'spins.test': while (true) {{}}
                case 'gone.test': return 'PROXY {gone}';
                default: return 'DIRECT';
            }}
        }}",
        proxy = proxy.authority()
    ));
    let names = ["proxied", "second", "throws", "junk", "spins", "gone"];
    let mut endpoints: Vec<_> = names
        .iter()
        .map(|name| endpoint(&format!("/{name}"), &format!("http://{name}.test")))
        .collect();
    endpoints.push(endpoint("/direct", &origin.url()));
    let endpoints = endpoints.into_iter().map(|e| script.leads(e)).collect();
    let gateway = Gateway::start(service(endpoints)).await?;

    assert_eq!(gateway.get("/proxied").await?.body, "by the proxy");
    assert_eq!(gateway.get("/second").await?.body, "by the proxy");
    assert_eq!(gateway.get("/direct").await?.body, "direct");
    let seen = proxy.journal().heads;
    assert_eq!(seen.len(), 2);
    for head in seen {
        assert_eq!(head.all("proxy-authorization"), ["Basic dXNlcjpzM2NyZXQ="]);
    }
    let direct = origin.last().head;
    assert!(direct.all("proxy-authorization").is_empty());

    for path in ["/throws", "/junk", "/spins", "/gone"] {
        assert_eq!(gateway.get(path).await?.status, 500, "{path}");
    }
    assert_eq!(proxy.journal().heads.len(), 2, "failures reach nobody");
    assert_eq!(origin.hits(), 1);
    assert_eq!(gateway.get("/proxied").await?.status, 200, "still well");
    assert!(!gateway.log().text().contains("s3cret"));
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_used_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content, expected) in [
        ("missing", None, "No such file"),
        ("binary", Some(vec![0xff; 10]), "UTF-8"),
        (
            "large",
            Some(vec![b' '; (1 << 20) + 1]),
            "limit for a PAC file",
        ),
        ("broken", Some(b"function {".to_vec()), "SyntaxError"),
    ] {
        let file = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&file, content).expect("a file");
        }
        let config = service(vec![by_pac(
            endpoint("/x", "http://127.0.0.1:10"),
            &file.to_string_lossy(),
        )]);
        let text = Gateway::start(config).await.expect_err(name).to_string();
        assert!(text.contains(expected), "{name}: {text}");
        assert!(text.contains(name), "{text}");
        let place = "endpoints[0].backend[0].extra_config[\"backend/http/client\"].proxy_pac";
        assert!(text.replace('\\', "").contains(place), "{name}: {text}");
    }
}
