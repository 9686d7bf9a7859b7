//! What each program is configured with: keep-alive on both sides, no log, no
//! limit that the load could meet.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};

use super::{Kind, MARKER, Scene, THROUGH};

/// Name of the file; JSON where the program reads that.
pub(super) const FILE: &str = "peer.json";

/// Writes what `kind` needs into `folder`. It is to listen at `own`: plain, and
/// with TLS if it can.
pub(super) fn write(
    kind: Kind,
    folder: &Path,
    scene: &Scene,
    own: [SocketAddr; 2],
) -> anyhow::Result<()> {
    let certificate = scene.certificate.display();
    let text = match kind {
        Kind::Origin => {
            write_answers(folder)?;
            origin(own, &certificate.to_string())
        }
        Kind::ForwardProxy => nginx(own, scene.origin, "", &format!("add_header {THROUGH} 1;")),
        Kind::Nginx => {
            let tls = tls_listener(own, &certificate.to_string());
            nginx(own, scene.origin, &tls, "")
        }
        Kind::Haproxy => haproxy(own, scene.origin, &certificate.to_string()),
        Kind::ApacheRemote => apache(own, scene, folder),
        Kind::Envoy => envoy(own, scene.origin).to_string(),
        Kind::Caddy => caddy(own, scene.origin, None).to_string(),
        Kind::CaddyProxied => caddy(own, scene.origin, Some(scene.proxy)).to_string(),
    };
    Ok(fs::write(folder.join(FILE), text)?)
}

/// Large answers begin like the small one.
fn write_answers(folder: &Path) -> anyhow::Result<()> {
    for (name, size) in [("64k", 64 << 10), ("1m", 1 << 20)] {
        let mut content = String::with_capacity(size);
        while content.len() + MARKER.len() <= size {
            content.push_str(MARKER);
        }
        content.extend(std::iter::repeat_n(' ', size - content.len()));
        fs::write(folder.join(name), content)?;
    }
    Ok(())
}

const NGINX_HEAD: &str = "daemon off;\nworker_processes auto;\npid pid;\nworker_rlimit_nofile 20000;\n\
    events { worker_connections 8192; }\n\
    http {\naccess_log off;\nkeepalive_requests 1000000000;\nkeepalive_timeout 1h;\n\
    client_max_body_size 0;\nclient_body_buffer_size 2m;\nsendfile on;\ndefault_type application/json;\n\
    client_body_temp_path a;\nproxy_temp_path b;\nfastcgi_temp_path c;\nuwsgi_temp_path d;\nscgi_temp_path e;\n\
    proxy_http_version 1.1;\nproxy_set_header Connection \"\";\nproxy_max_temp_file_size 0;\n";

fn tls_listener(own: [SocketAddr; 2], certificate: &str) -> String {
    format!(
        "listen {} ssl backlog=4096;\nssl_protocols TLSv1.2 TLSv1.3;\nssl_certificate {certificate}/cert.pem;\n\
         ssl_certificate_key {certificate}/key.pem;\n",
        own[1]
    )
}

/// `/up` answers when it has all of the request's body, which nginx reads before
/// it passes a request on.
fn origin(own: [SocketAddr; 2], certificate: &str) -> String {
    let tls = tls_listener(own, certificate);
    format!(
        "{NGINX_HEAD}upstream own {{ server {plain}; keepalive 256; }}\n\
         server {{\nlisten {plain} backlog=4096;\n{tls}root .;\n\
         location = /bench {{ return 200 '{MARKER}'; }}\n\
         location = /up {{ proxy_pass http://own/bench; proxy_method GET; proxy_pass_request_body off;\n\
         proxy_set_header Content-Length \"\"; }}\n}}\n}}\n",
        plain = own[0],
    )
}

/// A relay to the origin, with more in its `server`.
fn nginx(own: [SocketAddr; 2], origin: SocketAddr, listen: &str, more: &str) -> String {
    format!(
        "{NGINX_HEAD}upstream origin {{ server {origin}; keepalive 1024; keepalive_requests 1000000000; }}\n\
         server {{\nlisten {} backlog=4096;\n{listen}\
         location / {{ proxy_pass http://origin; proxy_request_buffering off; {more} }}\n}}\n}}\n",
        own[0],
    )
}

fn haproxy(own: [SocketAddr; 2], origin: SocketAddr, certificate: &str) -> String {
    format!(
        "global\n  maxconn 8000\ndefaults\n  mode http\n  timeout client 1h\n  timeout server 1h\n  timeout connect 10s\n\
         frontend in\n  bind {}\n  bind {} ssl crt {certificate}/both.pem\n  default_backend origin\n\
         backend origin\n  http-reuse always\n  server origin {origin}\n",
        own[0], own[1],
    )
}

fn apache(own: [SocketAddr; 2], scene: &Scene, folder: &Path) -> String {
    let modules: String = ["mpm_event", "authz_core", "proxy", "proxy_http"]
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .concat();
    let folder = folder.display();
    format!(
        "ServerName 127.0.0.1\nListen {}\nPidFile {folder}/pid\nDefaultRuntimeDir {folder}\nMutex file:{folder}\n\
         {modules}User www-data\nGroup www-data\nErrorLog {folder}/error.log\nLogLevel error\n\
         StartServers 2\nServerLimit 4\nThreadsPerChild 64\nMaxRequestWorkers 256\n\
         KeepAlive On\nMaxKeepAliveRequests 0\nKeepAliveTimeout 3600\n\
         ProxyRequests Off\nProxyRemote * http://{}\nProxyPass / http://{}/\n",
        own[0], scene.proxy, scene.origin,
    )
}

fn caddy(own: [SocketAddr; 2], origin: SocketAddr, proxy: Option<SocketAddr>) -> Value {
    let mut transport = json!({
        "protocol": "http",
        "keep_alive": { "max_idle_conns_per_host": 1024 },
    });
    if let Some(proxy) = proxy {
        transport["network_proxy"] = json!({ "from": "url", "url": format!("http://{proxy}") });
    }
    let relay = json!({
        "handler": "reverse_proxy",
        "upstreams": [{ "dial": origin.to_string() }],
        "transport": transport,
    });
    json!({
        "admin": { "disabled": true },
        "logging": { "logs": { "default": { "level": "ERROR" } } },
        "apps": { "http": { "servers": { "bench": {
            "listen": [own[0].to_string()],
            "automatic_https": { "disable": true },
            "routes": [{ "handle": [relay] }],
        }}}},
    })
}

fn envoy(own: [SocketAddr; 2], origin: SocketAddr) -> Value {
    let address = |address: SocketAddr| json!({ "socket_address": { "address": address.ip(), "port_value": address.port() } });
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.filters.{name}");
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": kind("http.router.v3.Router") },
    });
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": "origin" } });
    let manager = json!({
        "@type": kind("network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "bench",
        "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [route] }] },
        "http_filters": [router],
    });
    let filter = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": manager,
    });
    let endpoint = json!({ "endpoint": { "address": address(origin) } });
    json!({ "static_resources": {
        "listeners": [{ "address": address(own[0]), "filter_chains": [{ "filters": [filter] }] }],
        "clusters": [{
            "name": "origin",
            "type": "STATIC",
            "load_assignment": { "cluster_name": "origin", "endpoints": [{ "lb_endpoints": [endpoint] }] },
            "circuit_breakers": { "thresholds": [
                { "max_connections": 8192, "max_pending_requests": 8192, "max_requests": 8192 }
            ]},
        }],
    }})
}
