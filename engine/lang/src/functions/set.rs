//! Sets.

use std::collections::HashSet;

use terrarium_value::{Kind, Type, Value, convert, unify};

use super::sequence::element_of;
use super::{Args, Function, Refusal, Returns, Want, any, function, param};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "setunion",
        &[param("first_set", Want::Set)],
        Returns::Of(set_type),
        setunion,
        "Returns the set of all elements of the sets.",
    )
    .variadic(param("other_sets", Want::Set)),
    function(
        "setintersection",
        &[param("first_set", Want::Set)],
        Returns::Of(set_type),
        setintersection,
        "Returns the set of the elements that all sets have.",
    )
    .variadic(param("other_sets", Want::Set)),
    function(
        "setsubtract",
        &[param("a", Want::Set), param("b", Want::Set)],
        Returns::Of(set_type),
        setsubtract,
        "Returns the elements of `a` that are not in `b`.",
    ),
    function(
        "setproduct",
        &[],
        Returns::Of(setproduct_type),
        setproduct,
        "Returns all combinations of one element from each of the `sets`.",
    )
    .variadic(any("sets").shallow()),
];

fn set_type(args: &[Value]) -> Result<Type, Refusal> {
    let elements: Vec<Type> = args
        .iter()
        .filter(|arg| arg.as_items().is_none_or(|items| !items.is_empty()))
        .map(element_of)
        .filter(|element| *element != Type::Dynamic)
        .collect();
    if elements.is_empty() {
        let all: Vec<Type> = args.iter().map(element_of).collect();
        return Ok(Type::set(unify(&all).unwrap_or(Type::Dynamic)));
    }
    let element = unify(&elements)
        .ok_or_else(|| Refusal::call("given sets must all have compatible element types"))?;
    Ok(Type::set(element))
}

/// The arguments of a set function, brought to a common type.
struct Sets {
    element: Type,
    each: std::vec::IntoIter<Vec<Value>>,
    /// The result where an element is unknown, since it may be equal to others.
    open: Option<Value>,
}

fn sets(args: &Args<'_>) -> Result<Sets, Refusal> {
    let ty = set_type(&args.values)?;
    let mut sets = Vec::with_capacity(args.len());
    let mut open = None;
    for value in &args.values {
        if !value.is_wholly_known() {
            open = Some(value.clone());
        }
        let items = value.as_items().unwrap_or_default();
        if items.is_empty() {
            sets.push(Vec::new());
            continue;
        }
        let converted = convert(value, &ty).map_err(|error| Refusal::call(error.message))?;
        sets.push(converted.as_items().unwrap_or_default().to_vec());
    }
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    let open = open.map(|value| Value::unknown(ty, value.causes_deep()));
    Ok(Sets { element, each: sets.into_iter(), open })
}

fn setunion(args: &Args<'_>) -> Result<Value, Refusal> {
    let Sets { element, each: sets, .. } = sets(args)?;
    Ok(Value::set(element, sets.flatten().collect()))
}

fn setintersection(args: &Args<'_>) -> Result<Value, Refusal> {
    let Sets { element, each: mut sets, open } = sets(args)?;
    if let Some(open) = open {
        return Ok(open);
    }
    let first = sets.next().unwrap_or_default();
    let kept = sets.fold(first, |kept, set| {
        let set: HashSet<Value> = set.into_iter().collect();
        kept.into_iter().filter(|item| set.contains(item)).collect()
    });
    Ok(Value::set(element, kept))
}

fn setsubtract(args: &Args<'_>) -> Result<Value, Refusal> {
    let Sets { element, each: mut sets, open } = sets(args)?;
    if let Some(open) = open {
        return Ok(open);
    }
    let (first, second) = (sets.next().unwrap_or_default(), sets.next().unwrap_or_default());
    let second: HashSet<Value> = second.into_iter().collect();
    Ok(Value::set(element, first.into_iter().filter(|item| !second.contains(item)).collect()))
}

fn setproduct_type(args: &[Value]) -> Result<Type, Refusal> {
    if args.len() < 2 {
        return Err(Refusal::call("at least two arguments are required"));
    }
    let mut elements = Vec::with_capacity(args.len());
    let mut all_lists = true;
    for (at, arg) in args.iter().enumerate() {
        match arg.ty() {
            Type::Set(element) => {
                all_lists = false;
                elements.push((*element).clone());
            }
            Type::List(element) => elements.push((*element).clone()),
            Type::Tuple(types) => elements.push(unify(&types).unwrap_or(Type::Dynamic)),
            Type::Dynamic => elements.push(Type::Dynamic),
            _ => return Err(Refusal::argument(at, "a set or a list is required")),
        }
    }
    let tuple = Type::tuple(elements);
    // Ordered if all arguments are; else a set.
    Ok(if all_lists { Type::list(tuple) } else { Type::set(tuple) })
}

fn setproduct(args: &Args<'_>) -> Result<Value, Refusal> {
    let ty = setproduct_type(&args.values)?;
    let tuple = ty.element().cloned().unwrap_or(Type::Dynamic);
    if let Some(open) = args
        .values
        .iter()
        .find(|value| matches!(value.kind(), Kind::Set(_)) && !value.is_wholly_known())
    {
        return Ok(Value::unknown(ty, open.causes_deep()));
    }
    let Type::Tuple(elements) = &tuple else { return Ok(Value::list(tuple, Vec::new())) };
    let count = args
        .values
        .iter()
        .try_fold(1_usize, |count, value| count.checked_mul(value.as_items()?.len()));
    let parts = count.and_then(|count| count.checked_mul(args.values.len() + 1));
    let checked = args.environment().limits.check_parts(parts.unwrap_or(usize::MAX));
    checked.map_err(Refusal::Call)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for (value, element) in args.values.iter().zip(elements.iter()) {
        let items: Result<Vec<Value>, _> = value
            .as_items()
            .unwrap_or_default()
            .iter()
            .map(|item| convert(item, element))
            .collect();
        let items = items.map_err(|error| Refusal::call(error.message))?;
        rows = rows
            .iter()
            .flat_map(|row| {
                items.iter().map(move |item| {
                    let mut longer = row.clone();
                    longer.push(item.clone());
                    longer
                })
            })
            .collect();
    }
    let rows: Vec<Value> = rows.into_iter().map(Value::tuple).collect();
    Ok(if matches!(ty, Type::List(_)) { Value::list(tuple, rows) } else { Value::set(tuple, rows) })
}
