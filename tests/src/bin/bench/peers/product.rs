//! Programs of others: origin, forward proxy and rivals.

use std::{
    fmt, fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

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
    child: Child,
    group: Option<Pid>,
    pub(super) address: SocketAddr,
    pub(super) secure: Option<SocketAddr>,
    /// Goes last: the process works in it.
    _folder: TempDir,
}

impl Product {
    /// Hardly any of them can choose a port, so another try is needed when
    /// somebody takes the chosen one first.
    pub(super) async fn start(kind: Kind, scene: &Scene) -> anyhow::Result<Self> {
        let program = kind.find()?;
        let mut last = None;
        for _ in 0..3 {
            match Self::attempt(kind, &program, scene).await {
                Ok(running) => return Ok(running),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("a try")?).with_context(|| format!("{kind:?} does not start"))
    }

    async fn attempt(kind: Kind, program: &Path, scene: &Scene) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // Some of them, started by root, go on as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
        let (address, secure) = (free_port().await?, free_port().await?);
        configuration::write(kind, folder.path(), scene, [address, secure])?;
        let output = fs::File::create(folder.path().join("output"))?;
        let child = Command::new(program)
            .args(kind.arguments())
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        let mut running = Self {
            group: child.id().and_then(|id| Pid::from_raw(id.cast_signed())),
            child,
            address,
            secure: kind.speaks_tls().then_some(secure),
            _folder: folder,
        };
        running.listens().await?;
        Ok(running)
    }

    async fn listens(&mut self) -> anyhow::Result<()> {
        for _ in 0..1_000 {
            if TcpStream::connect(self.address).await.is_ok() {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let output = fs::read_to_string(self._folder.path().join("output"))?;
        bail!("it does not listen: {output}")
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // While it has not been waited for, nobody else can have its number.
        if let (Some(group), Some(_)) = (self.group, self.child.id()) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
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

async fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}
