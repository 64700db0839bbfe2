//! From a service's object to an instance's values.

use serde_json::Value as Json;
use terrarium_value::{Entries, Kind, Map, Type, Value};

use super::{marker_in, scope::Scope};
use crate::look::is_zero;
use crate::same::same;
use crate::schema::{Attr, MarkerField, Shape, type_of};
use crate::wire::from_json;

/// Returns an instance's values after what the service says. `known` gives what the service does not
/// tell: the planned values after a create, the recorded ones after a read.
pub(crate) fn decode(scope: &Scope<'_>, object: &Json, known: &Value) -> Value {
    let row = scope.row;
    let mut out: Map = known.to_map().unwrap_or_default();
    for value in out.values_mut() {
        *value = settled(value);
    }
    if let Some(id) = object.get("id").and_then(Json::as_str) {
        out.insert("id".into(), Value::string(id));
    }
    for attr in row.attributes {
        let value = if attr.read {
            read_value(attr, object.get(attr.wire), known.get(attr.name))
        } else {
            out.get(attr.name).cloned().unwrap_or_else(|| Value::null(type_of(&attr.shape)))
        };
        out.insert(attr.name.into(), value);
    }
    let has_region = out.get("region").is_some_and(|region| !is_zero(region));
    if !has_region {
        let region = if scope.region.is_empty() { scope.session.region() } else { &scope.region };
        out.insert("region".into(), Value::string(region));
    }
    if row.tags {
        decode_tags(object, &mut out);
    }
    hide_marker(row.marker, &mut out);
    row.hooks.decode(object, known, &mut out);
    Value::object(out)
}

fn read_value(attr: &Attr, json: Option<&Json>, before: Option<&Value>) -> Value {
    let value = from_json(&attr.shape, json);
    match before {
        // The SDK's own rule: an empty collection does not replace a null one.
        Some(before) if before.is_null() && value.as_items().is_some_and(<[Value]>::is_empty) => {
            before.clone()
        }
        Some(before) if before.is_null() && value.as_entries().is_some_and(Entries::is_empty) => {
            before.clone()
        }
        Some(before) if !is_zero(before) && same(attr, before, &value) => before.clone(),
        _ => value,
    }
}

fn decode_tags(object: &Json, out: &mut Map) {
    let all = from_json(&Shape::TextSet, object.get("tags"));
    if let Some(tags) = out.get("tags").and_then(Value::as_items) {
        let there = all.as_items().unwrap_or_default();
        let kept = tags.iter().filter(|tag| there.iter().any(|one| one.as_str() == tag.as_str()));
        let kept = Value::set(Type::String, kept.cloned().collect());
        out.insert("tags".into(), kept);
    }
    out.insert("all_tags".into(), all);
}

fn hide_marker(field: MarkerField, out: &mut Map) {
    if field == MarkerField::Description {
        let marked =
            out.get("description").and_then(Value::as_str).is_some_and(|t| marker_in(t).is_some());
        if marked {
            out.insert("description".into(), Value::string(""));
        }
    }
}

/// Returns a value with null wherever it was unknown.
pub(crate) fn settled(value: &Value) -> Value {
    match value.kind() {
        Kind::Unknown(unknown) => Value::null(unknown.ty.clone()),
        Kind::List(items) if items.iter().any(|item| !is_settled(item)) => {
            let element = value.ty().element().cloned().unwrap_or(Type::Dynamic);
            Value::list(element, items.iter().map(settled).collect())
        }
        Kind::Set(items) if items.iter().any(|item| !is_settled(item)) => {
            let element = value.ty().element().cloned().unwrap_or(Type::Dynamic);
            Value::set(element, items.iter().map(settled).collect())
        }
        Kind::Map(entries) if entries.values().any(|item| !is_settled(item)) => {
            let element = value.ty().element().cloned().unwrap_or(Type::Dynamic);
            let entries = entries.iter().map(|(k, v)| (k.clone(), settled(v)));
            Value::map(element, entries.collect::<Entries>())
        }
        Kind::Object(entries) if entries.values().any(|item| !is_settled(item)) => {
            Value::object_of(entries.iter().map(|(k, v)| (k.clone(), settled(v))))
        }
        _ => value.clone(),
    }
}

fn is_settled(value: &Value) -> bool {
    match value.kind() {
        Kind::Unknown(_) => false,
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => items.iter().all(is_settled),
        Kind::Map(entries) | Kind::Object(entries) => entries.values().all(is_settled),
        _ => true,
    }
}

/// Returns the planned values of an object of which the service told no more than the id.
pub(crate) fn noted(scope: &Scope<'_>, id: &str, planned: &Value) -> Value {
    let mut out: Map = planned.to_map().unwrap_or_default();
    for value in out.values_mut() {
        *value = settled(value);
    }
    out.insert("id".into(), Value::string(id));
    if out.get("region").is_none_or(is_zero) {
        let region = if scope.region.is_empty() { scope.session.region() } else { &scope.region };
        out.insert("region".into(), Value::string(region));
    }
    Value::object(out)
}

/// Returns the values of an object of which only the id is known: defaults where there are some, no
/// blocks, and null.
pub(crate) fn shell(scope: &Scope<'_>, id: &str) -> Value {
    let mut out = Map::new();
    for attr in scope.row.attributes {
        let value = match (attr.shape, attr.default) {
            (_, Some(default)) => default.value(),
            (Shape::Blocks { .. }, None) => from_json(&attr.shape, None),
            _ => Value::null(type_of(&attr.shape)),
        };
        out.insert(attr.name.into(), value);
    }
    let schema = crate::kind::schema_of(scope.row);
    if let Some(timeouts) = schema.block.blocks.get("timeouts") {
        out.insert("timeouts".into(), Value::null(timeouts.ty()));
    }
    out.insert("id".into(), Value::string(id));
    if !scope.region.is_empty() {
        out.insert("region".into(), Value::string(scope.region.as_str()));
    }
    Value::object(out)
}
