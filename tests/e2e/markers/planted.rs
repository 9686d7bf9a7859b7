//! A configuration, an environment, files and requests with a secret in every place that
//! can hold one, and the peers that they are meant for.

use std::{path::Path, sync::Arc};

use cuttle_tests::{Authority, FaultProxy, Origin, Reply, Step, fixture};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    marker::{Marker, Whose, text},
    traffic,
};
use crate::support::{
    by_client, endpoint, plugin_folder, plugins_from_folder, service, with, with_backend,
    with_client, with_plugin,
};

/// What is planted as a text, by whose it is.
const OPERATORS: [&str; 20] = [
    "user information for a plugin",
    "user information for the client",
    "proxy password",
    "proxy password from the environment",
    "proxy password from a file",
    "proxy user from the environment",
    "field for CONNECT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "answer of a PAC file",
    "user information of a host",
    "key in url_pattern",
    "signature in url_pattern",
    "setting of a plugin by its name",
    "setting of a plugin in a list",
    "setting that a schema marks",
    "setting of a plugin in front",
    "field that a modifier sets",
    "secret of a setting from a file",
    "grant of a proxy",
];
const PASSING: [&str; 15] = [
    "Authorization",
    "Cookie",
    "X-Api-Key",
    "Proxy-Authorization",
    "token of a query",
    "signature of a query",
    "body of a request",
    "form of a request",
    "Set-Cookie",
    "body of an answer",
    "body of an error",
    "broken body",
    "Location",
    "answer to CONNECT",
    "static data",
];
/// In paths of the endpoint for everything that a request carries.
const PLUGINS: [&str; 4] = ["hands-on", "modifies-as-told", "guards", "uses-the-kit"];

