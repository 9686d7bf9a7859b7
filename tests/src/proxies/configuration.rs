//! What each kind of proxy is configured with.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::json;

use super::{Credentials, Product, product::Place};

/// Names that only the proxy knows.
const HOSTS: &str = "127.0.0.1 localhost origin.test\n";

/// Gives a program users, passwords and names of hosts from files of ours; of
/// the package `libnss-wrapper`.
pub const USERS_LIBRARY: &str = "libnss_wrapper.so";

/// Writes the configuration of `product` into its folder.
pub(super) fn write(product: Product, place: &Place<'_>) {
    let configuration = match product {
        Product::Tinyproxy => tinyproxy(place),
        Product::Squid => squid(place),
        Product::Apache => apache(place),
        Product::Haproxy => haproxy(place),
        Product::Nginx => nginx(place),
        Product::Privoxy => privoxy(place),
        Product::Dante => dante(place),
        Product::DanteTalking => format!("debug: 1\n{}", dante(place)),
        Product::V2ray => v2ray(place, "socks"),
        Product::V2rayHttp => v2ray(place, "http"),
        Product::Stunnel => stunnel(place),
        Product::Nghttpx => nghttpx(place),
        Product::Microsocks => return,
    };
    put(&place.folder.join("proxy.conf"), &configuration);
}

fn tinyproxy(place: &Place<'_>) -> String {
    let auth = place
        .credentials
        .map(|found| format!("BasicAuth {} {}\n", found.user, found.password));
    format!(
        "Port {}\nListen 127.0.0.1\nTimeout 60\nMaxClients 500\nLogLevel Connect\n\
         LogFile \"{}/access.log\"\n{}",
        place.port,
        place.folder.display(),
        auth.unwrap_or_default(),
    )
}

fn squid(place: &Place<'_>) -> String {
    put(&place.folder.join("hosts"), HOSTS);
    let folder = place.folder.display();
    let auth = match place.credentials {
        None => "http_access allow all\n".to_owned(),
        Some(credentials) => {
            write_helper(&place.folder.join("auth.sh"), credentials);
            format!(
                "auth_param basic program {folder}/auth.sh\n\
                 auth_param basic children 1 startup=1\n\
                 acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n"
            )
        }
    };
    format!(
        "http_port 127.0.0.1:{}\npid_filename {folder}/pid\ncoredump_dir {folder}\n\
         access_log stdio:{folder}/access.log squid\ncache_log {folder}/error.log\n\
         logfile_rotate 0\nhosts_file {folder}/hosts\ncache deny all\n\
         shutdown_lifetime 0 seconds\nvisible_hostname squid.test\n\
         cache_effective_user proxy\npinger_enable off\n{auth}",
        place.port
    )
}

/// Modules that Debian's package brings along.
const APACHE_MODULES: [&str; 9] = [
    "mpm_event",
    "authn_core",
    "authn_file",
    "authz_core",
    "authz_user",
    "auth_basic",
    "proxy",
    "proxy_http",
    "proxy_connect",
];

fn apache(place: &Place<'_>) -> String {
    let folder = place.folder.display();
    let modules: String = APACHE_MODULES
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .concat();
    let auth = place.credentials.map(|found| {
        let hash = sha1(found.password);
        put(
            &place.folder.join("users"),
            &format!("{}:{{SHA}}{hash}\n", found.user),
        );
        format!(
            "<Proxy \"*\">\nAuthType Basic\nAuthName proxy\nAuthUserFile {folder}/users\n\
             Require valid-user\n</Proxy>\n"
        )
    });
    format!(
        "ServerName 127.0.0.1\nListen 127.0.0.1:{}\nPidFile {folder}/pid\n\
         DefaultRuntimeDir {folder}\nMutex file:{folder}\n{modules}\
         User www-data\nGroup www-data\nErrorLog {folder}/error.log\n\
         LogFormat \"%r %>s\" plain\nCustomLog {folder}/access.log plain\n\
         StartServers 4\nThreadsPerChild 64\nMaxRequestWorkers 256\n\
         ProxyRequests On\nAllowCONNECT 1-65535\n{}",
        place.port,
        auth.unwrap_or_default(),
    )
}

/// HAProxy asks for credentials of its own by 401, so the field is compared.
fn haproxy(place: &Place<'_>) -> String {
    let auth = place.credentials.map(|found| {
        format!(
            "  http-request deny deny_status 407 unless {{ req.hdr(Proxy-Authorization) -m str \"{}\" }}\n",
            found.basic()
        )
    });
    format!(
        "global\n  maxconn 1000\n  log stdout format raw local0\n\
         defaults\n  mode http\n  log global\n  log-format \"%HM %HU %ST\"\n\
         \x20 timeout client 60s\n  timeout connect 10s\n  timeout server 60s\n\
         frontend proxy\n  bind 127.0.0.1:{}\n{}\
         \x20 http-request deny deny_status 405 if METH_CONNECT\n\
         \x20 http-request del-header Proxy-Authorization\n\
         \x20 http-request set-dst url_ip\n  http-request set-dst-port url_port\n\
         \x20 http-request set-uri %[pathq]\n  default_backend next\n\
         backend next\n  server target 0.0.0.0:0\n",
        place.port,
        auth.unwrap_or_default(),
    )
}

