//! The lock of a workspace: an operating system's file lock, with its holder's name in the file.
//!
//! The system releases the lock of a process that died, so a dead holder is taken over at once, and
//! nobody has to guess how long a lock may live.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use terrarium_provider::SharedError;

use crate::{LockError, LockHolder, LockRequest, StoreError};

/// How often a waiting command tries again.
const POLL: Duration = Duration::from_millis(100);

/// What is read of a lock file at most; ours and Terraform's have less than one KiB.
const LARGEST: u64 = 64 * 1024;

/// A held lock. Dropping it releases it and removes the file.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    path: PathBuf,
}

/// The content of a lock file, in Terraform's own form.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Content {
    #[serde(rename = "ID")]
    id: String,
    operation: String,
    info: String,
    who: String,
    version: String,
    created: String,
    path: String,
}

impl FileLock {
    /// Takes the lock, at once or after waiting as the request says.
    pub(crate) async fn acquire(path: PathBuf, request: &LockRequest) -> Result<Self, LockError> {
        let held = match Self::attempt(&path, request) {
            Err(LockError::Held(holder)) if !request.timeout.is_zero() => holder,
            result => return result,
        };
        let request = request.clone();
        tokio::task::spawn_blocking(move || Self::wait(&path, &request, held))
            .await
            .unwrap_or_else(|error| Err(StoreError::Other(SharedError::of(error)).into()))
    }

    fn wait(
        path: &Path,
        request: &LockRequest,
        mut holder: Box<LockHolder>,
    ) -> Result<Self, LockError> {
        let begun = Instant::now();
        loop {
            let left = request.timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(LockError::Held(holder));
            }
            std::thread::sleep(left.min(POLL));
            match Self::attempt(path, request) {
                Err(LockError::Held(now)) => holder = now,
                result => return result,
            }
        }
    }

    /// Tries once.
    fn attempt(path: &Path, request: &LockRequest) -> Result<Self, LockError> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(|error| not_opened(path, error))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held(Box::new(holder(path)?)));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(StoreError::of_file("lock", path, error).into());
                }
            }
            // The holder before may have removed the file between our open and our lock.
            if is_still(&file, path) {
                let mut lock = Self { file, path: path.to_owned() };
                lock.sign(request)?;
                return Ok(lock);
            }
        }
    }

    fn sign(&mut self, request: &LockRequest) -> Result<(), StoreError> {
        let content = Content {
            id: request.id.to_string(),
            operation: request.operation.clone(),
            info: String::new(),
            who: request.who.clone(),
            version: request.version.clone(),
            created: request.at.to_string(),
            path: self.path.display().to_string(),
        };
        let text = serde_json::to_string(&content).unwrap_or_default();
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(text.as_bytes()));
        written.map_err(|error| StoreError::of_file("write", &self.path, error))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Removed before it is released; a file that stays behind harms nobody.
        if is_still(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}

/// Returns whether the path still names the open file.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_still(_file: &File, _path: &Path) -> bool {
    // An open file can't be removed there.
    true
}

/// Removes a lock file, so that the next command can make a new one, if its holder has this id.
pub(crate) fn break_lock(path: &Path, id: &str) -> Result<(), LockError> {
    if !path.exists() {
        return Err(StoreError::NotLocked.into());
    }
    let holder = holder(path)?;
    if holder.id != id {
        return Err(LockError::Held(Box::new(holder)));
    }
    std::fs::remove_file(path).map_err(|error| StoreError::of_file("remove", path, error).into())
}

/// Refuses to go on while Terraform's lock file is there.
pub(crate) fn refuse_terraform(path: &Path) -> Result<(), LockError> {
    if path.exists() { Err(LockError::Held(Box::new(holder(path)?))) } else { Ok(()) }
}

/// Removes the lock file of Terraform, where it is there and has this id; says whether it did.
pub(crate) fn break_terraform(path: &Path, id: &str) -> Result<bool, StoreError> {
    if !path.is_file() || holder(path)?.id != id {
        return Ok(false);
    }
    std::fs::remove_file(path).map_err(|error| StoreError::of_file("remove", path, error))?;
    Ok(true)
}

/// Reads who holds a lock; what can't be understood stays empty.
fn holder(path: &Path) -> Result<LockHolder, StoreError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    match read {
        // It was released while we looked, or its holder has not signed yet.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {}
        Err(error) => return Err(StoreError::of_file("read", path, error)),
        Ok(_) => {}
    }
    let content: Content = serde_json::from_str(&text).unwrap_or_default();
    Ok(LockHolder {
        id: content.id,
        path: path.display().to_string(),
        operation: content.operation,
        who: content.who,
        version: content.version,
        created: content.created,
    })
}

fn not_opened(path: &Path, error: std::io::Error) -> StoreError {
    // A folder that could not be made is not found.
    let fixed = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem, ErrorKind::NotFound];
    if fixed.contains(&error.kind()) {
        let (path, cause) = (path.display().to_string(), SharedError::of(error));
        return StoreError::ReadOnly { path, cause };
    }
    StoreError::of_file("open", path, error)
}
