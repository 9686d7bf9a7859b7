//! The form of a case.
//!
//! `$origin` in a text is the URL of the case's backend, `$authority` its host
//! and port, `$refused` a URL where nobody listens, and `$prefix` what the
//! runner puts in front of the endpoint's path.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

/// Texts by name.
pub(crate) type Texts = BTreeMap<String, String>;
/// Header fields by name: one value, several, or (expected only) none.
pub(crate) type Fields = Map<String, Value>;

/// One file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    cases: Vec<Case>,
}

/// A claim about what the gateway does with a configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The claim.
    pub(crate) name: String,
    /// What it belongs to.
    pub(crate) about: String,
    /// Keys whose effect it shows, as in `keys.json`: `backend.allow`.
    #[serde(default)]
    pub(crate) keys: Vec<String>,
    /// How and why KrakenD answers otherwise.
    #[serde(default)]
    pub(crate) differs: Option<String>,
    /// Why it fails today. A case that has this and passes is an error.
    #[serde(default)]
    pub(crate) not_yet: Option<String>,
    /// Needs a gateway of its own and paths without prefix.
    #[serde(default)]
    pub(crate) alone: bool,
    /// Keys of the root.
    #[serde(default)]
    pub(crate) service: Map<String, Value>,
    /// The endpoint; its path is `/case` and its backend one for `/`, unless it says otherwise.
    #[serde(default)]
    endpoint: Option<Map<String, Value>>,
    /// Several endpoints.
    #[serde(default)]
    endpoints: Vec<Map<String, Value>>,
    /// The configuration as text, instead of the three above.
    #[serde(default)]
    pub(crate) file: Option<ConfigFile>,
    /// Further files of the working directory.
    #[serde(default)]
    pub(crate) files: Texts,
    /// Environment of the gateway.
    #[serde(default)]
    pub(crate) environment: Texts,
    /// What the backend answers to everything.
    #[serde(default, deserialize_with = "replies")]
    pub(crate) backend: Vec<Reply>,
    /// What it answers by path (`/a`) or by method and path (`POST /a`).
    #[serde(default, deserialize_with = "replies_by_path")]
    pub(crate) backends: BTreeMap<String, Vec<Reply>>,
    /// The first request; without one it is `GET /case`.
    #[serde(default)]
    request: Option<Value>,
    /// Its answer.
    #[serde(default)]
    answer: Option<Expected>,
    /// What of it must have reached the backend, in any order and nothing else.
    #[serde(default)]
    received: Option<Vec<Arrived>>,
    /// How many requests must have reached the backend.
    #[serde(default)]
    calls: Option<usize>,
    /// Further requests.
    #[serde(default)]
    then: Vec<Further>,
    /// The gateway does not start and says all of this.
    #[serde(default)]
    pub(crate) refused: Vec<String>,
    /// The gateway starts and warns of all of this; of nothing if empty.
    #[serde(default)]
    pub(crate) warned: Option<Vec<String>>,
}

/// A configuration in a form of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// What a backend answers. Several in a list: one after the other, the last for good.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    #[serde(default = "ok")]
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: Fields,
    /// Compact, and with a content type.
    #[serde(default)]
    pub(crate) json: Option<Value>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) base64: Option<String>,
    #[serde(default)]
    pub(crate) chunks: Option<Vec<String>>,
    /// `Content-Length` of a body that breaks off.
    #[serde(default)]
    pub(crate) promised: Option<u64>,
    /// Milliseconds before the first byte.
    #[serde(default)]
    pub(crate) delay: u64,
    #[serde(default)]
    pub(crate) fault: Option<Fault>,
}

/// What a backend does instead of answering, or after its last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fault {
    Close,
    Reset,
    Silence,
}

/// A request after the first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Further {
    #[serde(default)]
    request: Option<Value>,
    #[serde(default)]
    answer: Option<Expected>,
    #[serde(default)]
    received: Option<Vec<Arrived>>,
    #[serde(default)]
    calls: Option<usize>,
}

/// One request and what must come of it.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) request: Request,
    pub(crate) answer: Option<&'a Expected>,
    pub(crate) received: Option<&'a [Arrived]>,
    pub(crate) calls: Option<usize>,
}

/// `"GET /a"`, or an object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Method and target.
    pub(crate) line: String,
    #[serde(default)]
    pub(crate) headers: Fields,
    #[serde(default)]
    pub(crate) body: Option<String>,
    /// Send the body in chunks.
    #[serde(default)]
    pub(crate) chunked: bool,
}

/// What an answer must be. What is not named is not looked at, except that it
/// must have come to its proper end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    /// Value of `X-Krakend-Completed`.
    #[serde(default)]
    pub(crate) completed: Option<bool>,
    #[serde(default)]
    pub(crate) headers: Fields,
    /// All names of fields, in lower case and sorted.
    #[serde(default)]
    pub(crate) only_headers: Option<Vec<String>>,
    /// The body is exactly this value written compactly.
    #[serde(default, deserialize_with = "present")]
    pub(crate) json: Option<Value>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) base64: Option<String>,
    /// The body holds all of these.
    #[serde(default)]
    pub(crate) contains: Vec<String>,
    /// The body breaks off.
    #[serde(default)]
    pub(crate) aborted: bool,
}

