//! The tables of `cases.txt` and `functions.txt`, and what hostile templates
//! must not do.

mod hostile;
mod table;

use std::{cell::RefCell, path::PathBuf};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    eval,
    functions::{Functions, World},
    json,
    node::Templates,
    value::Heap,
};

/// The settings of every case.
const DATA: &str = r#"{
    "str": "text", "port": 8080, "float": 1.5, "big": 1e21, "int6": 1000000, "neg": -12,
    "tiny": 1e-7, "zero": 0, "null": null, "strs": ["a", "b", "c"],
    "obj": {"a": 1, "b": "two", "inner": {"deep": "down"}},
    "list": [1, "two", {"x": 1}, null],
    "emptylist": [], "emptymap": {}
}"#;

fn world() -> World {
    let environment = [("HOME", "/home/krakend"), ("PORT", "8080"), ("EMPTY", "")];
    World {
        environment: environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        partials: PathBuf::new(),
        now: "2024-03-09T14:05:07.123456789Z"
            .parse::<Timestamp>()
            .unwrap(),
        zone: TimeZone::UTC,
        missing_partials: RefCell::default(),
    }
}

/// What the template makes; its error as Go would print it.
fn rendered(template: &str) -> Result<String, String> {
    let heap = Heap::new();
    let data = json::decode(DATA, &heap).unwrap();
    let functions = Functions::new();
    let mut templates = Templates::new();
    let known = |name: &str| functions.find(name).is_some();
    if let Err(error) = templates.add("test", template.to_owned(), &known) {
        return Err(format!("template: test:{}: {}", error.line, error.message));
    }
    let rendered = eval::execute(&templates, "test", data, &functions, &world(), &heap);
    rendered.map(|rendered| rendered.text).map_err(|fault| {
        let before = template.get(..fault.offset).unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        format!(
            "template: test:{line}:{column}: executing {:?} at <{}>: {}",
            &*fault.template, fault.construct, fault.message
        )
    })
}
