//! What the host's sources must not hold. The compiler sees to most of it:
//! this sees to it that the compiler is asked.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cuttle_tests::repository;

/// Functions of wasmtime that run machine code as it is. All are `unsafe`.
const UNSAFE_OF_WASMTIME: [&str; 7] = [
    "Component::deserialize",
    "Module::deserialize",
    "deserialize_file",
    "deserialize_raw",
    "deserialize_open_file",
    "Engine::unsafe_",
    "with_unsafe_",
];

/// Files of the host below `folder` whose name ends like this.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path, end),
            false => Vec::from_iter(path.to_string_lossy().ends_with(end).then_some(path)),
        })
        .collect()
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    let root = repository();
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(workspace.contains("\nunsafe_code = \"forbid\"\n"));

    let mut manifests = files(&root.join("host"), "Cargo.toml");
    manifests.push(root.join("tests/Cargo.toml"));
    assert!(manifests.len() >= 6, "{manifests:?}");
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).unwrap();
        assert!(
            text.contains("\n[lints]\nworkspace = true\n"),
            "{manifest:?} does not forbid `unsafe`"
        );
    }
}

#[test]
fn no_source_of_the_host_asks_for_unsafe() {
    let sources = files(&repository().join("host"), ".rs");
    assert!(sources.len() > 200, "{}", sources.len());
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        for line in text.lines() {
            let code = line.split("//").next().unwrap_or_default();
            let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(
                words.into_iter().all(|word| word != "unsafe"),
                "{source:?}: {line}"
            );
            let called = UNSAFE_OF_WASMTIME.iter().find(|name| code.contains(*name));
            assert_eq!(called, None, "{source:?}: {line}");
        }
    }
}
