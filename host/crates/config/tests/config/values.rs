//! What the values of a file become.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use cuttle_config::{
    Backend, BackendProxy, Encoding, InputHeaders, InputQueryStrings, Isolation, KeyPath,
    LogFormat, LogLevel, OutputEncoding, ProxySharing, ProxySource, Reference, Severity,
    TlsVersion, UrlPart,
};

use crate::json;

/// A no-op endpoint `/a/{id}` with this backend object.
pub(crate) fn backend(object: &str) -> Backend {
    let text = format!(
        r#"{{"version": 3, "endpoints": [{{"endpoint": "/a/{{id}}", "output_encoding": "no-op",
            "method": "PUT", "backend": [{object}]}}]}}"#
    );
    json(&text)
        .unwrap()
        .service
        .endpoints
        .remove(0)
        .backends
        .remove(0)
}

#[test]
fn an_empty_configuration_has_the_defaults_of_krakend() {
    let loaded = json(r#"{"version": 3}"#).unwrap();
    let service = loaded.service;

    assert_eq!(loaded.warnings, []);
    assert!(service.endpoints.is_empty());
    assert_eq!(service.max_shutdown_wait_time, None);
    assert_eq!((service.listen.port, service.listen.ip), (8080, None));
    assert_eq!(service.listen.max_header_bytes, 1 << 20);
    assert_eq!(service.listen.idle_timeout, None);
    assert_eq!(service.client.max_idle_connections, None);
    assert_eq!(service.client.max_idle_connections_per_host, 250);
    assert_eq!(service.client.dialer_timeout, None);
    assert_eq!(
        service.client.dialer_fallback_delay,
        Some(Duration::from_millis(300))
    );
    assert_eq!(
        service.client.dialer_keep_alive,
        Some(Duration::from_secs(15))
    );
    assert_eq!(service.client.tls.min_version, TlsVersion::Tls12);
    assert_eq!(service.client.tls.max_version, TlsVersion::Tls13);
    assert_eq!(service.router.health_path, "/__health");
    assert_eq!(
        service.router.remote_ip_headers,
        ["x-forwarded-for", "x-real-ip"]
    );
    assert!(
        service.router.trusted_proxies.is_empty(),
        "nobody is trusted"
    );
    assert!(service.router.forwarded_by_client_ip);
    // KrakenD's is DEBUG, which here has a line for every backend call.
    assert_eq!(service.logging.level, LogLevel::Info);
    assert_eq!(service.logging.format, LogFormat::Text);
    assert!(!service.http.gateway_errors && !service.http.http2_backends);
    assert_eq!(service.http.status_path, None);
}

#[test]
fn an_endpoint_takes_over_what_it_does_not_say() {
    let text = r#"{"version": 3, "timeout": "3s", "cache_ttl": "1m", "output_encoding": "no-op",
        "host": ["service.com/"], "endpoints": [
        {"endpoint": "a", "backend": [{}]},
        {"endpoint": "/b", "method": "post", "timeout": "1s", "cache_ttl": "2m",
         "output_encoding": "json", "concurrent_calls": 1,
         "backend": [{"host": "own.com:81", "method": "patch"}]}]}"#;
    let loaded = json(text).unwrap();
    let [a, b] = loaded.service.endpoints.as_slice() else {
        panic!("two endpoints");
    };

    assert_eq!(loaded.warnings, []);
    assert_eq!((a.path.text.as_str(), a.method.as_str()), ("/a", "GET"));
    assert_eq!((a.timeout.as_secs(), a.cache_ttl.as_secs()), (3, 60));
    assert_eq!(a.output_encoding, OutputEncoding::NoOp);
    assert_eq!(a.place, KeyPath::root().key("endpoints").index(0));
    assert_eq!(
        a.backends[0].encoding,
        Encoding::NoOp,
        "forced by the output"
    );
    assert_eq!(a.backends[0].url_pattern.text, "/");
    assert_eq!(a.backends[0].method, "GET");
    assert_eq!(format!("{:?}", a.backends[0].hosts), "[http://service.com]");
    assert_eq!(a.backends[0].place.as_str(), "endpoints[0].backend[0]");
    assert_eq!((b.timeout.as_secs(), b.cache_ttl.as_secs()), (1, 120));
    assert_eq!(b.output_encoding, OutputEncoding::Json);
    assert_eq!(b.backends[0].encoding, Encoding::Json);
    assert_eq!(b.backends[0].method, "PATCH");
    assert_eq!(format!("{:?}", b.backends[0].hosts), "[http://own.com:81]");
}

