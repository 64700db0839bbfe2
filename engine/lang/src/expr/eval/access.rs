//! Attributes, elements and splats.

use terrarium_diagnostic::nearest;
use terrarium_value::{Entries, Kind, Type, Value, convert, unify};

use super::{Evaluator, Fault, Heritage, codes};
use crate::expr::frame::Frame;
use crate::expr::node::{SPLAT_ITEM, Splat};

/// Returns `value.name`.
pub(crate) fn attribute(value: &Value, name: &str) -> Result<Value, Fault> {
    match value.kind() {
        Kind::Object(attributes) => match attributes.get(name) {
            Some(found) => Ok(found.clone().marked(value.marks())),
            None => Err(no_attribute(name, attributes.keys().map(|key| &**key))),
        },
        Kind::Map(entries) => entry(value, entries, name),
        Kind::Null(_) => Err(Fault::new(
            codes::ATTRIBUTE,
            "Attempt to get attribute from null value",
            "This value is null, so it does not have any attributes.",
        )),
        Kind::Unknown(unknown) => {
            let inner = match &unknown.ty {
                Type::Dynamic => Type::Dynamic,
                Type::Map(element) => (**element).clone(),
                Type::Object(object) => match object.attributes.get(name) {
                    Some(ty) => ty.clone(),
                    None => {
                        return Err(no_attribute(name, object.attributes.keys().map(|key| &**key)));
                    }
                },
                other => return Err(attributeless(other)),
            };
            Ok(Value::unknown(inner, unknown.causes.clone()).marked(value.marks()))
        }
        _ => Err(attributeless(&value.ty())),
    }
}

fn entry(value: &Value, entries: &Entries, name: &str) -> Result<Value, Fault> {
    entries.get(name).map(|found| found.clone().marked(value.marks())).ok_or_else(|| {
        let hint = hint(name, entries.keys().map(|key| &**key));
        let detail = format!("This map does not have an element with the key {name:?}.{hint}");
        Fault::new(codes::ATTRIBUTE, "Missing map element", detail)
    })
}

fn no_attribute<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Fault {
    let hint = hint(name, known);
    let detail = format!("This object does not have an attribute named {name:?}.{hint}");
    Fault::new(codes::ATTRIBUTE, "Unsupported attribute", detail)
}

fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!(" Did you mean {near:?}?"))
}

fn attributeless(ty: &Type) -> Fault {
    let objects = |element: &Type| matches!(element, Type::Object(_));
    let detail = match ty {
        Type::List(element) | Type::Set(element) if objects(element) => {
            let kind = if matches!(ty, Type::List(_)) { "list" } else { "set" };
            format!(
                "Can't access attributes on a {kind} of objects. Did you mean to access an attribute for a specific \
                 element of the {kind}, or across all elements of the {kind}?"
            )
        }
        Type::List(_) | Type::Tuple(_) => {
            "Can't access attributes on a list. Did you mean to access a specific \
             element, as in [0], or an attribute across all elements, as in [*]?"
                .to_owned()
        }
        ty if ty.is_primitive() => {
            format!("Can't access attributes on a primitive-typed value ({}).", ty.friendly_name())
        }
        _ => "This value does not have any attributes.".to_owned(),
    };
    Fault::new(codes::ATTRIBUTE, "Unsupported attribute", detail)
}

fn no_element(why: &str) -> Fault {
    let colon = if why.is_empty() { "." } else { ": " };
    let stop = if why.is_empty() { "" } else { "." };
    let detail = format!(
        "The given key does not identify an element in this collection value{colon}{why}{stop}"
    );
    Fault::new(codes::INDEX, "Invalid index", detail)
}

/// Returns `value[key]`.
pub(crate) fn index(value: &Value, key: &Value) -> Result<Value, Fault> {
    let marks = value.marks() | key.marks();
    if value.is_null() {
        let detail = "This value is null, so it does not have any indices.";
        return Err(Fault::new(codes::INDEX, "Attempt to index null value", detail));
    }
    if key.is_null() {
        return Err(Fault::new(
            codes::INDEX,
            "Invalid index",
            "Can't use a null value as an indexing key.",
        ));
    }
    let ty = match value.kind() {
        Kind::List(items) | Kind::Tuple(items) => {
            return sequence(value, items, key).map(|found| found.marked(marks));
        }
        Kind::Map(entries) => return mapping(value, entries, key).map(|found| found.marked(marks)),
        Kind::Object(entries) => {
            return mapping(value, entries, key).map(|found| found.marked(marks));
        }
        Kind::Unknown(unknown) => &unknown.ty,
        _ => &value.ty(),
    };
    let mut heritage = Heritage::default();
    heritage.take(value.clone());
    heritage.take(key.clone());
    let wanted = |ty: Type| convert(key, &ty).map_err(|error| no_element(&error.message));
    let inner = match ty {
        Type::Dynamic => Type::Dynamic,
        Type::List(element) => wanted(Type::Number).map(|_| (**element).clone())?,
        Type::Map(element) => wanted(Type::String).map(|_| (**element).clone())?,
        Type::Tuple(elements) => {
            match wanted(Type::Number)?.as_number().and_then(terrarium_value::Number::to_u64) {
                Some(at) => usize::try_from(at)
                    .ok()
                    .and_then(|at| elements.get(at).cloned())
                    .ok_or_else(|| no_element(TOO_LARGE))?,
                None => Type::Dynamic,
            }
        }
        Type::Object(_) => wanted(Type::String).map(|_| Type::Dynamic)?,
        Type::Set(_) => {
            let detail = "Elements of a set are identified only by their value and don't have any separate index or \
                          key to select with, so it's only possible to perform operations across all elements of the set.";
            return Err(Fault::new(codes::INDEX, "Invalid index", detail));
        }
        Type::Bool | Type::Number | Type::String => {
            return Err(Fault::new(
                codes::INDEX,
                "Invalid index",
                "This value does not have any indices.",
            ));
        }
    };
    Ok(heritage.unknown(inner))
}

