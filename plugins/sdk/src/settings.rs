//! The object under `plugin/http-client`, as a type.
//!
//! Messages name the key and never the value: it may be a secret.

use std::{any::TypeId, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, IntoDeserializer, value},
};
use serde_json::{Map, Value};

/// For a plugin that has no settings. Takes any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoSettings;

impl<'de> Deserialize<'de> for NoSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// Why settings cannot be used. Stops the gateway's start, and ends up in front
/// of the person who wrote the configuration.
///
/// ```
/// use cuttle_plugin_sdk::SettingsError;
///
/// fn checked(limit: u64) -> Result<u64, SettingsError> {
///     match limit {
///         0 => Err(SettingsError::at("limit", "must be positive")),
///         limit => Ok(limit),
///     }
/// }
/// assert_eq!(checked(0).unwrap_err().to_string(), "limit: must be positive");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(String);

impl SettingsError {
    /// An error about `key`, which may be a path as in `retry.times`. The
    /// gateway adds its place in the file.
    pub fn at(key: &str, reason: impl fmt::Display) -> Self {
        Self(format!("{key}: {reason}"))
    }
}

/// An error about the settings as a whole.
impl From<&str> for SettingsError {
    fn from(reason: &str) -> Self {
        Self(reason.into())
    }
}

/// An error about the settings as a whole.
impl From<String> for SettingsError {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

/// An error about the settings as a whole.
impl From<crate::Error> for SettingsError {
    fn from(error: crate::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

/// Reads the text that the gateway gives to `configure`.
pub(crate) fn parse<T: DeserializeOwned + 'static>(text: &str) -> Result<T, SettingsError> {
    // Known when the plugin is compiled: one without settings is spared the
    // parser, which is half of it.
    if TypeId::of::<T>() == TypeId::of::<NoSettings>() {
        return T::deserialize(().into_deserializer()).map_err(unread);
    }
    typed(object(text)?, "")
}

/// The same for a modifier, whose settings may be the member with its `name`.
pub(crate) fn parse_own<T: DeserializeOwned + 'static>(
    text: &str,
    name: &str,
) -> Result<T, SettingsError> {
    if TypeId::of::<T>() == TypeId::of::<NoSettings>() {
        return parse(text);
    }
    let mut object = object(text)?;
    match object.remove(name) {
        Some(Value::Object(own)) => typed(own, name),
        Some(other) => {
            object.insert(name.to_owned(), other);
            typed(object, "")
        }
        None => typed(object, ""),
    }
}

fn object(text: &str) -> Result<Map<String, Value>, SettingsError> {
    let mut object: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| "the settings are not a JSON object")?;
    // The gateway's own key: a plugin with `deny_unknown_fields` must not
    // stumble over it.
    object.remove("name");
    Ok(object)
}

/// `within` is the key of the object, if it has one.
fn typed<T: DeserializeOwned>(
    object: Map<String, Value>,
    within: &str,
) -> Result<T, SettingsError> {
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let path = error.path().to_string();
        let said = describe(&path, &error.into_inner().to_string());
        match within {
            "" => SettingsError(said),
            key if path == "." && !said.contains(": ") => SettingsError::at(key, said),
            key => SettingsError(format!("{key}.{said}")),
        }
    })
}

/// Only there for its type: nothing is read.
fn unread(_: value::Error) -> SettingsError {
    "cannot be read".into()
}

/// `key: reason` of an error of serde at `path`, which is `.` for the object
/// itself.
fn describe(path: &str, message: &str) -> String {
    let path = if path == "." { "" } else { path };
    if let Some(field) = quoted(message, "missing field ") {
        return located(&joined(path, field), "is missing");
    }
    if let Some(field) = quoted(message, "unknown field ") {
        // The path ends in the field, or in the object that it is in.
        let last = path.rsplit('.').next();
        let path = if last == Some(field) {
            path.to_owned()
        } else {
            joined(path, field)
        };
        return located(&path, "is not a key of this plugin");
    }
    // What serde says of a wrong value is the value, then what was expected.
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => located(path, &format!("must be {expected}")),
        None => located(path, message),
    }
}

/// The text in backticks after `start`.
fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').nth(1)
}

fn joined(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

/// The gateway finds paths of keys; the place within a list is said in words.
fn located(path: &str, reason: &str) -> String {
    match path.split_once('[') {
        _ if path.is_empty() => reason.to_owned(),
        Some((key, within)) => format!("{key}: [{within} {reason}"),
        None => format!("{path}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read from text")]
    struct Settings {
        limit: u32,
        retry: Option<Retry>,
        #[serde(default)]
        hosts: Vec<String>,
        mode: Option<Mode>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read from text")]
    struct Retry {
        times: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
        Safe,
    }

    #[test]
    fn an_error_begins_with_its_key_and_hides_the_value() {
        let cases = [
            ("{}", "limit: is missing"),
            (r#"{"limit": "s3cret"}"#, "limit: must be u32"),
            (r#"{"limit": -31337}"#, "limit: must be u32"),
            (r#"{"limit": "a, expected s3cret"}"#, "limit: must be u32"),
            (r#"{"limit": 1, "retry": {}}"#, "retry.times: is missing"),
            (
                r#"{"limit": 1, "retry": {"times": 31337}}"#,
                "retry.times: must be u8",
            ),
            (
                r#"{"limit": 1, "retry": {"time": 1}}"#,
                "retry.time: is not a key of this plugin",
            ),
            (
                r#"{"limit": 1, "limt": 1}"#,
                "limt: is not a key of this plugin",
            ),
            (
                r#"{"limit": 1, "hosts": ["a", 31337]}"#,
                "hosts: [1] must be a string",
            ),
            (
                r#"{"limit": 1, "mode": "s3cret"}"#,
                "mode: must be `fast` or `safe`",
            ),
            ("[]", "the settings are not a JSON object"),
            (r#"{"limit""#, "the settings are not a JSON object"),
        ];
        for (text, message) in cases {
            let error = parse::<Settings>(text).unwrap_err().to_string();
            assert_eq!(error, message, "{text}");
        }
    }

    #[test]
    fn the_name_is_the_gateways() {
        let text = r#"{"name": "mine", "limit": 7, "mode": "fast"}"#;
        assert_eq!(parse::<Settings>(text).unwrap().limit, 7);
    }

    #[test]
    fn the_settings_of_a_modifier_may_stand_under_its_name() {
        let limit = |text| parse_own::<Settings>(text, "mine").map(|settings| settings.limit);
        assert_eq!(limit(r#"{"name": ["mine"], "limit": 1}"#), Ok(1));
        assert_eq!(limit(r#"{"name": ["mine"], "mine": {"limit": 2}}"#), Ok(2));
        let refused = |text| limit(text).unwrap_err().to_string();
        assert_eq!(
            refused(r#"{"mine": {"limit": "x"}}"#),
            "mine.limit: must be u32"
        );
        assert_eq!(refused(r#"{"mine": {}}"#), "mine.limit: is missing");
        assert_eq!(
            refused(r#"{"limit": 1, "mine": 7}"#),
            "mine: is not a key of this plugin"
        );
    }

    #[test]
    fn no_settings_are_any() {
        for text in ["{}", r#"{"name": "mine", "a": [1, {"b": null}]}"#] {
            assert_eq!(parse::<NoSettings>(text).unwrap(), NoSettings);
        }
    }
}
