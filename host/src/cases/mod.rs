//! Cases for plugins: what `cuttle plugin test` reads and `cuttle run --record`
//! writes.
//!
//! ```yaml
//! cases:
//!   - name: goes through the proxy
//!     settings: { proxy_address: "http://proxy.test:3128" }
//!     request: { uri: "http://backend.test/health" }
//!     outside:
//!       - via: http://proxy.test:3128
//!         answer: { status: 200, body: ok }
//!     expect: { status: 200, body: ok }
//! ```

mod content;
mod failure;

use std::{collections::BTreeMap, path::Path};

use cuttle_pipeline::config;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use content::Content;
pub(crate) use failure::{call_kind, failure, kind};

/// Stands for a value that is not to be written down. Where something is
/// expected, it stands for any value.
pub(crate) const HIDDEN: &str = "***";
/// What [`Exchange::via`] says of `outbound`.
pub(crate) const OUTBOUND: &str = "outbound";
/// The same for requests that are handed on to whoever comes next.
pub(crate) const NEXT: &str = "next";

/// A file of cases.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseFile {
    pub(crate) cases: Vec<Case>,
}

/// One request to a plugin, and what is to come of it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The object under `plugin/http-client`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) settings: Map<String, Value>,
    #[serde(skip_serializing_if = "Grants::is_empty")]
    pub(crate) grants: Grants,
    pub(crate) request: Asked,
    /// The plugin's own requests, each exactly once, and their answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outside: Vec<Exchange>,
    pub(crate) expect: Expected,
    #[serde(skip_serializing_if = "Budget::is_empty")]
    pub(crate) budget: Budget,
    /// Of one that is recorded: texts that are not to be written anywhere.
    #[serde(skip)]
    pub(crate) secrets: Vec<String>,
}

/// Rights beside those that every plugin has: hosts of the backend that are not
/// in the request belong to `outbound`, too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Grants {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outbound: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) proxies: Vec<String>,
}

/// The request that the plugin gets.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// `GET` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// Absolute.
    pub(crate) uri: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: Fields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Content>,
}

/// A request by the plugin, as far as it matters, and its answer.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Exchange {
    /// The address of a forward proxy, `next`, or `outbound`, which is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) via: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: Fields,
    /// Fields that must not be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) absent: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Content>,
    pub(crate) answer: Answer,
}

/// What the outside world says.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Answer {
    /// 200 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: Fields,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Content>,
    /// An error of the contract instead, such as `connect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// What the plugin is to make of it, as far as it matters.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expected {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: Fields,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) absent: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Content>,
    /// An error instead: one of the contract that `handle` returns, `settings`
    /// if they are refused, `trap`, `limit`, `deadline` or `invalid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Part of the error's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Lines of the log in this order, as `info: text`; there may be others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) log: Vec<String>,
}

/// What `handle` may use up.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Budget {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fuel: Option<u64>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<usize>,
}

/// Fields by name.
pub(crate) type Fields = BTreeMap<String, Values>;

/// The values of one field, one for each of its lines.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl Grants {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Budget {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Exchange {
    pub(crate) fn via(&self) -> &str {
        self.via.as_deref().unwrap_or(OUTBOUND)
    }
}

impl CaseFile {
    /// Reads JSON, YAML or TOML.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let text = config::json_of(file).map_err(|mut report| {
            // What helps with a configuration does not help here.
            report.problems.iter_mut().for_each(|one| one.help = None);
            report.to_string()
        })?;
        let reader = &mut serde_json::Deserializer::from_str(&text);
        serde_path_to_error::deserialize(reader)
            .map_err(|error| format!("{}: {}: {}", file.display(), error.path(), error.inner()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<CaseFile, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        CaseFile::read(&file)
    }

    #[test]
    fn cases_are_read_from_yaml_and_json() {
        let yaml = "cases:\n  - name: a\n    request: { uri: \"http://a/\" }\n    expect: { status: 204 }\n";
        let json = r#"{"cases": [{"name": "a", "request": {"uri": "http://a/"}, "expect": {"status": 204}}]}"#;
        for (name, text) in [("a.yaml", yaml), ("a.json", json)] {
            let file = read(name, text).unwrap();
            assert_eq!(file.cases[0].expect.status, Some(204), "{name}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let cases = [
            (
                r#"{"cases": [{"name": "a", "request": {"uri": 1}}]}"#,
                "cases[0].request.uri: ",
            ),
            (
                r#"{"cases": [{"nam": "a"}]}"#,
                "cases[0].nam: unknown field `nam`",
            ),
            (
                r#"{"cases": [{"request": {"uri": "", "headers": {"a": 1}}}]}"#,
                "headers.a: ",
            ),
            (r#"{"cases": [}"#, "a.json:1:"),
            ("[]", "not an object"),
        ];
        for (text, expected) in cases {
            let said = read("a.json", text).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
    }
}
