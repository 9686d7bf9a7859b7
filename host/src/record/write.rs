//! Files of cases, written by a thread of their own.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{MAX_WAITING, redact::redact};
use crate::cases::{Case, CaseFile};

/// Files that one process writes.
const MAX_FILES: usize = 1_000;
/// Bytes of all of them.
const MAX_BYTES: usize = 256 << 20;

/// Makes the folder, and starts the thread, which ends with the last sender.
pub(super) fn start(folder: &Path) -> io::Result<SyncSender<Case>> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let begun = SystemTime::now().duration_since(UNIX_EPOCH);
    let writer = Writer {
        folder: folder.to_owned(),
        run: begun.map_or(0, |since| since.as_millis()),
        files: 0,
        bytes: 0,
    };
    // Whether files can be made is known now, not at the first request.
    let probe = writer.path("probe");
    writer.create(&probe)?;
    std::fs::remove_file(probe)?;
    let (sender, receiver) = mpsc::sync_channel(MAX_WAITING);
    thread::Builder::new()
        .name("recorder".into())
        .spawn(move || writer.run(&receiver))?;
    Ok(sender)
}

struct Writer {
    folder: PathBuf,
    /// Tells the files of this process from others.
    run: u128,
    files: usize,
    bytes: usize,
}

impl Writer {
    fn run(mut self, finished: &Receiver<Case>) {
        while let Ok(case) = finished.recv() {
            if let Err(error) = self.write(case) {
                tracing::warn!("a call was not recorded: {error}");
            }
            if self.files >= MAX_FILES || self.bytes >= MAX_BYTES {
                let (files, bytes) = (self.files, self.bytes);
                tracing::warn!(files, bytes, "recording ends: that is enough");
                return;
            }
        }
    }

    fn write(&mut self, mut case: Case) -> io::Result<()> {
        redact(&mut case);
        let name = case.settings.get("name").and_then(|name| name.as_str());
        let path = self.path(name.unwrap_or("plugin"));
        let file = CaseFile { cases: vec![case] };
        let text = serde_json::to_vec_pretty(&file)?;
        self.files += 1;
        self.bytes = self.bytes.saturating_add(text.len());
        self.create(&path)?.write_all(&text)
    }

    /// A name of a plugin is the stem of a file, so it is no path.
    fn path(&self, plugin: &str) -> PathBuf {
        let (run, number) = (self.run, self.files);
        self.folder.join(format!("{plugin}-{run}-{number:04}.json"))
    }

    fn create(&self, path: &Path) -> io::Result<std::fs::File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(path)
    }
}
