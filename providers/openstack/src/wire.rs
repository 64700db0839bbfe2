//! Between the engine's values and the services' JSON, as the tables say.

use serde_json::{Map as JsonMap, Value as Json};
use terrarium_value::{Kind, Map, Number, Type, Value};

use crate::look::is_zero;
use crate::schema::{Attr, Sent, Shape, element_type, type_of};

/// Returns a value as JSON; `None` where it is null or unknown.
pub(crate) fn to_json(row: &Attr, value: &Value) -> Option<Json> {
    match value.kind() {
        Kind::Unknown(_) | Kind::Null(_) => None,
        Kind::Bool(value) => Some(value.into()),
        Kind::Number(number) => Some(number_json(number)),
        Kind::String(text) => Some(Json::String(text.to_string())),
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => {
            Some(items.iter().filter_map(|item| element_json(row, item)).collect())
        }
        Kind::Map(entries) | Kind::Object(entries) => {
            let fields = entries.iter().filter_map(|(k, v)| Some((k.to_string(), plain_json(v)?)));
            Some(Json::Object(fields.collect()))
        }
    }
}

fn element_json(row: &Attr, item: &Value) -> Option<Json> {
    let Some(nested) = row.nested() else { return plain_json(item) };
    let mut object = JsonMap::new();
    for inner in nested {
        let Some(value) = item.get(inner.name) else { continue };
        let sent = match inner.create {
            Sent::Never => false,
            Sent::NonZero => !is_zero(value),
            Sent::Configured => true,
        };
        if sent && let Some(json) = to_json(inner, value) {
            object.insert(inner.wire.into(), json);
        }
    }
    Some(Json::Object(object))
}

fn plain_json(value: &Value) -> Option<Json> {
    match value.kind() {
        Kind::String(text) => Some(Json::String(text.to_string())),
        Kind::Bool(value) => Some(value.into()),
        Kind::Number(number) => Some(number_json(number)),
        _ => None,
    }
}

fn number_json(number: &Number) -> Json {
    match number.to_i64() {
        Some(whole) => whole.into(),
        None => serde_json::Number::from_f64(number.to_f64()).map_or(Json::Null, Json::Number),
    }
}

/// Returns the zero of a type as JSON, to tell a service that something was removed.
pub(crate) fn zero_json(shape: &Shape) -> Json {
    match shape {
        Shape::Text => "".into(),
        Shape::Bool => false.into(),
        Shape::Int | Shape::Float => 0.into(),
        Shape::TextMap => Json::Object(JsonMap::new()),
        _ => Json::Array(Vec::new()),
    }
}

/// Returns what a service's JSON holds for an attribute; the zero of its type where it holds nothing.
pub(crate) fn from_json(shape: &Shape, json: Option<&Json>) -> Value {
    match shape {
        Shape::Text => Value::string(json.map(scalar_text).unwrap_or_default()),
        Shape::Bool => Value::bool(json.is_some_and(|json| json == true || json == "true")),
        Shape::Int | Shape::Float => number_value(json),
        Shape::TextList => Value::list(Type::String, texts(json)),
        Shape::TextSet => Value::set(Type::String, texts(json)),
        Shape::TextMap => text_map(json),
        Shape::MapList => {
            let items = json.and_then(Json::as_array).into_iter().flatten();
            Value::list(Type::map(Type::String), items.map(|item| text_map(Some(item))).collect())
        }
        Shape::Objects { set, attributes } | Shape::Blocks { set, attributes, .. } => {
            let items = json.and_then(Json::as_array).into_iter().flatten();
            let items = items.map(|item| object_from(attributes, item)).collect();
            let element = element_type(attributes);
            if *set { Value::set(element, items) } else { Value::list(element, items) }
        }
    }
}

/// Returns one nested object.
pub(crate) fn object_from(attributes: &[Attr], json: &Json) -> Value {
    Value::object_of(attributes.iter().map(|row| {
        let value = if row.read {
            from_json(&row.shape, json.get(row.wire))
        } else {
            Value::null(type_of(&row.shape))
        };
        (row.name, value)
    }))
}

/// Builds a map of strings.
pub(crate) fn map_value<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Value {
    let entries: Map = pairs.into_iter().map(|(k, v)| (k.into(), Value::string(v))).collect();
    Value::map(Type::String, entries)
}

fn text_map(json: Option<&Json>) -> Value {
    let fields = json.and_then(Json::as_object).into_iter().flatten();
    map_value(fields.map(|(key, value)| (key.as_str(), scalar_text(value))))
}

fn texts(json: Option<&Json>) -> Vec<Value> {
    let items = json.and_then(Json::as_array).into_iter().flatten();
    items.map(|item| Value::string(scalar_text(item))).collect()
}

fn number_value(json: Option<&Json>) -> Value {
    let number = match json {
        Some(Json::Number(number)) => match number.as_i64() {
            Some(whole) => Some(Number::from(whole)),
            None => number.as_f64().map(Number::from_f64),
        },
        Some(Json::String(text)) => Number::parse(text.trim()).ok(),
        _ => None,
    };
    Value::number(number.unwrap_or_else(|| Number::from(0)))
}

/// Returns a scalar's text; compound values as JSON.
pub(crate) fn scalar_text(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
