//! Values to YAML, laid out as Terraform does: quoted strings and keys, block style.

use std::fmt::Write as _;

use terrarium_address::Name;
use terrarium_value::{Entries, Kind, Value};

/// Returns a whole document.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    match value.kind() {
        // A plain scalar at the top needs an end mark.
        Kind::Null(_) | Kind::Bool(_) | Kind::Number(_) => {
            scalar(value, 0, &mut out);
            out.push_str("\n...\n");
        }
        _ => {
            node(value, 0, &mut out);
            if !out.ends_with('\n') {
                out.push('\n');
            }
        }
    }
    out
}

fn indent(depth: usize, out: &mut String) {
    (0..depth).for_each(|_| out.push_str("  "));
}

/// Writes a value whose first line continues the current one; ends without a newline.
fn node(value: &Value, depth: usize, out: &mut String) {
    match value.kind() {
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push('\n');
                    indent(depth, out);
                }
                out.push_str("- ");
                node(item, depth + 1, out);
            }
        }
        Kind::Map(entries) | Kind::Object(entries) if !entries.is_empty() => {
            mapping(entries, depth, out);
        }
        _ => scalar(value, depth, out),
    }
}

fn mapping(entries: &Entries, depth: usize, out: &mut String) {
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push('\n');
            indent(depth, out);
        }
        write_key(key, out);
        let filled = value.as_items().is_some_and(|items| !items.is_empty());
        if filled {
            // A list stands at the indentation of its key.
            out.push('\n');
            indent(depth, out);
            node(value, depth, out);
        } else if value.as_entries().is_some_and(|entries| !entries.is_empty()) {
            out.push('\n');
            indent(depth + 1, out);
            node(value, depth + 1, out);
        } else {
            out.push(' ');
            scalar(value, depth + 1, out);
        }
    }
}

fn write_key(key: &Name, out: &mut String) {
    quoted(key, out);
    out.push(':');
}

fn scalar(value: &Value, depth: usize, out: &mut String) {
    match value.kind() {
        Kind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Kind::Number(number) => out.push_str(&number.to_string()),
        Kind::String(text) if is_block(text) => block(text, depth.max(1), out),
        Kind::String(text) => quoted(text, out),
        Kind::List(_) | Kind::Set(_) | Kind::Tuple(_) => out.push_str("[]"),
        Kind::Map(_) | Kind::Object(_) => out.push_str("{}"),
        Kind::Null(_) | Kind::Unknown(_) => out.push_str("null"),
    }
}

/// Whether a text is written as a literal block.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.ends_with(' ')
        && !text.contains(" \n")
        && text.chars().all(|c| c == '\n' || !c.is_control())
}

fn block(text: &str, depth: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            indent(depth, out);
            out.push_str(line);
        }
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            '\u{feff}' => out.push_str("\\uFEFF"),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
