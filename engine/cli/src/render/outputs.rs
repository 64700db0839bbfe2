//! Outputs as `terraform output` shows them, and a state as `terraform show` does.

use std::collections::BTreeMap;
use std::fmt::Write;

use terrarium_address::{AttrPath, Mode, Name};
use terrarium_core::OutputChange;
use terrarium_provider::{Block, Schema};
use terrarium_state::{Object, ObjectStatus, OutputValue, State};
use terrarium_value::{Marks, Type, Value, json, render};

use super::diff::{Differ, Sides};
use super::instant::Times;
use super::paint::bold;
use super::text::{self, Look};

/// Decodes the recorded value of an output; dynamic null where it cannot be read.
pub(crate) fn output_value(output: &OutputValue) -> Value {
    let ty = json::type_from_json(&output.ty).unwrap_or(Type::Dynamic);
    let value = json::from_typed(&output.value, &ty).unwrap_or_else(|_| Value::null(Type::Dynamic));
    if output.sensitive { value.marked(Marks::SENSITIVE) } else { value }
}

/// Returns `name = value` lines; sensitive values are hidden.
pub fn outputs<'a>(values: impl IntoIterator<Item = (&'a str, Value, bool)>) -> String {
    let mut out = String::new();
    for (name, value, sensitive) in values {
        if sensitive {
            let _infallible = writeln!(out, "{name} = <sensitive>");
        } else {
            let _infallible = writeln!(out, "{name} = {}", render(&value));
        }
    }
    out
}

/// Returns a line for each output that is known only later: `ip = (known after 8 Mar 09:00 EST)`.
pub(crate) fn later(outputs: &BTreeMap<Name, OutputChange>, times: &Times) -> String {
    let mut out = String::new();
    for (name, output) in outputs.iter().filter(|(_, output)| !output.after.is_wholly_known()) {
        let when = text::known_after(output.after.causes_deep().when(), Some(times));
        let _infallible = writeln!(out, "{name} = {when}");
    }
    out
}

/// Finds the schema of a resource type: mode, provider as the state writes it, type.
pub type SchemaOf<'a> = &'a dyn Fn(Mode, &str, &str) -> Option<std::sync::Arc<Schema>>;

/// Returns a whole state as text.
pub fn state(state: &State, schema_of: SchemaOf<'_>, times: &Times) -> String {
    if state.resources.is_empty() && state.outputs.is_empty() {
        return "The state file is empty. No resources are represented.\n".to_owned();
    }
    let mut out = String::new();
    for (addr, instance) in &state.resources {
        let schema = schema_of(addr.block.mode, &instance.provider, &addr.block.kind);
        for (deposed, object) in objects(instance) {
            let note = match (deposed, object.status) {
                (Some(key), _) => format!(" (deposed object {key})"),
                (None, ObjectStatus::Tainted) => " (tainted)".to_owned(),
                (None, ObjectStatus::Unprovisioned) => " (not provisioned)".to_owned(),
                (None, ObjectStatus::Ready) => String::new(),
            };
            let note = format!("{note}{}", ended(object, times));
            let _infallible = writeln!(out, "{}", bold(&format!("# {addr}:{note}")));
            write_object(&mut out, addr, object, schema.as_deref());
            out.push('\n');
        }
    }
    if !state.outputs.is_empty() {
        out.push_str("\nOutputs:\n\n");
        for (name, output) in &state.outputs {
            let value = output_value(output);
            let diff = Differ { replace: &[] }.free(Sides::new(&value, &value), &AttrPath::root());
            let _infallible = write!(out, "{} = ", text::attribute_name(name));
            text::write(&mut out, &diff, 0, Look::STATE);
            out.push('\n');
        }
    }
    out
}

/// Says since when an object is ended, and with what: nothing where it is not.
pub(crate) fn ended(object: &Object, times: &Times) -> String {
    let Some(ended) = &object.ended else { return String::new() };
    let with = ended.with.as_ref().map(|addr| format!(" with {addr}")).unwrap_or_default();
    format!(" (ended {}{with})", times.both(ended.at))
}

fn objects(instance: &terrarium_state::Instance) -> impl Iterator<Item = (Option<&str>, &Object)> {
    let current = instance.current.iter().map(|object| (None, object));
    current.chain(instance.deposed.iter().map(|(key, object)| (Some(&**key), object)))
}

/// Writes one recorded object as a block.
pub(crate) fn write_object(
    out: &mut String,
    addr: &terrarium_address::ResourceAddr,
    object: &Object,
    schema: Option<&Schema>,
) {
    let block = &addr.block;
    let word = if block.mode == Mode::Data { "data" } else { "resource" };
    let _infallible = write!(out, "{word} \"{}\" \"{}\" ", block.kind, block.name);
    let (value, known) = object_value(object, schema);
    let differ = Differ { replace: &[] };
    let sides = Sides::new(&value, &value);
    let diff = match known {
        Some(schema) => differ.block(sides, schema, &AttrPath::root()),
        None => differ.free(sides, &AttrPath::root()),
    };
    text::write(out, &diff, 0, Look::STATE);
    out.push('\n');
}

/// Decodes an object's values with its schema; without one that fits, as they stand.
pub(crate) fn object_value<'a>(
    object: &Object,
    schema: Option<&'a Schema>,
) -> (Value, Option<&'a Block>) {
    let typed = schema.and_then(|schema| {
        let value = json::from_typed(&object.attributes, &schema.block.ty()).ok()?;
        Some((value, &schema.block))
    });
    let (value, block) = if let Some((value, block)) = typed {
        (value, Some(block))
    } else {
        let value = json::decode(&object.attributes);
        (value.unwrap_or_else(|_| Value::null(Type::Dynamic)), None)
    };
    let value = value.mark_paths(&object.sensitive, Marks::SENSITIVE);
    (block.map_or_else(|| value.clone(), |block| mark_by_schema(&value, block)), block)
}

/// Marks what the schema calls sensitive.
pub(crate) fn mark_by_schema(value: &Value, block: &Block) -> Value {
    value.transform(&mut |path, part| {
        let sensitive = block.attribute_at(path).is_some_and(|attribute| attribute.sensitive);
        if sensitive && !part.is_null() { part.marked(Marks::SENSITIVE) } else { part }
    })
}
