//! Entries of a map or object, as a value keeps them.

use std::sync::Arc;

use terrarium_address::Name;

use crate::{Map, Value};

/// Entries in the order of their keys (by bytes), shared and as small as they are many: plans and states hold
/// millions of objects with a few attributes each, and a tree's node has room for eleven.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Entries(Arc<[(Name, Value)]>);

impl Entries {
    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
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
    pub fn iter(&self) -> Pairs<'_> {
        self.0.iter().map(pair)
    }

    /// Returns the keys.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Name> + DoubleEndedIterator + Clone {
        self.0.iter().map(|(key, _)| key)
    }

    /// Returns the values.
    pub fn values(&self) -> Parts<'_> {
        self.0.iter().map(value)
    }

    /// Returns them in a form that can be changed.
    pub fn to_map(&self) -> Map {
        self.0.iter().cloned().collect()
    }

    /// Returns keys and values as they stand side by side.
    pub(crate) fn as_slice(&self) -> &[(Name, Value)] {
        &self.0
    }

    /// Returns whether both are the same place in memory.
    pub(crate) fn same_place(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Goes over keys and values.
pub type Pairs<'a> =
    std::iter::Map<std::slice::Iter<'a, (Name, Value)>, fn(&(Name, Value)) -> (&Name, &Value)>;

/// Goes over values.
pub type Parts<'a> =
    std::iter::Map<std::slice::Iter<'a, (Name, Value)>, fn(&(Name, Value)) -> &Value>;

fn pair(entry: &(Name, Value)) -> (&Name, &Value) {
    (&entry.0, &entry.1)
}

fn value(entry: &(Name, Value)) -> &Value {
    &entry.1
}

impl From<Map> for Entries {
    fn from(map: Map) -> Self {
        Self(map.into_iter().collect())
    }
}

impl FromIterator<(Name, Value)> for Entries {
    /// Takes entries in any order; of two with one key the last counts.
    fn from_iter<I: IntoIterator<Item = (Name, Value)>>(entries: I) -> Self {
        let entries: Vec<(Name, Value)> = entries.into_iter().collect();
        if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            return entries.into_iter().collect::<Map>().into();
        }
        Self(entries.into())
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = (&'a Name, &'a Value);
    type IntoIter = Pairs<'a>;

    fn into_iter(self) -> Pairs<'a> {
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
