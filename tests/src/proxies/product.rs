//! How each kind of proxy is run: program, configuration, what its log says.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::Credentials;

/// A program that is a forward proxy, or can be made one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// tinyproxy: threads, closes after each answer.
    Tinyproxy,
    /// Squid: the usual one.
    Squid,
    /// The Apache HTTP server with `mod_proxy` and `mod_proxy_connect`.
    Apache,
    /// HAProxy: `http` targets that are addresses; it opens no tunnels.
    Haproxy,
    /// nginx: `http` targets that are addresses; it opens no tunnels.
    Nginx,
    /// Privoxy, which knows no credentials of its own.
    Privoxy,
    /// microsocks: SOCKS5.
    Microsocks,
    /// Dante: SOCKS5. Its users are those of the system, so no test has one.
    Dante,
    /// stunnel: the TLS in front of another proxy.
    Stunnel,
}

/// Where one is run, and for whom.
pub(super) struct Place<'a> {
    pub(super) port: u16,
    pub(super) folder: &'a Path,
    pub(super) credentials: Option<Credentials>,
    /// Where it passes everything on to.
    pub(super) onward: Option<SocketAddr>,
}

/// Names that only squid knows.
const HOSTS: &str = "127.0.0.1 localhost origin.test\n";

impl Product {
    /// All that are spoken to by HTTP without TLS.
    pub const HTTP: [Self; 6] = [
        Self::Tinyproxy,
        Self::Squid,
        Self::Apache,
        Self::Haproxy,
        Self::Nginx,
        Self::Privoxy,
    ];

    /// Whether it opens tunnels.
    #[must_use]
    pub fn tunnels(self) -> bool {
        !matches!(self, Self::Haproxy | Self::Nginx)
    }

    /// Whether it can be given credentials.
    #[must_use]
    pub fn authenticates(self) -> bool {
        !matches!(self, Self::Privoxy | Self::Dante | Self::Stunnel)
    }

    /// Of its address.
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Microsocks | Self::Dante => "socks5h",
            Self::Stunnel => "https",
            _ => "http",
        }
    }

    /// Its name, and the Debian package it is in.
    pub(super) fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::Tinyproxy => ("tinyproxy", "tinyproxy-bin"),
            Self::Squid => ("squid", "squid-openssl"),
            Self::Apache => ("apache2", "apache2-bin"),
            Self::Haproxy => ("haproxy", "haproxy"),
            Self::Nginx => ("nginx", "nginx-light"),
            Self::Privoxy => ("privoxy", "privoxy"),
            Self::Microsocks => ("microsocks", "microsocks"),
            Self::Dante => ("danted", "dante-server"),
            Self::Stunnel => ("stunnel4", "stunnel4"),
        }
    }

    /// In its folder, where `proxy.conf` is, for the foreground.
    pub(super) fn arguments(self, place: &Place<'_>) -> Vec<String> {
        let fixed: &[&str] = match self {
            Self::Tinyproxy => &["-d", "-c", "proxy.conf"],
            Self::Squid => &["-N", "-f", "proxy.conf"],
            Self::Apache => &["-D", "FOREGROUND", "-d", ".", "-f", "proxy.conf"],
            Self::Haproxy => &["-db", "-f", "proxy.conf"],
            Self::Nginx => &["-p", ".", "-c", "proxy.conf", "-e", "error.log"],
            Self::Privoxy => &["--no-daemon", "proxy.conf"],
            Self::Microsocks => &["-i", "127.0.0.1"],
            Self::Dante => &["-f", "proxy.conf", "-p", "pid", "-N", "1"],
            Self::Stunnel => &["proxy.conf"],
        };
        let mut arguments: Vec<String> = fixed.iter().map(|text| (*text).to_owned()).collect();
        if self == Self::Microsocks {
            arguments.extend(["-p".to_owned(), place.port.to_string()]);
            if let Some(Credentials { user, password }) = place.credentials {
                arguments.extend(["-u", user, "-P", password].map(str::to_owned));
            }
        }
        arguments
    }

    /// Writes its configuration into its folder.
    pub(super) fn write(self, place: &Place<'_>) {
        let configuration = match self {
            Self::Tinyproxy => tinyproxy(place),
            Self::Squid => squid(place),
            Self::Apache => apache(place),
            Self::Haproxy => haproxy(place),
            Self::Nginx => nginx(place),
            Self::Privoxy => privoxy(place),
            Self::Dante => dante(place),
            Self::Stunnel => stunnel(place),
            Self::Microsocks => return,
        };
        put(&place.folder.join("proxy.conf"), &configuration);
    }

    /// What its log has of a request for `path` of `authority`.
    pub(super) fn trace(self, authority: &str, path: &str, tunnel: bool) -> String {
        match self {
            Self::Privoxy if tunnel => format!("Request: {authority}/"),
            Self::Privoxy => format!("Request: {authority}{path}"),
            Self::Microsocks => format!("connected to {authority}"),
            Self::Dante => format!(" {}", authority.replace(':', ".")),
            _ if tunnel => format!("CONNECT {authority}"),
            _ => format!("GET http://{authority}{path}"),
        }
    }
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
    format!(
        "confdir {folder}\nlogdir {folder}\nlogfile access.log\nlisten-address 127.0.0.1:{}\n\
         debug 1\ndebug 4096\ndebug 8192\ntoggle 0\nkeep-alive-timeout 30\n\
         socket-timeout 60\nmax-client-connections 500\n",
        place.port
    )
}

fn dante(place: &Place<'_>) -> String {
    let all = "from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect error";
    // `username` are the system's users, none of whom is known here.
    let method = match place.credentials {
        Some(_) => "username",
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
