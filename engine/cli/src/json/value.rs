//! Values as JSON: what is known, what is not, and what may not be shown.

use std::fmt::Write;

use terrarium_value::{Entries, Kind, Marks, Value};

/// Whether sensitive values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// As null.
    Hide,
    /// In clear.
    Show,
}

/// Returns the known parts as JSON; `None` where the whole is unknown.
pub fn text(value: &Value, secrets: Secrets) -> Option<String> {
    if !value.is_known() {
        return None;
    }
    let mut out = String::new();
    write_value(&mut out, value, secrets);
    Some(out)
}

fn write_value(out: &mut String, value: &Value, secrets: Secrets) {
    if secrets == Secrets::Hide && is_sensitive(value) {
        out.push_str("null");
        return;
    }
    match value.kind() {
        Kind::Unknown(_) | Kind::Null(_) => out.push_str("null"),
        Kind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Kind::Number(number) => {
            let _infallible = write!(out, "{number}");
        }
        Kind::String(text) => out.push_str(&string(text)),
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => {
            list(
                out,
                items.iter().map(|item| {
                    let mut text = String::new();
                    write_value(&mut text, item, secrets);
                    text
                }),
            );
        }
        Kind::Map(entries) | Kind::Object(entries) => {
            object(out, entries, |item| text(item, secrets));
        }
    }
}

/// Returns `true` for what is unknown, `false` for what is known; objects leave `false` out.
pub fn unknown_shape(value: &Value) -> String {
    shape(value, &|value| !value.is_known())
}

/// Returns `true` for what is sensitive, `false` for what is not; objects leave `false` out.
pub fn sensitive_shape(value: &Value) -> String {
    shape(value, &is_sensitive)
}

fn is_sensitive(value: &Value) -> bool {
    value.marks().contains(Marks::SENSITIVE)
}

fn shape(value: &Value, test: &dyn Fn(&Value) -> bool) -> String {
    if test(value) {
        return "true".to_owned();
    }
    let mut out = String::new();
    match value.kind() {
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => {
            list(&mut out, items.iter().map(|item| shape(item, test)));
        }
        Kind::Map(entries) | Kind::Object(entries) => {
            object(&mut out, entries, |item| {
                Some(shape(item, test)).filter(|text| text != "false")
            });
        }
        _ => out.push_str("false"),
    }
    out
}

fn list(out: &mut String, items: impl Iterator<Item = String>) {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&item);
    }
    out.push(']');
}

fn object(out: &mut String, entries: &Entries, item: impl Fn(&Value) -> Option<String>) {
    out.push('{');
    let mut first = true;
    for (key, value) in entries {
        let Some(text) = item(value) else { continue };
        if !first {
            out.push(',');
        }
        first = false;
        let _infallible = write!(out, "{}:{text}", string(key));
    }
    out.push('}');
}

/// Returns a JSON string with the characters escaped that Go escapes.
pub(super) fn string(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
