//! The command line: what it prints, and the exit codes that scripts rely on.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests report by panicking"
)]

mod bad_input;
mod commands;
mod egress;
mod explain;
mod lint;
mod plugin_inspect;
mod plugin_new;
mod plugin_test;
mod report;
mod settings_schema;
mod test_plugin;

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

/// A working directory with this configuration.
fn folder(config: &Value) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "krakend.json", config.to_string());
    folder
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.join(name), content).expect("a file in the temporary folder");
}
