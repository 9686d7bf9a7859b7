//! Files of the repository, and plugins that are built with the tests.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Root of the repository.
///
/// # Panics
///
/// Never: the package lies in it.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is a folder of the repository")
}

/// The component built from `plugins/fixtures/<name>`.
///
/// # Panics
///
/// If there is none of this name.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    component(name)
}

/// The component built from `plugins/http-proxy`.
///
/// # Panics
///
/// If the build script has not built it.
#[must_use]
pub fn bundled_plugin() -> PathBuf {
    component("http-proxy")
}

/// Names of all folders in `plugins/fixtures`.
///
/// # Errors
///
/// If they cannot be listed.
pub fn fixture_names() -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(repository().join("plugins/fixtures"))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn component(name: &str) -> PathBuf {
    let folder = env!("CUTTLE_FIXTURES");
    let path = Path::new(folder).join(format!("{name}.wasm"));
    assert!(path.exists(), "no component {name} in {folder:?}");
    path
}
