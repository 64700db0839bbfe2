//! The real file system.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::expr::Files;

/// The largest source text that is read, unless the user raises the limit. Terraform has none; spans here are
/// 32 bits wide, and a file of this size is no longer written by anybody.
pub(crate) const MAX_SOURCE_BYTES: usize = 64 << 20;

/// Most bytes of one file; what a text or a source may have is less.
const LARGEST_BYTES: u64 = 1 << 30;

/// Reads the files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdFiles;

/// As [`StdFiles`], and pipes and devices too: for a file that somebody names on the command line, such as
/// `-var-file=<(decrypt …)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdStreams;

impl Files for StdStreams {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(LARGEST_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, bool)>> {
        StdFiles.list(dir)
    }

    fn is_file(&self, path: &Path) -> bool {
        StdFiles.is_file(path)
    }
}

/// Other files, with another limit on the size of a source text.
#[derive(Clone, Copy, Debug)]
pub struct SourcesWithin<F> {
    /// The files.
    pub files: F,
    /// The limit in bytes.
    pub largest_source: usize,
}

impl<F: Files> Files for SourcesWithin<F> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, bool)>> {
        self.files.list(dir)
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.is_file(path)
    }

    fn found(&self, dir: &Path, pattern: &str, names: &[String]) {
        self.files.found(dir, pattern, names);
    }

    fn largest_source(&self) -> usize {
        self.largest_source
    }
}

impl Files for StdFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let metadata = fs::metadata(path)?;
        // A device may have no end, and a pipe no writer.
        if !metadata.is_file() && !metadata.is_dir() {
            return Err(io::Error::other("it is no regular file but a device, a pipe or a socket"));
        }
        if metadata.len() > LARGEST_BYTES {
            return Err(io::Error::other(format!("it has more than {LARGEST_BYTES} bytes")));
        }
        fs::read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, bool)>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let is_dir = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
            Ok((entry.file_name().to_string_lossy().into_owned(), is_dir))
        };
        fs::read_dir(dir)?.map(entry).collect()
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }
}