#[test]
fn values_of_another_type_are_read_where_krakend_reads_them() {
    let text = r#"{"VERSION": "3", "Port": "9090", "name": 5, "use_h2c": "T",
        "max_idle_connections": 10.0, "disable_keep_alives": 1, "idle_timeout": "",
        "endpoints": {"endpoint": "/a", "output_encoding": "no-op", "input_headers": "Accept",
        "input_query_strings": ["a", 1], "backend": {"host": "a.com"}}}"#;
    let text = text.replace(r#""idle_timeout": "","#, "");
    let service = json(&text).unwrap().service;

    assert_eq!(service.listen.port, 9090);
    assert_eq!(service.name, "5");
    assert!(service.listen.h2c);
    assert_eq!(service.client.max_idle_connections, Some(10));
    assert!(service.client.disable_keep_alives);
    let endpoint = &service.endpoints[0];
    assert_eq!(
        endpoint.input_headers,
        InputHeaders::List(vec![http::header::ACCEPT])
    );
    assert_eq!(
        endpoint.input_query_strings,
        InputQueryStrings::List(vec!["a".to_owned(), "1".to_owned()])
    );
}

#[test]
fn zero_is_the_default_and_less_switches_off() {
    let client = |text: &str| json(text).unwrap().service.client;
    let zero = client(
        r#"{"version": 3, "dialer_keep_alive": 0, "dialer_fallback_delay": "0s",
            "max_idle_connections_per_host": 0, "max_idle_connections": 0}"#,
    );
    let off =
        client(r#"{"version": 3, "dialer_keep_alive": "-1s", "dialer_fallback_delay": "-1s"}"#);
    let some =
        client(r#"{"version": 3, "dialer_keep_alive": "1s", "dialer_fallback_delay": "2s"}"#);

    assert_eq!(zero.dialer_keep_alive, Some(Duration::from_secs(15)));
    assert_eq!(zero.dialer_fallback_delay, Some(Duration::from_millis(300)));
    assert_eq!(zero.max_idle_connections_per_host, 250);
    assert_eq!(zero.max_idle_connections, None);
    assert_eq!(
        (off.dialer_keep_alive, off.dialer_fallback_delay),
        (None, None)
    );
    assert_eq!(some.dialer_keep_alive, Some(Duration::from_secs(1)));
    assert_eq!(some.dialer_fallback_delay, Some(Duration::from_secs(2)));
}

#[test]
fn an_idle_connection_waits_as_long_as_a_read() {
    let listen = |text: &str| json(text).unwrap().service.listen;

    let read = listen(r#"{"version": 3, "read_timeout": "2s"}"#);
    assert_eq!(read.idle_timeout, Some(Duration::from_secs(2)));
    let both = listen(r#"{"version": 3, "read_timeout": "2s", "idle_timeout": "9s"}"#);
    assert_eq!(both.idle_timeout, Some(Duration::from_secs(9)));
}

#[test]
fn the_short_name_of_a_namespace_wins() {
    let backend = backend(
        r#"{"host": "a.com", "extra_config": {
            "github_com/devopsfaith/krakend/transport/http/client/executor": {"name": "long"},
            "plugin/http-client": {"name": "short"}}}"#,
    );
    assert_eq!(backend.plugin.unwrap().label(), "short");
}

#[test]
fn a_backend_names_its_proxy_or_refuses_any() {
    let proxy = |value: &str| {
        let object = format!(
            r#"{{"host": "a.com", "extra_config": {{"backend/http/client": {{{value}}}}}}}"#
        );
        backend(&object).http_client.proxy
    };

    assert!(matches!(proxy(""), BackendProxy::Environment));
    assert!(matches!(
        proxy(r#""proxy_address": "direct""#),
        BackendProxy::Direct
    ));
    for (written, expected) in [
        (
            r#""http://user:secret@p:3128""#,
            vec!["http://user:secret@p:3128"],
        ),
        (
            r#"["http://p:1", "socks5h://q:2"]"#,
            vec!["http://p:1", "socks5h://q:2"],
        ),
        (r#"["http://p:1", "http://p:1"]"#, vec!["http://p:1"]),
    ] {
        let BackendProxy::Forward(proxy) = proxy(&format!(r#""proxy_address": {written}"#)) else {
            panic!("{written} is no forward proxy");
        };
        let ProxySource::Addresses { addresses, sharing } = proxy.source else {
            panic!("{written} has no addresses");
        };
        let texts: Vec<_> = addresses.iter().map(|address| &address.text).collect();
        assert_eq!(texts, expected);
        assert_eq!(sharing, ProxySharing::Order);
    }
}

#[test]
fn a_proxy_has_its_options() {
    let object = r#"{"host": "a.com", "extra_config": {"backend/http/client": {
        "proxy_address": ["https://p:1", "https://q:1"], "proxy_sharing": "spread",
        "proxy_username": {"env": "USER_NAME"}, "proxy_password": {"file": "/run/secrets/p"},
        "proxy_connect_headers": {"X-Team": "blue", "X-Token": {"env": "TOKEN"}},
        "no_proxy": ["a.com, .b.com", "10.0.0.0/8"], "proxy_tunnel": true,
        "proxy_ca": "ca.pem", "proxy_client_certificate": {"env": "PEM"},
        "proxy_http2": true, "proxy_connect_timeout": "2s"}}}"#;
    let BackendProxy::Forward(proxy) = backend(object).http_client.proxy else {
        panic!("no forward proxy");
    };
    assert!(matches!(
        proxy.source,
        ProxySource::Addresses {
            sharing: ProxySharing::Spread,
            ..
        }
    ));
    let variable = |name: &str| Reference::Variable(name.to_owned());
    let file = |name: &str| Reference::File(name.into());
    assert_eq!(proxy.username, Some(variable("USER_NAME")));
    assert_eq!(proxy.password, Some(file("/run/secrets/p")));
    let headers: Vec<_> = proxy.connect_headers;
    assert_eq!(headers[0].0, "x-team");
    assert_eq!(headers[0].1, Reference::Text("blue".to_owned()));
    assert_eq!(headers[1].1, variable("TOKEN"));
    assert_eq!(proxy.no_proxy, ["a.com", ".b.com", "10.0.0.0/8"]);
    assert!(proxy.tunnel && proxy.http2);
    assert_eq!(proxy.ca, Some(file("ca.pem")));
    assert_eq!(proxy.client_certificate, Some(variable("PEM")));
    assert_eq!(proxy.connect_timeout, Some(Duration::from_secs(2)));
}

#[test]
fn a_backend_may_leave_the_choice_to_a_script() {
    let object = r#"{"host": "a.com", "extra_config": {"backend/http/client": {
        "proxy_pac": "/etc/proxy.pac"}}}"#;
    let BackendProxy::Forward(proxy) = backend(object).http_client.proxy else {
        panic!("no forward proxy");
    };
    assert!(matches!(proxy.source, ProxySource::Pac(file) if file == Path::new("/etc/proxy.pac")));
}

