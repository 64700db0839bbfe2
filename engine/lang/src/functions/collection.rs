//! Maps, objects, and what applies to any collection.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::Name;
use terrarium_value::{Entries, Kind, Map, Marks, Number, Type, Value, convert, unify_unsafe};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    ANY, Args, BOOL, Function, NUMBER, Refusal, Returns, Want, any, function, param, string,
};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "length",
        &[any("value").unknown().shallow()],
        NUMBER,
        length,
        "Returns the number of elements of a collection, or of characters of a string.",
    ),
    function(
        "keys",
        &[any("inputMap").unknown().shallow()],
        Returns::Of(keys_type),
        keys,
        "Returns the keys of a map or object, in lexical order.",
    ),
    function(
        "values",
        &[any("mapping").marked()],
        Returns::Of(values_type),
        values,
        "Returns the values of a map or object, in the order of their keys.",
    ),
    function(
        "lookup",
        &[any("inputMap").marked(), string("key").marked()],
        Returns::Of(lookup_type),
        lookup,
        "Returns the element of `inputMap` with this `key`, or the `default`.",
    )
    .variadic(any("default").nullable().marked().unknown()),
    function(
        "merge",
        &[],
        Returns::Of(merge_type),
        merge,
        "Returns a map or object with all elements of the `maps`; later ones win.",
    )
    .variadic(any("maps").nullable().dynamic().marked()),
    function(
        "zipmap",
        &[param("keys", Want::Strings).deep(), any("values").shallow()],
        Returns::Of(|_| Ok(Type::Dynamic)),
        zipmap,
        "Returns a map or object with these `keys` and `values`.",
    ),
    function(
        "transpose",
        &[param("values", Want::Map).deep()],
        Returns::Of(|_| Ok(Type::map(Type::list(Type::String)))),
        transpose,
        "Returns a map in which keys and the elements of the lists have changed places.",
    ),
    function(
        "contains",
        &[any("list").unknown(), any("value").unknown()],
        BOOL,
        contains,
        "Whether `value` is an element of `list`.",
    ),
    function(
        "coalesce",
        &[],
        Returns::Of(common_type),
        coalesce,
        "Returns the first of the `vals` that is neither null nor an empty string.",
    )
    .variadic(any("vals").nullable().unknown()),
    function(
        "coalescelist",
        &[],
        ANY,
        coalescelist,
        "Returns the first of the `vals` that is not empty.",
    )
    .variadic(any("vals").nullable().dynamic()),
    function(
        "one",
        &[any("list")],
        Returns::Of(one_type),
        one,
        "Returns the single element of `list`, or null if it is empty.",
    ),
    function(
        "alltrue",
        &[param("list", Want::List).deep()],
        BOOL,
        |args| truth(args, true),
        "Whether all elements of `list` are true; true for an empty list.",
    ),
    function(
        "anytrue",
        &[param("list", Want::List).deep()],
        BOOL,
        |args| truth(args, false),
        "Whether some element of `list` is true.",
    ),
];

fn length(args: &Args<'_>) -> Result<Value, Refusal> {
    let value = args.value(0);
    let count = match value.kind() {
        Kind::String(text) => text.graphemes(true).count(),
        // Unknown elements may turn out to be equal to others.
        Kind::Set(_) if value.is_of_unknown_length() => {
            return Ok(Value::unknown(Type::Number, value.causes_deep()));
        }
        Kind::List(items) | Kind::Tuple(items) | Kind::Set(items) => items.len(),
        Kind::Map(entries) | Kind::Object(entries) => entries.len(),
        Kind::Unknown(one) => match &one.ty {
            Type::Tuple(elements) => elements.len(),
            Type::Object(object) => object.attributes.len(),
            Type::Bool | Type::Number => return Err(no_length()),
            _ => return Ok(Value::unknown(Type::Number, one.causes.clone())),
        },
        Kind::Null(_) | Kind::Bool(_) | Kind::Number(_) => return Err(no_length()),
    };
    Ok(Value::number(Number::from(count)))
}

