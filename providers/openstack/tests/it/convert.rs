//! Values from JSON and back, leniently: what is missing is null.

use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_value::{Causes, Kind, Map, Number, Type, Value};

/// What stands for an unknown value.
pub(crate) const UNKNOWN: &str = "(unknown)";

/// Returns a value of the type.
pub(crate) fn value_of(json: &Json, ty: &Type) -> Value {
    match (json, ty) {
        (Json::Null, _) => Value::null(ty.clone()),
        (Json::String(text), _) if text == UNKNOWN => Value::unknown(ty.clone(), Causes::NONE),
        (Json::Bool(value), Type::Bool) => Value::bool(*value),
        (Json::Number(number), Type::Number) => {
            Value::number(Number::parse(&number.to_string()).unwrap())
        }
        (Json::String(text), Type::String) => Value::string(text.as_str()),
        (Json::Array(items), Type::List(element)) => Value::list(
            (**element).clone(),
            items.iter().map(|item| value_of(item, element)).collect(),
        ),
        (Json::Array(items), Type::Set(element)) => Value::set(
            (**element).clone(),
            items.iter().map(|item| value_of(item, element)).collect(),
        ),
        (Json::Object(fields), Type::Map(element)) => {
            let entries: Map =
                fields.iter().map(|(k, v)| (k.as_str().into(), value_of(v, element))).collect();
            Value::map((**element).clone(), entries)
        }
        (Json::Object(fields), Type::Object(object)) => {
            for name in fields.keys() {
                assert!(
                    object.attributes.contains_key(name.as_str()),
                    "there is no attribute {name}"
                );
            }
            let get = |name: &str| fields.get(name).unwrap_or(&Json::Null);
            Value::object_of(
                object.attributes.iter().map(|(n, ty)| (n.clone(), nested_of(get(n), ty))),
            )
        }
        _ => panic!("{json} is no {ty}"),
    }
}

/// Blocks that are missing are empty lists, as the engine gives them.
fn nested_of(json: &Json, ty: &Type) -> Value {
    match (json, ty) {
        (Json::Null, Type::List(element) | Type::Set(element))
            if matches!(**element, Type::Object(_)) =>
        {
            value_of(&json!([]), ty)
        }
        _ => value_of(json, ty),
    }
}

/// Returns a value as JSON.
pub(crate) fn json_of(value: &Value) -> Json {
    match value.kind() {
        Kind::Unknown(_) => json!(UNKNOWN),
        Kind::Null(_) => Json::Null,
        Kind::Bool(value) => json!(value),
        Kind::Number(number) => {
            number.to_i64().map_or_else(|| json!(number.to_f64()), |whole| json!(whole))
        }
        Kind::String(text) => json!(&**text),
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => {
            items.iter().map(json_of).collect()
        }
        Kind::Map(entries) | Kind::Object(entries) => {
            let fields: JsonMap<String, Json> =
                entries.iter().map(|(k, v)| (k.to_string(), json_of(v))).collect();
            Json::Object(fields)
        }
    }
}

/// Fails unless all that is expected is there; objects may have more.
pub(crate) fn assert_has(there: &Json, expected: &Json, at: &str) {
    match (there, expected) {
        (Json::Object(there), Json::Object(expected)) => {
            for (key, expected) in expected {
                let there = there.get(key).unwrap_or_else(|| panic!("{at}.{key} is missing"));
                assert_has(there, expected, &format!("{at}.{key}"));
            }
        }
        (Json::Array(there), Json::Array(expected)) => {
            assert_eq!(there.len(), expected.len(), "{at}: {there:?}");
            for (index, (there, expected)) in there.iter().zip(expected).enumerate() {
                assert_has(there, expected, &format!("{at}[{index}]"));
            }
        }
        _ => assert_eq!(there, expected, "{at}"),
    }
}