const TOO_LARGE: &str = "the given index is greater than or equal to the length of the collection";

fn sequence(value: &Value, items: &[Value], key: &Value) -> Result<Value, Fault> {
    let number = convert(&key.clone().unmarked(), &Type::Number)
        .map_err(|error| no_element(&error.message))?;
    let Kind::Number(at) = number.kind() else {
        let element =
            if let Type::List(element) = value.ty() { (*element).clone() } else { Type::Dynamic };
        let mut heritage = Heritage::default();
        heritage.take(key.clone());
        return Ok(heritage.unknown(element));
    };
    if let Some(found) =
        at.to_u64().and_then(|at| usize::try_from(at).ok()).and_then(|at| items.get(at))
    {
        return Ok(found.clone());
    }
    Err(no_element(if items.is_empty() && matches!(value.kind(), Kind::List(_)) {
        "the collection has no elements"
    } else if !at.is_integer() {
        "indexing a sequence requires a whole number, but the given index has a fractional part"
    } else if at.to_f64() < 0.0 {
        "a negative number is not a valid index for a sequence"
    } else if items.is_empty() {
        "the collection has no elements"
    } else {
        TOO_LARGE
    }))
}

fn mapping(value: &Value, entries: &Entries, key: &Value) -> Result<Value, Fault> {
    let name = convert(&key.clone().unmarked(), &Type::String)
        .map_err(|error| no_element(&error.message))?;
    let Kind::String(name) = name.kind() else {
        let element =
            if let Type::Map(element) = value.ty() { (*element).clone() } else { Type::Dynamic };
        let mut heritage = Heritage::default();
        heritage.take(key.clone());
        return Ok(heritage.unknown(element));
    };
    entries.get(name).cloned().ok_or_else(|| no_element(""))
}

impl Evaluator<'_> {
    pub(super) fn splat(&mut self, splat: &Splat, frame: &Frame<'_>) -> Value {
        let source = self.eval(&splat.source, frame);
        let mut heritage = Heritage::default();
        let source = heritage.take(source);
        match source.kind() {
            Kind::Null(Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
                let detail =
                    "Splat expressions (with the * symbol) cannot be applied to null sequences.";
                self.fail(codes::SPLAT, splat.source.span, "Splat of null value", detail)
            }
            Kind::Null(_) => Value::tuple([]).marked(heritage.marks),
            Kind::List(items) | Kind::Set(items) => {
                let element = source.ty().element().cloned().unwrap_or(Type::Dynamic);
                let results: Vec<Value> =
                    items.iter().map(|item| self.each(splat, item.clone(), frame)).collect();
                self.list_of(splat, results, element, frame).marked(heritage.marks)
            }
            Kind::Tuple(items) => {
                let results: Vec<Value> =
                    items.iter().map(|item| self.each(splat, item.clone(), frame)).collect();
                Value::tuple(results).marked(heritage.marks)
            }
            Kind::Unknown(unknown) => {
                let causes = unknown.causes.clone();
                let mut probe = |ty: &Type| {
                    self.each(splat, Value::unknown(ty.clone(), causes.clone()), frame).ty()
                };
                let ty = match &unknown.ty {
                    Type::List(element) | Type::Set(element) => Type::list(probe(element)),
                    Type::Tuple(elements) => {
                        Type::tuple(elements.iter().map(probe).collect::<Vec<_>>())
                    }
                    // A single value may turn out to be null, so the number of elements isn't known.
                    _ => Type::Dynamic,
                };
                heritage.unknown(ty)
            }
            _ => Value::tuple([self.each(splat, source.clone(), frame)]).marked(heritage.marks),
        }
    }

    fn each(&mut self, splat: &Splat, item: Value, frame: &Frame<'_>) -> Value {
        let binding = frame.bind(SPLAT_ITEM, item);
        self.eval(&splat.each, &frame.with(&binding))
    }

    /// A list where all results have a common type; that of an empty list is found with an unknown element.
    fn list_of(
        &mut self,
        splat: &Splat,
        results: Vec<Value>,
        element: Type,
        frame: &Frame<'_>,
    ) -> Value {
        if results.is_empty() {
            let probe =
                self.each(splat, Value::unknown(element, terrarium_value::Causes::NONE), frame);
            return Value::list(probe.ty(), Vec::new());
        }
        let types: Vec<Type> = results.iter().map(Value::ty).collect();
        match types.split_first() {
            Some((first, rest)) if rest.iter().all(|ty| ty == first) => {
                Value::list(first.clone(), results)
            }
            _ => match unify(&types) {
                Some(ty) => {
                    let converted: Result<Vec<Value>, _> =
                        results.iter().map(|value| convert(value, &ty)).collect();
                    converted.map_or_else(|_| Value::tuple(results), |items| Value::list(ty, items))
                }
                None => Value::tuple(results),
            },
        }
    }
}