fn no_length() -> Refusal {
    Refusal::call("argument must be a string, a collection type, or a structural type")
}

fn no_map() -> Refusal {
    Refusal::argument(0, "must have map or object type")
}

fn keys_type(args: &[Value]) -> Result<Type, Refusal> {
    match args.first().map(Value::ty) {
        Some(Type::Map(_)) => Ok(Type::list(Type::String)),
        Some(Type::Object(object)) => {
            Ok(Type::tuple(object.attributes.keys().map(|_| Type::String)))
        }
        Some(Type::Dynamic) => Ok(Type::Dynamic),
        _ => Err(no_map()),
    }
}

fn keys(args: &Args<'_>) -> Result<Value, Refusal> {
    let names = |names: &mut dyn Iterator<Item = &Name>| -> Vec<Value> {
        names.map(|name| Value::string(name.clone())).collect()
    };
    match args.value(0).kind() {
        Kind::Map(entries) => Ok(Value::list(Type::String, names(&mut entries.keys()))),
        Kind::Object(attributes) => Ok(Value::tuple(names(&mut attributes.keys()))),
        Kind::Unknown(one) => match &one.ty {
            Type::Object(object) => Ok(Value::tuple(names(&mut object.attributes.keys()))),
            _ => Ok(Value::unknown(keys_type(&args.values)?, one.causes.clone())),
        },
        _ => Err(no_map()),
    }
}

fn values_type(args: &[Value]) -> Result<Type, Refusal> {
    match args.first().map(Value::ty) {
        Some(Type::Map(element)) => Ok(Type::list((*element).clone())),
        Some(Type::Object(object)) => Ok(Type::tuple(object.attributes.values().cloned())),
        Some(Type::Dynamic) => Ok(Type::Dynamic),
        _ => Err(Refusal::call("values() requires a map as the first argument")),
    }
}

fn values(args: &Args<'_>) -> Result<Value, Refusal> {
    let map = args.value(0);
    let ty = values_type(&args.values)?;
    let items =
        map.as_entries().map(|entries| entries.values().cloned().collect()).unwrap_or_default();
    let list = match ty {
        Type::List(element) => Value::list((*element).clone(), items),
        _ => Value::tuple(items),
    };
    Ok(list.marked(map.marks()))
}

fn lookup_type(args: &[Value]) -> Result<Type, Refusal> {
    let not_map = || Refusal::argument(0, "lookup() requires a map as the first argument");
    match args.first().map(Value::ty) {
        Some(Type::Map(element)) => {
            if let Some(default) = args.get(2)
                && convert(default, &element).is_err()
            {
                let why = "the default value must have the same type as the map elements";
                return Err(Refusal::argument(2, why));
            }
            Ok((*element).clone())
        }
        Some(Type::Object(object)) => match args.get(1).and_then(Value::as_str) {
            Some(key) => match (object.attributes.get(key), args.get(2)) {
                (Some(ty), _) => Ok(ty.clone()),
                (None, Some(default)) => Ok(default.ty()),
                (None, None) => {
                    Err(Refusal::argument(0, format!("the given object has no attribute {key:?}")))
                }
            },
            None => Ok(Type::Dynamic),
        },
        Some(Type::Dynamic) => Ok(Type::Dynamic),
        _ => Err(not_map()),
    }
}

fn lookup(args: &Args<'_>) -> Result<Value, Refusal> {
    let (map, key) = (args.value(0), args.str(1));
    let marks = map.marks() | args.value(1).marks();
    // The type of a large object costs a walk over it; what is found needs none.
    if let (Kind::Object(_), Some(found)) = (map.kind(), map.get(key)) {
        return Ok(found.clone().marked(marks));
    }
    let ty = lookup_type(&args.values)?;
    if let Some(found) = map.get(key) {
        return Ok(found.clone().marked(marks));
    }
    match args.get(2) {
        Some(default) => {
            let default =
                convert(default, &ty).map_err(|error| Refusal::argument(2, error.message))?;
            Ok(default.marked(marks))
        }
        None => Err(Refusal::call(format!("lookup failed to find key {key:?}"))),
    }
}

