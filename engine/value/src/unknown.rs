//! Unknown values: their type, what is known of them all the same, and what they wait for.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};

use crate::{Number, Type};

/// When an unknown value will be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// After the apply of this plan.
    #[default]
    Apply,
    /// Not before this instant: what it waits for is deferred.
    At(Timestamp),
    /// In a later apply; nobody knows when.
    Later,
    /// Not any more: the time in which it could have come ended at this instant.
    Never(Timestamp),
}

/// What an unknown value waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A resource instance that is not there yet.
    Instance {
        /// Its address.
        addr: ResourceAddr,
        /// When it will be there.
        when: When,
    },
    /// Anything else, in words that complete "waits for …": `the variable "x"`, `timestamp()`.
    Other(Name),
}

/// Set of causes; shared, so that a value's copies cost nothing. Nearly every set has one member, and there is one
/// for each instance that is not there yet: so it is a slice, not a tree.
///
/// Invariant: sorted, without doubles, and not empty where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Causes(Option<Arc<[Cause]>>);

impl Causes {
    /// No cause is recorded.
    pub const NONE: Self = Self(None);

    /// One cause.
    pub fn one(cause: Cause) -> Self {
        Self(Some(Arc::new([cause])))
    }

    /// Unites any number of sets, in one pass.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut first: Option<&Arc<[Cause]>> = None;
        let mut merged: Option<BTreeSet<&'a Cause>> = None;
        for set in sets.into_iter().filter_map(|set| set.0.as_ref()) {
            match (&first, &mut merged) {
                (None, _) => first = Some(set),
                (Some(one), None) if Arc::ptr_eq(one, set) || is_subset(set, one) => {}
                (Some(one), None) => merged = Some(one.iter().chain(&**set).collect()),
                (Some(_), Some(all)) => all.extend(&**set),
            }
        }
        let merged = merged.map(|all| all.into_iter().cloned().collect());
        Self(merged.or_else(|| first.cloned()))
    }

    /// Iterates over the causes in the order of their addresses.
    pub fn iter(&self) -> impl Iterator<Item = &Cause> {
        self.0.as_deref().unwrap_or_default().iter()
    }

    /// Returns whether none is recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns when all of them will be there: the latest, and never where one of them will not come.
    pub fn when(&self) -> When {
        self.iter()
            .filter_map(|cause| match cause {
                Cause::Instance { when, .. } => Some(*when),
                Cause::Other(_) => None,
            })
            .max()
            .unwrap_or_default()
    }
}

/// Returns whether one sorted slice holds all of another.
fn is_subset(inner: &[Cause], outer: &[Cause]) -> bool {
    inner.len() <= outer.len() && inner.iter().all(|cause| outer.binary_search(cause).is_ok())
}

/// What is known of an unknown value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Refinements {
    /// It will not be null.
    pub not_null: bool,
    /// A string will begin with this.
    pub prefix: Option<Name>,
    /// A collection will have at least this many elements.
    pub min_length: u64,
    /// A collection will have at most this many elements.
    pub max_length: Option<u64>,
    /// Lower bound of a number, and whether the bound itself is possible.
    pub lower: Option<Box<(Number, bool)>>,
    /// Upper bound of a number, and whether the bound itself is possible.
    pub upper: Option<Box<(Number, bool)>>,
}

/// A value that is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unknown {
    /// Its type; [`Type::Dynamic`] where not even that is known.
    pub ty: Type,
    /// What is known of it.
    pub refinements: Refinements,
    /// What it waits for.
    pub causes: Causes,
}
