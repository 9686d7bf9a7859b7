//! Machine code on disk, so that a start need not compile again.
//!
//! Whoever can write to the directory runs code in the gateway: machine code
//! is executed as it is. So the directory must be the gateway's own, and all
//! that is in it; and what is there must be what was put there ([`Seals`]).

mod seals;

use std::{fs, io, path::Path};

use wasmtime::{Cache, CacheConfig};

use crate::{LoadError, error::Cause};

pub(crate) use seals::Seals;

/// Where the runtime keeps what is its own. Now and then it deletes from there
/// what it does not know: digests have to be elsewhere.
const CODE: &str = "code";

/// Makes `directory` if need be, and refuses it if it is open to others.
pub(crate) fn open(directory: &Path) -> Result<(Cache, Seals), LoadError> {
    let refuse = |message: String| LoadError::CacheDirectory {
        directory: directory.to_owned(),
        message,
    };
    make(directory).map_err(|error| refuse(format!("cannot be made: {error}")))?;
    let directory = directory
        .canonicalize()
        .map_err(|error| refuse(error.to_string()))?;
    check(&directory).map_err(refuse)?;

    let code = directory.join(CODE);
    make(&code).map_err(|error| refuse(format!("cannot be made: {error}")))?;
    let mut config = CacheConfig::new();
    config
        .with_directory(&code)
        // Written anew in a better compression, a file would break its seal.
        .with_optimized_compression_usage_counter_threshold(u64::MAX);
    let cache = Cache::new(config).map_err(|error| refuse(Cause::boxed(&error).to_string()))?;
    Ok((cache, Seals::of(&directory)))
}

fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Bits of a mode.
#[cfg(unix)]
mod mode {
    pub(super) const OTHERS_WRITE: u32 = 0o022;
    pub(super) const OTHERS_ENTER: u32 = 0o011;
    /// Only its owner may rename what is in such a directory.
    pub(super) const STICKY: u32 = 0o1000;
}

#[cfg(unix)]
fn check(directory: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(directory).map_err(|error| error.to_string())?;
    if metadata.uid() != us() {
        return Err("belongs to another user; it must belong to the gateway's".into());
    }
    if metadata.mode() & mode::OTHERS_WRITE != 0 {
        return Err("can be written by others; `chmod 700` it".into());
    }
    check_above(directory)?;
    // Where nobody else can enter, modes further down do not matter.
    check_below(directory, metadata.mode() & mode::OTHERS_ENTER != 0)
}

#[cfg(unix)]
fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Nobody else may put another directory in its place.
#[cfg(unix)]
fn check_above(directory: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;

    for above in directory.ancestors().skip(1) {
        let metadata = fs::metadata(above).map_err(|error| error.to_string())?;
        if metadata.mode() & mode::OTHERS_WRITE != 0 && metadata.mode() & mode::STICKY == 0 {
            return Err(format!(
                "can be exchanged by others, who can write to `{}`; choose a directory elsewhere",
                above.display()
            ));
        }
    }
    Ok(())
}

/// Nobody else may have left something in it, when it was open to others, say.
#[cfg(unix)]
fn check_below(directory: &Path, can_be_entered: bool) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;

    let failed = |error: io::Error| error.to_string();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        let open = can_be_entered && metadata.mode() & mode::OTHERS_WRITE != 0;
        if metadata.is_symlink() || metadata.uid() != us() || open {
            return Err(format!(
                "holds `{}`, which the gateway has not made, or which others can write to; empty it",
                entry.path().display()
            ));
        }
        if metadata.is_dir() {
            check_below(&entry.path(), can_be_entered)?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(_directory: &Path) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
