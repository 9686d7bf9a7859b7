//! `cuttle test-plugin`.

use std::{path::Path, process::ExitCode, time::Instant};

use cuttle_plugin::{Component, Engine, EngineSettings};

use super::{TestPluginArgs, output::say};
use crate::{assemble, telemetry::chain};

/// Compiles and links every file, and says which could not be used and why.
pub(super) fn test_plugin(args: &TestPluginArgs) -> ExitCode {
    if args.server || args.modifier {
        say(
            "plugin/http-server and plugin/req-resp-modifier are not implemented yet: use --client",
        );
        return ExitCode::FAILURE;
    }
    if args.files.is_empty() {
        say("Please, name at least one plugin file: cuttle test-plugin FILE...");
        return ExitCode::FAILURE;
    }
    let begun = Instant::now();
    let failed = args.files.iter().filter(|file| !test(file)).count();
    let summary = format!(
        "{} tested plugin(s) in {:?}",
        args.files.len(),
        begun.elapsed()
    );
    if failed == 0 {
        say(&format!("[OK] {summary}"));
        return ExitCode::SUCCESS;
    }
    say(&format!("[KO] {summary}."));
    say(&format!("{failed} plugin(s) failed."));
    ExitCode::FAILURE
}

fn test(file: &Path) -> bool {
    let name = file
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    if !file.is_file() {
        say(&format!(
            "[KO] Unable to open the plugin {}.",
            file.display()
        ));
        return false;
    }
    match load(&name, file) {
        Ok(component) => {
            say(&format!("[OK] CLIENT\t{name}{}", standard(&component)));
            true
        }
        Err(reason) => {
            say(&format!("[KO] CLIENT\t{name}: {reason}"));
            false
        }
    }
}

/// The standard world of a component that is not made for this gateway.
fn standard(component: &Component) -> String {
    let world = component.worlds().find(|world| world.is_standard());
    world.map_or_else(String::new, |world| format!(" ({})", world.export()))
}

fn load(name: &str, file: &Path) -> Result<Component, String> {
    let bytes = assemble::read_component(file)?;
    let engine = Engine::new(&EngineSettings::default()).map_err(|error| chain(&error))?;
    engine.load(name, &bytes).map_err(|error| chain(&error))
}
