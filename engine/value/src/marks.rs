//! Marks: what may be done with a value, carried through every operation.

use std::ops::BitOr;

/// Set of marks on a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Marks(u8);

impl Marks {
    /// No mark.
    pub const NONE: Self = Self(0);
    /// May not be shown.
    pub const SENSITIVE: Self = Self(1);
    /// May not be stored.
    pub const EPHEMERAL: Self = Self(2);

    /// Returns whether all of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether no mark is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns what messages show instead of a value with these marks.
    pub fn instead(self) -> &'static str {
        if self.contains(Self::SENSITIVE) { "(sensitive value)" } else { "(ephemeral value)" }
    }

    /// Returns the marks without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
