//! What few of many have.

use std::ops::{Deref, DerefMut};

/// A value that is blank for most: as small as a pointer there. A plan holds a hundred thousand changes of which
/// some are moved, or sit on a lease.
#[derive(Clone, Debug)]
pub struct Rare<T>(Option<Box<T>>);

/// What has a blank form.
pub trait Blank: Sized + 'static {
    /// The blank form.
    const BLANK: &'static Self;
}

impl<T: 'static> Blank for Option<T> {
    const BLANK: &'static Self = &None;
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Blank + PartialEq> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Blank + PartialEq> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        Self((value != *T::BLANK).then(|| Box::new(value)))
    }
}

impl<T: Blank> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::BLANK)
    }
}

impl<T: Blank + Clone> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(T::BLANK.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_blank_takes_a_pointer() {
        let mut rare: Rare<Option<[u64; 8]>> = None.into();
        assert_eq!(size_of_val(&rare), size_of::<usize>());
        assert!(rare.0.is_none() && rare.is_none());
        *rare = Some([1; 8]);
        assert_eq!(rare, Rare::from(Some([1; 8])));
    }
}
