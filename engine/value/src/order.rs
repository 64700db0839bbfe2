//! The order of sets: cty's, so that what iterates over a set shows the same sequence.
//!
//! Strings go by bytes, numbers by value, `false` before `true`; other elements go by a text that
//! cty builds for hashing. Unknown elements come after known ones, null comes last.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::value::Repr;
use crate::{Value, console};

/// Compares two elements of one set.
pub fn compare(left: &Value, right: &Value) -> Ordering {
    rank(left).cmp(&rank(right)).then_with(|| match (&left.repr, &right.repr) {
        (Repr::String(a), Repr::String(b)) => a.cmp(b),
        (Repr::Number(a), Repr::Number(b)) => a.cmp(b),
        (Repr::Bool(a), Repr::Bool(b)) => a.cmp(b),
        (Repr::Unknown(_), Repr::Unknown(_)) | (Repr::Null(_), Repr::Null(_)) => Ordering::Equal,
        _ => hash_text(left).cmp(&hash_text(right)),
    })
}

/// Sorts elements as a set holds them and drops duplicates; unknown elements are never duplicates.
pub fn sorted_set(mut items: Vec<Value>) -> Vec<Value> {
    if items.len() < 2 {
        return items;
    }
    let mut seen = HashSet::with_capacity(items.len());
    items.retain(|item| !item.is_wholly_known() || seen.insert(item.clone()));
    let simple = items.iter().all(|item| {
        matches!(
            item.repr,
            Repr::Bool(_) | Repr::Number(_) | Repr::String(_) | Repr::Null(_) | Repr::Unknown(_)
        )
    });
    if simple {
        items.sort_by(compare);
    } else {
        items.sort_by_cached_key(|item| (rank(item), hash_text(item)));
    }
    items
}

fn rank(value: &Value) -> u8 {
    match value.repr {
        Repr::Unknown(_) => 1,
        Repr::Null(_) => 2,
        _ => 0,
    }
}

fn hash_text(value: &Value) -> String {
    let mut text = String::new();
    write_hash(value, &mut text);
    text
}

fn write_hash(value: &Value, text: &mut String) {
    match &value.repr {
        Repr::Unknown(_) => text.push('?'),
        Repr::Null(_) => text.push('~'),
        Repr::Bool(value) => text.push(if *value { 'T' } else { 'F' }),
        Repr::Number(number) => text.push_str(&number.ten_digits()),
        Repr::String(string) => console::quote(string, text),
        Repr::List(list) | Repr::Set(list) => write_items('[', &list.items, ']', text),
        Repr::Tuple(items) => write_items('<', items.iter(), '>', text),
        Repr::Object(attributes) => write_items('<', attributes.values(), '>', text),
        Repr::Map(map) => {
            text.push('{');
            for (key, value) in &map.entries {
                console::quote(key, text);
                text.push(':');
                write_hash(value, text);
                text.push(';');
            }
            text.push('}');
        }
    }
}

fn write_items<'a>(
    open: char,
    items: impl IntoIterator<Item = &'a Value>,
    close: char,
    text: &mut String,
) {
    text.push(open);
    for item in items {
        write_hash(item, text);
        text.push(';');
    }
    text.push(close);
}
