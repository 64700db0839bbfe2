//! Lists.

use std::collections::HashSet;

use terrarium_value::{Kind, Marks, Number, Type, Value, convert, unify};

use super::{
    Args, Function, NUMBER, Refusal, Returns, STRINGS, Want, any, function, number, param,
};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "element",
        &[any("list").marked(), number("index")],
        Returns::Of(element_type),
        element,
        "Returns the element of `list` at `index`, which wraps around at the end.",
    ),
    function(
        "concat",
        &[],
        Returns::Of(concat_type),
        concat,
        "Returns a list of all elements of the `seqs`.",
    )
    .variadic(any("seqs").marked()),
    function(
        "flatten",
        &[any("list").shallow()],
        Returns::Of(|_| Ok(Type::Dynamic)),
        flatten,
        "Returns the elements of `list` with nested lists replaced by their elements.",
    ),
    function(
        "slice",
        &[any("list").shallow(), number("start_index"), number("end_index")],
        Returns::Of(slice_type),
        slice,
        "Returns the elements of `list` from `start_index` to before `end_index`.",
    ),
    function(
        "reverse",
        &[any("list").shallow()],
        Returns::Of(reverse_type),
        reverse,
        "Returns the elements of `list` in reverse order.",
    ),
    function(
        "sort",
        &[param("list", Want::Strings).deep()],
        STRINGS,
        sort,
        "Returns the strings of `list` in lexical order.",
    ),
    function(
        "distinct",
        &[param("list", Want::List).deep()],
        Returns::Of(same_type),
        distinct,
        "Returns the elements of `list` without repetitions.",
    ),
    function(
        "compact",
        &[param("list", Want::Strings).deep()],
        STRINGS,
        compact,
        "Returns the strings of `list` that are neither empty nor null.",
    ),
    function(
        "chunklist",
        &[param("list", Want::List).shallow(), number("size")],
        Returns::Of(|args| Ok(Type::list(same_type(args)?))),
        chunklist,
        "Returns the elements of `list` as lists of `size` elements.",
    ),
    function(
        "index",
        &[any("list"), any("value")],
        NUMBER,
        index,
        "Returns the position of `value` in `list`.",
    ),
    function(
        "matchkeys",
        &[param("values", Want::List), param("keys", Want::List), param("searchset", Want::List)],
        Returns::Of(same_type),
        matchkeys,
        "Returns the elements of `values` whose `keys` are in `searchset`.",
    ),
];

fn element_type(args: &[Value]) -> Result<Type, Refusal> {
    let Some(list) = args.first() else { return Ok(Type::Dynamic) };
    match list.ty() {
        Type::List(element) => Ok((*element).clone()),
        Type::Tuple(elements) => {
            match args.get(1).and_then(Value::as_number).and_then(Number::to_u64) {
                Some(_) if elements.is_empty() => Err(empty()),
                Some(at) => {
                    let at = at % u64::try_from(elements.len()).unwrap_or(1);
                    Ok(usize::try_from(at)
                        .ok()
                        .and_then(|at| elements.get(at).cloned())
                        .unwrap_or(Type::Dynamic))
                }
                None => Ok(Type::Dynamic),
            }
        }
        Type::Dynamic => Ok(Type::Dynamic),
        other => Err(Refusal::call(format!("cannot read elements from {}", other.friendly_name()))),
    }
}

fn empty() -> Refusal {
    Refusal::call("cannot use element function with an empty list")
}

fn element(args: &Args<'_>) -> Result<Value, Refusal> {
    element_type(&args.values)?;
    let (list, at) = (args.value(0), args.int(1)?);
    let items = args.items(0);
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if length == 0 {
        return Err(empty());
    }
    // A negative remainder has no element, but -1 of a single one is the first.
    let negative = |_| Refusal::call("cannot use element function with a negative index");
    let at = usize::try_from(at % length).map_err(negative)?;
    let found = items.get(at).ok_or_else(empty)?;
    Ok(found.clone().marked(list.marks()))
}

fn concat_type(args: &[Value]) -> Result<Type, Refusal> {
    if args.is_empty() {
        return Err(Refusal::call("at least one argument is required"));
    }
    let mut elements = Vec::new();
    let mut lists = Vec::new();
    let mut dynamic = false;
    for (at, arg) in args.iter().enumerate() {
        match arg.ty() {
            Type::Tuple(types) => elements.extend(types.iter().cloned()),
            Type::List(element) => {
                match arg.as_items() {
                    Some(items) => elements.extend(items.iter().map(|_| (*element).clone())),
                    None => dynamic = true,
                }
                lists.push((*element).clone());
            }
            Type::Dynamic => dynamic = true,
            other => {
                let why =
                    format!("all arguments must be lists or tuples; got {}", other.friendly_name());
                return Err(Refusal::argument(at, why));
            }
        }
    }
    if lists.len() == args.len()
        && let Some(element) = unify(&lists)
    {
        return Ok(Type::list(element));
    }
    Ok(if dynamic { Type::Dynamic } else { Type::tuple(elements) })
}

