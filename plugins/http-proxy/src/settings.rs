//! The object under `plugin/http-client`.
//!
//! Error texts begin with the key they are about and never repeat its value:
//! an address may hold credentials.

use serde_json::{Map, Value};

use crate::cuttle::plugin::forward_proxy::{BasicAuth, Options};

/// Keys of this plugin, and `name`, which the gateway has read already.
const KNOWN: [&str; 5] = [
    "name",
    "proxy_address",
    "proxy_username",
    "proxy_password",
    "always_tunnel",
];

/// What the configuration says.
pub struct Settings {
    /// `proxy_address`: URL with scheme, host and port.
    pub proxy_address: String,
    /// `proxy_username` and `proxy_password`, in place of those in the address.
    pub credentials: Option<(String, String)>,
    /// `always_tunnel`: `CONNECT` for `http` backends too.
    pub always_tunnel: bool,
    /// Keys that mean nothing here.
    pub unknown: Vec<String>,
}

impl Settings {
    /// Reads the JSON text the gateway passes to `configure`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| "the settings are not a JSON object")?;

        Ok(Self {
            proxy_address: string(&settings, "proxy_address")?.ok_or(
                "proxy_address: is missing; it is a URL such as `http://proxy.example:3128`",
            )?,
            credentials: credentials(&settings)?,
            always_tunnel: boolean(&settings, "always_tunnel")?,
            unknown: settings
                .keys()
                .filter(|key| !KNOWN.contains(&key.as_str()))
                .cloned()
                .collect(),
        })
    }

    /// The same, for the gateway.
    pub fn options(&self) -> Options {
        Options {
            auth: self
                .credentials
                .clone()
                .map(|(username, password)| BasicAuth { username, password }),
            connect_timeout_ms: None,
            connect_headers: Vec::new(),
            always_tunnel: self.always_tunnel,
            ca: None,
            client_certificate: None,
            http2: false,
            no_proxy: Vec::new(),
            fallbacks: Vec::new(),
            spread: false,
        }
    }
}

fn credentials(settings: &Map<String, Value>) -> Result<Option<(String, String)>, String> {
    match (
        string(settings, "proxy_username")?,
        string(settings, "proxy_password")?,
    ) {
        (Some(username), password) => Ok(Some((username, password.unwrap_or_default()))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err("proxy_password: needs `proxy_username` beside it".into()),
    }
}

fn string(settings: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match settings.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key}: must be a string")),
    }
}

fn boolean(settings: &Map<String, Value>, key: &str) -> Result<bool, String> {
    match settings.get(key) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(format!("{key}: must be true or false")),
    }
}
