//! When two values of an attribute mean the same: null is zero, and some texts have several spellings.

use terrarium_value::{Kind, Value};

use crate::look::is_zero;
use crate::schema::Attr;

/// Returns whether two values of an attribute mean the same.
pub(crate) fn same(row: &Attr, a: &Value, b: &Value) -> bool {
    if is_zero(a) && is_zero(b) {
        return true;
    }
    match (a.kind(), b.kind()) {
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Number(a), Kind::Number(b)) => a == b,
        (Kind::String(a), Kind::String(b)) => a == b || row.same.is_some_and(|same| same(a, b)),
        (Kind::List(a), Kind::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_element(row, a, b))
        }
        (Kind::Set(a), Kind::Set(b)) => {
            a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| same_element(row, a, b)))
        }
        (Kind::Map(a), Kind::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_element(row, a, b)))
        }
        _ => false,
    }
}

fn same_element(row: &Attr, a: &Value, b: &Value) -> bool {
    match row.nested() {
        Some(nested) => nested.iter().all(|inner| match (a.get(inner.name), b.get(inner.name)) {
            (Some(a), Some(b)) => same(inner, a, b),
            _ => false,
        }),
        None => match (a.kind(), b.kind()) {
            (Kind::Map(x), Kind::Map(y)) => {
                x.len() == y.len()
                    && x.iter().all(|(k, v)| y.get(k).and_then(Value::as_str) == v.as_str())
            }
            (Kind::String(x), Kind::String(y)) => x == y,
            _ => is_zero(a) && is_zero(b),
        },
    }
}