#[test]
fn secrets_are_not_shown() {
    let text = r#"{"version": 3, "extra_config": {"cuttle/plugins": {"grants": {
            "p": {"proxies": ["http://user:secret@p:1"]}}}}, "endpoints": [
        {"endpoint": "/a", "output_encoding": "no-op", "backend": [{"host": "http://u:secret@a.com",
            "disable_host_sanitize": true, "extra_config": {
            "plugin/http-client": {"name": "p", "key": "secret"},
            "backend/http/client": {"proxy_address": "http://user:secret@p:1",
                "proxy_username": "secret", "proxy_password": "secret",
                "proxy_connect_headers": {"x-token": "secret"}}}}]}]}"#;
    let loaded = json(text).unwrap();
    let host = &loaded.service.endpoints[0].backends[0].hosts[0];

    assert_eq!(host.userinfo.as_deref(), Some("u:secret"));
    assert_eq!(host.authority.as_str(), "a.com");
    assert!(!format!("{loaded:?}").contains("secret"), "{loaded:?}");
    let proxy = &loaded.service.plugins.grants["p"].proxies;
    assert_eq!(proxy, &["http://user:secret@p:1"]);
}

#[test]
fn the_placeholders_of_a_url_pattern_are_told_from_its_text() {
    let parts = |pattern: &str| {
        backend(&format!(
            r#"{{"host": "a.com", "url_pattern": "{pattern}"}}"#
        ))
        .url_pattern
        .parts
    };
    let text = |text: &str| UrlPart::Text(text.to_owned());
    let id = || UrlPart::Param("id".to_owned());

    assert_eq!(parts("a"), [text("/a")]);
    assert_eq!(parts("/{id}"), [text("/"), id()]);
    assert_eq!(parts("{id}"), [text("/"), id()]);
    assert_eq!(
        parts("/a/{id}.json?x={id}&y={ id }"),
        [text("/a/"), id(), text(".json?x="), id(), text("&y={ id }")]
    );
}

