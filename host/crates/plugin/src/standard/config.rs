//! The settings of a place of use as `wasi:config/store`.

use serde_json::Value;
use wasmtime_wasi_config::WasiConfigVariables;

/// The members of the object in `settings`: texts as they are, anything else as
/// JSON. Text that is no object has none.
pub(crate) fn config(settings: &str) -> WasiConfigVariables {
    match serde_json::from_str(settings) {
        Ok(Value::Object(members)) => members.into_iter().map(variable).collect(),
        _ => WasiConfigVariables::default(),
    }
}

fn variable((name, value): (String, Value)) -> (String, String) {
    match value {
        Value::String(text) => (name, text),
        other => (name, other.to_string()),
    }
}
