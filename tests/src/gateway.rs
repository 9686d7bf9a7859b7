//! The gateway: the real binary with a configuration, on a free port.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Child;

use crate::{Answer, Exchange, Log, Outgoing, Usage, binary, soon};

/// A running gateway. It is killed when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    pid: u32,
    address: SocketAddr,
    log: Log,
    folder: Arc<TempDir>,
    file: String,
}

/// A gateway about to be started.
#[derive(Debug)]
pub struct Configured {
    text: String,
    file: String,
    env: Vec<(String, String)>,
    folder: Option<Arc<TempDir>>,
    arguments: Vec<String>,
    under: Vec<String>,
    port: u16,
}

impl Gateway {
    /// Starts with this configuration, on the loopback interface.
    ///
    /// # Errors
    ///
    /// If the gateway refuses to start; the text is its output.
    pub async fn start(config: Value) -> anyhow::Result<Self> {
        Self::configured(config).start().await
    }

    /// Prepares a start with this configuration.
    #[must_use]
    pub fn configured(config: Value) -> Configured {
        Configured::text(&on_loopback(config))
    }

    /// Gives it another configuration, which it does not know of yet.
    ///
    /// # Errors
    ///
    /// The file's.
    pub fn configure(&self, config: Value) -> io::Result<()> {
        self.write(&on_loopback(config))
    }

    /// The same with any text, in place of the old in one step.
    ///
    /// # Errors
    ///
    /// The file's.
    pub fn write(&self, text: &str) -> io::Result<()> {
        let new = self.folder.path().join("configuration.new");
        std::fs::write(&new, text)?;
        std::fs::rename(new, self.folder.path().join(&self.file))
    }

    /// Sends SIGHUP and waits for what comes of it, which is the event of the
    /// `count`th reload that has ended, well or not.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn reload(&self, count: usize) -> anyhow::Result<Value> {
        self.signal(Signal::HUP)?;
        self.reloaded(count).await
    }

    /// Waits for the end of the `count`th reload.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub async fn reloaded(&self, count: usize) -> anyhow::Result<Value> {
        let line = self.log.nth("the reload", count, |line| {
            line.contains("\"reload finished\"") || line.contains("\"reload failed:")
        });
        let line = line.await.context("the gateway has ended")?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its working directory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Warnings written so far.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let events = self.log.events();
        let warnings = events.iter().filter(|event| event["level"] == "WARN");
        warnings.map(Value::to_string).collect()
    }

    /// What it uses.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(self.pid)
    }

    /// Number of its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a request without body.
    ///
    /// # Errors
    ///
    /// If no answer comes.
    pub async fn get(&self, target: &str) -> anyhow::Result<Answer> {
        self.ask(Outgoing::new("GET", target)).await
    }

    /// Sends this text with POST.
    ///
    /// # Errors
    ///
    /// If no answer comes.
    pub async fn post(&self, target: &str, text: &str) -> anyhow::Result<Answer> {
        self.ask(Outgoing::new("POST", target).text(text)).await
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Errors
    ///
    /// If no answer comes.
    pub async fn ask(&self, request: Outgoing) -> anyhow::Result<Answer> {
        let answer = Exchange::ask(self.address, request).await;
        answer.with_context(|| format!("no answer; the gateway says:\n{}", self.log.text()))
    }

    /// A connection to it.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn connect(&self) -> anyhow::Result<Exchange> {
        Ok(Exchange::connect(self.address).await?)
    }

    /// The completion line of the first request for `path`.
    ///
    /// # Errors
    ///
    /// If the gateway ends without writing one.
    pub async fn access(&self, path: &str) -> anyhow::Result<Value> {
        let line = self.log.find("the completion line", |event| {
            event["target"] == "access" && event["span"]["path"] == path
        });
        line.await.context("no completion line")
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn terminate(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Sends any signal.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid)
            .ok()
            .and_then(Pid::from_raw)
            .context("a process number")?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }

    /// Waits for its end and all of its log; its exit code.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub async fn ended(&mut self) -> anyhow::Result<i32> {
        let status = soon("the gateway's end", self.child.wait()).await?;
        self.log.end().await;
        Ok(binary::code(status))
    }

    /// Sends SIGTERM and waits for the end; its exit code.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub async fn stop(&mut self) -> anyhow::Result<i32> {
        self.terminate()?;
        self.ended().await
    }
}

