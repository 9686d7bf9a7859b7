//! That machine code on disk is what the compiler has put there.
//!
//! The runtime takes a file of the cache as it finds it: its compression has no
//! checksum, and a bit that has changed on the disk is an instruction that has
//! changed. So the digest of each file is noted when it is new, in memory and,
//! for the next start, beside the files. A file with another digest, or with
//! none, is deleted: the component is compiled anew.
//!
//! Against somebody who can write as the gateway's user this helps only while
//! the gateway runs: at the next start, both may have been exchanged.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest as _, Sha256};

/// Where the digests are, a line each: digest and file.
const DIGESTS: &str = "digests";

/// What each file of a cache must be.
pub(crate) struct Seals {
    directory: PathBuf,
    /// Those this process has seen, by file below `directory`.
    known: Mutex<HashMap<PathBuf, Seal>>,
}

/// What a file was when it was read.
struct Seal {
    digest: String,
    stamp: Stamp,
}

/// What changes whenever a file is written to or exchanged: one that has the
/// stamp of before need not be read again for each further plugin.
#[derive(PartialEq, Eq)]
struct Stamp {
    size: u64,
    /// Of the file's number and, to the nanosecond, of the change that nobody
    /// can set back.
    #[cfg(unix)]
    changed: (u64, i64, i64),
    #[cfg(not(unix))]
    changed: Option<std::time::SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            size: metadata.len(),
            changed: changed(&metadata),
        })
    }
}

#[cfg(unix)]
fn changed(metadata: &fs::Metadata) -> (u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;

    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(metadata: &fs::Metadata) -> Option<std::time::SystemTime> {
    metadata.modified().ok()
}

impl Seals {
    pub(super) fn of(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            known: Mutex::default(),
        }
    }

    /// Deletes what is not as it was noted. To be called before the cache is
    /// read.
    pub(crate) fn check(&self) {
        let noted = self.noted();
        let mut known = self.lock();
        for (file, stamp) in self.files() {
            if known.get(&file).is_some_and(|seal| seal.stamp == stamp) {
                continue;
            }
            // What this process has seen counts more than what a file says.
            let sealed = known.get(&file).map(|seal| &seal.digest);
            let sealed = sealed.or_else(|| noted.get(&file));
            match self.digest(&file) {
                Some(digest) if sealed == Some(&digest) => {
                    known.insert(file, Seal { digest, stamp });
                }
                _ => self.discard(&file),
            }
        }
    }

    /// Notes what is new. To be called after something was compiled.
    pub(crate) fn note(&self) {
        let mut known = self.lock();
        let before = known.len();
        for (file, stamp) in self.files() {
            if known.contains_key(&file) {
                continue;
            }
            if let Some(digest) = self.digest(&file) {
                known.insert(file, Seal { digest, stamp });
            }
        }
        if known.len() > before
            && let Err(error) = self.write(&known)
        {
            tracing::warn!(target: "cuttle", directory = %self.directory.display(), %error,
                "the digests of compiled plugins cannot be noted; the next start compiles them again");
        }
    }

    fn discard(&self, file: &Path) {
        let path = self.directory.join(file);
        let deleted = fs::remove_file(&path);
        tracing::warn!(target: "cuttle", file = %path.display(), deleted = deleted.is_ok(),
            "compiled code is not what was put there, and is made anew");
    }

    /// Files with machine code, below `directory`.
    fn files(&self) -> Vec<(PathBuf, Stamp)> {
        let mut files = Vec::new();
        collect(
            &self.directory.join(super::CODE).join("modules"),
            &mut files,
        );
        let stamped = files.into_iter().filter_map(|path| {
            let file = path.strip_prefix(&self.directory).ok()?;
            Some((file.to_owned(), Stamp::of(&path)?))
        });
        stamped.collect()
    }

    fn digest(&self, file: &Path) -> Option<String> {
        let bytes = fs::read(self.directory.join(file)).ok()?;
        let digest = Sha256::digest(bytes);
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn noted(&self) -> HashMap<PathBuf, String> {
        let text = fs::read_to_string(self.directory.join(DIGESTS)).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines
            .map(|(digest, file)| (file.into(), digest.to_owned()))
            .collect()
    }

    /// Those that another process has noted are kept.
    fn write(&self, known: &HashMap<PathBuf, Seal>) -> io::Result<()> {
        let mut all = self.noted();
        let seen = known.iter();
        all.extend(seen.map(|(file, seal)| (file.clone(), seal.digest.clone())));
        let mut lines: Vec<_> = all
            .into_iter()
            .filter(|(file, _)| self.directory.join(file).exists())
            .map(|(file, digest)| format!("{digest} {}\n", file.display()))
            .collect();
        lines.sort();
        let new = format!("{DIGESTS}.{}", std::process::id());
        let new = self.directory.join(new);
        fs::write(&new, lines.concat())?;
        fs::rename(&new, self.directory.join(DIGESTS))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Seal>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Files below `directory` that hold code: those about them have extensions.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, files),
            Ok(kind) if kind.is_file() && path.extension().is_none() => files.push(path),
            _ => {}
        }
    }
}
