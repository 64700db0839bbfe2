//! Approval: what it covers, and whether a planned change is still the one that was approved.
//!
//! A plan hashes, per instance, the tokens of every block that the instance rests on, its address, and
//! the values of the root variables that these blocks read; and, by name, the parts of that and the
//! files that were read. The store keeps all of it keyed with the state's lineage, so that nobody who
//! knows the hash of a likely secret finds it there.

use std::collections::BTreeMap;

use terrarium_address::Name;
use terrarium_state::Scheduled;

use crate::ResourceChange;

/// Hexadecimal digits of a part's hash in the store: enough to tell two values apart, and no more.
const PART_DIGITS: usize = 16;

/// The kinds of parts; their names begin so.
pub(crate) const VARIABLE: &str = "var.";
pub(crate) const BLOCK: &str = "block ";
pub(crate) const FILE: &str = "file ";

/// Returns a hash as the store keeps it.
pub(crate) fn keyed(lineage: &str, hash: &str) -> Name {
    key_of(lineage, "", hash).to_hex().as_str().into()
}

/// Returns the hashes of the parts as the store keeps them.
pub(crate) fn keyed_parts(lineage: &str, covers: &BTreeMap<Name, Name>) -> BTreeMap<Name, Name> {
    let part = |(name, hash): (&Name, &Name)| {
        let keyed = key_of(lineage, name, hash).to_hex();
        (name.clone(), Name::from(keyed.as_str().get(..PART_DIGITS).unwrap_or_default()))
    };
    covers.iter().map(part).collect()
}

fn key_of(lineage: &str, name: &str, hash: &str) -> blake3::Hash {
    let key = blake3::derive_key("terrarium approval", lineage.as_bytes());
    let mut hasher = blake3::Hasher::new_keyed(&key);
    hasher.update(&(name.len() as u64).to_le_bytes());
    hasher.update(name.as_bytes());
    hasher.update(hash.as_bytes());
    hasher.finalize()
}

/// Says what keeps a change from being the one that was approved; `None`: it is.
pub(crate) fn objection(
    entry: &Scheduled,
    change: &ResourceChange,
    lineage: &str,
) -> Option<String> {
    let Some(approved) = &entry.approval else { return Some("nobody approved it".to_owned()) };
    let today = keyed_parts(lineage, &change.covers);
    let differing: Vec<&Name> = today
        .iter()
        .filter(|(name, hash)| match entry.inputs.get(*name) {
            Some(then) => then != *hash,
            // What was in it nobody saw.
            None => name.starts_with(FILE),
        })
        .map(|(name, _)| name)
        .collect();
    let same = change.approval.as_ref().is_some_and(|hash| keyed(lineage, hash) == *approved);
    let files = differing.iter().any(|name| name.starts_with(FILE));
    (!same || files).then(|| format!("{} changed since it was approved", words(&differing)))
}

/// Names what differs: variables first, since they are the usual slip.
fn words(differing: &[&Name]) -> String {
    let of = |kind: &'static str| {
        differing.iter().filter_map(move |name| name.strip_prefix(kind)).map(str::to_owned)
    };
    let all: Vec<String> = of(VARIABLE)
        .map(|name| format!("the variable {name:?}"))
        .chain(of(BLOCK).map(|name| format!("the configuration of {name}")))
        .chain(of(FILE).map(|name| format!("the file {name}")))
        .collect();
    crate::words::enumerated(&all).unwrap_or_else(|| "the configuration".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<Name> {
        all.iter().map(|name| Name::from(*name)).collect()
    }

    #[test]
    fn what_differs_is_named_variables_first_and_not_without_end() {
        for (differing, expected) in [
            (names(&[]), "the configuration"),
            (names(&["file a.sh", "var.x"]), "the variable \"x\" and the file a.sh"),
            (
                names(&["block a.b", "block a.c", "file f", "var.x", "var.y"]),
                "the variable \"x\", the variable \"y\", the configuration of a.b and 2 more",
            ),
        ] {
            assert_eq!(words(&differing.iter().collect::<Vec<_>>()), expected);
        }
    }

    #[test]
    fn another_state_keeps_other_hashes() {
        let covers = BTreeMap::from([("var.x".into(), "1".into()), ("var.y".into(), "1".into())]);
        let (one, other) = (keyed_parts("a", &covers), keyed_parts("b", &covers));
        assert!(one.iter().all(|(name, hash)| other[name] != *hash && hash.len() == PART_DIGITS));
        assert_ne!(
            one["var.x"], one["var.y"],
            "the same value of two variables is not seen as such"
        );
        assert_ne!(keyed("a", "1"), keyed("b", "1"));
        assert_eq!(keyed("a", "1"), keyed("a", "1"));
    }
}
