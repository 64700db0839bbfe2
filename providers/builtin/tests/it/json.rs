//! Values in the cases: JSON, with `"(unknown)"` for what is not known, and `"~regex"` for what is drawn.

use regex::Regex;
use serde_json::{Value as Json, json};
use terrarium_value::{Causes, Entries, Kind, Number, Type, Value};

const UNKNOWN: &str = "(unknown)";

/// Reads a value of a type.
pub(crate) fn to_value(json: &Json, ty: &Type) -> Value {
    match (json, ty) {
        (Json::Null, _) => Value::null(ty.clone()),
        (Json::String(text), _) if text == UNKNOWN => Value::unknown(ty.clone(), Causes::NONE),
        (Json::Bool(value), _) => Value::bool(*value),
        (Json::Number(number), _) => {
            Value::number(Number::parse(&number.to_string()).ok().unwrap())
        }
        (Json::String(text), _) => Value::string(text.as_str()),
        (Json::Array(items), Type::List(element)) => Value::list(
            (**element).clone(),
            items.iter().map(|item| to_value(item, element)).collect(),
        ),
        (Json::Array(items), _) => {
            Value::tuple(items.iter().map(|item| to_value(item, &Type::Dynamic)))
        }
        (Json::Object(entries), Type::Map(element)) => {
            let entries =
                entries.iter().map(|(key, value)| (key.as_str().into(), to_value(value, element)));
            Value::map((**element).clone(), entries.collect::<Entries>())
        }
        (Json::Object(entries), _) => Value::object_of(
            entries.iter().map(|(key, value)| (key.as_str(), to_value(value, &Type::Dynamic))),
        ),
    }
}

/// Writes a value.
pub(crate) fn from_value(value: &Value) -> Json {
    match value.kind() {
        Kind::Unknown(_) => UNKNOWN.into(),
        Kind::Null(_) => Json::Null,
        Kind::Bool(value) => value.into(),
        Kind::Number(number) => {
            number.to_i64().map_or_else(|| json!(number.to_string()), Into::into)
        }
        Kind::String(text) => (**text).into(),
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => {
            items.iter().map(from_value).collect()
        }
        Kind::Map(entries) | Kind::Object(entries) => {
            entries.iter().map(|(key, value)| (key.to_string(), from_value(value))).collect()
        }
    }
}

/// Compares those attributes that the case names.
pub(crate) fn compare(
    what: &str,
    expected: Option<&Json>,
    value: Option<&Value>,
) -> Result<(), String> {
    let Some(expected) = expected.and_then(Json::as_object) else { return Ok(()) };
    let actual = value.map_or(Json::Null, from_value);
    for (name, expected) in expected {
        let actual = actual.get(name).ok_or_else(|| format!("{what} lacks {name}: {actual}"))?;
        let fits = match expected.as_str().and_then(|text| text.strip_prefix('~')) {
            Some(pattern) => {
                let pattern = Regex::new(&format!("^(?s:{pattern})$")).unwrap();
                actual.as_str().is_some_and(|text| text != UNKNOWN && pattern.is_match(text))
            }
            None => actual == expected,
        };
        if !fits {
            return Err(format!("{what}.{name} is {actual}, not {expected}"));
        }
    }
    Ok(())
}
