//! Small accessors for JSON that came from outside.

use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Body = Map<String, Value>;

/// Returns the members of an object, none of anything else.
pub(crate) fn map(value: Value) -> Body {
    match value {
        Value::Object(map) => map,
        _ => Body::new(),
    }
}

/// Returns the text of `key`, empty where it is absent, null or no text.
pub(crate) fn text<'b>(body: &'b Body, key: &str) -> &'b str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the number of `key`; the services take a numeric string for a number.
pub(crate) fn number(body: &Body, key: &str) -> Option<i64> {
    body.get(key).and_then(as_number)
}

/// Returns a number, or the number that a text shows.
pub(crate) fn as_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Returns the truth of `key`, also where it is written as text or number.
pub(crate) fn flag(body: &Body, key: &str) -> Option<bool> {
    body.get(key).and_then(as_flag)
}

/// Returns a truth value, or the one that a text or number shows.
pub(crate) fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) => parse_flag(text),
        _ => None,
    }
}

/// Returns the truth that `text` shows.
pub(crate) fn parse_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
        _ => None,
    }
}

/// Tells whether `key` is absent or null.
pub(crate) fn absent(body: &Body, key: &str) -> bool {
    body.get(key).is_none_or(Value::is_null)
}

/// Returns a copy without the keys that are the simulation's own.
pub(crate) fn public(body: &Body) -> Body {
    body.iter()
        .filter(|(key, _)| !key.starts_with('_'))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Returns a value as Python shows it, which the services put into their messages.
pub(crate) fn python(value: &Value) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(values) => format!("[{}]", list(values.iter().map(python).collect())),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| format!("'{key}': {}", python(value));
            format!("{{{}}}", list(members.iter().map(member).collect()))
        }
    }
}

/// Returns the texts in a list, none where it is no list.
pub(crate) fn texts(body: &Body, key: &str) -> Vec<String> {
    body.get(key)
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}
