//! The plain JSON of `show -json`: what is not known is left out.

use super::quote;
use crate::{Entries, Kind, Value};

/// Writes a value without its type; unknown attributes are left out, unknown elements become null.
/// None where the value itself is unknown.
pub fn plain(value: &Value) -> Option<String> {
    let mut out = String::new();
    write(value, &mut out).then_some(out)
}

fn write(value: &Value, out: &mut String) -> bool {
    match value.kind() {
        Kind::Unknown(_) => return false,
        Kind::Null(_) => out.push_str("null"),
        Kind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        // JSON has no infinity; text is what a reader can do most with.
        Kind::Number(number) if number.is_infinite() => quote(&number.to_string(), out),
        Kind::Number(number) => out.push_str(&number.to_string()),
        Kind::String(text) => quote(text, out),
        Kind::List(items) | Kind::Tuple(items) => write_items(items.iter(), out),
        Kind::Set(items) => write_items(items.iter().filter(|item| item.is_known()), out),
        Kind::Map(entries) | Kind::Object(entries) => write_entries(entries, out),
    }
    true
}

fn write_items<'a>(items: impl Iterator<Item = &'a Value>, out: &mut String) {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        if !write(item, out) {
            out.push_str("null");
        }
    }
    out.push(']');
}

fn write_entries(entries: &Entries, out: &mut String) {
    out.push('{');
    let known = entries.iter().filter(|(_, value)| value.is_known());
    for (at, (name, value)) in known.enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}
