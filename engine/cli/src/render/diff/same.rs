//! Whether two values look the same, whatever their types are called.

use std::fmt::Write;

use terrarium_value::{Kind, Marks, Value};

/// Returns a text that is equal for values that look the same: a list and a tuple of the same parts do.
pub(crate) fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    if value.marks().contains(Marks::SENSITIVE) {
        out.push('!');
    }
    match value.kind() {
        Kind::Unknown(_) => out.push('?'),
        Kind::Null(_) => out.push('-'),
        Kind::Bool(value) => out.push(if value { 't' } else { 'f' }),
        Kind::Number(number) => {
            let _infallible = write!(out, "#{number}");
        }
        Kind::String(text) => {
            let _infallible = write!(out, "\"{}:{text}", text.len());
        }
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => {
            out.push('[');
            for item in items {
                write(out, item);
                out.push(',');
            }
            out.push(']');
        }
        Kind::Map(entries) | Kind::Object(entries) => {
            out.push('{');
            for (key, item) in entries {
                let _infallible = write!(out, "{}:{key}=", key.len());
                write(out, item);
                out.push(',');
            }
            out.push('}');
        }
    }
}
