//! The head file: how far a workspace is, kept beside the database, so that an old copy of it, an empty
//! one, none, or one without its write-ahead log is never taken for the state.
//!
//! It is written after each commit, in place, and synchronised when a command begins, when it changes
//! something for the first time, and when it ends. So it may be behind the database, never ahead of it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::workspace_row::WorkspaceRow;
use crate::StoreError;

/// What is read of a head file at most.
const LARGEST: u64 = 64 * 1024;

/// How often a file that does not fit its checksum is read.
const ATTEMPTS: usize = 5;

/// How long is waited before it is read again.
const PAUSE: Duration = Duration::from_millis(4);

/// How far a workspace is known to have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    lineage: String,
    serial: u64,
    epoch: u64,
    commits: u64,
}

impl Noted {
    pub(super) fn of(row: &WorkspaceRow) -> Self {
        let WorkspaceRow { lineage, serial, epoch, commits, .. } = row.clone();
        Self { lineage, serial, epoch, commits }
    }

    /// Returns why a database with this row (or none) is not the one that was written last. What took the
    /// place of the lineage that it `follows` may have been killed before that was noted here; the numbers of
    /// holders and transactions go on across it.
    pub(super) fn complaint(
        &self,
        row: Option<&WorkspaceRow>,
        follows: Option<&str>,
    ) -> Option<String> {
        let Self { lineage, serial, epoch, commits } = self;
        let Some(row) = row else {
            return Some(format!("it has no state, and serial {serial} was written there"));
        };
        if row.lineage != *lineage && follows != Some(lineage) {
            return Some(format!(
                "it has another state (lineage {}) than the one that was written there ({lineage})",
                row.lineage
            ));
        }
        let behind = row.serial < *serial || row.epoch < *epoch || row.commits < *commits;
        behind.then(|| {
            format!(
                "it is older than what was written there: serial {} with {} transactions, where serial {serial} with \
                 {commits} was written",
                row.serial, row.commits
            )
        })
    }
}

/// An open head file.
pub(super) struct HeadFile {
    file: File,
    path: PathBuf,
    noted: Noted,
}

impl HeadFile {
    /// Reads what is noted; `None` where there is no such file.
    pub(super) fn read(path: &Path) -> Result<Option<Noted>, StoreError> {
        // Somebody may be writing it: what is half written is whole a moment later.
        for _ in 1..ATTEMPTS {
            match Self::attempt(path) {
                Err(StoreError::Stale { .. }) => std::thread::sleep(PAUSE),
                read => return read,
            }
        }
        Self::attempt(path)
    }

    fn attempt(path: &Path) -> Result<Option<Noted>, StoreError> {
        let mut text = String::new();
        match File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => text.clear(),
            Err(error) => return Err(StoreError::of_file("read", path, error)),
        }
        let damaged = || StoreError::Stale {
            path: path.display().to_string(),
            cause: "it does not fit its checksum".into(),
        };
        // A shorter text that was written over a longer one leaves an end of that, until the file is cut.
        let (sum, body) =
            text.lines().next().unwrap_or_default().split_once(' ').ok_or_else(damaged)?;
        if blake3::hash(body.as_bytes()).to_hex().as_str() != sum {
            return Err(damaged());
        }
        serde_json::from_str(body).map(Some).map_err(|_| damaged())
    }

    /// Removes the file, durably, where there is one.
    pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            removed => removed.map_err(|error| StoreError::of_file("remove", path, error))?,
        }
        sync_directory_of(path);
        Ok(())
    }

    /// Opens the file and makes it where there is none, readable by its owner alone, and notes durably
    /// how far the workspace is.
    pub(super) fn open(path: PathBuf, noted: Noted) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let is_new = !path.exists();
        let file =
            options.open(&path).map_err(|error| StoreError::of_file("create", &path, error))?;
        let mut head = Self { file, path, noted };
        head.write()?;
        head.sync()?;
        if is_new {
            sync_directory_of(&head.path);
        }
        Ok(head)
    }

    /// Notes how far the workspace is; durably where the serial or the lineage is another one.
    pub(super) fn note(&mut self, noted: Noted) -> Result<(), StoreError> {
        let before = std::mem::replace(&mut self.noted, noted);
        if before == self.noted {
            return Ok(());
        }
        self.write()?;
        if (before.serial, &before.lineage) != (self.noted.serial, &self.noted.lineage) {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes what is noted durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| StoreError::of_file("write", &self.path, error))
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let body = super::row::text_of(&self.noted);
        let text = format!("{} {body}\n", blake3::hash(body.as_bytes()).to_hex());
        let length = text.len() as u64;
        let written = self
            .file
            .rewind()
            .and_then(|()| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.set_len(length));
        written.map_err(|error| StoreError::of_file("write", &self.path, error))
    }
}

fn sync_directory_of(path: &Path) {
    // Where a directory can't be synchronised, the next command does it by writing again.
    let _ = path.parent().and_then(|dir| File::open(dir).ok()).map(|it| it.sync_all());
}