fn concat(args: &Args<'_>) -> Result<Value, Refusal> {
    let parts = args.values.iter().map(|arg| arg.parts() as usize).sum();
    args.environment().limits.check_parts(parts).map_err(Refusal::Call)?;
    let tuples = args.values.iter().all(|arg| matches!(arg.kind(), Kind::Tuple(_)));
    let ty = if tuples && !args.values.is_empty() {
        // What type each element has is told by the elements themselves.
        Type::Dynamic
    } else {
        concat_type(&args.values)?
    };
    let mut marks = Marks::NONE;
    let mut items = Vec::new();
    for arg in &args.values {
        marks = marks | arg.marks();
        items.extend(arg.as_items().unwrap_or_default().iter().cloned());
    }
    let value = match ty {
        Type::List(element) => {
            let items: Result<Vec<Value>, _> =
                items.iter().map(|item| convert(item, &element)).collect();
            Value::list((*element).clone(), items.map_err(|error| Refusal::call(error.message))?)
        }
        _ => Value::tuple(items),
    };
    Ok(value.marked(marks))
}

fn flatten(args: &Args<'_>) -> Result<Value, Refusal> {
    let list = args.value(0);
    if list.as_items().is_none() {
        return Err(Refusal::call("can only flatten lists, sets and tuples"));
    }
    let mut flat = Vec::new();
    let mut marks = Marks::NONE;
    if let Some(open) = flatten_into(list, &mut flat, &mut marks) {
        return Ok(Value::unknown(Type::Dynamic, open.causes_deep()).marked(marks | open.marks()));
    }
    Ok(Value::tuple(flat).marked(marks))
}

/// Returns an unknown list, or a set of unknown length, if there is one: then the number of elements isn't
/// known.
fn flatten_into(list: &Value, flat: &mut Vec<Value>, marks: &mut Marks) -> Option<Value> {
    if list.is_of_unknown_length() {
        return Some(list.clone());
    }
    for item in list.as_items().unwrap_or_default() {
        match item.kind() {
            Kind::List(_) | Kind::Set(_) | Kind::Tuple(_) => {
                *marks = *marks | item.marks();
                if let Some(open) = flatten_into(item, flat, marks) {
                    return Some(open);
                }
            }
            Kind::Unknown(one)
                if matches!(
                    one.ty,
                    Type::Dynamic | Type::List(_) | Type::Set(_) | Type::Tuple(_)
                ) =>
            {
                return Some(item.clone());
            }
            _ => flat.push(item.clone()),
        }
    }
    None
}

fn bounds(args: &[Value], length: Option<usize>) -> Result<(usize, usize), Refusal> {
    let bound = |at: usize, name: &str| {
        let number = args.get(at).and_then(Value::as_number).and_then(Number::to_i64);
        let number = number.ok_or_else(|| Refusal::argument(at, "value must be a whole number"))?;
        let negative = || Refusal::argument(at, format!("{name} must not be less than zero"));
        usize::try_from(number).map_err(|_| negative())
    };
    let (start, end) = (bound(1, "start index")?, bound(2, "end index")?);
    if let Some(length) = length {
        if start > length {
            return Err(Refusal::argument(
                1,
                "start index must not be greater than the length of the list",
            ));
        }
        if end > length {
            return Err(Refusal::argument(
                2,
                "end index must not be greater than the length of the list",
            ));
        }
    }
    if start > end {
        return Err(Refusal::argument(1, "start index must not be greater than end index"));
    }
    Ok((start, end))
}

fn slice_type(args: &[Value]) -> Result<Type, Refusal> {
    match args.first().map(Value::ty) {
        Some(ty @ Type::List(_)) => Ok(ty),
        Some(Type::Tuple(elements)) if args.iter().skip(1).all(Value::is_known) => {
            let (start, end) = bounds(args, Some(elements.len()))?;
            Ok(Type::tuple(elements.get(start..end).unwrap_or_default().iter().cloned()))
        }
        Some(Type::Tuple(_) | Type::Dynamic) => Ok(Type::Dynamic),
        Some(Type::Set(_)) => Err(Refusal::argument(
            0,
            "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the \
             ordering of the result is not important",
        )),
        _ => Err(Refusal::argument(0, "must be a list or tuple value")),
    }
}

fn slice(args: &Args<'_>) -> Result<Value, Refusal> {
    let ty = slice_type(&args.values)?;
    let items = args.items(0);
    let (start, end) = bounds(&args.values, Some(items.len()))?;
    let part = items.get(start..end).unwrap_or_default().to_vec();
    Ok(match ty {
        Type::List(element) => Value::list((*element).clone(), part),
        _ => Value::tuple(part),
    })
}

