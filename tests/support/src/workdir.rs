//! Directories to work in.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// A temporary directory with a configuration in it; it is removed at the end.
pub struct Workdir {
    top: tempfile::TempDir,
    dir: PathBuf,
}

impl Workdir {
    /// Copies a directory of the repository, together with `modules/`, which it may call.
    ///
    /// # Panics
    /// Where the files can't be copied: a test can't go on then.
    #[expect(clippy::expect_used, reason = "a test that can't be set up has failed")]
    pub fn of(example: &str) -> Self {
        let top = tempfile::tempdir().expect("a temporary directory");
        let from = repository();
        for part in [example, "modules"] {
            copy(&from.join(part), &top.path().join(part)).expect("a copy of the example");
        }
        let dir = top.path().join(example);
        Self { top, dir }
    }

    /// Makes a directory with one file, `main.tf`.
    ///
    /// # Panics
    /// Where the file can't be written.
    #[expect(clippy::expect_used, reason = "a test that can't be set up has failed")]
    pub fn with(text: &str) -> Self {
        let top = tempfile::tempdir().expect("a temporary directory");
        let dir = top.path().join("config");
        fs::create_dir(&dir).expect("a directory");
        fs::write(dir.join("main.tf"), text).expect("a file");
        Self { top, dir }
    }

    /// Returns the folder that stands for the repository: the example is where it is there.
    pub fn top(&self) -> &Path {
        self.top.path()
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        // What an earlier run by hand left behind is no part of the example.
        let left_over = name.to_string_lossy().starts_with("terrarium.db") || name == ".terrarium";
        if left_over {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
