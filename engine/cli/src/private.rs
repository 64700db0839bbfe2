//! Files that only their owner may read: they may hold secrets.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Mode of a file that may hold secrets.
const OWNER_ONLY: u32 = 0o600;

/// Writes a file that only its owner may read. It is complete or not there: a reader never sees half of it, nor an
/// old file's wider mode.
pub(crate) fn write(
    path: &Path,
    fill: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut all = |mut file: File| fill(&mut file).map(|()| file);
    // A pipe or a device is written as it is: `-out=/dev/stdout`.
    if path.exists() && !path.is_file() {
        return all(OpenOptions::new().write(true).open(path)?).map(drop);
    }
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = beside(&target);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(&beside)
        .and_then(all)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, &target));
    if written.is_err() {
        let _gone = std::fs::remove_file(&beside);
    }
    written
}

/// Opens a file to append to; a new one only its owner may read.
pub(crate) fn append(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(OWNER_ONLY).open(path)
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4().simple()))
}
