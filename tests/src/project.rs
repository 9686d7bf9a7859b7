//! Projects as `cuttle plugin new` writes them, built by the tools of their
//! languages.
//!
//! A tool chain fetches megabytes and takes its time, so a project is built once
//! and kept, with the machine code of its component, in a folder of Cargo's
//! output whose name tells what was written.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::gateway_binary;

/// Variables by which the outer build would leak into this one.
const OUTER: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "RUSTFLAGS",
    "VIRTUAL_ENV",
];

/// A built project.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    name: String,
}

impl Project {
    /// Writes a project for the plugin `name` in `language`, and has `make` do
    /// `goal`. A project of the same content that was built before is taken.
    ///
    /// # Errors
    ///
    /// A program of `tools`, each with its package on Debian, that is not
    /// there; or what the build says.
    pub fn build(
        name: &str,
        language: &str,
        tools: &[(&str, &str)],
        goal: &str,
    ) -> anyhow::Result<Self> {
        for (tool, package) in tools {
            ensure!(
                is_there(tool),
                "`{tool}` is missing: apt-get install {package}"
            );
        }
        let kept = output().join("languages");
        fs::create_dir_all(&kept)?;
        let written = tempfile::tempdir_in(&kept)?;
        let new = written.path().join(name);
        write(name, language, &new)?;

        let folder = kept.join(format!("{name}-{}", digest(&new)?));
        if !folder.join("done").exists() {
            forget(&kept, name)?;
            fs::rename(new, &folder)?;
            make(&folder, goal)?;
            fs::write(folder.join("done"), goal)?;
        }
        Ok(Self {
            folder,
            name: name.to_owned(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its component.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.folder.join(format!("plugins/{}.wasm", self.name))
    }
}

/// The folder of Cargo's output for this profile.
fn output() -> PathBuf {
    gateway_binary()
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// Removes what was built of another content, or only begun.
fn forget(kept: &Path, name: &str) -> io::Result<()> {
    let prefix = format!("{name}-");
    for entry in fs::read_dir(kept)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn is_there(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

fn write(name: &str, language: &str, folder: &Path) -> anyhow::Result<()> {
    let mut new = Command::new(gateway_binary());
    new.args(["plugin", "new", name, "--lang", language, "--path"])
        .arg(folder);
    succeed(&mut new)
}

/// Crates of a project in Rust are those of the gateway's own plugins, and are
/// there: nothing is fetched, and what was compiled for those is taken.
fn make(folder: &Path, goal: &str) -> anyhow::Result<()> {
    let mut make = Command::new("make");
    make.arg(goal)
        .arg(format!("CUTTLE={}", gateway_binary().display()))
        .arg(format!("TARGET_DIR={}", output().join("plugins").display()))
        .env("CARGO_NET_OFFLINE", "true")
        .current_dir(folder);
    for variable in OUTER {
        make.env_remove(variable);
    }
    succeed(&mut make)
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .output()
        .with_context(|| format!("{command:?} does not start"))?;
    if output.status.success() {
        return Ok(());
    }
    bail!(
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Of all paths and contents, short enough for a path.
fn digest(folder: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    files.sort();
    let mut sum = Sha256::new();
    for file in files {
        let path = file.strip_prefix(folder).unwrap_or(&file);
        sum.update(path.to_string_lossy().as_bytes());
        sum.update([0]);
        sum.update(Sha256::digest(fs::read(&file)?));
    }
    let sum = sum.finalize();
    Ok(sum
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
