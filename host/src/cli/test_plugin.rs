//! `cuttle test-plugin`.

use std::{path::Path, process::ExitCode, time::Instant};

use cuttle_plugin::{Component, Engine, EngineSettings, World};

use super::{TestPluginArgs, output::say};
use crate::{assemble, telemetry::chain};

/// Compiles and links every file, and says which could not be used and why.
pub(super) fn test_plugin(args: &TestPluginArgs) -> ExitCode {
    if args.files.is_empty() {
        say("Please, name at least one plugin file: cuttle test-plugin FILE...");
        return ExitCode::FAILURE;
    }
    let begun = Instant::now();
    let namespaces = namespaces(args);
    let failed = args.files.iter().filter(|file| !test(file, &namespaces));
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

/// Namespaces of those that are asked for.
fn namespaces(args: &TestPluginArgs) -> Vec<&'static str> {
    let mut worlds = Vec::new();
    if args.client || !(args.modifier || args.server) {
        worlds.push(World::HttpClient);
    }
    if args.server {
        worlds.push(World::HttpServer);
    }
    if args.modifier {
        worlds.push(World::ReqRespModifier);
    }
    worlds.into_iter().map(World::namespace).collect()
}

fn label(namespace: &str) -> &'static str {
    match namespace {
        "plugin/http-server" => "SERVER",
        "plugin/req-resp-modifier" => "MODIFIER",
        _ => "CLIENT",
    }
}

/// Whether the file is a plugin for all of `namespaces`.
fn test(file: &Path, namespaces: &[&str]) -> bool {
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
    for namespace in namespaces {
        let (kind, found) = (label(namespace), fits(&loaded, namespace));
        match &found {
            Ok(standard) => say(&format!("[OK] {kind}\t{name}{standard}")),
            Err(reason) => say(&format!("[KO] {kind}\t{name}: {reason}")),
        }
        good &= found.is_ok();
    }
    good
}

/// The standard world of a component that is not made for this gateway, or
/// nothing.
fn fits(loaded: &Result<Component, String>, namespace: &str) -> Result<String, String> {
    let component = loaded.as_ref().map_err(Clone::clone)?;
    let of = |world: &World| world.namespace() == namespace;
    let Some(world) = component.worlds().find(of) else {
        let mut exports = World::ALL.into_iter().filter(of).map(World::export);
        let expected = exports.next().unwrap_or_default();
        return Err(format!("does not export `{expected}`"));
    };
    Ok(match world.is_standard() {
        true => format!(" ({})", world.export()),
        false => String::new(),
    })
}

fn load(name: &str, file: &Path) -> Result<Component, String> {
    let bytes = assemble::read_component(file)?;
    let engine = Engine::new(&EngineSettings::default()).map_err(|error| chain(&error))?;
    engine.load(name, &bytes).map_err(|error| chain(&error))
}
