//! YAML.

mod decode;
mod encode;

use terrarium_value::Value;

use super::{ANY, Args, Function, Refusal, STRING, any, function, string};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "yamlencode",
        &[any("value").nullable().dynamic().deep()],
        STRING,
        yamlencode,
        "Returns `value` as YAML.",
    ),
    function(
        "yamldecode",
        &[string("src")],
        ANY,
        yamldecode,
        "Returns the value that the YAML text `src` describes.",
    ),
];

fn yamlencode(args: &Args<'_>) -> Result<Value, Refusal> {
    Ok(Value::string(encode::document(args.value(0))))
}

fn yamldecode(args: &Args<'_>) -> Result<Value, Refusal> {
    decode::document(args.str(0)).map_err(Refusal::Call)
}