/// Everything that runs beside the gateway.
pub(super) struct Planted {
    pub(super) folder: Arc<TempDir>,
    pub(super) config: Value,
    pub(super) markers: Vec<Marker>,
    pub(super) environment: Vec<(&'static str, String)>,
    /// Who is to see secrets: what each of them has seen shows that they are in use.
    pub(super) origin: Origin,
    secure: Origin,
    pub(super) proxy: FaultProxy,
    pub(super) refusing: FaultProxy,
    _authority: Authority,
}

/// `user` and the marker of a kind, in front of the host of `url`.
fn with_user(url: &str, kind: &str) -> String {
    url.replace("//", &format!("//user:{}@", text(kind)))
}

impl Planted {
    pub(super) async fn new() -> Self {
        let authority = Authority::new();
        let folder = plugin_folder(&PLUGINS.map(fixture).each_ref().map(|file| file.as_path()));
        let origin = Origin::start(|head| traffic::answer(head.target())).await;
        let secure = Origin::start_tls(&authority, |_| Reply::text("secure")).await;
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let proxy = FaultProxy::start(vec![Step::Head, Step::send(ok)]).await;
        let answer = text("answer to CONNECT");
        let no = format!(
            "HTTP/1.1 407 {answer}\r\nProxy-Authenticate: Basic realm={answer}\r\n\
             Content-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        let refusing = FaultProxy::start(vec![Step::Head, Step::send(&no)]).await;
        let mut markers = Vec::new();
        for (whose, kinds) in [
            (Whose::Operators, &OPERATORS[..]),
            (Whose::Passing, &PASSING),
        ] {
            markers.extend(kinds.iter().map(|kind| Marker::new(kind, whose)));
        }
        markers.extend(keys(&authority, folder.path()));
        let mut planted = Self {
            config: Value::Null,
            environment: environment(&proxy, &refusing),
            folder,
            markers,
            origin,
            secure,
            proxy,
            refusing,
            _authority: authority,
        };
        planted.write_files();
        planted.config = planted.configuration();
        planted
    }

    fn write_files(&self) {
        let write = |name: &str, content: &str| {
            std::fs::write(self.folder.path().join(name), content).expect("a file");
        };
        write("password", &text("proxy password from a file"));
        write("setting", &text("secret of a setting from a file"));
        let leaked = text("answer of a PAC file");
        let script = format!(
            "function FindProxyForURL(url, host) {{ return 'PROXY user:{leaked}@{}'; }}",
            self.proxy.authority()
        );
        write("proxy.pac", &script);
    }

    fn configuration(&self) -> Value {
        let mut endpoints = self.proxied();
        endpoints.extend(self.direct());
        let endpoints =
            endpoints
                .into_iter()
                .map(|endpoint| match endpoint.get("input_headers").is_some() {
                    true => endpoint,
                    false => {
                        let endpoint = with(endpoint, "input_headers", json!(["*"]));
                        with(endpoint, "input_query_strings", json!(["*"]))
                    }
                });
        let mut config = plugins_from_folder(service(endpoints.collect()));
        config["debug_endpoint"] = json!(true);
        config["client_tls"] = json!({
            "ca_certs": ["ca.pem"],
            "client_certs": [{ "certificate": "client/cert.pem", "private_key": "client/key.pem" }],
        });
        let granted = with_user("http://127.0.0.1:1", "grant of a proxy");
        config["extra_config"] = json!({
            "router": { "return_error_msg": true },
            "cuttle/http": { "status_path": "/__status", "metrics_path": "/__metrics" },
            "cuttle/plugins": {
                "grants": { "uses-the-kit": { "proxies": [granted] } },
                "cache_dir": self.folder.path().join("cache"),
            },
            "telemetry/logging": { "level": "DEBUG", "stdout": true },
            "plugin/http-server": {
                "name": "guards", "api_key": text("setting of a plugin in front"),
            },
        });
        config
    }

    /// By every way to a proxy, well and not.
    fn proxied(&self) -> Vec<Value> {
        let (good, bad) = (self.proxy.url(), self.refusing.url());
        let field = text("field for CONNECT");
        let client = |path, host: &str, settings| with_client(endpoint(path, host), settings);
        let named = |path, host: &str, mut settings: Value| {
            settings["name"] = json!("http-proxy");
            with_plugin(endpoint(path, host), settings)
        };
        let behind = "http://behind.test";
        let secure = "https://behind.test";
        let by_file = json!({
            "proxy_address": bad, "proxy_username": "user", "proxy_password": { "file": "password" },
            "proxy_connect_headers": { "x-connect": field },
        });
        let by_env = json!({
            "proxy_address": good, "proxy_username": { "env": "PROXY_USER" },
            "proxy_password": { "env": "PROXY_PASSWORD" },
        });
        let text_password = json!({
            "proxy_address": good, "proxy_username": "user", "proxy_password": text("proxy password"),
        });
        let shown = json!({ "proxy_address": good, "proxy_client_certificate": "shown.pem" });
        vec![
            named(
                "/plugin/user",
                behind,
                json!({
                    "proxy_address": with_user(&good, "user information for a plugin"),
                }),
            ),
            by_client(
                endpoint("/client/user", behind),
                &with_user(&good, "user information for the client"),
            ),
            client("/client/text", behind, text_password),
            client("/client/env", behind, by_env.clone()),
            named("/plugin/env", behind, by_env),
            client("/client/file", secure, by_file.clone()),
            named("/plugin/file", secure, by_file),
            named("/plugin/certificate", behind, shown),
            client("/pac", behind, json!({ "proxy_pac": "proxy.pac" })),
            endpoint("/environment", behind),
            endpoint("/environment/tls", secure),
        ]
    }

    /// To the origin.
    fn direct(&self) -> Vec<Value> {
        let url = self.origin.url();
        let signed = format!(
            "/signed?api_key={}&X-Amz-Signature={}",
            text("key in url_pattern"),
            text("signature in url_pattern"),
        );
        let modifier = json!({ "plugin/req-resp-modifier": {
            "name": ["modifies-as-told"],
            "modifies-as-told": {
                "request": [{ "set_header": ["authorization", text("field that a modifier sets")] }],
            },
        } });
        let data = json!({ "token": text("static data") });
        let json_of = |path: &str| {
            with_backend(
                with(endpoint(path, &url), "output_encoding", json!("json")),
                "encoding",
                json!("json"),
            )
        };
        let post = |endpoint| with(endpoint, "method", json!("POST"));
        vec![
            with(
                with_backend(
                    endpoint("/host", &with_user(&url, "user information of a host")),
                    "disable_host_sanitize",
                    json!(true),
                ),
                "input_headers",
                json!(["x-api-key"]),
            ),
            with_backend(
                with_backend(endpoint("/signed", &url), "url_pattern", json!(signed)),
                "extra_config",
                modifier,
            ),
            post(with_plugin(
                endpoint("/list", &url),
                json!({
                    "name": ["hands-on", "http-proxy"],
                    "proxy_address": self.proxy.url(),
                    "api_key": text("setting of a plugin in a list"),
                    "hands-on": { "token": text("setting of a plugin by its name") },
                }),
            )),
            post(with_plugin(
                endpoint("/kit", &url),
                json!({
                    "name": "uses-the-kit", "greeting": "hello",
                    "pin": text("setting that a schema marks"),
                }),
            )),
            with_plugin(
                endpoint("/kit/file", &url),
                json!({
                    "name": "hands-on", "proxy_username": { "file": "setting" },
                }),
            ),
            with(
                json_of("/broken"),
                "extra_config",
                json!({ "proxy": {
                "static": { "strategy": "always", "data": data },
            } }),
            ),
            json_of("/status"),
            with_backend(
                json_of("/code"),
                "extra_config",
                json!({
                    "backend/http": { "return_error_code": true },
                }),
            ),
            endpoint("/redirect", &url),
            endpoint("/secure", &self.secure.url()),
        ]
    }

    /// The secrets that came where they belong: without that, nothing was tested.
    pub(super) fn assert_used(&self) {
        let (origin, proxy) = (self.origin.journal().text(), self.proxy.journal().text());
        let refusing = self.refusing.journal().text();
        for (seen, kinds) in [
            (
                &origin,
                &[
                    "user information of a host",
                    "field that a modifier sets",
                    "key in url_pattern",
                    "signature in url_pattern",
                    "Authorization",
                    "Cookie",
                    "X-Api-Key",
                    "token of a query",
                    "signature of a query",
                    "body of a request",
                    "form of a request",
                ][..],
            ),
            (
                &proxy,
                &[
                    "user information for a plugin",
                    "user information for the client",
                    "proxy password",
                    "proxy password from the environment",
                    "proxy user from the environment",
                    "HTTP_PROXY",
                ],
            ),
            (
                &refusing,
                &[
                    "proxy password from a file",
                    "field for CONNECT",
                    "HTTPS_PROXY",
                ],
            ),
        ] {
            for kind in kinds {
                let marker = Marker::new(kind, Whose::Operators);
                assert!(marker.found_in(seen).is_some(), "{kind} was not used");
            }
        }
    }
}

fn environment(proxy: &FaultProxy, refusing: &FaultProxy) -> Vec<(&'static str, String)> {
    vec![
        ("HTTP_PROXY", with_user(&proxy.url(), "HTTP_PROXY")),
        ("HTTPS_PROXY", with_user(&refusing.url(), "HTTPS_PROXY")),
        ("PROXY_USER", text("proxy user from the environment")),
        (
            "PROXY_PASSWORD",
            text("proxy password from the environment"),
        ),
    ]
}

/// Files with private keys.
fn keys(authority: &Authority, folder: &Path) -> Vec<Marker> {
    std::fs::copy(authority.file(), folder.join("ca.pem")).expect("a copy");
    let read = |path: &Path| std::fs::read_to_string(path).expect("a file of the test");
    let issue = |name: &str| {
        let own = folder.join(name);
        std::fs::create_dir(&own).expect("a folder");
        let (certificate, key) = authority.issue(&["client.test"], &own);
        (read(&certificate), read(&key))
    };
    let (_, client) = issue("client");
    let (_, listener) = issue("listener");
    let (certificate, shown) = issue("shown");
    std::fs::write(folder.join("shown.pem"), certificate + &shown).expect("a file");
    vec![
        Marker::key("key of client_tls", &client),
        Marker::key("key of the listener", &listener),
        Marker::key("key of proxy_client_certificate", &shown),
    ]
}
