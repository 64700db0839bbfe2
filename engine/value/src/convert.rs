//! Conversion of values to type constraints, as Terraform converts arguments, variables and
//! function parameters.
//!
//! Whether a conversion exists is decided by types first, so a value of the wrong shape is refused
//! as a whole, in [`mismatch`]'s words; what then depends on the value names the path to it.

mod mismatch;
mod possible;

use std::fmt;

use terrarium_address::{AttrPath, PathStep};

pub(crate) use possible::{Safety, convertible};

use crate::unify::unify_with;
use crate::value::Repr;
use crate::{Entries, Kind, Number, ObjectType, Refinements, Type, Unknown, Value};

/// Why a value doesn't convert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertError {
    /// The part that doesn't; empty where the type as a whole doesn't fit.
    pub path: AttrPath,
    /// What is wrong, in Terraform's words, without the path.
    pub message: String,
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ConvertError {}

/// Converts a value to a constraint: optional attributes become null, other attributes are dropped,
/// `any` takes what is there. Marks, causes and what is known of unknowns stay.
pub fn convert(value: &Value, to: &Type) -> Result<Value, ConvertError> {
    if has_type(value, to) {
        return Ok(value.clone());
    }
    let from = value.ty();
    if from == *to {
        return Ok(value.clone());
    }
    if !convertible(&from, to, Safety::Unsafe) {
        let message = mismatch::message(&from, to);
        return Err(ConvertError { path: AttrPath::root(), message });
    }
    convert_at(value, to, &mut AttrPath::root())
}

/// Returns whether the value has exactly this type, without building its own.
fn has_type(value: &Value, ty: &Type) -> bool {
    match (&value.repr, ty) {
        (_, Type::Dynamic)
        | (Repr::Bool(_), Type::Bool)
        | (Repr::Number(_), Type::Number)
        | (Repr::String(_), Type::String) => true,
        (Repr::Unknown(unknown), ty) => unknown.ty == *ty,
        (Repr::Null(of), ty) => of == ty,
        (Repr::List(list), Type::List(element)) | (Repr::Set(list), Type::Set(element)) => {
            list.element == **element && !element.has_dynamic()
        }
        (Repr::Map(map), Type::Map(element)) => map.element == **element && !element.has_dynamic(),
        (Repr::Tuple(items), Type::Tuple(types)) => {
            items.len() == types.len()
                && items.iter().zip(types.iter()).all(|(item, ty)| has_type(item, ty))
        }
        (Repr::Object(attributes), Type::Object(object)) => {
            object.optional.is_empty()
                && attributes.len() == object.attributes.len()
                && attributes
                    .iter()
                    .zip(&object.attributes)
                    .all(|((name, value), (wanted, ty))| name == wanted && has_type(value, ty))
        }
        _ => false,
    }
}

type Converted = Result<Value, ConvertError>;

fn error(path: &AttrPath, message: impl Into<String>) -> ConvertError {
    ConvertError { path: path.clone(), message: message.into() }
}

fn fail(path: &AttrPath, message: impl Into<String>) -> Converted {
    Err(error(path, message))
}

fn convert_at(value: &Value, to: &Type, path: &mut AttrPath) -> Converted {
    if has_type(value, to) {
        return Ok(value.clone());
    }
    let converted = match value.kind() {
        Kind::Unknown(unknown) => convert_unknown(unknown, to),
        Kind::Null(ty) => Value::null(filled(ty, to)),
        _ => convert_known(value, to, path)?,
    };
    Ok(converted.marked(value.marks))
}

