//! Servers that are measured by the same table, configured as their manuals
//! advise for the same routes.

use std::{
    fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, process::Stdio, time::Duration,
};

use anyhow::{Context, bail};
use cuttle_tests::{Signal, command};
use rustix::process::Pid;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

use super::scene::{MAX_BODY, MAX_HEAD};

/// A server that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rival {
    Nginx,
    Haproxy,
}

/// It is ended, with all of its workers, when this is dropped.
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    folder: TempDir,
}

const FILE: &str = "configuration";

impl Running {
    /// None of them can choose a port, so another try is needed when somebody
    /// takes the chosen one first.
    pub(super) async fn start(rival: Rival, origin: &str) -> anyhow::Result<Self> {
        let mut last = None;
        for _ in 0..3 {
            match Self::attempt(rival, origin).await {
                Ok(running) => return Ok(running),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("a try")?).with_context(|| format!("{rival:?} does not start"))
    }

    async fn attempt(rival: Rival, origin: &str) -> anyhow::Result<Self> {
        let program = rival.program();
        anyhow::ensure!(
            Path::new(program).exists(),
            "{program}: the package is missing"
        );
        let folder = tempfile::tempdir()?;
        // Started by root, it goes on as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        fs::write(
            folder.path().join(FILE),
            rival.configuration(address, origin),
        )?;
        let output = fs::File::create(folder.path().join("output"))?;
        let child = Command::new(program)
            .args(rival.arguments())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        let mut running = Self {
            child,
            address,
            folder,
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
        let output = fs::read_to_string(self.folder.path().join("output"))?;
        bail!("it does not listen: {output}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // While it has not been waited for, nobody else can have its number.
        if let Some(group) = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
        {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

impl Rival {
    fn program(self) -> &'static str {
        match self {
            Self::Nginx => "/usr/sbin/nginx",
            Self::Haproxy => "/usr/sbin/haproxy",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["-p", ".", "-c", FILE, "-e", "error.log"],
            Self::Haproxy => &["-db", "-f", FILE],
        }
    }

    /// What it says of itself.
    pub(super) async fn version(self) -> anyhow::Result<String> {
        let output = command(self.program(), &["-v"]).output().await?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let digits = |word: &&str| word.chars().any(|c| c.is_ascii_digit());
        let word = text.split([' ', '/', '\n']).find(digits);
        Ok(word.context("a version")?.to_owned())
    }

    fn configuration(self, own: SocketAddr, origin: &str) -> String {
        match self {
            Self::Nginx => nginx(own, origin),
            Self::Haproxy => haproxy(own, origin),
        }
    }
}

fn nginx(own: SocketAddr, origin: &str) -> String {
    let fields = format!(
        "proxy_set_header Host {origin}; proxy_set_header Connection \"\"; \
         proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $host;"
    );
    format!(
        "daemon off; worker_processes 1; pid pid;
events {{ worker_connections 256; }}
http {{
    access_log off; client_max_body_size {MAX_BODY}; large_client_header_buffers 4 {MAX_HEAD};
    client_header_timeout 5s; client_body_timeout 5s; keepalive_timeout 5s; lingering_timeout 500ms;
    client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
    proxy_http_version 1.1; {fields}
    upstream origin {{ server {origin}; keepalive 16; }}
    server {{
        listen {own};
        location / {{ return 404; }}
        location = /x {{ limit_except GET POST {{ deny all; }} proxy_pass http://origin; }}
        location = /smuggled {{ proxy_pass http://origin; }}
        location /p/ {{ proxy_pass http://origin/v1/p/; }}
        location /back/ {{ proxy_pass http://origin; }}
        location = /q {{ proxy_pass http://origin/q?a=$arg_a; }}
        location = /h {{
            proxy_pass_request_headers off; {fields}
            proxy_set_header X-Allowed $http_x_allowed; proxy_pass http://origin;
        }}
    }}
}}
"
    )
}

fn haproxy(own: SocketAddr, origin: &str) -> String {
    format!(
        "global
    tune.bufsize 33792
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    timeout http-request 5s
    timeout http-keep-alive 5s
frontend front
    bind {own}
    http-request deny deny_status 413 if {{ req.body_size gt {MAX_BODY} }}
    http-request deny deny_status 404 unless {{ path /x /smuggled /q /h }} or {{ path_beg /p/ /back/ }}
    http-request deny deny_status 405 unless {{ method GET HEAD POST }}
    http-request del-header '^(?!(x-allowed|host|connection|content-length|transfer-encoding)$)' -m reg if {{ path /h }}
    http-request set-query a=%[urlp(a)] if {{ path /q }}
    http-request replace-path ^/p/(.*) /v1/p/\\1
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header Host {origin}
    default_backend back
backend back
    server origin {origin}
"
    )
}
