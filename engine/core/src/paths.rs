//! The values at a path of a schema, which may lead into every element of a collection.

use std::collections::BTreeSet;

use terrarium_address::{AttrPath, PathStep};
use terrarium_provider::Schema;
use terrarium_value::{Kind, Value};

/// Collects the values at a path; where a part of it is unknown, that part.
pub(crate) fn pick(value: &Value, path: &[PathStep], found: &mut Vec<Value>) {
    let Some((step, rest)) = path.split_first() else {
        found.push(value.clone());
        return;
    };
    if let Kind::Unknown(_) = value.kind() {
        found.push(value.clone());
        return;
    }
    match step {
        PathStep::Attr(name) | PathStep::Key(name) => {
            if let Some(inner) = value.get(name) {
                pick(inner, rest, found);
            }
        }
        PathStep::Index(at) => {
            let inner = usize::try_from(*at).ok().and_then(|at| value.as_items()?.get(at));
            if let Some(inner) = inner {
                pick(inner, rest, found);
            }
        }
        PathStep::AnyElement => {
            for inner in value.as_items().unwrap_or_default() {
                pick(inner, rest, found);
            }
            for inner in value.as_entries().into_iter().flat_map(|entries| entries.values()) {
                pick(inner, rest, found);
            }
        }
    }
}

/// Returns the texts at a path that are known and not empty: names of things.
pub(crate) fn names_at(value: &Value, path: &AttrPath) -> BTreeSet<String> {
    let mut values = Vec::new();
    pick(value, &path.0, &mut values);
    let texts = values.iter().filter_map(Value::as_str).filter(|text| !text.is_empty());
    texts.map(str::to_owned).collect()
}

/// Lists the values at the paths that say what an object sits on; nulls are left out.
pub(crate) fn occupied(schema: &Schema, value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for occupies in &schema.occupies {
        pick(value, &occupies.path.0, &mut found);
    }
    found.retain(|value| !value.is_null());
    found
}

/// Returns whether a path follows a pattern, whose [`PathStep::AnyElement`] stands for every element.
pub(crate) fn fits(pattern: &AttrPath, path: &AttrPath) -> bool {
    pattern.0.len() == path.0.len()
        && pattern.0.iter().zip(&path.0).all(|(wanted, step)| match wanted {
            PathStep::AnyElement => !matches!(step, PathStep::Attr(_)),
            wanted => wanted == step,
        })
}