fn convert_known(value: &Value, to: &Type, path: &mut AttrPath) -> Converted {
    match (value.kind(), to) {
        (Kind::Number(number), Type::String) => Ok(Value::string(number.to_string())),
        (Kind::Bool(value), Type::String) => {
            Ok(Value::string(if value { "true" } else { "false" }))
        }
        (Kind::String(text), Type::Number) => match Number::parse(text) {
            Ok(number) => Ok(Value::number(number)),
            Err(error) => fail(path, error.to_string()),
        },
        (Kind::String(text), Type::Bool) => string_to_bool(text, path),
        (Kind::List(items) | Kind::Set(items) | Kind::Tuple(items), Type::List(element)) => {
            let (element, items) = convert_items(value, items, element, path)?;
            Ok(if value.is_of_unknown_length() {
                // Elements may turn out to be equal, and nobody knows their order.
                list_of_unknown_length(value, element, items.len())
            } else {
                Value::list(element, items)
            })
        }
        (Kind::List(items) | Kind::Set(items) | Kind::Tuple(items), Type::Set(element)) => {
            let (element, items) = convert_items(value, items, element, path)?;
            Ok(Value::set(element, items))
        }
        (Kind::Map(entries) | Kind::Object(entries), Type::Map(element)) => {
            let (element, entries) = convert_entries(value, entries, element, path)?;
            Ok(Value::map(element, entries))
        }
        (Kind::Tuple(items), Type::Tuple(types)) if items.len() == types.len() => {
            let items: Result<Vec<Value>, ConvertError> = (0..)
                .zip(items.iter().zip(types.iter()))
                .map(|(at, (item, ty))| within(path, PathStep::Index(at), item, ty))
                .collect();
            Ok(Value::tuple(items?))
        }
        (Kind::Object(attributes), Type::Object(object)) => {
            convert_object(attributes, object, path)
        }
        (Kind::Map(entries), Type::Object(object)) => convert_map_to_object(entries, object, path),
        _ => fail(path, mismatch::message(&value.ty(), to)),
    }
}

fn list_of_unknown_length(set: &Value, element: Type, most: usize) -> Value {
    let refinements = Refinements {
        not_null: true,
        min_length: 1,
        max_length: u64::try_from(most).ok(),
        ..Refinements::default()
    };
    Value::refined(Unknown { ty: Type::list(element), refinements, causes: set.causes_deep() })
}

fn within(path: &mut AttrPath, step: PathStep, value: &Value, to: &Type) -> Converted {
    path.0.push(step);
    let converted = convert_at(value, to, path);
    path.0.pop();
    converted
}

fn string_to_bool(text: &str, path: &AttrPath) -> Converted {
    match text {
        "true" | "1" => Ok(Value::bool(true)),
        "false" | "0" => Ok(Value::bool(false)),
        _ => match text.to_lowercase().as_str() {
            word @ ("true" | "false") => fail(
                path,
                format!("a bool is required; to convert from string, use lowercase \"{word}\""),
            ),
            _ => fail(path, "a bool is required"),
        },
    }
}

fn convert_object(attributes: &Entries, object: &ObjectType, path: &mut AttrPath) -> Converted {
    let mut converted = Vec::with_capacity(object.attributes.len());
    for (name, ty) in &object.attributes {
        let value = match attributes.get(name) {
            Some(value) => within(path, PathStep::Attr(name.clone()), value, ty)?,
            None if object.optional.contains(name) => Value::null(ty.without_optional()),
            None => return fail(path, format!("attribute \"{name}\" is required")),
        };
        converted.push((name.clone(), value));
    }
    Ok(Value::object(converted.into_iter().collect::<Entries>()))
}

fn convert_map_to_object(entries: &Entries, object: &ObjectType, path: &mut AttrPath) -> Converted {
    let mut converted = Vec::with_capacity(object.attributes.len());
    for (name, ty) in &object.attributes {
        let value = match entries.get(name) {
            Some(value) => within(path, PathStep::Key(name.clone()), value, ty)?,
            None if object.optional.contains(name) => Value::null(ty.without_optional()),
            None => {
                return fail(path, format!("map has no element for required attribute \"{name}\""));
            }
        };
        converted.push((name.clone(), value));
    }
    Ok(Value::object(converted.into_iter().collect::<Entries>()))
}

fn convert_items(
    from: &Value,
    items: &[Value],
    element: &Type,
    path: &mut AttrPath,
) -> Result<(Type, Vec<Value>), ConvertError> {
    let of_set = matches!(from.kind(), Kind::Set(_));
    let step = |at: u64| if of_set { PathStep::AnyElement } else { PathStep::Index(at) };
    let mut convert_all = |items: &[Value], to: &Type| -> Result<Vec<Value>, ConvertError> {
        (0..).zip(items).map(|(at, item)| within(path, step(at), item, to)).collect()
    };
    let mut converted = convert_all(items, element)?;
    let Some(element) = common_element(from, converted.iter(), element) else {
        return Err(error(path, "element types must all match for conversion to list"));
    };
    if converted.iter().any(|item| !has_type(item, &element)) {
        converted = convert_all(&converted, &element)?;
    }
    Ok((element, converted))
}

