//! How each kind of proxy is run: program, arguments, what its log says.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{Credentials, configuration};

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
    /// Privoxy, which knows no credentials of its own: those it is given are
    /// asked for by a Squid behind it.
    Privoxy,
    /// microsocks: SOCKS5.
    Microsocks,
    /// Dante: SOCKS4 and SOCKS5. Its users are those of the system, which a
    /// library between them replaces.
    Dante,
    /// Dante with every step in its log, which knows the name `origin.test`.
    DanteTalking,
    /// V2Ray: SOCKS5, and SOCKS4a as long as it wants no credentials.
    V2ray,
    /// V2Ray as an HTTP proxy.
    V2rayHttp,
    /// stunnel: the TLS in front of another proxy.
    Stunnel,
    /// nghttpx: the TLS and the HTTP/2 in front of another proxy.
    Nghttpx,
}

/// Where one is run, and for whom.
pub(super) struct Place<'a> {
    pub(super) port: u16,
    pub(super) folder: &'a Path,
    pub(super) credentials: Option<Credentials>,
    /// Where it passes everything on to.
    pub(super) onward: Option<SocketAddr>,
}

impl Product {
    /// All that are spoken to by HTTP without TLS.
    pub const HTTP: [Self; 7] = [
        Self::Tinyproxy,
        Self::Squid,
        Self::Apache,
        Self::Haproxy,
        Self::Nginx,
        Self::Privoxy,
        Self::V2rayHttp,
    ];

    /// Whether it opens tunnels.
    #[must_use]
    pub fn tunnels(self) -> bool {
        !matches!(self, Self::Haproxy | Self::Nginx)
    }

    /// Whether it can be given credentials.
    #[must_use]
    pub fn authenticates(self) -> bool {
        !matches!(self, Self::DanteTalking | Self::Stunnel)
    }

    /// Whether it is spoken to by HTTP/2, if the client's settings allow that.
    #[must_use]
    pub fn multiplexes(self) -> bool {
        self == Self::Nghttpx
    }

    /// Of its address. SOCKS4 has no passwords.
    pub(super) fn scheme(self, credentials: Option<Credentials>) -> &'static str {
        match self {
            Self::Microsocks | Self::Dante | Self::DanteTalking => "socks5h",
            Self::V2ray if credentials.is_some() => "socks5h",
            Self::V2ray => "socks4a",
            Self::Stunnel | Self::Nghttpx => "https",
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
            Self::Dante | Self::DanteTalking => ("danted", "dante-server"),
            Self::V2ray | Self::V2rayHttp => ("v2ray", "v2ray"),
            Self::Stunnel => ("stunnel4", "stunnel4"),
            Self::Nghttpx => ("nghttpx", "nghttp2-proxy"),
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
            Self::Dante | Self::DanteTalking => &["-f", "proxy.conf", "-p", "pid", "-N", "1"],
            Self::V2ray | Self::V2rayHttp => &["-config", "proxy.conf", "-format", "json"],
            Self::Stunnel => &["proxy.conf"],
            Self::Nghttpx => &["--conf=proxy.conf"],
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

    /// Variables of its environment, beside the path.
    pub(super) fn environment(self, place: &Place<'_>) -> Vec<(&'static str, PathBuf)> {
        let file = |name: &str| place.folder.join(name);
        let library = ("LD_PRELOAD", PathBuf::from(configuration::USERS_LIBRARY));
        if self == Self::DanteTalking {
            return vec![library, ("NSS_WRAPPER_HOSTS", file("hosts"))];
        }
        if self != Self::Dante || place.credentials.is_none() {
            return Vec::new();
        }
        vec![
            library,
            ("NSS_WRAPPER_PASSWD", file("passwd")),
            ("NSS_WRAPPER_GROUP", file("group")),
            ("NSS_WRAPPER_SHADOW", file("shadow")),
        ]
    }

    /// Writes its configuration into its folder.
    pub(super) fn write(self, place: &Place<'_>) {
        configuration::write(self, place);
    }

    /// What its log has of a request for `path` of `authority`.
    pub(super) fn trace(self, authority: &str, path: &str, tunnel: bool) -> String {
        match self {
            Self::Privoxy if tunnel => format!("Request: {authority}/"),
            Self::Privoxy => format!("Request: {authority}{path}"),
            Self::Microsocks => format!("connected to {authority}"),
            Self::Dante | Self::DanteTalking => format!(" {}", authority.replace(':', ".")),
            Self::V2ray => format!("accepted tcp:{authority}"),
            Self::V2rayHttp if tunnel => format!("accepted //{authority}"),
            Self::V2rayHttp => format!("accepted http://{authority}{path}"),
            _ if tunnel => format!("CONNECT {authority}"),
            _ => format!("GET http://{authority}{path}"),
        }
    }
}
