//! JSON text of types: `"string"`, `["list","string"]`, `["object",{"a":"bool"},["a"]]`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{DecodeError, Json, parse, quote};
use crate::{Entries, ObjectType, Type};

/// Writes a type, optional attributes included.
pub fn type_to_json(ty: &Type) -> String {
    let mut out = String::new();
    write_type(ty, &mut out);
    out
}

/// Reads a type.
pub fn type_from_json(text: &str) -> Result<Type, DecodeError> {
    type_of(&parse(text)?)
}

pub(crate) fn write_type(ty: &Type, out: &mut String) {
    match ty {
        Type::Dynamic => out.push_str("\"dynamic\""),
        Type::Bool => out.push_str("\"bool\""),
        Type::Number => out.push_str("\"number\""),
        Type::String => out.push_str("\"string\""),
        Type::List(element) => write_collection("list", element, out),
        Type::Set(element) => write_collection("set", element, out),
        Type::Map(element) => write_collection("map", element, out),
        Type::Tuple(elements) => {
            out.push_str("[\"tuple\",[");
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_type(element, out);
            }
            out.push_str("]]");
        }
        Type::Object(object) => write_object(object, out),
    }
}

fn write_collection(kind: &str, element: &Type, out: &mut String) {
    out.push('[');
    quote(kind, out);
    out.push(',');
    write_type(element, out);
    out.push(']');
}

fn write_object(object: &ObjectType, out: &mut String) {
    out.push_str("[\"object\",{");
    for (at, (name, ty)) in object.attributes.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        write_type(ty, out);
    }
    out.push('}');
    for (at, name) in object.optional.iter().enumerate() {
        out.push_str(if at == 0 { ",[" } else { "," });
        quote(name, out);
    }
    out.push_str(if object.optional.is_empty() { "]" } else { "]]" });
}

pub(crate) fn type_of(json: &Json) -> Result<Type, DecodeError> {
    match json {
        Json::String(name) => match &**name {
            "dynamic" => Ok(Type::Dynamic),
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            other => Err(DecodeError::new(format!("invalid primitive type name \"{other}\""))),
        },
        Json::Array(parts) => complex_type(parts),
        other => Err(DecodeError::new(format!("invalid type description: {}", other.kind()))),
    }
}

fn complex_type(parts: &[Json]) -> Result<Type, DecodeError> {
    match parts {
        [Json::String(kind), element] if &**kind == "list" => Ok(Type::list(type_of(element)?)),
        [Json::String(kind), element] if &**kind == "set" => Ok(Type::set(type_of(element)?)),
        [Json::String(kind), element] if &**kind == "map" => Ok(Type::map(type_of(element)?)),
        [Json::String(kind), Json::Array(elements)] if &**kind == "tuple" => {
            let elements: Result<Vec<Type>, DecodeError> = elements.iter().map(type_of).collect();
            Ok(Type::tuple(elements?))
        }
        [Json::String(kind), Json::Object(members)] if &**kind == "object" => {
            object_type(members, &[])
        }
        [Json::String(kind), Json::Object(members), Json::Array(optional)]
            if &**kind == "object" =>
        {
            object_type(members, optional)
        }
        _ => Err(DecodeError::new("invalid complex type description")),
    }
}

fn object_type(
    members: &[(terrarium_address::Name, Json)],
    optional: &[Json],
) -> Result<Type, DecodeError> {
    let attributes: Result<Entries<Type>, DecodeError> =
        members.iter().map(|(name, ty)| Ok((name.clone(), type_of(ty)?))).collect();
    let attributes = attributes?;
    let names: Option<BTreeSet<_>> = optional
        .iter()
        .map(|name| match name {
            Json::String(name) if attributes.contains_key(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let optional = names.ok_or_else(|| DecodeError::new("an optional attribute has no type"))?;
    Ok(Type::Object(Arc::new(ObjectType { attributes, optional })))
}
