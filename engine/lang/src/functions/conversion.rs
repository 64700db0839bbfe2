//! Conversions of type, and marks.

use terrarium_value::{Kind, Marks, Type, Value, convert};

use super::{ANY, Args, BOOL, Body, Function, Refusal, Returns, any, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "tostring",
        &[any("v").nullable().unknown().marked()],
        ANY,
        |args| to(args, &Type::String),
        "Converts `v` to a string.",
    ),
    function(
        "tonumber",
        &[any("v").nullable().unknown().marked()],
        ANY,
        |args| to(args, &Type::Number),
        "Converts `v` to a number.",
    ),
    function(
        "tobool",
        &[any("v").nullable().unknown().marked()],
        ANY,
        |args| to(args, &Type::Bool),
        "Converts `v` to a bool.",
    ),
    function(
        "tolist",
        &[any("v").nullable().unknown().marked()],
        ANY,
        |args| to(args, &Type::list(Type::Dynamic)),
        "Converts `v` to a list; its elements get a common type.",
    ),
    function(
        "toset",
        &[any("v").nullable().unknown().marked()],
        ANY,
        |args| to(args, &Type::set(Type::Dynamic)),
        "Converts `v` to a set; duplicates are dropped.",
    ),
    function(
        "tomap",
        &[any("v").nullable().unknown().marked()],
        ANY,
        |args| to(args, &Type::map(Type::Dynamic)),
        "Converts `v` to a map; its values get a common type.",
    ),
    function(
        "sensitive",
        &[any("value").nullable().unknown().marked()],
        ANY,
        sensitive,
        "Returns `value`, marked as sensitive: it is not shown.",
    ),
    function(
        "nonsensitive",
        &[any("value").nullable().unknown().marked()],
        ANY,
        nonsensitive,
        "Returns `value` without its mark as sensitive; for values known to be harmless.",
    ),
    function(
        "issensitive",
        &[any("value").nullable().unknown().marked()],
        BOOL,
        issensitive,
        "Whether `value` is marked as sensitive.",
    ),
    function(
        "ephemeralasnull",
        &[any("value").nullable().unknown().marked()],
        ANY,
        ephemeralasnull,
        "Returns `value` with null in place of all that is ephemeral.",
    ),
    Function {
        name: "try",
        params: &[],
        variadic: Some(any("expressions")),
        doc: "Returns the value of the first of the `expressions` that has one.",
        returns: Returns::Fixed(super::Want::Any),
        body: Body::Try,
    },
    Function {
        name: "can",
        params: &[any("expression")],
        variadic: None,
        doc: "Whether `expression` can be evaluated without an error.",
        returns: BOOL,
        body: Body::Can,
    },
    Function {
        name: "type",
        params: &[any("value")],
        variadic: None,
        doc: "Returns the type of `value`; in the console only, and only as the outermost call.",
        returns: ANY,
        body: Body::Type,
    },
];

fn to(args: &Args<'_>, ty: &Type) -> Result<Value, Refusal> {
    let value = args.value(0);
    let converted = convert(value, ty).map_err(|_| {
        let (given, wanted) = (value.ty().friendly_name(), ty.friendly_name());
        let rule = match ty {
            Type::Bool => "only the strings \"true\" or \"false\" are allowed",
            _ => "given string must be a decimal representation of a number",
        };
        let why = match value.as_str() {
            Some(_) if ty.is_primitive() && value.marks().contains(Marks::SENSITIVE) => {
                format!("cannot convert this sensitive string to {wanted}")
            }
            Some(text) if ty.is_primitive() => {
                format!("cannot convert {text:?} to {wanted}; {rule}")
            }
            _ => format!("cannot convert {given} to {wanted}"),
        };
        Refusal::argument(0, why)
    })?;
    if let (Kind::Unknown(unknown), false) = (value.kind(), ty.is_primitive()) {
        // The elements' type is chosen once they are known.
        return Ok(Value::unknown(ty.clone(), unknown.causes.clone()).marked(value.marks()));
    }
    Ok(converted)
}

fn sensitive(args: &Args<'_>) -> Result<Value, Refusal> {
    Ok(args.value(0).clone().marked(Marks::SENSITIVE))
}

fn nonsensitive(args: &Args<'_>) -> Result<Value, Refusal> {
    let value = args.value(0).clone();
    let marks = value.marks();
    if marks.contains(Marks::SENSITIVE)
        && let Some(freed) = &args.environment().freed
    {
        freed(&value);
    }
    Ok(value.unmarked().marked(marks.without(Marks::SENSITIVE)))
}

fn issensitive(args: &Args<'_>) -> Result<Value, Refusal> {
    let value = args.value(0);
    if value.marks().contains(Marks::SENSITIVE) {
        return Ok(Value::bool(true));
    }
    if value.is_known() {
        return Ok(Value::bool(false));
    }
    Ok(Value::unknown(Type::Bool, value.causes_deep()))
}

fn ephemeralasnull(args: &Args<'_>) -> Result<Value, Refusal> {
    Ok(args.value(0).transform(&mut |_, value| {
        if value.marks().contains(Marks::EPHEMERAL) { Value::null(value.ty()) } else { value }
    }))
}
