//! Compiles the bundled plugins and the fixtures. Tests find them, as
//! `<name>.wasm`, in the folder `env!("CUTTLE_FIXTURES")`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "how a build script talks to cargo and to people"
)]

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

#[path = "../plugins/build_support.rs"]
#[allow(unreachable_pub, reason = "shared by two build scripts")]
mod build_support;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let manifest_dir = env::var("CARGO_MANIFEST_DIR")?;
    let plugins = Path::new(&manifest_dir).join("../plugins");
    let fixtures = PathBuf::from(env::var("OUT_DIR")?).join("fixtures");

    // A fixture that was removed must not go on being found.
    if fixtures.exists() {
        fs::remove_dir_all(&fixtures)?;
    }
    build_support::build(&plugins, &folders(&plugins)?, &fixtures)?;
    println!(
        "cargo::rerun-if-changed={}",
        plugins.join("fixtures").display()
    );
    println!("cargo::rustc-env=CUTTLE_FIXTURES={}", fixtures.display());
    Ok(())
}

fn folders(plugins: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut folders = vec!["http-proxy".into(), "pac".into()];
    for entry in fs::read_dir(plugins.join("fixtures"))? {
        folders.push(Path::new("fixtures").join(entry?.file_name()));
    }
    Ok(folders)
}
