//! Programs of others: origin, forward proxy and rivals.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use cuttle_tests::Server;

use super::configuration;

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// nginx with the answers, plain and with TLS.
    Origin,
    /// nginx in front of the origin, which it marks the answers of.
    ForwardProxy,
    Nginx,
    Haproxy,
    /// Apache with `ProxyRemote`: through the forward proxy.
    ApacheRemote,
    Envoy,
    Caddy,
    /// Caddy with `network_proxy`: through the forward proxy.
    CaddyProxied,
}

/// What is there already.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) origin: SocketAddr,
    pub(crate) proxy: SocketAddr,
    /// A folder with `cert.pem`, `key.pem` and `both.pem`.
    pub(crate) certificate: PathBuf,
}

/// A program that is not there. Rivals that are not are left out.
#[derive(Debug)]
pub(crate) struct NotInstalled(pub(crate) &'static str);

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not installed", self.0)
    }
}

impl std::error::Error for NotInstalled {}

/// A running program. It is ended, with all of its workers, when this is dropped.
pub(crate) struct Product {
    server: Server,
    pub(super) address: SocketAddr,
    pub(super) secure: Option<SocketAddr>,
}

impl Product {
    pub(super) async fn start(kind: Kind, scene: &Scene) -> anyhow::Result<Self> {
        let program = kind.find()?;
        let configure =
            |folder: &Path, addresses| configuration::write(kind, folder, scene, addresses);
        let server = Server::start(&program, kind.arguments(), configure).await;
        let server = server.with_context(|| format!("{kind:?}"))?;
        let [address, secure] = server.addresses();
        Ok(Self {
            server,
            address,
            secure: kind.speaks_tls().then_some(secure),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.server.pid()
    }
}

impl Kind {
    fn find(self) -> Result<PathBuf, NotInstalled> {
        let program = self.program();
        let fetched = std::env::var_os("CUTTLE_BENCH_PEERS").map(PathBuf::from);
        let system = ["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from);
        let mut folders = fetched.into_iter().chain(system);
        folders
            .find_map(|folder| Some(folder.join(program)).filter(|path| path.exists()))
            .ok_or(NotInstalled(program))
    }

    fn program(self) -> &'static str {
        match self {
            Self::Origin | Self::ForwardProxy | Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::ApacheRemote => "apache2",
            Self::Envoy => "envoy",
            Self::Caddy | Self::CaddyProxied => "caddy",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self.program() {
            "nginx" => &["-p", ".", "-c", configuration::FILE, "-e", "error.log"],
            "haproxy" => &["-db", "-f", configuration::FILE],
            "apache2" => &["-DFOREGROUND", "-d", ".", "-f", configuration::FILE],
            "envoy" => &[
                "-c",
                configuration::FILE,
                "--disable-hot-restart",
                "--log-level",
                "error",
            ],
            _ => &["run", "--config", configuration::FILE],
        }
    }

    fn speaks_tls(self) -> bool {
        matches!(self, Self::Origin | Self::Nginx | Self::Haproxy)
    }
}
