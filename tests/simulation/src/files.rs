//! A configuration in memory.

use std::io;
use std::path::{Path, PathBuf};

use terrarium_lang::expr::Files;

/// The directory of every configuration.
pub(crate) const ROOT: &str = "project";

/// One file, `main.tf`.
pub(crate) struct MemoryFiles(pub(crate) String);

fn main_file() -> PathBuf {
    Path::new(ROOT).join("main.tf")
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.is_file(path) {
            return Ok(self.0.clone().into_bytes());
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, bool)>> {
        if dir.components().eq(Path::new(ROOT).components()) {
            return Ok(vec![("main.tf".to_owned(), false)]);
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, path: &Path) -> bool {
        path.components().eq(main_file().components())
    }
}
