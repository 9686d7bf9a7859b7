//! The author kit as a part of somebody's project.
//!
//! In the repository its manifest takes versions from the workspace of
//! `plugins/`, which does not come along.

use std::path::{Path, PathBuf};

use anyhow::Context;
use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

/// The manifest of the workspace that the kit is a member of.
const WORKSPACE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../plugins/Cargo.toml"
));

/// Makes the manifest at `path`, one of `files`, stand alone.
pub(super) fn detach(files: &mut [(PathBuf, Vec<u8>)], path: &Path) -> anyhow::Result<()> {
    let (_, content) = files
        .iter_mut()
        .find(|(found, _)| found == path)
        .context("the author kit has no manifest")?;
    let manifest = std::str::from_utf8(content)?;
    *content = standalone(manifest, WORKSPACE)?.into_bytes();
    Ok(())
}

/// The manifest with the workspace's values in place of `workspace = true`.
/// What only the tests of the package use is left out.
fn standalone(manifest: &str, workspace: &str) -> anyhow::Result<String> {
    let mut manifest: DocumentMut = manifest.parse()?;
    let workspace: DocumentMut = workspace.parse()?;
    let inherited = |table: &str| {
        let tables = workspace.get("workspace").and_then(Item::as_table);
        tables.and_then(|tables| tables.get(table)?.as_table())
    };
    for (own, theirs) in [("package", "package"), ("dependencies", "dependencies")] {
        let table = manifest.get_mut(own).and_then(Item::as_table_mut);
        let table = table.with_context(|| format!("no [{own}]"))?;
        let theirs = inherited(theirs).with_context(|| format!("no [workspace.{theirs}]"))?;
        resolve(table, theirs)?;
    }
    for tests in ["dev-dependencies", "lints"] {
        manifest.remove(tests);
    }
    Ok(manifest.to_string())
}

fn resolve(table: &mut Table, theirs: &Table) -> anyhow::Result<()> {
    for (key, item) in table.iter_mut() {
        let Some(own) = item.as_table_like().filter(|own| inherits(*own)) else {
            continue;
        };
        let value = theirs
            .get(&key)
            .and_then(Item::as_value)
            .with_context(|| format!("`{}` is not in the workspace", key.get()))?;
        *item = merged(own, value);
    }
    Ok(())
}

fn inherits(item: &dyn TableLike) -> bool {
    item.get("workspace").and_then(Item::as_bool) == Some(true)
}

/// What the package adds, such as features, goes on top.
fn merged(own: &dyn TableLike, theirs: &Value) -> Item {
    let additions = own.iter().filter(|(key, _)| *key != "workspace");
    let additions: Vec<_> = additions
        .filter_map(|(key, item)| Some((key, item.as_value()?.clone())))
        .collect();
    if additions.is_empty() {
        return value(theirs.clone().decorated(" ", ""));
    }
    let mut merged = match theirs {
        Value::InlineTable(table) => table.clone(),
        version => InlineTable::from_iter([("version", version.clone())]),
    };
    merged.extend(additions);
    value(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_workspace_says_is_written_out() {
        let workspace = r#"
            [workspace.package]
            version = "1.2.3"
            [workspace.dependencies]
            log = "0.4"
            http = { version = "1", default-features = false }
            serde = "1.0"
        "#;
        let manifest = r#"
            [package]
            name = "kit"
            version.workspace = true
            [dependencies]
            log.workspace = true
            http = { workspace = true }
            serde = { workspace = true, features = ["derive"] }
            [dev-dependencies]
            tempfile.workspace = true
        "#;
        let alone: DocumentMut = standalone(manifest, workspace).unwrap().parse().unwrap();
        let text = |item: &Item| item.as_value().unwrap().to_string().trim().to_owned();
        assert_eq!(text(&alone["package"]["version"]), "\"1.2.3\"");
        let dependencies = &alone["dependencies"];
        assert_eq!(text(&dependencies["log"]), "\"0.4\"");
        assert_eq!(text(&dependencies["http"]["version"]), "\"1\"");
        assert_eq!(text(&dependencies["serde"]["version"]), "\"1.0\"");
        assert_eq!(text(&dependencies["serde"]["features"]), "[\"derive\"]");
        assert!(!alone.contains_key("dev-dependencies"));
    }

    #[test]
    fn a_value_that_is_nowhere_is_an_error() {
        let manifest = "[package]\nversion.workspace = true\n[dependencies]\n";
        let workspace = "[workspace.package]\n[workspace.dependencies]\n";
        let error = standalone(manifest, workspace).unwrap_err().to_string();
        assert!(error.contains("`version`"), "{error}");
    }
}
