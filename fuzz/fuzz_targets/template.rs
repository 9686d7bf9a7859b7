//! Whatever stands in a template, running it ends, and with a configuration or
//! with problems.
#![no_main]

use std::{fs, path::PathBuf, sync::OnceLock};

use cuttle_config::Options;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: OnceLock<TempDir> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let folder = FOLDER.get_or_init(folder).path();
    let file = folder.join("krakend.json");
    fs::write(&file, data).expect("a file");
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let environment = vec![
        ("FC_ENABLE".to_owned(), "1".to_owned()),
        ("FC_SETTINGS".to_owned(), path("settings")),
        ("FC_PARTIALS".to_owned(), path("partials")),
        ("FC_TEMPLATES".to_owned(), path("templates")),
    ];
    let options = Options {
        environment,
        ..Options::default()
    };
    if let Err(report) = cuttle_config::load(&file, &options) {
        assert!(!report.problems.is_empty(), "refused without a reason");
        drop(report.to_string());
    }
});

fn folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a folder");
    for (name, text) in [
        (
            "settings/s.json",
            r#"{"list":[1,"two",null],"map":{"a":{"b":1.50}},"text":"<x>"}"#,
        ),
        ("partials/p.txt", "{{ partial }}"),
        ("templates/t.tmpl", "{{ define \"d\" }}{{ . }}{{ end }}"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}
