//! The gateway in the configurations that are measured.

use std::{net::SocketAddr, path::Path};

use anyhow::Context;
use cuttle_tests::{Authority, Gateway, fixture};
use serde_json::{Value, json};

use crate::{
    contender::{Contender, Way},
    peers::{Peer, Scene},
};

/// Paths of the origin: the small answer, the large ones, and where bodies go.
const PATHS: [&str; 3] = ["/bench", "/64k", "/1m"];

/// What the configurations are made of.
pub(crate) struct Surroundings<'a> {
    pub(crate) scene: &'a Scene,
    /// The origin with TLS.
    pub(crate) secure: SocketAddr,
    /// A proxy that opens tunnels.
    pub(crate) tunnels: &'a Peer,
    pub(crate) authority: &'a Authority,
}

impl Surroundings<'_> {
    pub(crate) async fn direct(&self) -> anyhow::Result<Contender> {
        let gateway = Gateway::start(self.config(json!({}))).await?;
        Contender::gateway("direct", gateway, Way::Direct)
    }

    pub(crate) async fn built_in(&self) -> anyhow::Result<Contender> {
        let proxy = format!("http://{}", self.scene.proxy);
        let extra = json!({ "backend/http/client": { "proxy_address": proxy } });
        let gateway = Gateway::start(self.config(extra)).await?;
        Contender::gateway("built-in proxy", gateway, Way::Marked)
    }

    /// By the plugin `http-proxy`, with this in `cuttle/plugins`.
    pub(crate) async fn plugin(&self, name: &str, policy: Value) -> anyhow::Result<Contender> {
        let proxy = format!("http://{}", self.scene.proxy);
        let extra =
            json!({ "plugin/http-client": { "name": "http-proxy", "proxy_address": proxy } });
        let mut config = self.config(extra);
        config["extra_config"]["cuttle/plugins"] = policy;
        Contender::gateway(name, Gateway::start(config).await?, Way::Marked)
    }

    /// The same behind two plugins that hand requests on.
    pub(crate) async fn chain(&self, policy: Value) -> anyhow::Result<Contender> {
        let proxy = format!("http://{}", self.scene.proxy);
        let extra = json!({ "plugin/http-client": {
            "name": ["hands-on", "hands-on", "http-proxy"], "mark": "m", "proxy_address": proxy,
        } });
        let mut config = self.config(extra);
        config["extra_config"]["cuttle/plugins"] = policy;
        let file = fixture("hands-on");
        let folder = file.parent().context("the folder of fixtures")?;
        config["plugin"] = json!({ "folder": folder, "pattern": "hands-on.wasm" });
        let gateway = Gateway::start(config).await?;
        Contender::gateway("chain of 3", gateway, Way::Marked)
    }

    /// The answer is decoded, filtered and written anew: the same bytes.
    pub(crate) async fn data(&self) -> anyhow::Result<Contender> {
        let mut config = self.config(json!({}));
        let endpoint = &mut config["endpoints"][0];
        endpoint["output_encoding"] = json!("json");
        endpoint["backend"][0]["encoding"] = json!("json");
        endpoint["backend"][0]["allow"] = json!(["from"]);
        Contender::gateway("JSON, filtered", Gateway::start(config).await?, Way::Direct)
    }

    pub(crate) async fn to_tls(&self) -> anyhow::Result<Contender> {
        let config = self.secured(json!({}));
        Contender::gateway("direct TLS", Gateway::start(config).await?, Way::Direct)
    }

    pub(crate) async fn tunnel(&self) -> anyhow::Result<Contender> {
        let proxy = format!("http://{}", self.tunnels.address());
        let config = self.secured(json!({ "backend/http/client": { "proxy_address": proxy } }));
        Contender::gateway("tunnel TLS", Gateway::start(config).await?, Way::Tunnel)
    }

    /// Clients speak TLS to it.
    pub(crate) async fn behind_tls(&self) -> anyhow::Result<Contender> {
        let folder = &self.scene.certificate;
        let file = |name: &str| folder.join(name).display().to_string();
        let mut config = self.config(json!({}));
        config["tls"] = json!({ "public_key": file("cert.pem"), "private_key": file("key.pem") });
        Contender::secure_gateway("direct", Gateway::start(config).await?)
    }

    /// With so many endpoints, of which the last is asked for.
    pub(crate) async fn endpoints(&self, count: usize) -> anyhow::Result<Contender> {
        let mut config = self.config(json!({}));
        let wanted = config["endpoints"].take();
        let other = |number: usize| {
            let path = format!("/other/{number}/{{id}}");
            self.endpoint(&path, "GET", &path, &json!({}))
        };
        let mut endpoints: Vec<Value> = (1..count).map(other).collect();
        endpoints.extend(wanted.as_array().and_then(|all| all.first()).cloned());
        config["endpoints"] = endpoints.into();
        let name = format!("direct, {count}");
        Contender::gateway(&name, Gateway::start(config).await?, Way::Direct)
    }

    /// The same with an origin that speaks TLS.
    fn secured(&self, extra: Value) -> Value {
        let mut config = self.config(extra);
        for endpoint in config["endpoints"].as_array_mut().into_iter().flatten() {
            endpoint["backend"][0]["host"] = json!([format!("https://{}", self.secure)]);
        }
        config["client_tls"] = json!({ "ca_certs": [self.authority.file()] });
        config
    }

    fn config(&self, extra: Value) -> Value {
        let mut endpoints: Vec<Value> = PATHS
            .map(|path| self.endpoint(path, "GET", path, &extra))
            .into();
        endpoints.push(self.endpoint("/up", "POST", "/up", &extra));
        json!({
            "version": 3,
            "timeout": "60s",
            "endpoints": endpoints,
            // No peer writes a log either.
            "extra_config": { "router": { "disable_access_log": true } },
        })
    }

    fn endpoint(&self, path: &str, method: &str, onward: &str, extra: &Value) -> Value {
        json!({
            "endpoint": path,
            "method": method,
            "output_encoding": "no-op",
            "backend": [{
                "url_pattern": onward,
                "host": [format!("http://{}", self.scene.origin)],
                "encoding": "no-op",
                "extra_config": extra,
            }],
        })
    }
}

/// `cert.pem` and `key.pem`, and both in one file, as HAProxy wants them.
pub(crate) fn certificate(authority: &Authority, folder: &Path) -> anyhow::Result<()> {
    let (certificate, key) = authority.issue(&["127.0.0.1"], folder);
    let read = |path| std::fs::read_to_string(path).context("the certificate");
    let both = read(certificate)? + &read(key)?;
    Ok(std::fs::write(folder.join("both.pem"), both)?)
}
