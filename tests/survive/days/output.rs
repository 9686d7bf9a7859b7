//! Standard output that takes no lines: requests go on, and so does the end.

use std::{
    fs::OpenOptions,
    net::{SocketAddr, TcpListener},
    process::Stdio,
    time::Duration,
};

use cuttle_tests::{Exchange, Origin, Outgoing, TestResult, Usage, command, gateway_binary, soon};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use super::{backend, service};

/// More lines than the queue and a pipe hold together.
const REQUESTS: usize = 10_000;

/// A gateway whose output nobody reads for the test.
struct Mute {
    child: Child,
    pid: u32,
    address: SocketAddr,
    _folder: TempDir,
}

impl Mute {
    async fn start(origin: &Origin, command: impl FnOnce() -> Command) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // Its own line tells its port to nobody, so one that was free just now.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut config = service(backend(&origin.url()));
        config["listen_ip"] = "127.0.0.1".into();
        config["extra_config"]["cuttle/http"]["metrics_path"] = "/__metrics".into();
        std::fs::write(folder.path().join("k.json"), config.to_string())?;
        let port = address.port().to_string();
        let mut command = command();
        command.args(["run", "-c", "k.json", "-p", &port]);
        let child = command.current_dir(folder.path()).spawn()?;
        let pid = child.id().expect("a process");
        soon("the listener", async {
            while Exchange::connect(address).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        Ok(Self {
            child,
            pid,
            address,
            _folder: folder,
        })
    }

    async fn get(&self, target: &str) -> anyhow::Result<String> {
        let answer = Exchange::ask(self.address, Outgoing::new("GET", target)).await?;
        anyhow::ensure!(answer.status == 200 && answer.complete, "{answer:?}");
        Ok(answer.body)
    }

    /// None of many requests fails, memory stays, and SIGTERM ends it well.
    async fn goes_on(mut self) -> anyhow::Result<()> {
        let mut exchange = Exchange::connect(self.address).await?;
        let mut warm = Usage::of(self.pid)?;
        for count in 0..REQUESTS {
            exchange.send(Outgoing::new("GET", "/x")).await?;
            assert_eq!(exchange.answer().await?.status, 200);
            if count == REQUESTS / 10 {
                warm = Usage::of(self.pid)?;
            }
        }
        let last = Usage::of(self.pid)?;
        // The queue may hold 8192 lines.
        assert!(
            last.resident < warm.resident + (24 << 20),
            "{warm:?} {last:?}"
        );
        assert_eq!(self.get("/x").await?, "ok");
        drop(exchange);
        let pid = Pid::from_raw(i32::try_from(self.pid)?).expect("a number");
        let start = Instant::now();
        kill_process(pid, Signal::TERM)?;
        let status = soon("its end", self.child.wait()).await?;
        assert_eq!(status.code(), Some(0));
        assert!(start.elapsed() < Duration::from_secs(5));
        Ok(())
    }
}

fn writing_to(stdout: impl Into<Stdio>) -> Command {
    let mut command = command(gateway_binary(), &[]);
    command.stdout(stdout).stderr(Stdio::null());
    command
}

#[tokio::test]
async fn a_full_disk_for_lines_fails_no_request() -> TestResult {
    let origin = Origin::replying("ok").await;
    let full = OpenOptions::new().write(true).open("/dev/full")?;
    Mute::start(&origin, || writing_to(full))
        .await?
        .goes_on()
        .await
}

#[tokio::test]
async fn a_pipe_that_nobody_reads_holds_up_no_request_and_not_the_end() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = Mute::start(&origin, || writing_to(Stdio::piped())).await?;
    gateway.goes_on().await
}

#[tokio::test]
async fn a_reader_of_lines_that_is_gone_ends_nothing() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut gateway = Mute::start(&origin, || writing_to(Stdio::piped())).await?;
    drop(gateway.child.stdout.take());
    gateway.goes_on().await
}

#[tokio::test]
async fn a_start_with_standard_output_closed_is_a_start() -> TestResult {
    let origin = Origin::replying("ok").await;
    let closed = || {
        let binary = gateway_binary();
        let script = r#"exec "$0" "$@" >&- 2>&-"#;
        command("/bin/sh", &["-c", script, &binary.to_string_lossy()])
    };
    Mute::start(&origin, closed).await?.goes_on().await
}
