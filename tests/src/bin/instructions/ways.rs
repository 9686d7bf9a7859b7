//! The ways that are counted: each the whole gateway but for its listener, with
//! an origin in the same process, on one thread.

use std::{net::IpAddr, path::Path, str::FromStr, sync::Arc};

use anyhow::{bail, ensure};
use bytes::Bytes;
use cuttle::{
    assemble::{Kept, assemble},
    gateway::{Gateway, Peer},
};
use http::Request;
use http_body_util::{BodyExt, Empty};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A way through the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// One of a thousand endpoints, no-op.
    Route,
    /// The same by the plugin `http-proxy`.
    Plugin,
    /// A JSON document, decoded, filtered and written anew.
    Data,
    /// Through a tunnel that is there already.
    Tunnel,
    /// Forty fields, of which the endpoint lets some through.
    Headers,
}

impl Way {
    pub(crate) const ALL: [Self; 5] = [
        Self::Route,
        Self::Plugin,
        Self::Data,
        Self::Tunnel,
        Self::Headers,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Route => "route-and-no-op",
            Self::Plugin => "plugin-call",
            Self::Data => "json-filter",
            Self::Tunnel => "connect-reuse",
            Self::Headers => "header-rules",
        }
    }

    fn config(self, origin: &str, cache: &Path) -> Value {
        let mut extra = json!({});
        let proxy = format!("http://{origin}");
        match self {
            Self::Plugin => {
                extra["plugin/http-client"] =
                    json!({ "name": "http-proxy", "proxy_address": proxy });
            }
            Self::Tunnel => {
                extra["backend/http/client"] =
                    json!({ "proxy_address": proxy, "proxy_tunnel": true });
            }
            _ => {}
        }
        let encoding = match self {
            Self::Data => "json",
            _ => "no-op",
        };
        let mut backend = json!({
            "url_pattern": "/counted/{id}",
            "host": [format!("http://{origin}")],
            "encoding": encoding,
            "extra_config": extra,
        });
        if self == Self::Data {
            backend["allow"] = json!(["id", "owner.name"]);
        }
        let wanted = json!({
            "endpoint": "/counted/{id}",
            "output_encoding": encoding,
            "input_headers": (0..20).map(|number| format!("X-Field-{number}")).collect::<Vec<_>>(),
            "backend": [backend],
        });
        let other = |number: usize| {
            let mut other = wanted.clone();
            other["endpoint"] = json!(format!("/other/{number}/{{id}}"));
            other
        };
        let others = if self == Self::Route { 999 } else { 0 };
        let endpoints: Vec<_> = (0..others).map(other).chain([wanted.clone()]).collect();
        json!({
            "version": 3,
            "endpoints": endpoints,
            "extra_config": {
                "router": { "disable_access_log": true },
                "cuttle/plugins": { "max_instances": 2, "cache_dir": cache },
            },
        })
    }

    fn request(self) -> anyhow::Result<Request<Empty<Bytes>>> {
        let mut request = Request::get("/counted/7?page=2").header("host", "gateway.test");
        if self == Self::Headers {
            for number in 0..40 {
                request = request.header(format!("x-field-{number}"), "a value of some length");
            }
        }
        Ok(request.body(Empty::new())?)
    }
}

impl FromStr for Way {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::ALL.into_iter().find(|way| way.name() == text) {
            Some(way) => Ok(way),
            None => bail!("no way {text:?}"),
        }
    }
}

/// Sends `count` requests, one after the other. `cache` is for the machine code
/// of plugins.
pub(crate) fn run(way: Way, count: u32, cache: &Path) -> anyhow::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = listener.local_addr()?.to_string();
        tokio::spawn(serve(listener));
        let gateway = gateway(&way.config(&origin, cache)).await?;
        for _ in 0..count {
            ask(&gateway, way).await?;
        }
        Ok(())
    })
}

async fn gateway(config: &Value) -> anyhow::Result<Arc<Gateway>> {
    let options = cuttle_pipeline::config::Options::default();
    let file = Path::new("counted.json");
    let loaded = cuttle_pipeline::config::parse(&config.to_string(), file, &options);
    let loaded = loaded.map_err(|report| anyhow::anyhow!("{report}"))?;
    match assemble(&loaded, &|_| None, &mut Kept::default()).await {
        Ok(assembly) => Ok(Arc::new(assembly.gateway)),
        Err(problems) => bail!("{problems:?}"),
    }
}

async fn ask(gateway: &Arc<Gateway>, way: Way) -> anyhow::Result<()> {
    let ip = IpAddr::from([127, 0, 0, 1]);
    let peer = Peer {
        ip,
        addr: (ip, 1).into(),
        tls: false,
    };
    let response = gateway.handle(way.request()?, peer).await;
    let status = response.status();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    ensure!(
        status == 200 && body.starts_with(b"{\"id\":7"),
        "{status}: {body:?}"
    );
    Ok(())
}

const DOCUMENT: &str = r#"{"id":7,"owner":{"name":"Ada","mail":"ada@example.test"},"tags":["a","b","c"],"price":12.50,"more":{"deep":{"deeper":[1,2,3,4]}}}"#;

async fn serve(listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(converse(stream));
    }
}

/// Answers each head, a `CONNECT` as if it had connected to itself.
async fn converse(mut stream: TcpStream) -> std::io::Result<()> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{DOCUMENT}",
        DOCUMENT.len()
    );
    let mut head = Vec::with_capacity(4096);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
        if head.ends_with(b"\r\n\r\n") {
            let tunnel = head.starts_with(b"CONNECT ");
            let text: &[u8] = match tunnel {
                true => b"HTTP/1.1 200 OK\r\n\r\n",
                false => answer.as_bytes(),
            };
            stream.write_all(text).await?;
            head.clear();
        }
    }
}
