//! A server of others, such as nginx, in a folder of its own.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{Duration, sleep},
};

/// Looks at the port of a server that starts, and the pause between two.
const LOOKS: (usize, Duration) = (1_000, Duration::from_millis(10));

/// A running server. It is ended, with all of its workers, when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    addresses: [SocketAddr; 2],
    /// Goes last: the process works in it.
    folder: TempDir,
}

impl Server {
    /// Runs `program` in a new folder, into which `configure` writes what it
    /// needs to listen on one or both of two addresses, and waits for the first.
    ///
    /// Hardly any of them can choose a port, so another try is needed when
    /// somebody takes the chosen one first.
    ///
    /// # Errors
    ///
    /// It does not listen after all; the text is its output.
    pub async fn start(
        program: &Path,
        arguments: &[&str],
        configure: impl Fn(&Path, [SocketAddr; 2]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let mut last = None;
        for _ in 0..3 {
            match Self::attempt(program, arguments, &configure).await {
                Ok(running) => return Ok(running),
                Err(error) => last = Some(error),
            }
        }
        let error = last.context("a try")?;
        Err(error).with_context(|| format!("{} does not start", program.display()))
    }

    async fn attempt(
        program: &Path,
        arguments: &[&str],
        configure: impl Fn(&Path, [SocketAddr; 2]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // Some of them, started by root, go on as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
        let addresses = [free().await?, free().await?];
        configure(folder.path(), addresses)?;
        let output = fs::File::create(folder.path().join("output"))?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        let mut running = Self {
            child,
            addresses,
            folder,
        };
        running.listens().await?;
        Ok(running)
    }

    async fn listens(&mut self) -> anyhow::Result<()> {
        let (looks, pause) = LOOKS;
        for _ in 0..looks {
            if TcpStream::connect(self.addresses[0]).await.is_ok() {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() {
                break;
            }
            sleep(pause).await;
        }
        let output = fs::read_to_string(self.folder.path().join("output"))?;
        bail!("it does not listen: {output}")
    }

    /// Where it was told to listen, in the order of `configure`.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 2] {
        self.addresses
    }

    /// Number of its process; 0 once that has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // While it has not been waited for, nobody else can have its number.
        let group = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

async fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}