fn convert_entries(
    from: &Value,
    entries: &Entries,
    element: &Type,
    path: &mut AttrPath,
) -> Result<(Type, Entries), ConvertError> {
    let of_object = matches!(from.kind(), Kind::Object(_));
    let mut convert_all = |entries: &Entries, to: &Type| -> Result<Entries, ConvertError> {
        let convert_one = |(name, value): (&terrarium_address::Name, &Value)| {
            let name = name.clone();
            let step =
                if of_object { PathStep::Attr(name.clone()) } else { PathStep::Key(name.clone()) };
            Ok((name, within(path, step, value, to)?))
        };
        entries.iter().map(convert_one).collect()
    };
    let mut converted = convert_all(entries, element)?;
    let Some(element) = common_element(from, converted.values(), element) else {
        return Err(error(path, "element types must all match for conversion to map"));
    };
    if converted.values().any(|item| !has_type(item, &element)) {
        converted = convert_all(&converted, &element)?;
    }
    Ok((element, converted))
}

/// Returns the element type of a collection whose elements were converted to `wanted`, which may
/// have left them of different types where `any` stands in it.
fn common_element<'a>(
    from: &Value,
    mut items: impl Iterator<Item = &'a Value> + Clone,
    wanted: &Type,
) -> Option<Type> {
    if !wanted.has_dynamic() {
        return Some(wanted.without_optional());
    }
    if items.clone().next().is_none() {
        let own = match &from.repr {
            Repr::List(list) | Repr::Set(list) => Some(&list.element),
            Repr::Map(map) => Some(&map.element),
            _ => None,
        };
        return Some(own.map_or_else(|| wanted.without_optional(), |own| filled(own, wanted)));
    }
    let first = items.next().map(Value::ty)?;
    if items.clone().all(|item| item.ty() == first) {
        return Some(first);
    }
    let types: Vec<Type> = [first].into_iter().chain(items.map(Value::ty)).collect();
    unify_with(&types, Safety::Unsafe)
}

/// Returns the constraint with `any` replaced by what the type has in its place.
fn filled(from: &Type, to: &Type) -> Type {
    match (from, to) {
        (from, Type::Dynamic) => from.clone(),
        (_, to) if !to.has_dynamic() => to.without_optional(),
        (Type::List(a) | Type::Set(a), Type::List(b)) => Type::list(filled(a, b)),
        (Type::List(a) | Type::Set(a), Type::Set(b)) => Type::set(filled(a, b)),
        (Type::Map(a), Type::Map(b)) => Type::map(filled(a, b)),
        (Type::Tuple(parts), Type::List(b)) => Type::list(filled_parts(parts.iter(), b)),
        (Type::Tuple(parts), Type::Set(b)) => Type::set(filled_parts(parts.iter(), b)),
        (Type::Object(object), Type::Map(b)) => {
            Type::map(filled_parts(object.attributes.values(), b))
        }
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            Type::tuple(a.iter().zip(b.iter()).map(|(a, b)| filled(a, b)))
        }
        (Type::Object(a), Type::Object(b)) => {
            Type::object(b.attributes.iter().map(|(name, ty)| {
                let ty = match a.attributes.get(name) {
                    Some(own) => filled(own, ty),
                    None => ty.without_optional(),
                };
                (name.clone(), ty)
            }))
        }
        (_, to) => to.without_optional(),
    }
}

fn filled_parts<'a>(parts: impl Iterator<Item = &'a Type>, element: &Type) -> Type {
    let types: Vec<Type> = parts.map(|part| filled(part, element)).collect();
    unify_with(&types, Safety::Unsafe).unwrap_or_else(|| element.without_optional())
}

fn convert_unknown(unknown: &Unknown, to: &Type) -> Value {
    let ty = filled(&unknown.ty, to);
    let known = &unknown.refinements;
    let mut kept = Refinements { not_null: known.not_null, ..Refinements::default() };
    let lengths = match (&unknown.ty, &ty) {
        (from, to) if from == to => {
            kept = known.clone();
            None
        }
        (Type::List(_) | Type::Set(_), Type::List(_)) | (Type::Map(_), Type::Map(_)) => {
            Some((known.min_length, known.max_length))
        }
        // Elements may become equal in a set.
        (Type::List(_) | Type::Set(_), Type::Set(_)) => {
            Some((known.min_length.min(1), known.max_length))
        }
        (Type::Tuple(parts), Type::List(_)) => {
            let length = u64::try_from(parts.len()).unwrap_or(u64::MAX);
            Some((length, Some(length)))
        }
        _ => None,
    };
    if let Some((least, most)) = lengths {
        kept.min_length = least;
        kept.max_length = most;
    }
    Value::refined(Unknown { ty, refinements: kept, causes: unknown.causes.clone() })
}