fn reverse_type(args: &[Value]) -> Result<Type, Refusal> {
    match args.first().map(Value::ty) {
        Some(Type::Tuple(elements)) => Ok(Type::tuple(elements.iter().rev().cloned())),
        Some(Type::List(element) | Type::Set(element)) => Ok(Type::list((*element).clone())),
        Some(Type::Dynamic) | None => Ok(Type::Dynamic),
        Some(other) => {
            let why =
                format!("can only reverse list or tuple values, not {}", other.friendly_name());
            Err(Refusal::argument(0, why))
        }
    }
}

fn reverse(args: &Args<'_>) -> Result<Value, Refusal> {
    let items: Vec<Value> = args.items(0).iter().rev().cloned().collect();
    Ok(match reverse_type(&args.values)? {
        Type::List(element) => Value::list((*element).clone(), items),
        _ => Value::tuple(items),
    })
}

fn sort(args: &Args<'_>) -> Result<Value, Refusal> {
    let mut texts = Vec::new();
    for (at, item) in args.items(0).iter().enumerate() {
        let text = item.as_str().ok_or_else(|| {
            Refusal::call(format!(
                "given list element {at} is null; a null string cannot be sorted"
            ))
        })?;
        texts.push(text);
    }
    texts.sort_unstable();
    Ok(Value::list(Type::String, texts.into_iter().map(Value::string).collect()))
}

fn same_type(args: &[Value]) -> Result<Type, Refusal> {
    Ok(args.first().map_or(Type::Dynamic, Value::ty))
}

pub(super) fn element_of(value: &Value) -> Type {
    value.ty().element().cloned().unwrap_or(Type::Dynamic)
}

fn distinct(args: &Args<'_>) -> Result<Value, Refusal> {
    let list = args.value(0);
    let mut seen: HashSet<&Value> = HashSet::new();
    let items = args.items(0).iter().filter(|item| seen.insert(item)).cloned().collect();
    Ok(Value::list(element_of(list), items))
}

fn compact(args: &Args<'_>) -> Result<Value, Refusal> {
    let kept = args.texts(0).filter(|text| !text.is_empty()).map(Value::string).collect();
    Ok(Value::list(Type::String, kept))
}

fn chunklist(args: &Args<'_>) -> Result<Value, Refusal> {
    let list = args.value(0);
    let size = args.number(1);
    if size.is_negative() {
        return Err(Refusal::call("the size argument must be positive"));
    }
    let size = size.to_u64().ok_or_else(|| {
        Refusal::call(
            "invalid size: value must be a whole number, between -9223372036854775808 and 9223372036854775807",
        )
    })?;
    let items = args.items(0);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let size = if size == 0 { items.len().max(1) } else { size };
    let element = element_of(list);
    let chunks =
        items.chunks(size).map(|chunk| Value::list(element.clone(), chunk.to_vec())).collect();
    Ok(Value::list(Type::list(element.clone()), chunks))
}

fn index(args: &Args<'_>) -> Result<Value, Refusal> {
    let list = args.value(0);
    if !matches!(list.kind(), Kind::List(_) | Kind::Tuple(_)) {
        return Err(Refusal::call("argument must be a list or tuple"));
    }
    let items = args.items(0);
    if items.is_empty() {
        return Err(Refusal::call("cannot search an empty list"));
    }
    for (at, item) in items.iter().enumerate() {
        let equal = item.equals(args.value(1));
        match equal.as_bool() {
            Some(true) => return Ok(Value::number(Number::from(at))),
            Some(false) => {}
            None => return Ok(Value::unknown(Type::Number, equal.causes_deep())),
        }
    }
    Err(Refusal::call("item not found"))
}

fn matchkeys(args: &Args<'_>) -> Result<Value, Refusal> {
    let (values, keys, wanted) = (args.items(0), args.items(1), args.items(2));
    if values.len() != keys.len() {
        return Err(Refusal::call("length of keys and values should be equal"));
    }
    let ty = element_of(args.value(0));
    let types = [element_of(args.value(1)), element_of(args.value(2))];
    let Some(common) = unify(&types) else {
        return Err(Refusal::call("keys and searchset must be of the same type"));
    };
    let converted = |item: &Value| convert(item, &common).unwrap_or_else(|_| item.clone());
    let wanted: HashSet<Value> = wanted.iter().map(converted).collect();
    let kept = values
        .iter()
        .zip(keys)
        .filter(|(_, key)| wanted.contains(&converted(key)))
        .map(|(value, _)| value.clone())
        .collect();
    Ok(Value::list(ty, kept))
}
