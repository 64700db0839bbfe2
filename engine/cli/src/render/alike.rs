//! Brings together what can be said once.

use std::collections::HashMap;
use std::hash::Hash;

/// Groups items by a key: the first of each, and those like it, in the order in which they come.
pub(crate) fn alike<T, K: Eq + Hash>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Vec<(T, Vec<T>)> {
    let mut known: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<(T, Vec<T>)> = Vec::new();
    for item in items {
        let place = *known.entry(key(&item)).or_insert(groups.len());
        if let Some((_, more)) = groups.get_mut(place) {
            more.push(item);
        } else {
            groups.push((item, Vec::new()));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn the_first_of_each_kind_leads() {
        let groups = alike([3, 1, 5, 2, 4], |number| number % 2);
        assert_eq!(groups, [(3, vec![1, 5]), (2, vec![4])]);
    }
}
