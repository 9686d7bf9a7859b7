//! The object under `plugin/http-client`.
//!
//! Error texts begin with the key they are about and never repeat its value:
//! an address may hold credentials. References to the environment and to files
//! have been followed by the gateway, so that `proxy_ca` holds certificates and
//! `proxy_password` a password here.

use serde_json::{Map, Value};

use crate::{
    cuttle::plugin::forward_proxy::{BasicAuth, FieldText, Options},
    duration,
};

/// Keys of this plugin, and `name`, which the gateway has read already.
const KNOWN: [&str; 14] = [
    "name",
    "proxy_address",
    "proxy_sharing",
    "proxy_username",
    "proxy_password",
    "proxy_connect_headers",
    "no_proxy",
    "proxy_tunnel",
    "proxy_ca",
    "proxy_client_certificate",
    "proxy_http2",
    "proxy_connect_timeout",
    // The first name of `proxy_tunnel`.
    "always_tunnel",
    "proxy_pac",
];

/// What the configuration says.
pub struct Settings {
    /// The first of `proxy_address`: URL with scheme, host and port.
    pub address: String,
    /// Everything else.
    pub options: Options,
    /// Keys that mean nothing here.
    pub unknown: Vec<String>,
}

impl Settings {
    /// Reads the JSON text the gateway passes to `configure`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let object: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| "the settings are not a JSON object")?;
        if is_set(&object, "proxy_pac") {
            return Err("proxy_pac: belongs into `backend/http/client`, without a plugin".into());
        }
        let (address, fallbacks) = addresses(&object)?;
        Ok(Self {
            address,
            options: options(&object, fallbacks)?,
            unknown: object
                .keys()
                .filter(|key| !KNOWN.contains(&key.as_str()) && !is_listed(&object, key))
                .cloned()
                .collect(),
        })
    }
}

/// Whether `key` is the name of a plugin in the same list, under which that one
/// has its settings by custom.
fn is_listed(settings: &Map<String, Value>, key: &str) -> bool {
    let names = settings.get("name").and_then(Value::as_array);
    names.is_some_and(|names| names.iter().any(|name| name == key))
}

fn options(settings: &Map<String, Value>, fallbacks: Vec<String>) -> Result<Options, String> {
    Ok(Options {
        auth: credentials(settings)?,
        connect_timeout_ms: duration::milliseconds(settings, "proxy_connect_timeout")?,
        connect_headers: connect_headers(settings)?,
        always_tunnel: boolean(settings, "proxy_tunnel")? || boolean(settings, "always_tunnel")?,
        ca: string(settings, "proxy_ca")?,
        no_proxy: no_proxy(settings)?,
        spread: spread(settings)?,
        fallbacks,
        client_certificate: string(settings, "proxy_client_certificate")?,
        http2: boolean(settings, "proxy_http2")?,
    })
}

/// `proxy_address`, a text or a list of them: the first one and the others.
fn addresses(settings: &Map<String, Value>) -> Result<(String, Vec<String>), String> {
    let missing = "proxy_address: is missing; it is a URL such as `http://proxy.example:3128`";
    let mut texts = match settings.get("proxy_address") {
        None | Some(Value::Null) => return Err(missing.into()),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .map(text)
            .collect::<Option<_>>()
            .unwrap_or_default(),
        Some(_) => Vec::new(),
    }
    .into_iter();
    let first = texts
        .next()
        .ok_or("proxy_address: must be a string or a list of strings")?;
    Ok((first, texts.collect()))
}

/// `proxy_sharing`.
fn spread(settings: &Map<String, Value>) -> Result<bool, String> {
    match string(settings, "proxy_sharing")?.as_deref() {
        None | Some("order") => Ok(false),
        Some("spread") => Ok(true),
        Some(_) => Err("proxy_sharing: must be \"order\" or \"spread\"".into()),
    }
}

fn credentials(settings: &Map<String, Value>) -> Result<Option<BasicAuth>, String> {
    match (
        string(settings, "proxy_username")?,
        string(settings, "proxy_password")?,
    ) {
        (Some(username), password) => Ok(Some(BasicAuth {
            username,
            password: password.unwrap_or_default(),
        })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err("proxy_password: needs `proxy_username` beside it".into()),
    }
}

/// `proxy_connect_headers`: an object of texts.
fn connect_headers(settings: &Map<String, Value>) -> Result<Vec<FieldText>, String> {
    let wrong = "proxy_connect_headers: must be an object of strings";
    match settings.get("proxy_connect_headers") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(fields)) => fields
            .iter()
            .map(|(name, value)| {
                let (name, value) = (name.clone(), text(value).ok_or(wrong)?);
                Ok(FieldText { name, value })
            })
            .collect(),
        Some(_) => Err(wrong.into()),
    }
}

/// `no_proxy`: a list, or one text with commas.
fn no_proxy(settings: &Map<String, Value>) -> Result<Vec<String>, String> {
    let texts = match settings.get("no_proxy") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(one) => text(one).map(|text| vec![text]),
    };
    let texts = texts.ok_or("no_proxy: must be a list of strings, or one with commas")?;
    let entries = texts.iter().flat_map(|text| text.split(','));
    Ok(entries
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn is_set(settings: &Map<String, Value>, key: &str) -> bool {
    settings.get(key).is_some_and(|value| !value.is_null())
}

/// The text under `key`.
pub fn string(settings: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match settings.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key}: must be a string")),
    }
}

fn boolean(settings: &Map<String, Value>, key: &str) -> Result<bool, String> {
    match settings.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(format!("{key}: must be true or false")),
    }
}
