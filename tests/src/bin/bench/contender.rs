//! What is compared, and the proof that it does what it is measured for.

use std::{net::SocketAddr, process::Stdio};

use anyhow::{Context, ensure};
use cuttle_tests::{Gateway, Usage};
use tokio::process::Command;

use crate::{
    load::Load,
    peers::{MARKER, Peer, THROUGH},
};

/// A way to the origin.
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// Where it speaks TLS, if it does.
    pub(crate) secure: Option<SocketAddr>,
    pub(crate) pid: u32,
    /// Resident memory before the first request, in bytes.
    pub(crate) idle: u64,
    way: Way,
    /// Ends it with the value.
    running: Running,
}

/// How its requests must get to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Not through the forward proxy.
    Direct,
    /// Through the proxy, which marks the answers.
    Marked,
    /// Through a tunnel, in which the proxy can mark nothing.
    Tunnel,
}

enum Running {
    Gateway(Gateway),
    Peer { _peer: Peer },
}

impl Contender {
    pub(crate) fn gateway(name: &str, gateway: Gateway, way: Way) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            address: gateway.address(),
            secure: None,
            pid: gateway.pid(),
            idle: gateway.usage()?.resident,
            way,
            running: Running::Gateway(gateway),
        })
    }

    /// The same, whose listener speaks TLS only.
    pub(crate) fn secure_gateway(name: &str, gateway: Gateway) -> anyhow::Result<Self> {
        let secure = Some(gateway.address());
        let plain = Self::gateway(name, gateway, Way::Direct)?;
        Ok(Self { secure, ..plain })
    }

    pub(crate) fn peer(name: &str, peer: Peer, way: Way) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            address: peer.address(),
            secure: peer.secure(),
            pid: peer.pid(),
            idle: Usage::of_tree(peer.pid())?.resident,
            way,
            running: Running::Peer { _peer: peer },
        })
    }

    /// Address for this load.
    pub(crate) fn url(&self, load: &Load) -> anyhow::Result<String> {
        let path = &load.path;
        Ok(match load.tls {
            true => format!("https://{}{path}", self.secure.context("no TLS there")?),
            false => format!("http://{}{path}", self.address),
        })
    }

    /// What it has to say, for errors.
    pub(crate) fn log(&self) -> String {
        match &self.running {
            Running::Gateway(gateway) => gateway.log().text(),
            Running::Peer { .. } => String::new(),
        }
    }

    /// Ends it; a gateway in good order.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        if let Running::Gateway(mut gateway) = self.running {
            let code = gateway.stop().await?;
            ensure!(code == 0, "{}: exit code {code}", self.name);
        }
        Ok(())
    }

    /// The right server answers, by the right way, all of it: by curl, which
    /// knows nothing of this program.
    pub(crate) async fn verify(&self, load: &Load) -> anyhow::Result<()> {
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--http1.1",
            "--insecure",
            "--include",
            "--max-time",
            "30",
        ]);
        if load.upload > 0 {
            // No waiting for a 100 that not everybody sends.
            command.args(["--header", "expect:", "--data-binary"]);
            command.arg("x".repeat(load.upload.min(100_000)));
        }
        let url = self.url(load)?;
        let output = command.arg(&url).stdin(Stdio::null()).output();
        let output = output.await.context("install the package curl")?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .with_context(|| format!("no answer from {url}: {answer}"))?;
        ensure!(
            head.starts_with("HTTP/1.1 200") && body.starts_with(MARKER),
            "not the origin's answer: {answer:.300}"
        );
        ensure!(
            body.len() == load.answer,
            "{} bytes of {}",
            body.len(),
            load.answer
        );
        let marked = head.to_ascii_lowercase().contains(THROUGH);
        ensure!(
            marked == (self.way == Way::Marked),
            "marked by the forward proxy: {marked}"
        );
        Ok(())
    }
}
