//! The shape of the repository, as promises that a compiler does not check.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use cuttle_tests::{TestResult, fixture_names, repository};
use serde_json::Value;

/// What may stand at the top beside dotfiles.
const TOP_LEVEL: [&str; 16] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "deny.toml",
    "docs",
    "examples",
    "fuzz",
    "host",
    "plugins",
    "rust-toolchain.toml",
    "tests",
    "wit",
];

/// Which package may use which other one of ours.
const ARROWS: [(&str, &[&str]); 5] = [
    (
        "cuttle",
        &["cuttle-egress", "cuttle-pipeline", "cuttle-plugin"],
    ),
    ("cuttle-config", &[]),
    ("cuttle-egress", &[]),
    ("cuttle-pipeline", &["cuttle-config"]),
    ("cuttle-plugin", &["cuttle-egress"]),
];

fn packages() -> anyhow::Result<Vec<Value>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(repository())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    Ok(metadata["packages"].as_array().cloned().unwrap_or_default())
}

fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    // What only tests use draws no arrow.
    let used = all.filter(|dependency| dependency["kind"] != "dev");
    used.filter_map(|dependency| dependency["name"].as_str().map(ToOwned::to_owned))
        .collect()
}

#[test]
fn packages_use_each_other_along_the_arrows_only() -> TestResult {
    let mut found = BTreeMap::new();
    for package in packages()? {
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        if name == "cuttle-tests" {
            continue;
        }
        let ours: BTreeSet<_> = dependencies(&package)
            .into_iter()
            .filter(|name| name.starts_with("cuttle"))
            .collect();
        found.insert(name, ours);
    }
    let expected: BTreeMap<_, BTreeSet<_>> = ARROWS
        .iter()
        .map(|(from, to)| {
            (
                (*from).to_owned(),
                to.iter().map(|name| (*name).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn wasmtime_is_known_to_the_plugin_host_only() -> TestResult {
    let mut users = BTreeSet::new();
    for package in packages()? {
        if dependencies(&package)
            .iter()
            .any(|name| name.starts_with("wasmtime"))
        {
            users.insert(package["name"].as_str().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(users, BTreeSet::from(["cuttle-plugin".to_owned()]));
    Ok(())
}

#[test]
fn the_top_level_holds_what_it_should_and_nothing_else() -> TestResult {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(repository())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // Cargo's output is in `.gitignore`.
        if !name.starts_with('.') && name != "target" {
            found.insert(name);
        }
    }
    assert_eq!(
        found,
        TOP_LEVEL.iter().map(|name| (*name).to_owned()).collect()
    );
    Ok(())
}

#[test]
fn every_fixture_is_used_by_a_test() -> TestResult {
    let mut sources = String::new();
    read_sources(&repository().join("tests"), &mut sources)?;
    read_sources(&repository().join("host"), &mut sources)?;
    let unused: Vec<_> = fixture_names()?
        .into_iter()
        .filter(|name| !sources.contains(&format!("\"{name}\"")))
        .collect();
    assert_eq!(unused, Vec::<String>::new(), "no test names them");
    Ok(())
}

fn read_sources(folder: &Path, into: &mut String) -> TestResult {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_sources(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(path)?);
        }
    }
    Ok(())
}
