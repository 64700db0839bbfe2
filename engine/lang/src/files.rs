//! The real file system.

use std::fs;
use std::io;
use std::path::Path;

use crate::expr::Files;

/// Reads the files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdFiles;

impl Files for StdFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
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