#[test]
fn options_of_the_service_arrive() {
    let text = r#"{"version": 3, "listen_ip": "127.0.0.1", "max_shutdown_wait_time": "5s",
        "plugin": {"folder": "/p", "pattern": "krakend-.so"},
        "tls": {"public_key": "c.pem", "private_key": "k.pem", "max_version": "TLS12"},
        "client_tls": {"ca_certs": ["ca.pem"], "client_certs": [
            {"certificate": "c", "private_key": "k"}]},
        "extra_config": {
            "router": {"use_h2c": true, "trusted_proxies": ["10.0.0.0/8", "::1"],
                "error_body": {"404": {"n": 1.0}}, "hide_version_header": true},
            "telemetry/logging": {"level": "warning", "format": "logstash", "prefix": "[X]"},
            "cuttle/http": {"gateway_errors": true, "http2_backends": true, "status_path": "/__status",
                "dns_servers": ["10.0.0.2", "10.0.0.3:8600", "::1", "[::1]:8600"],
                "metrics_path": "/__metrics", "max_connections": 9, "max_connections_per_address": 3,
                "first_byte_timeout": "1s", "tls_handshake_timeout": "2s", "stall_timeout": "3s",
                "flush_timeout": "4s"},
            "github.com/devopsfaith/krakend/transport/http/server/handler": {"name": ["a", "b"]},
            "cuttle/plugins": {"isolation": "request", "cache_dir": "/c",
                "grants": {"p": {"outbound": ["a.com", "b.com:1"], "addresses": ["10.0.0.0/8", "::1"]}},
                "limits": {"p": {"memory": "16MiB", "timeout": "1s", "instances": 3, "host_calls": 9}}}}}"#;
    let service = json(text).unwrap().service;

    assert_eq!(service.listen.ip, Some(IpAddr::from([127, 0, 0, 1])));
    let listen = &service.listen;
    assert_eq!(
        (listen.max_connections, listen.max_connections_per_address),
        (9, 3)
    );
    assert_eq!(listen.first_byte_timeout, Some(Duration::from_secs(1)));
    let times = [
        listen.tls_handshake_timeout,
        listen.stall_timeout,
        listen.flush_timeout,
    ];
    assert_eq!(times, [2, 3, 4].map(Duration::from_secs));
    assert_eq!(service.max_shutdown_wait_time, Some(Duration::from_secs(5)));
    let folder = service.plugin_folder.unwrap();
    assert_eq!(
        (folder.folder, folder.pattern.as_str()),
        (PathBuf::from("/p"), "krakend-.wasm")
    );
    let tls = service.listen.tls.unwrap();
    assert_eq!(tls.keys[0].certificate, PathBuf::from("c.pem"));
    assert_eq!(
        (tls.min_version, tls.max_version),
        (TlsVersion::Tls12, TlsVersion::Tls12)
    );
    let tls = service.client.tls;
    assert_eq!(
        (tls.min_version, tls.max_version),
        (TlsVersion::Tls13, TlsVersion::Tls13)
    );
    assert_eq!(tls.client_certs[0].private_key, PathBuf::from("k"));
    assert!(service.listen.h2c && service.router.hide_version_header);
    assert_eq!(
        service.router.error_body_404.as_deref(),
        Some(r#"{"n":1.0}"#)
    );
    assert_eq!(service.router.trusted_proxies.len(), 2);
    assert_eq!(service.logging.level, LogLevel::Warning);
    assert_eq!(service.logging.format, LogFormat::Json);
    assert!(service.http.gateway_errors && service.http.http2_backends);
    assert_eq!(service.http.status_path.as_deref(), Some("/__status"));
    let servers = service.http.dns_servers.iter().map(ToString::to_string);
    assert_eq!(
        servers.collect::<Vec<_>>(),
        ["10.0.0.2:53", "10.0.0.3:8600", "[::1]:53", "[::1]:8600"]
    );
    assert_eq!(service.http.metrics_path.as_deref(), Some("/__metrics"));
    assert_eq!(service.server_plugins.unwrap().label(), "a, b");
    assert_eq!(service.plugins.isolation["*"], Isolation::Request);
    assert_eq!(service.plugins.limits["p"].memory, Some(16 << 20));
    assert_eq!(
        service.plugins.limits["p"].timeout,
        Some(Duration::from_secs(1))
    );
    assert_eq!(service.plugins.limits["p"].host_calls, Some(9));
    let grants = &service.plugins.grants["p"];
    assert_eq!(grants.outbound, ["a.com", "b.com:1"]);
    assert_eq!(grants.addresses, ["10.0.0.0/8", "::1"]);
}