fn merge_type(args: &[Value]) -> Result<Type, Refusal> {
    let mut attributes: BTreeMap<Name, Type> = BTreeMap::new();
    let mut first: Option<Type> = None;
    let (mut same, mut dynamic) = (true, false);
    for arg in args {
        let ty = arg.ty();
        match &ty {
            Type::Dynamic if arg.is_null() => continue,
            Type::Dynamic => dynamic = true,
            Type::Map(element) => {
                let Some(entries) = arg.as_entries() else {
                    dynamic |= !arg.is_null();
                    same &= first.get_or_insert_with(|| ty.clone()) == &ty;
                    continue;
                };
                attributes.extend(entries.keys().map(|name| (name.clone(), (**element).clone())));
            }
            Type::Object(_) if arg.is_null() => {}
            Type::Object(object) => {
                attributes
                    .extend(object.attributes.iter().map(|(name, ty)| (name.clone(), ty.clone())));
            }
            other => {
                let why =
                    format!("arguments must be maps or objects, got {:?}", other.friendly_name());
                return Err(Refusal::call(why));
            }
        }
        same &= first.get_or_insert_with(|| ty.clone()) == &ty;
    }
    match first {
        Some(ty) if same && !dynamic => Ok(ty),
        Some(ty @ Type::Map(_)) if same => Ok(ty),
        _ if dynamic => Ok(Type::Dynamic),
        _ => Ok(Type::object(attributes)),
    }
}

