//! Servers that are measured by the same table, configured as their manuals
//! advise for the same routes.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::Context;
use cuttle_tests::{Server, command};

use super::scene::{MAX_BODY, MAX_HEAD};

/// A server that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rival {
    Nginx,
    Haproxy,
}

const FILE: &str = "configuration";

impl Rival {
    pub(super) async fn start(self, origin: &str) -> anyhow::Result<Server> {
        let program = Path::new(self.program());
        anyhow::ensure!(
            program.exists(),
            "{}: the package is missing",
            program.display()
        );
        let configure = |folder: &Path, [address, _]: [SocketAddr; 2]| {
            let text = self.configuration(address, origin);
            Ok(fs::write(folder.join(FILE), text)?)
        };
        Server::start(program, self.arguments(), configure).await
    }

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
