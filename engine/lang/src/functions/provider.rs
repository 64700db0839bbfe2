//! The functions of the built-in provider `terraform`: values to and from the language's own notation.

use std::fmt::Write as _;
use std::sync::Arc;

use hcl_edit::structure::Structure;
use terrarium_address::quote;
use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_value::{Entries, Kind, Map, Value};

use super::{ANY, Args, Function, Refusal, STRING, any, function, string};
use crate::config::literal;
use crate::origin::Origin;

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "provider::terraform::encode_tfvars",
        &[any("value").deep()],
        STRING,
        encode_tfvars,
        "Returns the attributes of the object `value` as the text of a `.tfvars` file.",
    ),
    function(
        "provider::terraform::decode_tfvars",
        &[string("src")],
        ANY,
        decode_tfvars,
        "Returns the values that the text `src` of a `.tfvars` file gives, as an object.",
    ),
    function(
        "provider::terraform::encode_expr",
        &[any("value").nullable().dynamic().deep()],
        STRING,
        encode_expr,
        "Returns an expression whose value is `value`.",
    ),
];

fn encode_expr(args: &Args<'_>) -> Result<Value, Refusal> {
    let mut out = String::new();
    expression(args.value(0), 0, &mut out);
    Ok(Value::string(out))
}

fn encode_tfvars(args: &Args<'_>) -> Result<Value, Refusal> {
    let entries = args.value(0).as_entries().ok_or_else(|| {
        Refusal::call(
            "invalid value to encode: must be an object whose attribute names will become the encoded variable names",
        )
    })?;
    if let Some(wrong) = entries.keys().find(|name| !is_identifier(name)) {
        let why = format!(
            "invalid variable name {:?}: must be a valid identifier, per Terraform's rules for input variable declarations",
            &**wrong
        );
        return Err(Refusal::call(why));
    }
    let mut out = String::new();
    items(entries, 0, &mut out);
    Ok(Value::string(out))
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn indent(depth: usize, out: &mut String) {
    (0..depth).for_each(|_| out.push_str("  "));
}

fn expression(value: &Value, depth: usize, out: &mut String) {
    match value.kind() {
        Kind::Null(_) | Kind::Unknown(_) => out.push_str("null"),
        Kind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Kind::Number(number) => out.push_str(&number.to_string()),
        Kind::String(text) => out.push_str(&quote(text)),
        Kind::List(parts) | Kind::Set(parts) | Kind::Tuple(parts) => {
            out.push('[');
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                expression(part, depth, out);
            }
            out.push(']');
        }
        Kind::Map(entries) | Kind::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Kind::Map(entries) | Kind::Object(entries) => {
            out.push_str("{\n");
            items(entries, depth + 1, out);
            indent(depth, out);
            out.push('}');
        }
    }
}

/// Writes `name = value` lines; the equals signs of neighbours that take one line each are aligned.
fn items(entries: &Entries, depth: usize, out: &mut String) {
    let lines: Vec<(String, String)> = entries
        .iter()
        .map(|(name, value)| {
            let mut text = String::new();
            expression(value, depth, &mut text);
            (if is_identifier(name) { name.to_string() } else { quote(name) }, text)
        })
        .collect();
    for group in lines.chunk_by(|before, after| !before.1.contains('\n') && !after.1.contains('\n'))
    {
        let width = group.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, text) in group {
            indent(depth, out);
            let _ = writeln!(out, "{name:width$} = {text}");
        }
    }
}

fn decode_tfvars(args: &Args<'_>) -> Result<Value, Refusal> {
    let text: Arc<str> = args.str(0).into();
    let mut sources = Sources::default();
    let file = sources.add_text("<decode_tfvars argument>", text.clone());
    let body = hcl_edit::parser::parse_body(&text)
        .map_err(|error| Refusal::call(format!("invalid tfvars syntax: {}", error.message())))?;
    let origin = Origin { file, offset: 0, text };
    let mut entries = Map::new();
    for structure in &body {
        let Structure::Attribute(attribute) = structure else {
            return Err(Refusal::call("invalid tfvars syntax: blocks are not allowed here"));
        };
        let name = attribute.key.as_str();
        let mut diags = Diagnostics::new();
        let value = literal::value(&attribute.value, &origin, &mut diags).ok_or_else(|| {
            let why = super::template::first_error(&diags, &sources, file).unwrap_or_default();
            Refusal::call(format!("invalid expression for variable {name:?}: {why}"))
        })?;
        entries.insert(name.into(), value);
    }
    Ok(Value::object(entries))
}
