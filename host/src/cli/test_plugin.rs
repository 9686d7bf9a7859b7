//! `cuttle test-plugin`.

use std::{path::Path, process::ExitCode, time::Instant};

use cuttle_plugin::{Component, Engine, EngineSettings, World};

use super::{TestPluginArgs, output::say};
use crate::{assemble, telemetry::chain};

/// Compiles and links every file, and says which could not be used and why.
pub(super) fn test_plugin(args: &TestPluginArgs) -> ExitCode {
    if args.server {
        say("plugin/http-server is not implemented yet: use --client or --modifier");
        return ExitCode::FAILURE;
    }
    if args.files.is_empty() {
        say("Please, name at least one plugin file: cuttle test-plugin FILE...");
        return ExitCode::FAILURE;
    }
    let begun = Instant::now();
    let worlds = worlds(args);
    let failed = args.files.iter().filter(|file| !test(file, &worlds));
    let failed = failed.count();
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

/// Those that are asked for.
fn worlds(args: &TestPluginArgs) -> Vec<World> {
    let mut worlds = Vec::new();
    if args.client || !args.modifier {
        worlds.push(World::HttpClient);
    }
    if args.modifier {
        worlds.push(World::ReqRespModifier);
    }
    worlds
}

fn label(world: World) -> &'static str {
    match world {
        World::ReqRespModifier => "MODIFIER",
        _ => "CLIENT",
    }
}

/// Whether the file is a plugin of all of `worlds`.
fn test(file: &Path, worlds: &[World]) -> bool {
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
    let loaded = load(&name, file);
    let mut good = true;
    for world in worlds {
        let (kind, found) = (label(*world), fits(&loaded, *world));
        match &found {
            Ok(()) => say(&format!("[OK] {kind}\t{name}")),
            Err(reason) => say(&format!("[KO] {kind}\t{name}: {reason}")),
        }
        good &= found.is_ok();
    }
    good
}

fn fits(loaded: &Result<Component, String>, world: World) -> Result<(), String> {
    let component = loaded.as_ref().map_err(Clone::clone)?;
    let fits = component.worlds().any(|of| of == world);
    fits.then_some(())
        .ok_or_else(|| format!("does not export `{}`", world.export()))
}

fn load(name: &str, file: &Path) -> Result<Component, String> {
    let bytes = assemble::read_component(file)?;
    let engine = Engine::new(&EngineSettings::default()).map_err(|error| chain(&error))?;
    engine.load(name, &bytes).map_err(|error| chain(&error))
}
