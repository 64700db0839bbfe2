//! The arguments of a call, as a body sees them.

use terrarium_value::{Number, Value};

use super::Refusal;
use crate::expr::frame::Frame;
use crate::expr::scope::Environment;

/// Converted arguments; accessors of a type that the row guarantees give an empty value otherwise.
pub(crate) struct Args<'a> {
    pub(crate) values: Vec<Value>,
    pub(crate) frame: &'a Frame<'a>,
}

impl Args<'_> {
    /// Returns what the functions need of the outside.
    pub(crate) fn environment(&self) -> &Environment {
        self.frame.scope().environment()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns an argument; the row guarantees that it is there.
    #[expect(clippy::indexing_slicing, reason = "arity was checked against the row")]
    pub(crate) fn value(&self, at: usize) -> &Value {
        &self.values[at]
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Value> {
        self.values.get(at)
    }

    pub(crate) fn str(&self, at: usize) -> &str {
        self.get(at).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn number(&self, at: usize) -> Number {
        self.get(at).and_then(Value::as_number).cloned().unwrap_or_else(|| Number::from(0))
    }

    /// Returns a whole number that fits.
    pub(crate) fn int(&self, at: usize) -> Result<i64, Refusal> {
        self.number(at).to_i64().ok_or_else(|| {
            let why = "value must be a whole number, between -9223372036854775808 and 9223372036854775807 inclusive";
            Refusal::argument(at, why)
        })
    }

    /// Returns a whole number that fits; else the call as a whole fails.
    pub(crate) fn whole(&self, at: usize) -> Result<i64, Refusal> {
        self.number(at).to_i64().ok_or_else(|| {
            Refusal::call("value must be a whole number, between -9223372036854775808 and 9223372036854775807")
        })
    }

    /// Returns the elements of a list, set or tuple.
    pub(crate) fn items(&self, at: usize) -> &[Value] {
        self.get(at).and_then(Value::as_items).unwrap_or_default()
    }

    /// Returns the texts of a list of strings; null and unknown elements are left out.
    pub(crate) fn texts(&self, at: usize) -> impl Iterator<Item = &str> {
        self.items(at).iter().filter_map(Value::as_str)
    }
}
