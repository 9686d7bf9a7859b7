use std::{
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};

use super::*;
use crate::{Engine, EngineSettings};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn refusal(directory: &Path) -> String {
    match open(directory) {
        Ok(_) => panic!("it is taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_directory_that_is_not_there_is_made_for_the_gateway_alone() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/b");

    open(&directory).unwrap();

    let mode = fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    for mode in [0o777, 0o770, 0o702] {
        let directory = tempfile::tempdir().unwrap();
        set_mode(directory.path(), mode);

        let refused = refusal(directory.path());

        assert!(refused.contains("written by others"), "{mode:o}: {refused}");
    }
}

#[test]
fn a_directory_that_others_can_exchange_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    set_mode(parent.path(), 0o777);
    let directory = parent.path().join("code");
    let refused = refusal(&directory);
    assert!(refused.contains("exchanged by others"), "{refused}");

    set_mode(parent.path(), 0o1777);
    open(&directory).unwrap();
}

#[test]
fn what_others_can_have_left_in_it_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("code/modules/compiler");
    fs::create_dir_all(&inner).unwrap();
    let file = inner.join("code");
    fs::write(&file, "x").unwrap();
    set_mode(directory.path(), 0o755);
    open(directory.path()).unwrap();

    set_mode(&file, 0o666);
    let refused = refusal(directory.path());
    assert!(refused.contains("code/modules/compiler/code"), "{refused}");
    // Nobody else gets there.
    set_mode(directory.path(), 0o700);
    open(directory.path()).unwrap();

    fs::remove_file(&file).unwrap();
    symlink("/etc/passwd", &file).unwrap();
    let refused = refusal(directory.path());
    assert!(refused.contains("code/modules/compiler/code"), "{refused}");
}

/// Compiles something, and gives the file that holds the code.
fn filled(directory: &Path) -> PathBuf {
    compile(directory);
    only_file(directory).expect("a file with code")
}

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

fn compile(directory: &Path) {
    let settings = EngineSettings {
        cache_dir: Some(directory.to_owned()),
        max_instances: Some(1),
        ..EngineSettings::default()
    };
    let engine = Engine::new(&settings).unwrap();
    engine.compile(engine.runtime(), COMPONENT).unwrap();
}

fn only_file(directory: &Path) -> Option<PathBuf> {
    let compilers = fs::read_dir(directory.join("code/modules")).unwrap();
    let compiler = compilers.flatten().next()?.path();
    let files = fs::read_dir(compiler).unwrap().flatten();
    let mut files = files.map(|file| file.path());
    files.find(|file| file.extension().is_none())
}

/// Code that is taken from the directory leaves its file as it was.
fn age(file: &Path) -> std::time::SystemTime {
    fs::metadata(file).unwrap().modified().unwrap()
}

#[test]
fn code_that_was_put_there_is_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = filled(directory.path());
    let made = age(&file);

    compile(directory.path());

    assert_eq!(age(&file), made);
}

#[test]
fn code_that_has_changed_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let file = filled(directory.path());
    let good = fs::read(&file).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bad in [flipped, good[..middle].to_vec(), Vec::new(), vec![0; 64]] {
        fs::write(&file, bad).unwrap();
        compile(directory.path());
        assert_eq!(fs::read(&file).unwrap(), good);
    }
}

#[test]
fn code_that_nobody_noted_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let file = filled(directory.path());
    let planted = file.with_file_name("planted");
    fs::copy(&file, &planted).unwrap();

    compile(directory.path());

    assert!(!planted.exists());
    assert!(file.exists());
}

#[test]
fn while_the_gateway_runs_new_digests_do_not_vouch_for_new_code() {
    let directory = tempfile::tempdir().unwrap();
    let file = filled(directory.path());
    let good = fs::read(&file).unwrap();
    let seals = Seals::of(directory.path());
    seals.check();

    fs::write(&file, b"other code").unwrap();
    let digests = directory.path().join("digests");
    fs::remove_file(&digests).unwrap();
    Seals::of(directory.path()).note();
    assert!(digests.exists());

    seals.check();
    assert!(!file.exists());
    compile(directory.path());
    assert_eq!(fs::read(&file).unwrap(), good);
}
