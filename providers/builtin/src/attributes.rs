//! Looks into an object's attributes; what is null or unknown reads as absent.

use terrarium_value::{Entries, Map, Value};

/// Attributes by name: an object's, or those of one to be.
pub(crate) trait Attributes {
    /// Returns an attribute.
    fn attribute(&self, name: &str) -> Option<&Value>;
}

impl Attributes for Entries {
    fn attribute(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

impl Attributes for Map {
    fn attribute(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

/// Returns an attribute's text.
pub(crate) fn text<'a>(attributes: &'a impl Attributes, name: &str) -> Option<&'a str> {
    attributes.attribute(name)?.as_str()
}

/// Returns an attribute's whole number.
pub(crate) fn int(attributes: &impl Attributes, name: &str) -> Option<i64> {
    attributes.attribute(name)?.as_number()?.to_i64()
}

/// Returns whether an attribute is true.
pub(crate) fn is_true(attributes: &impl Attributes, name: &str) -> bool {
    attributes.attribute(name).and_then(Value::as_bool).unwrap_or_default()
}

/// Returns whether an attribute is absent or null.
pub(crate) fn is_null(attributes: &impl Attributes, name: &str) -> bool {
    attributes.attribute(name).is_none_or(Value::is_null)
}

/// Returns whether an attribute is there and its value is not known yet.
pub(crate) fn is_unknown(attributes: &impl Attributes, name: &str) -> bool {
    attributes.attribute(name).is_some_and(|value| !value.is_known())
}

/// Sets an attribute.
pub(crate) fn set(attributes: &mut Map, name: &str, value: Value) {
    if let Some(place) = attributes.get_mut(name) {
        *place = value;
    } else {
        attributes.insert(name.into(), value);
    }
}
