//! Why a driver could not go on; every kind keeps what it came from.

use terrarium_diagnostic::Diagnostics;
use terrarium_state::{CommitError, LockError, StoreError};

/// Why a driver could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// What was found keeps it from acting: errors of the configuration, of a provider, of a plan.
    #[error("{} errors were found", .0.iter().filter(|one| one.is_error()).count())]
    Found(Diagnostics),
    /// The store could not be read, or its lock not be given back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The store could not be written, or the lock was lost.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl DriveError {
    /// Returns whether nothing is wrong but services that have no time for anybody, or do not answer.
    pub(crate) fn is_an_absence(&self) -> bool {
        let Self::Found(found) = self else { return false };
        found.iter().filter(|one| one.is_error()).all(|one| one.cause.is_some())
    }
}

impl From<Diagnostics> for DriveError {
    fn from(found: Diagnostics) -> Self {
        Self::Found(found)
    }
}