fn on_loopback(mut config: Value) -> String {
    if let Some(service) = config.as_object_mut() {
        service
            .entry("listen_ip")
            .or_insert_with(|| json!("127.0.0.1"));
    }
    config.to_string()
}

/// The address in the line that says that it listens, which is JSON or text.
fn listening(line: &str) -> Option<SocketAddr> {
    let address = match serde_json::from_str::<Value>(line) {
        Ok(event) if event["fields"]["message"] == "listening" => {
            event["fields"]["address"].as_str()?.to_owned()
        }
        Ok(_) => return None,
        Err(_) => {
            let (_, rest) = line.split_once("listening")?;
            rest.split_once("address=")?.1.trim().to_owned()
        }
    };
    address.parse().ok()
}

impl Configured {
    /// A file with this text, whatever it holds.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            file: "krakend.json".to_owned(),
            env: Vec::new(),
            folder: None,
            arguments: Vec::new(),
            under: Vec::new(),
            port: 0,
        }
    }

    /// Sets a variable of its otherwise empty environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its working directory, which also gets the file; otherwise a new one.
    #[must_use]
    pub fn dir(mut self, folder: &Arc<TempDir>) -> Self {
        self.folder = Some(folder.clone());
        self
    }

    /// Name of the configuration file.
    #[must_use]
    pub fn file(mut self, name: &str) -> Self {
        name.clone_into(&mut self.file);
        self
    }

    /// One more argument for `run`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// A program and its arguments that start the gateway in their place, as
    /// `prlimit` does.
    #[must_use]
    pub fn under(mut self, program: &[&str]) -> Self {
        self.under = program.iter().map(|one| (*one).to_owned()).collect();
        self
    }

    /// The port of one that is gone, instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts it and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it refuses to start; the text is its output.
    pub async fn start(self) -> anyhow::Result<Gateway> {
        let folder = match self.folder {
            Some(folder) => folder,
            None => Arc::new(tempfile::tempdir()?),
        };
        std::fs::write(folder.path().join(&self.file), &self.text)?;
        // One that is killed leaves something behind.
        let temporary = folder.path().join("tmp");
        std::fs::create_dir_all(&temporary)?;
        let port = self.port.to_string();
        let under = self.under.into_iter().map(PathBuf::from);
        let mut program = under.chain([binary::gateway_binary()]);
        let mut command = binary::command(program.next().context("a program")?, &[]);
        command
            .args(program)
            .args(["run", "-c", &self.file, "-p", &port]);
        if !self.arguments.iter().any(|one| one == "--log-format") {
            command.args(["--log-format", "json"]);
        }
        command
            .args(&self.arguments)
            .env("TMPDIR", temporary)
            .envs(self.env)
            .current_dir(folder.path());
        let mut child = command.stdin(Stdio::null()).spawn()?;
        let log = Log::default();
        log.follow(child.stdout.take().context("standard output")?);
        log.follow(child.stderr.take().context("standard error")?);
        let pid = child.id().context("a running process")?;
        let said = log.line("the gateway to listen", |line| listening(line).is_some());
        let Some(line) = said.await else {
            let status = soon("the gateway's end", child.wait()).await?;
            bail!("the gateway ended with {status}:\n{}", log.text());
        };
        Ok(Gateway {
            address: listening(&line).context("an address")?,
            child,
            pid,
            log,
            folder,
            file: self.file,
        })
    }
}
