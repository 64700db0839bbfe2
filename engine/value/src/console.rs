//! Text of values and types as `terraform console` prints them.

use std::fmt::{self, Write as _};

use crate::{Entries, Kind, Marks, Type, Value};

/// Renders a value over as many lines as it takes; what is sensitive or ephemeral is not shown.
pub fn render(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, 0, &mut text);
    text
}

fn write_value(value: &Value, indent: usize, out: &mut String) {
    if !value.is_known() {
        return out.push_str("(known after apply)");
    }
    if value.marks().contains(Marks::SENSITIVE) {
        return out.push_str("(sensitive value)");
    }
    if value.marks().contains(Marks::EPHEMERAL) {
        return out.push_str("(ephemeral value)");
    }
    match value.kind() {
        Kind::Unknown(_) => {}
        Kind::Null(ty) => out.push_str(&null_text(ty)),
        Kind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Kind::Number(number) => out.push_str(&number.to_string()),
        Kind::String(text) if text.contains('\n') => write_heredoc(text, indent, out),
        Kind::String(text) => quote(text, out),
        Kind::List(items) => wrapped("tolist", out, |out| write_items(items, indent, out)),
        Kind::Set(items) => wrapped("toset", out, |out| write_items(items, indent, out)),
        Kind::Map(entries) => wrapped("tomap", out, |out| write_entries(entries, indent, out)),
        Kind::Tuple(items) => write_items(items, indent, out),
        Kind::Object(attributes) => write_entries(attributes, indent, out),
    }
}

fn null_text(ty: &Type) -> String {
    match ty {
        Type::Dynamic => "null".into(),
        Type::String => "tostring(null)".into(),
        Type::Number => "tonumber(null)".into(),
        Type::Bool => "tobool(null)".into(),
        Type::List(element) => format!("tolist(null) /* of {} */", element.friendly_name()),
        Type::Set(element) => format!("toset(null) /* of {} */", element.friendly_name()),
        Type::Map(element) => format!("tomap(null) /* of {} */", element.friendly_name()),
        Type::Tuple(_) | Type::Object(_) => format!("null /* {} */", ty.friendly_name()),
    }
}

fn wrapped(function: &str, out: &mut String, write: impl FnOnce(&mut String)) {
    out.push_str(function);
    out.push('(');
    write(out);
    out.push(')');
}

fn new_line(indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_items(items: &[Value], indent: usize, out: &mut String) {
    out.push('[');
    for item in items {
        new_line(indent + 2, out);
        write_value(item, indent + 2, out);
        out.push(',');
    }
    if !items.is_empty() {
        new_line(indent, out);
    }
    out.push(']');
}

fn write_entries(entries: &Entries, indent: usize, out: &mut String) {
    out.push('{');
    for (key, value) in entries {
        new_line(indent + 2, out);
        if key.contains('\n') {
            write_heredoc(key, indent + 2, out);
        } else {
            quote(key, out);
        }
        out.push_str(" = ");
        write_value(value, indent + 2, out);
    }
    if !entries.is_empty() {
        new_line(indent, out);
    }
    out.push('}');
}

fn write_heredoc(text: &str, indent: usize, out: &mut String) {
    let mut delimiter = String::from("EOT");
    while text.split('\n').any(|line| line.trim() == delimiter) {
        delimiter.push('_');
    }
    out.push_str(if indent > 0 { "<<-" } else { "<<" });
    out.push_str(&delimiter);
    for line in text.split('\n').chain([delimiter.as_str()]) {
        new_line(indent, out);
        out.push_str(line);
    }
}

/// Quotes a string as Go's `strconv.Quote` does: what can't be seen is escaped.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            _ => quote_other(c, out),
        }
    }
    out.push('"');
}

fn quote_other(c: char, out: &mut String) {
    let code = u32::from(c);
    // Writing to a string does not fail.
    let _: fmt::Result = match code {
        0..=0x7f => write!(out, "\\x{code:02x}"),
        _ if is_printable(c) => out.write_char(c),
        0x80..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Returns whether the character shows: the standard library knows, and tells when it escapes one
/// that doesn't stand first.
fn is_printable(c: char) -> bool {
    let mut pair = String::from("a");
    pair.push(c);
    pair.escape_debug().nth(1) == Some(c)
}

/// Renders a type as console's `type(x)` does.
pub fn type_text(ty: &Type) -> String {
    let mut text = String::new();
    write_type(ty, 0, &mut text);
    text
}

fn write_type(ty: &Type, indent: usize, out: &mut String) {
    match ty {
        Type::Dynamic | Type::Bool | Type::Number | Type::String => {
            out.push_str(&ty.friendly_name());
        }
        Type::List(element) => wrapped("list", out, |out| write_element(element, indent, out)),
        Type::Set(element) => wrapped("set", out, |out| write_element(element, indent, out)),
        Type::Map(element) => wrapped("map", out, |out| write_element(element, indent, out)),
        Type::Tuple(elements) if elements.is_empty() => out.push_str("tuple([])"),
        Type::Object(object) if object.attributes.is_empty() => out.push_str("object({})"),
        Type::Tuple(elements) => {
            out.push_str("tuple([");
            for element in elements.iter() {
                new_line(indent + 4, out);
                write_type(element, indent + 4, out);
                out.push(',');
            }
            new_line(indent, out);
            out.push_str("])");
        }
        Type::Object(object) => {
            out.push_str("object({");
            for (name, ty) in &object.attributes {
                new_line(indent + 4, out);
                out.push_str(name);
                out.push_str(": ");
                write_type(ty, indent + 4, out);
                out.push(',');
            }
            new_line(indent, out);
            out.push_str("})");
        }
    }
}

fn write_element(element: &Type, indent: usize, out: &mut String) {
    if matches!(element, Type::Tuple(_) | Type::Object(_)) {
        new_line(indent + 4, out);
        write_type(element, indent + 4, out);
        out.push(',');
        new_line(indent, out);
    } else {
        write_type(element, indent, out);
    }
}

/// Shows the value as console does, on one or more lines; nothing sensitive.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(self))
    }
}

/// Shows the value as console does; nothing sensitive.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(self))
    }
}
