//! An error that several hold at once, with all that it came from.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// An error that may be told to many, such as to all who waited for one commit. Whoever has to tell kinds apart looks
/// at the error itself: [`SharedError::as_kind`]. It is the same as another one of the same words.
#[derive(Clone)]
pub struct SharedError(Arc<dyn Error + Send + Sync>);

impl SharedError {
    /// Shares an error, or words where there is none.
    pub fn of(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }

    /// Returns the first error of a type among this one and those that it came from.
    pub fn as_kind<T: Error + 'static>(&self) -> Option<&T> {
        let first: &(dyn Error + 'static) = &*self.0;
        std::iter::successors(Some(first), |error| (*error).source())
            .find_map(<dyn Error>::downcast_ref)
    }
}

impl Deref for SharedError {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl PartialEq for SharedError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for SharedError {}

impl From<&str> for SharedError {
    fn from(words: &str) -> Self {
        Self::of(words)
    }
}

impl From<String> for SharedError {
    fn from(words: String) -> Self {
        Self::of(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NotRecorded;

    #[test]
    fn a_kind_is_found_below_other_errors() {
        let inner = SharedError::of(std::io::Error::from(std::io::ErrorKind::StorageFull));
        let outer = SharedError::of(NotRecorded::because(std::io::Error::from(
            std::io::ErrorKind::StorageFull,
        )));
        let found = outer.as_kind::<std::io::Error>().map(std::io::Error::kind);
        assert_eq!(found, Some(std::io::ErrorKind::StorageFull));
        assert!(SharedError::from("words").as_kind::<std::io::Error>().is_none());
        assert_eq!(SharedError::from(inner.to_string()), inner);
    }
}
