//! Which files an evaluation read, and what was in them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use terrarium_address::Name;
use terrarium_lang::expr::Files;

/// What was read of files: by name, the hash of what was found there.
pub(crate) type FileReads = BTreeMap<Name, [u8; 32]>;

/// A file system that notes what is read of it.
pub(super) struct WatchedFiles {
    files: Arc<dyn Files>,
    /// Where relative paths start; names are relative to it.
    base: PathBuf,
    seen: Mutex<FileReads>,
}

impl WatchedFiles {
    pub(super) fn new(files: Arc<dyn Files>, base: PathBuf) -> Self {
        Self { files, base, seen: Mutex::default() }
    }

    /// Takes what was read since it was last asked.
    pub(super) fn take(&self) -> FileReads {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, path: &Path, what: &str, found: blake3::Hash) {
        let path = path.strip_prefix(&self.base).unwrap_or(path);
        // `./x` and `x` are the same file.
        let path: PathBuf =
            path.components().filter(|part| *part != std::path::Component::CurDir).collect();
        let name = format!("{}{what}", path.display());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(name.into(), *found.as_bytes());
    }
}

impl Files for WatchedFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = self.files.read(path);
        let found = bytes.as_ref().map_or_else(|_| blake3::hash(b"none"), |it| blake3::hash(it));
        self.note(path, "", found);
        bytes
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, bool)>> {
        // Listings hold names that don't matter; what a search came to is told to `found`.
        self.files.list(dir)
    }

    fn is_file(&self, path: &Path) -> bool {
        let is_file = self.files.is_file(path);
        self.note(path, " (whether there is one)", blake3::hash(&[u8::from(is_file)]));
        is_file
    }

    fn found(&self, dir: &Path, pattern: &str, names: &[String]) {
        let mut hasher = blake3::Hasher::new();
        for name in names {
            hasher.update(name.as_bytes());
            hasher.update(b"\0");
        }
        self.note(&dir.join(pattern), "", hasher.finalize());
        self.files.found(dir, pattern, names);
    }

    fn largest_source(&self) -> usize {
        self.files.largest_source()
    }
}
