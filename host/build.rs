//! Compiles the bundled plugins, and the runner of PAC files, to `OUT_DIR`, from where they are embedded
//! together with the templates of `cuttle plugin new`.
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
#[path = "build/templates.rs"]
#[allow(unreachable_pub, reason = "a module of a build script")]
mod templates;

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
    let out = PathBuf::from(env::var("OUT_DIR")?);
    templates::write(&Path::new(&manifest_dir).join(".."), &out)?;
    let bundled = ["http-proxy".into(), "pac".into()];
    match env::var_os("CARGO_CFG_FUZZING") {
        None => build_support::build(&plugins, &bundled, &out),
        // Nightly need not have their target, and no plugin runs there.
        Some(_) => leave_out(&bundled, &out),
    }
}

fn leave_out(bundled: &[PathBuf], out: &Path) -> Result<(), Box<dyn Error>> {
    for plugin in bundled {
        fs::write(out.join(plugin).with_extension("wasm"), [])?;
    }
    Ok(())
}
