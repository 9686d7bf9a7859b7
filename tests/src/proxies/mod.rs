//! Real forward proxies, each with a folder, a configuration and a log of its
//! own.

mod configuration;
mod product;

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::process::{Pid, Signal};
use tempfile::TempDir;
use tokio::{
    net::{TcpSocket, TcpStream},
    process::{Child, Command},
};

use crate::{Authority, Log, binary, script::listen, soon};

pub use configuration::USERS_LIBRARY;
use product::Place;
pub use product::Product;

/// User name and password for a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: &'static str,
    /// Password.
    pub password: &'static str,
}

impl Credentials {
    /// As `Proxy-Authorization` carries them.
    #[must_use]
    pub fn basic(self) -> String {
        let Self { user, password } = self;
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    }
}

/// A running proxy. It is ended, with all of its workers, when this is dropped.
#[derive(Debug)]
pub struct RealProxy {
    product: Product,
    scheme: &'static str,
    /// Starts it, as often as needed.
    command: Command,
    child: Child,
    group: Option<Pid>,
    address: SocketAddr,
    /// Keeps the port from everybody else between its end and its next start.
    held: Option<TcpSocket>,
    access_log: PathBuf,
    output: Log,
    /// What it passes everything on to, if it is only a shell around that.
    inner: Option<Box<RealProxy>>,
    /// Goes last: the process writes into it.
    _folder: TempDir,
}

impl RealProxy {
    /// Starts it, asking for the credentials if there are any.
    ///
    /// # Panics
    ///
    /// If it is not installed or does not start.
    pub async fn start(product: Product, credentials: Option<Credentials>) -> Self {
        if product == Product::Privoxy && credentials.is_some() {
            return Self::start_before_squid(product, credentials).await;
        }
        Self::launch(product, |_| None, credentials).await
    }

    /// It passes credentials on, and the answers to them back.
    async fn start_before_squid(product: Product, credentials: Option<Credentials>) -> Self {
        let inner = Box::pin(Self::start(Product::Squid, credentials)).await;
        let onward = inner.address;
        let mut outer = Self::launch(product, |_| Some(onward), None).await;
        outer.inner = Some(Box::new(inner));
        outer
    }

    /// tinyproxy behind a stunnel or an nghttpx, which ends the TLS for it with a
    /// certificate for `127.0.0.1` and `localhost`.
    ///
    /// # Panics
    ///
    /// If one of them is not installed or does not start.
    pub async fn start_tls(
        shell: Product,
        authority: &Authority,
        credentials: Option<Credentials>,
    ) -> Self {
        let inner = Self::start(Product::Tinyproxy, credentials).await;
        let onward = inner.address;
        let prepare = |folder: &Path| {
            authority.issue(&["127.0.0.1", "localhost"], folder);
            Some(onward)
        };
        let mut outer = Self::launch(shell, prepare, None).await;
        outer.inner = Some(Box::new(inner));
        outer
    }

    /// Address for `proxy_address`, without credentials.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Address with this in front of the host.
    #[must_use]
    pub fn url_with(&self, userinfo: &str) -> String {
        format!("{}://{userinfo}@{}", self.scheme, self.address)
    }

