//! Entries of a map, an object or an object type, as a value keeps them.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_address::Name;

use crate::Value;

/// Entries in the order of their keys (by bytes), shared and as small as they are many: plans and states hold
/// millions of objects with a few attributes each, and a tree's node has room for eleven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entries<T = Value>(Arc<[(Name, T)]>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Entries<T> {
    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&T> {
        let at = self.0.binary_search_by(|(one, _)| one.as_ref().cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Returns whether a key is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns keys and values.
    pub fn iter(&self) -> Pairs<'_, T> {
        self.0.iter().map(pair)
    }

    /// Returns the keys.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Name> + DoubleEndedIterator + Clone {
        self.0.iter().map(|(key, _)| key)
    }

    /// Returns the values.
    pub fn values(&self) -> Parts<'_, T> {
        self.0.iter().map(value)
    }

    /// Returns keys and values as they stand side by side.
    pub(crate) fn as_slice(&self) -> &[(Name, T)] {
        &self.0
    }

    /// Returns whether both are the same place in memory.
    pub(crate) fn same_place(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: Clone> Entries<T> {
    /// Returns them in a form that can be changed.
    pub fn to_map(&self) -> BTreeMap<Name, T> {
        self.0.iter().cloned().collect()
    }
}

/// Goes over keys and values.
pub type Pairs<'a, T = Value> =
    std::iter::Map<std::slice::Iter<'a, (Name, T)>, fn(&(Name, T)) -> (&Name, &T)>;

/// Goes over values.
pub type Parts<'a, T = Value> =
    std::iter::Map<std::slice::Iter<'a, (Name, T)>, fn(&(Name, T)) -> &T>;

fn pair<T>(entry: &(Name, T)) -> (&Name, &T) {
    (&entry.0, &entry.1)
}

fn value<T>(entry: &(Name, T)) -> &T {
    &entry.1
}

impl<T> From<BTreeMap<Name, T>> for Entries<T> {
    fn from(map: BTreeMap<Name, T>) -> Self {
        Self(map.into_iter().collect())
    }
}

impl<T> FromIterator<(Name, T)> for Entries<T> {
    /// Takes entries in any order; of two with one key the last counts.
    fn from_iter<I: IntoIterator<Item = (Name, T)>>(entries: I) -> Self {
        let entries: Vec<(Name, T)> = entries.into_iter().collect();
        if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            return entries.into_iter().collect::<BTreeMap<Name, T>>().into();
        }
        Self(entries.into())
    }
}

impl<'a, T> IntoIterator for &'a Entries<T> {
    type Item = (&'a Name, &'a T);
    type IntoIter = Pairs<'a, T>;

    fn into_iter(self) -> Pairs<'a, T> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_whatever_their_order_was() {
        let of = |text: &str| (Name::from(text), Value::string(text));
        let entries: Entries =
            [of("b"), of("a"), ("b".into(), Value::bool(true))].into_iter().collect();
        assert_eq!(entries.keys().map(AsRef::as_ref).collect::<Vec<&str>>(), ["a", "b"]);
        assert_eq!(entries.get("b"), Some(&Value::bool(true)));
        assert!(entries.get("c").is_none() && !entries.is_empty());
        assert_eq!(Entries::from(entries.to_map()), entries);
    }
}
