//! Why a driver could not go on; every kind keeps what it came from.

use terrarium_diagnostic::Diagnostics;
use terrarium_state::{CommitError, LockError, StoreError};

use crate::cause::shared_words;

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
    /// Names what is behind it: two errors of one cause differ in numbers and ids at most, those of requests for instance.
    pub fn cause(&self) -> String {
        let Self::Found(found) = self else { return shared_words(&self.to_string()) };
        let errors = found.iter().filter(|one| one.is_error());
        let words = errors.map(|one| format!("{}: {}", one.summary, one.detail));
        shared_words(&words.collect::<Vec<_>>().join("\n"))
    }

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

#[cfg(test)]
mod tests {
    use terrarium_diagnostic::{Code, Diagnostic};

    use super::DriveError;

    #[test]
    fn a_cloud_that_is_away_is_one_cause_whatever_its_requests_are_called() {
        let of = |text: &str| {
            let error = Diagnostic::error(Code("T0000"), "No answer").detail(text);
            DriveError::Found(error.into()).cause()
        };
        let first = of("GET /v3/auth: 503 (req-7d1f0d2a-55aa-4c1e-8f2e-112233445566)");
        assert_eq!(first, of("GET /v3/auth: 503 (req-00000001-55aa-4c1e-8f2e-aabbccddeeff)"));
        assert_ne!(first, of("GET /v3/auth: connection refused"));
    }
}