    /// Address with another scheme.
    #[must_use]
    pub fn url_by(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// What it has logged so far, on its output or in a file.
    #[must_use]
    pub fn access_log(&self) -> String {
        match &self.inner {
            Some(inner) => inner.access_log(),
            None => self.own_log(),
        }
    }

    /// The same of what is in front of the proxy, if there is something.
    #[must_use]
    pub fn own_log(&self) -> String {
        let file = fs::read_to_string(&self.access_log).unwrap_or_default();
        format!("{file}\n{}", self.output.text())
    }

    /// How its log shows a request for `path` of the origin at `authority`; with
    /// a tunnel it does not know the path.
    #[must_use]
    pub fn trace(&self, authority: &str, path: &str, tunnel: bool) -> String {
        match &self.inner {
            Some(inner) => inner.trace(authority, path, tunnel),
            None => self.product.trace(authority, path, tunnel),
        }
    }

    /// Waits for a line of the log; returns it. Squid writes the line of a
    /// tunnel when the tunnel ends.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub async fn logged(&self, text: &str) -> String {
        let search = async {
            loop {
                let log = self.access_log();
                if let Some(line) = log.lines().find(|line| line.contains(text)) {
                    return line.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(crate::PATIENCE, search).await {
            Ok(line) => line,
            Err(_) => panic!(
                "{text:?} is not in the log of {self:?}:\n{}",
                self.access_log()
            ),
        }
    }

    /// Kills it, workers included, and waits until it is gone.
    ///
    /// # Panics
    ///
    /// If it does not go.
    pub async fn kill(&mut self) {
        self.kill_group();
        let gone = async {
            self.child.wait().await.expect("our own child");
            // Its workers are not our children.
            while TcpStream::connect(self.address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("the proxy's end", gone).await;
        self.held = hold(self.address).ok();
    }

    /// Starts it again after [`kill`](Self::kill), on the same port.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn restart(&mut self) {
        self.held = None;
        self.child = spawn(&mut self.command, &self.output);
        self.group = group(&self.child);
        let listens = soon("the proxy to listen", self.listens()).await;
        assert!(listens, "{self:?} does not start again: {}", self.own_log());
    }

    async fn launch(
        product: Product,
        prepare: impl Fn(&Path) -> Option<SocketAddr>,
        credentials: Option<Credentials>,
    ) -> Self {
        let program = find(product);
        let mut logs = String::new();
        // Hardly any of them can choose a port, so another try is needed when
        // somebody takes the chosen one first.
        for _ in 0..5 {
            match Self::attempt(&program, product, &prepare, credentials).await {
                Ok(running) => return running,
                Err(log) => logs.push_str(&log),
            }
        }
        panic!("{product:?} does not start:\n{logs}")
    }

    async fn attempt(
        program: &Path,
        product: Product,
        prepare: impl Fn(&Path) -> Option<SocketAddr>,
        credentials: Option<Credentials>,
    ) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        // Some of them, started by root, go on as another user.
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("our own folder");
        let onward = prepare(path);
        let (listener, address) = listen().await;
        let place = Place {
            port: address.port(),
            folder: path,
            credentials,
            onward,
        };
        product.write(&place);
        drop(listener);

        let mut command = binary::command(program, &[]);
        command
            .args(product.arguments(&place))
            .current_dir(path)
            .env("PATH", "/usr/bin:/bin")
            .envs(product.environment(&place))
            .process_group(0);
        let output = Log::default();
        let child = spawn(&mut command, &output);
        let mut running = Self {
            product,
            scheme: product.scheme(credentials),
            command,
            group: group(&child),
            child,
            address,
            held: None,
            access_log: path.join("access.log"),
            output,
            inner: None,
            _folder: folder,
        };
        if soon("the proxy to listen", running.listens()).await {
            return Ok(running);
        }
        Err(format!("{}\n{}", running.own_log(), running.error_log()))
    }

    /// Whether it accepts connections; `false` if it has ended.
    async fn listens(&mut self) -> bool {
        loop {
            if self.child.try_wait().expect("our own child").is_some() {
                return false;
            }
            if TcpStream::connect(self.address).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn error_log(&self) -> String {
        let file = self.access_log.with_file_name("error.log");
        fs::read_to_string(file).unwrap_or_default()
    }

    fn kill_group(&mut self) {
        // While it has not been waited for, nobody else can have its number.
        if let (Some(group), Some(_)) = (self.group, self.child.id()) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for RealProxy {
    fn drop(&mut self) {
        self.kill_group();
    }
}

fn spawn(command: &mut Command, output: &Log) -> Child {
    let mut child = command.spawn().expect("a program that starts");
    output.follow(child.stdout.take().expect("standard output"));
    output.follow(child.stderr.take().expect("standard error"));
    child
}

/// Bound, and not listening: whoever connects is refused.
fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn group(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| Pid::from_raw(id.cast_signed()))
}

fn find(product: Product) -> PathBuf {
    let (program, package) = product.program();
    let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
    let found = folders
        .map(|folder| Path::new(folder).join(program))
        .into_iter()
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{program} is missing: install the package {package}"))
}

#[cfg(test)]
mod tests;