fn nginx(place: &Place<'_>) -> String {
    let auth = place.credentials.map(|found| {
        format!(
            "if ($http_proxy_authorization != \"{}\") {{ return 407; }}\n",
            found.basic()
        )
    });
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {name};\n"))
        .concat();
    format!(
        "daemon off;\nworker_processes 1;\npid pid;\nerror_log error.log;\n\
         events {{ worker_connections 2048; }}\n\
         http {{\nlog_format plain '$request $status';\naccess_log access.log plain;\n{temporary}\
         server {{\nlisten 127.0.0.1:{};\n{}\
         location / {{\nproxy_pass http://$http_host$request_uri;\nproxy_http_version 1.1;\nproxy_buffering off;\n\
         proxy_set_header Host $http_host;\nproxy_set_header Proxy-Authorization \"\";\n}}\n}}\n}}\n",
        place.port,
        auth.unwrap_or_default(),
    )
}

fn privoxy(place: &Place<'_>) -> String {
    let folder = place.folder.display();
    let forward = place
        .onward
        .map(|address| format!("forward / {address}\nenable-proxy-authentication-forwarding 1\n"));
    format!(
        "confdir {folder}\nlogdir {folder}\nlogfile access.log\nlisten-address 127.0.0.1:{}\n\
         debug 1\ndebug 4096\ndebug 8192\ntoggle 0\nkeep-alive-timeout 30\n\
         socket-timeout 60\nmax-client-connections 500\n{}",
        place.port,
        forward.unwrap_or_default(),
    )
}

fn dante(place: &Place<'_>) -> String {
    put(&place.folder.join("hosts"), HOSTS);
    let all = "from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect error";
    let method = match place.credentials {
        Some(credentials) => {
            write_users(place.folder, credentials);
            "username"
        }
        None => "none",
    };
    format!(
        "logoutput: stdout\ninternal: 127.0.0.1 port = {}\nexternal: lo\n\
         socksmethod: {method}\nclientmethod: none\nuser.unprivileged: nobody\n\
         client pass {{ {all} }}\nsocks pass {{ {all} }}\n",
        place.port
    )
}

fn stunnel(place: &Place<'_>) -> String {
    let onward = place.onward.map(|address| address.to_string());
    format!(
        "foreground = yes\npid =\n[proxy]\naccept = 127.0.0.1:{}\nconnect = {}\n\
         cert = cert.pem\nkey = key.pem\n",
        place.port,
        onward.unwrap_or_default(),
    )
}

/// All tunnels of a connection have its port in the log.
fn nghttpx(place: &Place<'_>) -> String {
    let onward = place
        .onward
        .map(|address| format!("{},{}", address.ip(), address.port()));
    format!(
        "frontend=127.0.0.1,{}\nbackend={}\nhttp2-proxy=yes\nworkers=1\nno-ocsp=yes\n\
         private-key-file=key.pem\ncertificate-file=cert.pem\n\
         frontend-http2-max-concurrent-streams=256\nbackend-connections-per-host=1000\n\
         errorlog-file=error.log\naccesslog-file=access.log\n\
         accesslog-format=port=$remote_port alpn=$alpn status=$status $request\n",
        place.port,
        onward.unwrap_or_default(),
    )
}

fn v2ray(place: &Place<'_>, protocol: &str) -> String {
    let settings = match place.credentials {
        Some(Credentials { user, password }) => json!({
            "auth": "password", "accounts": [{ "user": user, "pass": password }],
        }),
        None if protocol == "socks" => json!({ "auth": "noauth" }),
        None => json!({}),
    };
    let configuration = json!({
        "log": { "access": "access.log", "error": "error.log", "loglevel": "warning" },
        "inbounds": [{
            "listen": "127.0.0.1",
            "port": place.port,
            "protocol": protocol,
            "settings": settings,
        }],
        "outbounds": [{ "protocol": "freedom" }],
    });
    configuration.to_string()
}

/// The system's users, as Dante is to see them. It works as `nobody`, and can
/// read the files because they are in a folder for everyone.
fn write_users(folder: &Path, credentials: Credentials) {
    let Credentials { user, password } = credentials;
    let users = format!(
        "root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n\
         {user}:x:60001:60001::/:/bin/false\n"
    );
    put(&folder.join("passwd"), &users);
    let groups = format!("root:x:0:\nnogroup:x:65534:\n{user}:x:60001:\n");
    put(&folder.join("group"), &groups);
    let hash = crypt(password);
    put(
        &folder.join("shadow"),
        &format!("{user}:{hash}:19000:0:99999:7:::\n"),
    );
}

/// As the system keeps passwords. Every Debian has a Perl.
fn crypt(password: &str) -> String {
    let program = "print crypt($ARGV[0], '$6$rounds=1000$cuttle')";
    let output = Command::new("/usr/bin/perl")
        .args(["-e", program, password])
        .output()
        .expect("perl is missing: install the package perl-base");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("a hash")
}

/// Squid asks a program about credentials, one `user password` a line, both
/// percent-encoded.
fn write_helper(path: &Path, credentials: Credentials) {
    let (user, password) = (encoded(credentials.user), encoded(credentials.password));
    let script = format!(
        "#!/bin/sh\nwhile read -r user password; do\n\
         if [ \"$user\" = '{user}' ] && [ \"$password\" = '{password}' ]; then echo OK; else echo ERR; fi\ndone\n"
    );
    put(path, &script);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
}

/// As Apache's `{SHA}`, the only hash it knows that needs no tool.
fn sha1(text: &str) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn put(path: &Path, text: &str) {
    fs::write(path, text).expect("a file in the proxy's folder");
}