#[test]
fn later_stages_can_point_at_the_file() {
    let text = "{\"version\": 3, \"endpoints\": [\n {\"endpoint\": \"/a\", \"backend\": [\n  \
        {\"host\": \"a\", \"extra_config\": {\n   \
        \"github.com/devopsfaith/krakend/transport/http/client/executor\": {\"name\": \"p\"}}}]}]}";
    let loaded = json(text).unwrap();
    let plugin = loaded.service.endpoints[0].backends[0]
        .plugin
        .clone()
        .unwrap();
    let problem = |path: &KeyPath| {
        let problem = loaded.sources.problem(Severity::Error, path, "bad", None);
        (problem.line.unwrap(), problem.column.unwrap())
    };

    assert_eq!(problem(&KeyPath::root()), (1, 1));
    assert_eq!(problem(&KeyPath::root().key("Version")), (1, 2));
    assert_eq!(problem(&KeyPath::root().key("versions")), (1, 1));
    assert_eq!(problem(&plugin.place), (4, 4));
    assert_eq!(problem(&plugin.place.key("name")), (4, 70));
    assert_eq!(problem(&plugin.place.key("missing").key("too")), (4, 4));
    assert_eq!(problem(&KeyPath::root().key("endpoints").index(7)), (1, 16));
    let shown = loaded.sources.problem(
        Severity::Warning,
        &plugin.place,
        "bad",
        Some("h".to_owned()),
    );
    assert_eq!(
        shown.to_string(),
        "krakend.json:4:4: warning: \
         endpoints[0].backend[0].extra_config[\"plugin/http-client\"]: bad\n  help: h"
    );
}

#[test]
fn all_formats_give_the_same_values() {
    let options = cuttle_config::Options::default();
    let yaml = "version: 3\nport: 0x2328\nendpoints:\n- endpoint: /a\n  timeout: 1s\n  backend:\n  \
        - host: [a.com]\n    extra_config:\n      plugin/http-client: {name: p, n: +1.50, s: '1', z: 010}\n";
    let toml = "version = 3\nport = 9_000\n[[endpoints]]\nendpoint = '/a'\ntimeout = '1s'\n\
        [[endpoints.backend]]\nhost = ['a.com']\n[endpoints.backend.extra_config]\n\
        'plugin/http-client' = {name = 'p', n = 1.5, s = '1', z = 10}\n";
    for (name, text, number) in [("k.yml", yaml, "1.50"), ("k.TOML", toml, "1.5")] {
        let loaded = cuttle_config::parse(text, name.as_ref(), &options).unwrap();
        let endpoint = &loaded.service.endpoints[0];
        assert_eq!(loaded.service.listen.port, 9000, "{name}");
        assert_eq!(endpoint.timeout.as_secs(), 1, "{name}");
        assert_eq!(
            endpoint.backends[0].plugin.as_ref().unwrap().settings,
            format!(r#"{{"name":"p","n":{number},"s":"1","z":10}}"#),
            "{name}"
        );
    }
}
