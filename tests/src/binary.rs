//! The gateway's binary, and running it to its end.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tokio::process::Command;

use crate::soon;

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// Everything it wrote to standard output.
    pub stdout: String,
    /// Everything it wrote to standard error.
    pub stderr: String,
}

/// The binary under test: Cargo builds it into the folder above the tests'.
/// `CUTTLE_BINARY` is the path of another one, such as a released one.
///
/// # Panics
///
/// If it is not there.
#[must_use]
pub fn gateway_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("CUTTLE_BINARY") {
        return path.into();
    }
    let own = std::env::current_exe().expect("the path of the running test");
    let folders = own.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join("cuttle-under-test"))
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("no `cuttle-under-test` near {}", own.display()))
}

/// A command with nothing of this process's environment, ended when its child
/// is dropped.
#[must_use]
pub fn command(program: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the gateway's binary to its end in `folder`.
///
/// # Panics
///
/// If it does not start or does not end.
pub async fn run(folder: &Path, arguments: &[&str]) -> Finished {
    let mut command = command(gateway_binary(), arguments);
    let output = soon("the command's end", command.current_dir(folder).output())
        .await
        .expect("a command that runs");
    Finished {
        code: code(output.status),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}
