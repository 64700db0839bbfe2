//! Short ways to look into values and JSON, where "unset" and "zero" are the same thing.

use serde_json::Value as Json;
use terrarium_value::{Kind, Value};

/// Looks into an object value by attribute name; unknown, null and missing are all `None`.
pub(crate) trait Look {
    /// Returns a text that is neither null nor empty.
    fn text(&self, name: &str) -> Option<&str>;
    /// Returns a bool.
    fn flag(&self, name: &str) -> Option<bool>;
    /// Returns a whole number.
    fn int(&self, name: &str) -> Option<i64>;
    /// Returns the elements of a list or set; none where it is null or unknown.
    fn items(&self, name: &str) -> &[Value];
    /// Returns the texts of a list or set.
    fn texts(&self, name: &str) -> Vec<&str>;
    /// Returns the entries of a map of texts.
    fn pairs(&self, name: &str) -> Vec<(&str, &str)>;
    /// Returns whether it is given: known and not null, zero or not.
    fn has(&self, name: &str) -> bool;
}

impl Look for Value {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_number()?.to_i64()
    }

    fn items(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_items).unwrap_or_default()
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        self.items(name).iter().filter_map(Value::as_str).collect()
    }

    fn pairs(&self, name: &str) -> Vec<(&str, &str)> {
        let entries = self.get(name).and_then(Value::as_entries);
        let pairs = entries.into_iter().flatten();
        pairs.filter_map(|(key, value)| Some((&**key, value.as_str()?))).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.is_known() && !value.is_null())
    }
}

/// Returns whether a value is null or the zero of its type.
pub(crate) fn is_zero(value: &Value) -> bool {
    match value.kind() {
        Kind::Unknown(_) => false,
        Kind::Null(_) => true,
        Kind::Bool(value) => !value,
        Kind::Number(number) => number.to_i64() == Some(0),
        Kind::String(text) => text.is_empty(),
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        Kind::Object(entries) => entries.values().all(is_zero),
    }
}

/// Returns a field's text; empty where it is missing.
pub(crate) fn field<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Returns a field's elements.
pub(crate) fn elements<'a>(json: &'a Json, name: &str) -> &'a [Json] {
    json.get(name).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}
