//! Why a store could not do what was asked: a kind where a caller has to tell them apart, and what it came from.

use std::io::ErrorKind;
use std::path::Path;

use terrarium_provider::SharedError;

use crate::LockHolder;

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("the state is locked by {} ({})", .0.who, .0.operation)]
    Held(Box<LockHolder>),
    /// It could not be tried.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a batch was not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Another holder has the lock: nothing was written.
    #[error("the lock was lost: another process holds it now")]
    Lost,
    /// No room: nothing was written.
    #[error("no space left to write the state: {0}")]
    Full(#[source] SharedError),
    /// Others were at work on it for too long: nothing was written, and may be a moment later.
    #[error("the state could not be written: {0}")]
    Busy(#[source] SharedError),
    /// Nobody knows whether it was written.
    #[error("the state could not be written: {0}")]
    Unknown(#[source] SharedError),
}

/// Of what went wrong before anything was written.
impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full { .. } => Self::Full(SharedError::of(error)),
            StoreError::Busy { .. } => Self::Busy(SharedError::of(error)),
            _ => Self::Unknown(SharedError::of(error)),
        }
    }
}

/// Why the store could not be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be used.
    #[error("cannot {verb} {path}: {cause}")]
    File {
        /// What was attempted: `open`, `read`.
        verb: &'static str,
        /// The file.
        path: String,
        /// The system's words.
        #[source]
        cause: SharedError,
    },
    /// The disk is full, or what a file may grow to is reached.
    #[error("{path} can't grow: {cause}")]
    Full {
        /// The file.
        path: String,
        /// The system's words.
        #[source]
        cause: SharedError,
    },
    /// Others were at work on it for too long.
    #[error("{path} is busy: {cause}")]
    Busy {
        /// The file.
        path: String,
        /// The store's words.
        #[source]
        cause: SharedError,
    },
    /// The store is damaged.
    #[error("{path} is damaged: {cause}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        cause: SharedError,
    },
    /// The store is not the one that was written last.
    #[error("{path} can't be taken for the state: {cause}")]
    Stale {
        /// The file.
        path: String,
        /// How that is seen.
        cause: String,
    },
    /// Nothing can be written there.
    #[error("nothing can be written beside {path}: {cause}")]
    ReadOnly {
        /// The file.
        path: String,
        /// The system's words.
        #[source]
        cause: SharedError,
    },
    /// The store was written by a newer version.
    #[error(
        "{path} was written by a newer version of terrarium (format {found}, this one knows {known})"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// There is no lock that could be taken from anybody.
    #[error("the state is not locked")]
    NotLocked,
    /// Something else.
    #[error("{0}")]
    Other(SharedError),
}

impl StoreError {
    /// Says that a file of a store could not be used, and of which kind that is.
    pub fn of_file(verb: &'static str, path: &Path, error: std::io::Error) -> Self {
        let (path, kind) = (path.display().to_string(), error.kind());
        let cause = SharedError::of(error);
        match kind {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full { path, cause }
            }
            _ => Self::File { verb, path, cause },
        }
    }
}
