//! `FC_OUT`: the file that keeps the rendered text.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

use super::Rendering;

/// Writes the text of `rendering` to `out`.
///
/// # Errors
///
/// What is wrong with `out`, and the way out: it cannot be written, or is what
/// the text was made of.
pub(super) fn keep(out: &Path, rendering: &Rendering) -> Result<(), (String, &'static str)> {
    if is_one_of(out, rendering) {
        let message = "is the configuration or a template: it would be overwritten";
        return Err((message.to_owned(), "name another file in FC_OUT"));
    }
    replace(out, &rendering.text).map_err(|error| {
        let message = format!("cannot be written: {error}");
        (message, "FC_OUT names this file")
    })
}

/// Whether `file` is one of the templates, by whatever path.
fn is_one_of(file: &Path, rendering: &Rendering) -> bool {
    let Ok(file) = fs::canonicalize(file) else {
        return false;
    };
    let mut templates = rendering.templates.iter();
    templates.any(|(one, _)| fs::canonicalize(one).is_ok_and(|one| one == file))
}

/// Only the owner may read it: settings and environment hold secrets. So a new
/// file takes the place of one that is there, which others may be able to read.
fn replace(out: &Path, text: &str) -> io::Result<()> {
    // `/dev/stdout` is to stay what it is.
    if fs::metadata(out).is_ok_and(|found| !found.is_file()) {
        return fs::write(out, text);
    }
    let mut beside = out.as_os_str().to_owned();
    beside.push(format!(".{}.new", process::id()));
    let beside = PathBuf::from(beside);
    // What a process of this number has left behind.
    let _ = fs::remove_file(&beside);
    let kept = write_new(&beside, text).and_then(|()| fs::rename(&beside, out));
    if kept.is_err() {
        let _ = fs::remove_file(&beside);
    }
    kept
}

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}
