//! What a planned lease reserves.

use terrarium_value::{Type, Value};

use super::unknown_text;
use crate::look::is_zero;
use crate::reservation::filter;
use crate::reservation::part::Part;

/// Gives a part what its other arguments say: its filter, and its upper bound.
pub(super) fn settle_part(part: &mut Part, given: Option<&Part>, was: Option<&Part>) {
    let Some(given) = given else { return };
    if part.get("max").is_some() && given.get("max").is_none_or(Value::is_null) {
        let least = part.get("min").cloned().unwrap_or_else(|| Value::null(Type::Number));
        part.set("max", least);
    }
    if part.kind.attribute("where").is_none() {
        return;
    }
    let old = was.and_then(|was| was.get("resource_properties"));
    let text = match given.items("where") {
        [] => match given.get("resource_properties") {
            Some(value) if !value.is_known() => return,
            _ => Some(filter::normal(given.text("resource_properties").unwrap_or_default())),
        },
        blocks => filter::of_blocks(blocks).map(|all| filter::text(&all)),
    };
    let value = match text {
        None => unknown_text(),
        Some(text) => match old {
            Some(old) if text.is_empty() && is_zero(old) => old.clone(),
            Some(old) if old.as_str().is_some_and(|old| filter::same(old, &text)) => old.clone(),
            _ => Value::string(text),
        },
    };
    part.set("resource_properties", value);
}
