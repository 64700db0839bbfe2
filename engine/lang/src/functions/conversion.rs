//! Conversions of type, and marks.

use terrarium_value::{Marks, Type, Value, convert};

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
    function(
        "type",
        &[any("value").nullable().unknown().marked()],
        ANY,
        type_function,
        "Returns the type of `value`; in the console only, and only as the outermost call.",
    ),
];

fn to(args: &Args<'_>, ty: &Type) -> Result<Value, Refusal> {
    let value = args.value(0);
    convert(value, ty).map_err(|error| {
        let given = value.ty();
        if error.path.0.is_empty() && value.as_str().is_some() && ty.is_primitive() {
            let shown = value.as_str().unwrap_or_default();
            let what = if *ty == Type::Bool {
                "a bool; only \"true\" or \"false\" are allowed".to_owned()
            } else {
                "a number; given string must be a decimal representation of a number".to_owned()
            };
            let _ = shown;
            return Refusal::argument(
                0,
                format!("cannot convert {:?} to {what}", value.as_str().unwrap_or_default()),
            );
        }
        Refusal::argument(
            0,
            format!("cannot convert {} to {}", given.friendly_name(), ty.friendly_name()),
        )
    })
}

fn sensitive(args: &Args<'_>) -> Result<Value, Refusal> {
    Ok(args.value(0).clone().marked(Marks::SENSITIVE))
}

fn nonsensitive(args: &Args<'_>) -> Result<Value, Refusal> {
    let value = args.value(0).clone();
    let marks = value.marks();
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

fn type_function(_: &Args<'_>) -> Result<Value, Refusal> {
    Err(Refusal::call("The console-only \"type\" function cannot be used as part of an expression"))
}
