//! Builds the components of this workspace from a build script of the host's
//! workspace, so that a plain `cargo build` is enough there.
//!
//! Included with `#[path]` by `host/build.rs` (the bundled plugins) and
//! `tests/build.rs` (those and the fixtures).

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Target of every component.
const TARGET: &str = "wasm32-wasip2";
/// Variables by which the outer build would leak into this one: flags and
/// wrappers for another target, `clippy-driver` in place of the compiler.
const OUTER: [&str; 11] = [
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// Builds `folders` of the plugin workspace at `root`, each of which holds the
/// package of the same name, and copies `<name>.wasm` into `to`.
///
/// # Errors
/// What failed, and what to run when it is the set-up that is missing.
pub fn build(root: &Path, folders: &[PathBuf], to: &Path) -> Result<(), Box<dyn Error>> {
    for input in [
        "Cargo.toml",
        "Cargo.lock",
        "build_support.rs",
        "sdk",
        "../wit",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    for folder in folders {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    let names = folders
        .iter()
        .map(|folder| name(folder))
        .collect::<Result<Vec<_>, _>>()?;
    let target_dir = target_dir()?;
    compile(root, &names, &target_dir)?;

    fs::create_dir_all(to)?;
    let compiled = target_dir.join(TARGET).join("release");
    for name in names {
        copy(&compiled, name, to)?;
    }
    Ok(())
}

fn name(folder: &Path) -> Result<&str, Box<dyn Error>> {
    folder
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| format!("{}: not a package", folder.display()).into())
}

/// `plugins` beside the profiles of the outer build: the same for every build
/// script, so that what one has compiled the next finds.
fn target_dir() -> Result<PathBuf, Box<dyn Error>> {
    // <target>/<profile>/build/<package>-<hash>/out
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let target = out.ancestors().nth(4).ok_or("OUT_DIR is too short")?;
    Ok(target.join("plugins"))
}

fn compile(root: &Path, names: &[&str], target_dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--locked", "--target", TARGET])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target_dir);
    for name in names {
        cargo.args(["--package", name]);
    }
    for variable in OUTER {
        cargo.env_remove(variable);
    }
    let status = cargo.status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "the plugins do not compile ({status}). If the target {TARGET} is not installed, run\n\
         \n    rustup toolchain install --no-self-update\n\n\
         in the root of the project, which installs what `rust-toolchain.toml` names."
    )
    .into())
}

/// A library's file has underscores in its name, a program's has not.
fn copy(compiled: &Path, name: &str, to: &Path) -> Result<(), Box<dyn Error>> {
    let library = compiled.join(name.replace('-', "_")).with_extension("wasm");
    let program = compiled.join(name).with_extension("wasm");
    let file = if library.exists() { library } else { program };
    let copied = to.join(name).with_extension("wasm");
    fs::copy(&file, copied).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(())
}