fn merge(args: &Args<'_>) -> Result<Value, Refusal> {
    let ty = merge_type(&args.values)?;
    let mut merged = Map::new();
    let mut marks = Marks::NONE;
    for arg in &args.values {
        marks = marks | arg.marks();
        if let Some(entries) = arg.as_entries() {
            merged.extend(entries.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    let merged = match ty {
        Type::Map(element) => Value::map((*element).clone(), merged),
        _ => Value::object(merged),
    };
    Ok(merged.marked(marks))
}

fn zipmap(args: &Args<'_>) -> Result<Value, Refusal> {
    let (keys, values) = (args.items(0), args.value(1));
    let Some(items) = values.as_items().filter(|_| !matches!(values.kind(), Kind::Set(_))) else {
        return Err(Refusal::argument(1, "values argument must be a list or tuple value"));
    };
    if keys.len() != items.len() {
        let why = format!(
            "number of keys ({}) does not match number of values ({})",
            keys.len(),
            items.len()
        );
        return Err(Refusal::call(why));
    }
    let entries: Option<Entries> = keys
        .iter()
        .zip(items)
        .map(|(key, value)| key.as_str().map(|key| (Name::from(key), value.clone())))
        .collect();
    let entries = entries.ok_or_else(|| Refusal::argument(0, "keys must not be null"))?;
    Ok(match values.ty() {
        Type::List(element) => Value::map((*element).clone(), entries),
        _ => Value::object(entries),
    })
}

fn transpose(args: &Args<'_>) -> Result<Value, Refusal> {
    let mut turned: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (key, list) in args.value(0).as_entries().into_iter().flatten() {
        let wrong = |why: &str| Refusal::argument(0, format!("element {:?}: {why}", &**key));
        let list =
            convert(list, &Type::list(Type::String)).map_err(|error| wrong(&error.message))?;
        for item in list.as_items().unwrap_or_default() {
            let item = item
                .as_str()
                .ok_or_else(|| Refusal::call("input must not contain null strings"))?;
            turned.entry(item.into()).or_default().insert(key.clone());
        }
    }
    let entries = turned
        .into_iter()
        .map(|(key, names)| {
            (key, Value::list(Type::String, names.into_iter().map(Value::string).collect()))
        })
        .collect::<Entries>();
    Ok(Value::map(Type::list(Type::String), entries))
}

fn contains(args: &Args<'_>) -> Result<Value, Refusal> {
    let (list, wanted) = (args.value(0), args.value(1));
    let items = match list.kind() {
        Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => items,
        Kind::Unknown(one)
            if matches!(one.ty, Type::Dynamic | Type::List(_) | Type::Set(_) | Type::Tuple(_)) =>
        {
            return Ok(Value::unknown(Type::Bool, one.causes.clone()));
        }
        _ => return Err(Refusal::call("argument must be list, tuple, or set")),
    };
    let mut open: Option<Value> = None;
    for item in items {
        let equal = item.equals(wanted);
        match equal.as_bool() {
            Some(true) => return Ok(Value::bool(true)),
            Some(false) => {}
            None => open = Some(equal),
        }
    }
    Ok(open.unwrap_or_else(|| Value::bool(false)))
}

fn common_type(args: &[Value]) -> Result<Type, Refusal> {
    let types: Vec<Type> = args.iter().map(Value::ty).collect();
    if types.contains(&Type::Dynamic) {
        return Ok(Type::Dynamic);
    }
    unify_unsafe(&types).ok_or_else(|| Refusal::call("all arguments must have the same type"))
}

fn coalesce(args: &Args<'_>) -> Result<Value, Refusal> {
    if args.len() == 0 {
        return Err(Refusal::call("at least one argument is required"));
    }
    let ty = common_type(&args.values)?;
    for value in &args.values {
        if let Kind::Unknown(one) = value.kind() {
            return Ok(Value::unknown(ty, one.causes.clone()));
        }
        if value.is_null() {
            continue;
        }
        let value = convert(value, &ty).map_err(|error| Refusal::call(error.message))?;
        if value.as_str() != Some("") {
            return Ok(value);
        }
    }
    Err(Refusal::call("no non-null, non-empty-string arguments"))
}

fn coalescelist(args: &Args<'_>) -> Result<Value, Refusal> {
    if args.len() == 0 {
        return Err(Refusal::call("at least one argument is required"));
    }
    for value in &args.values {
        if !matches!(value.ty(), Type::List(_) | Type::Tuple(_)) {
            return Err(Refusal::call("coalescelist arguments must be lists or tuples"));
        }
        if value.as_items().is_some_and(|items| !items.is_empty()) {
            return Ok(value.clone());
        }
    }
    Err(Refusal::call("no non-null arguments"))
}

fn not_single() -> Refusal {
    Refusal::argument(0, "must be a list, set, or tuple value with either zero or one elements")
}

fn one_type(args: &[Value]) -> Result<Type, Refusal> {
    match args.first().map(Value::ty) {
        Some(Type::List(element) | Type::Set(element)) => Ok((*element).clone()),
        Some(Type::Tuple(elements)) if elements.len() < 2 => {
            Ok(elements.first().cloned().unwrap_or(Type::Dynamic))
        }
        Some(Type::Dynamic) => Ok(Type::Dynamic),
        _ => Err(not_single()),
    }
}

fn one(args: &Args<'_>) -> Result<Value, Refusal> {
    let ty = one_type(&args.values)?;
    if args.value(0).is_of_unknown_length() {
        // If they turn out to be equal, there is one.
        return Ok(Value::unknown(ty, args.value(0).causes_deep()));
    }
    match args.items(0) {
        [] => Ok(Value::null(ty)),
        [only] => Ok(only.clone()),
        _ => Err(not_single()),
    }
}

fn truth(args: &Args<'_>, all: bool) -> Result<Value, Refusal> {
    for item in args.items(0) {
        let item =
            convert(item, &Type::Bool).map_err(|error| Refusal::argument(0, error.message))?;
        let value = item.as_bool().unwrap_or(false);
        if value != all {
            return Ok(Value::bool(!all));
        }
    }
    Ok(Value::bool(all))
}
