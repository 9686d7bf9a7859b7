//! `--watch`: notices that files have changed.
//!
//! The system only says that something happened in a folder; whether a file of
//! ours is another one is seen by comparing. So an editor that writes a new
//! file over the old, a link that is set anew (as volumes of Kubernetes are)
//! and a plugin that appears are all the same, and a log file beside the
//! configuration means nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{sync::mpsc, time::sleep};

use crate::assemble::Inputs;

/// How long nothing must have changed: files that are being written are not
/// read. One that takes a longer break is broken, and read again when it is
/// complete.
const QUIET: Duration = Duration::from_millis(250);

/// Follows the configuration and what it names.
pub(crate) struct Watch {
    configuration: PathBuf,
    inputs: Inputs,
    seen: Seen,
    happened: mpsc::Receiver<()>,
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
}

/// What identifies the content of each file: inode, size, and the times of its
/// last change in seconds and nanoseconds; `None` where there is no file.
type Seen = BTreeMap<PathBuf, Option<[u64; 6]>>;

impl Watch {
    /// Follows `configuration` and `inputs` from now on.
    ///
    /// # Errors
    /// The system offers no more watches.
    pub(crate) fn new(configuration: &Path, inputs: Inputs) -> notify::Result<Self> {
        let (tell, happened) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Looking at a folder is an event, too: it must not lead to the next look.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            // If there is no room, somebody has been told already.
            let _ = tell.try_send(());
        })?;
        let mut watch = Self {
            configuration: configuration.to_owned(),
            inputs: Inputs::default(),
            seen: Seen::new(),
            happened,
            watcher,
            folders: BTreeSet::new(),
        };
        watch.follow(inputs);
        watch.look();
        Ok(watch)
    }

    /// Returns when something is another than at the last [`look`](Self::look),
    /// and has stayed as it is for a while. Can be dropped without loss, if
    /// there is a look after that.
    pub(super) async fn changed(&mut self) {
        loop {
            if self.happened.recv().await.is_none() {
                // The watcher is gone, which it is not before this.
                std::future::pending::<()>().await;
            }
            // One of them may have come or gone.
            self.watch_folders();
            if self.settled().await != self.seen {
                return;
            }
        }
    }

    /// Takes what is there for what is known.
    pub(super) fn look(&mut self) {
        self.seen = self.now();
    }

    /// From now on the configuration names `inputs`.
    pub(super) fn follow(&mut self, inputs: Inputs) {
        let before = self.now();
        self.inputs = inputs;
        self.watch_folders();
        // What was not followed before is as new as what was just read.
        let followed = self.now();
        self.seen.retain(|path, _| followed.contains_key(path));
        for (path, state) in followed {
            if !before.contains_key(&path) {
                self.seen.insert(path, state);
            }
        }
    }

    fn watch_folders(&mut self) {
        let folders = self.wanted();
        for gone in self.folders.difference(&folders) {
            // It may not exist any more, which ends the watch as well.
            let _ = self.watcher.unwatch(gone);
        }
        // Also those that are watched: another folder may have their name now.
        for folder in &folders {
            let watched = self.watcher.watch(folder, RecursiveMode::NonRecursive);
            if let Err(error) = watched
                && !self.folders.contains(folder)
            {
                let folder = folder.display();
                tracing::warn!(%folder, %error, "cannot watch: changes there need a SIGHUP");
            }
        }
        self.folders = folders;
    }

    async fn settled(&self) -> Seen {
        let mut before = self.now();
        loop {
            sleep(QUIET).await;
            let now = self.now();
            if now == before {
                return now;
            }
            before = now;
        }
    }

    fn now(&self) -> Seen {
        let files = self.inputs.files.iter().cloned();
        let files = files.chain([self.configuration.clone()]);
        files
            .chain(self.inputs.plugins())
            .map(|path| {
                let state = state(&path);
                (path, state)
            })
            .collect()
    }

    /// The folders of all files: a file that is replaced is another file, and
    /// only its folder notices.
    fn wanted(&self) -> BTreeSet<PathBuf> {
        let files = self.inputs.files.iter().map(PathBuf::as_path);
        let files = files.chain([self.configuration.as_path()]);
        let folders = files.filter_map(Path::parent).chain(self.inputs.folder());
        folders.map(existing).collect()
    }
}

fn state(path: &Path) -> Option<[u64; 6]> {
    let data = std::fs::metadata(path).ok()?;
    let times = [
        data.mtime(),
        data.mtime_nsec(),
        data.ctime(),
        data.ctime_nsec(),
    ];
    let [mtime, mtime_nsec, ctime, ctime_nsec] = times.map(i64::cast_unsigned);
    Some([data.ino(), data.len(), mtime, mtime_nsec, ctime, ctime_nsec])
}

/// `folder`, or the nearest around it that is there.
fn existing(folder: &Path) -> PathBuf {
    let found = folder.ancestors().find(|one| one.is_dir());
    match found {
        Some(found) => found.to_owned(),
        // Of a relative path nothing is left but where it begins.
        None => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::within;

    fn watch(folder: &Path) -> Watch {
        fs::write(folder.join("k.json"), "{}").unwrap();
        Watch::new(&folder.join("k.json"), Inputs::default()).unwrap()
    }

    #[tokio::test]
    async fn a_change_by_writing_renaming_or_linking_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut watch = watch(folder.path());
        let ways: [&dyn Fn(); 3] = [
            &|| fs::write(path("k.json"), "{ }").unwrap(),
            &|| {
                fs::write(path("new"), "{}").unwrap();
                fs::rename(path("new"), path("k.json")).unwrap();
            },
            &|| {
                fs::write(path("target"), "{}").unwrap();
                std::os::unix::fs::symlink(path("target"), path("link")).unwrap();
                fs::rename(path("link"), path("k.json")).unwrap();
            },
        ];
        for change in ways {
            change();
            within(watch.changed()).await;
            watch.look();
            let again = tokio::time::timeout(2 * QUIET, watch.changed()).await;
            assert!(again.is_err(), "nothing has changed since");
        }
    }

    #[tokio::test]
    async fn other_files_of_the_folder_mean_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = watch(folder.path());
        for index in 0..5 {
            fs::write(folder.path().join("other.log"), index.to_string()).unwrap();
            let woken = tokio::time::timeout(QUIET, watch.changed()).await;
            assert!(woken.is_err());
        }
    }

    #[tokio::test]
    async fn a_file_that_is_being_written_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("k.json");
        let mut watch = watch(folder.path());
        let writing = async {
            for index in 0..8 {
                fs::write(&file, "x".repeat(index)).unwrap();
                sleep(QUIET / 4).await;
            }
            fs::write(&file, "complete").unwrap();
        };
        let seen = async {
            watch.changed().await;
            fs::read_to_string(&file).unwrap()
        };
        let ((), seen) = within(async { tokio::join!(writing, seen) }).await;
        assert_eq!(seen, "complete");
    }
}