/// A request as the backend must have received it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arrived {
    /// Method and target.
    pub(crate) line: String,
    #[serde(default)]
    pub(crate) headers: Fields,
    /// All names of fields, in lower case and sorted.
    #[serde(default)]
    pub(crate) only_headers: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) body: Option<String>,
}

impl Case {
    /// All cases of `file`.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<Self>> {
        let text = fs::read_to_string(file)?;
        let file: CaseFile =
            serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        Ok(file.cases)
    }

    /// What is wrong with the case itself.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fault = |wrong: bool, text: &str| {
            if wrong {
                faults.push(text.to_owned());
            }
        };
        let starts = self.refused.is_empty();
        let own = self.answer.is_some() || self.received.is_some() || self.calls.is_some();
        fault(
            !own && starts && self.warned.is_none(),
            "it asserts nothing",
        );
        fault(
            self.then.iter().any(Further::asserts_nothing),
            "a further request asserts nothing",
        );
        fault(
            !starts && (own || !self.then.is_empty() || self.warned.is_some()),
            "what is refused cannot answer",
        );
        fault(
            self.name.trim().is_empty() || self.about.trim().is_empty(),
            "it does not say what it is about",
        );
        if let Err(error) = self.steps() {
            faults.push(format!("its request cannot be read: {error:#}"));
        }
        faults
    }

    /// Whether it needs a gateway of its own.
    pub(crate) fn is_alone(&self) -> bool {
        let names_its_own = |value: &Value| value.to_string().contains('$');
        self.alone
            || self.service.values().any(names_its_own)
            || self.file.is_some()
            || self.warned.is_some()
            || !self.refused.is_empty()
            || !self.files.is_empty()
            || !self.environment.is_empty()
    }

    /// The endpoints as written, with paths and backends where they leave them out.
    pub(crate) fn endpoints(&self) -> Vec<Map<String, Value>> {
        let single = self.endpoint.iter().cloned();
        let mut endpoints: Vec<_> = single.chain(self.endpoints.iter().cloned()).collect();
        if endpoints.is_empty() {
            endpoints.push(Map::new());
        }
        for endpoint in &mut endpoints {
            endpoint.entry("endpoint").or_insert_with(|| "/case".into());
            endpoint
                .entry("backend")
                .or_insert_with(|| serde_json::json!([{ "url_pattern": "/" }]));
        }
        endpoints
    }

    /// Everything that is asked and expected, in order.
    pub(crate) fn steps(&self) -> anyhow::Result<Vec<Step<'_>>> {
        let first = Step {
            request: Request::read(self.request.as_ref())?,
            answer: self.answer.as_ref(),
            received: self.received.as_deref(),
            calls: self.calls,
        };
        let asks = first.answer.is_some() || first.received.is_some() || first.calls.is_some();
        let further = self.then.iter().map(|written| {
            Ok(Step {
                request: Request::read(written.request.as_ref())?,
                answer: written.answer.as_ref(),
                received: written.received.as_deref(),
                calls: written.calls,
            })
        });
        asks.then_some(Ok(first))
            .into_iter()
            .chain(further)
            .collect()
    }
}

impl Further {
    fn asserts_nothing(&self) -> bool {
        self.answer.is_none() && self.received.is_none() && self.calls.is_none()
    }
}

impl Request {
    fn read(written: Option<&Value>) -> anyhow::Result<Self> {
        let line = match written {
            None => "GET /case",
            Some(Value::String(line)) => line,
            Some(object) => return Ok(serde_json::from_value(object.clone())?),
        };
        Ok(Self {
            line: line.to_owned(),
            headers: Fields::new(),
            body: None,
            chunked: false,
        })
    }
}

/// The values of a field; nothing if it must not be there.
pub(crate) fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(values).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

fn ok() -> u16 {
    200
}

/// `null` is a value, too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn replies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reply>, D::Error> {
    in_turn(Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn replies_by_path<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Vec<Reply>>, D::Error> {
    let written = Map::<String, Value>::deserialize(deserializer)?;
    let replies = written
        .into_iter()
        .map(|(path, value)| Ok((path, in_turn(value)?)));
    replies
        .collect::<Result<_, serde_json::Error>>()
        .map_err(D::Error::custom)
}

// Not an untagged enum: that would lose the text of numbers.
fn in_turn(value: Value) -> Result<Vec<Reply>, serde_json::Error> {
    match value {
        Value::Array(values) => values.into_iter().map(serde_json::from_value).collect(),
        value => Ok(vec![serde_json::from_value(value)?]),
    }
}
