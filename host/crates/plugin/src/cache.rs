//! Machine code on disk, so that a start need not compile again.
//!
//! Whoever can write to the directory runs code in the gateway: machine code
//! is executed as it is. So the directory must be the gateway's own.

use std::{fs, io, path::Path};

use wasmtime::{Cache, CacheConfig};

use crate::{LoadError, error::Cause};

/// Makes `directory` if need be, and refuses it if others can write to it.
pub(crate) fn open(directory: &Path) -> Result<Cache, LoadError> {
    let refuse = |message: String| LoadError::CacheDirectory {
        directory: directory.to_owned(),
        message,
    };
    make(directory).map_err(|error| refuse(format!("cannot be made: {error}")))?;
    let directory = directory
        .canonicalize()
        .map_err(|error| refuse(error.to_string()))?;
    check(&directory).map_err(refuse)?;

    let mut config = CacheConfig::new();
    config.with_directory(&directory);
    Cache::new(config).map_err(|error| refuse(Cause::boxed(&error).to_string()))
}

fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(unix)]
fn check(directory: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(directory).map_err(|error| error.to_string())?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("belongs to another user; it must belong to the gateway's".into());
    }
    if metadata.mode() & 0o022 != 0 {
        return Err("can be written by others; `chmod 700` it".into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(_directory: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

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
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();

            let refused = open(directory.path()).unwrap_err().to_string();

            assert!(refused.contains("written by others"), "{mode:o}: {refused}");
        }
    }
}
