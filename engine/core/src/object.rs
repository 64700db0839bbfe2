//! Recorded objects and values: the JSON of the store, read and written by the schema's type.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;
use terrarium_address::{AttrPath, PathStep, ResourceAddr};
use terrarium_provider::{Attribute, Block, Nesting, Private, Schema};
use terrarium_state::{Object, ObjectStatus};
use terrarium_value::{Kind, Marks, Value, When, json};

use crate::paths::fits;

/// Reads an object's values; sensitive parts are marked.
///
/// The error is one line for a diagnostic: what does not fit, and where.
pub(crate) fn read(object: &Object, schema: &Schema) -> Result<Value, String> {
    let value = json::from_typed(&without_retired(&object.attributes, schema), &schema.block.ty())
        .map_err(|error| error.to_string())?;
    let value = value.mark_paths(&object.sensitive, Marks::SENSITIVE);
    Ok(mark_sensitive(value, &schema.block))
}

/// Leaves out what another version of the provider had; everything else stays as it is written.
fn without_retired<'a>(attributes: &'a str, schema: &Schema) -> Cow<'a, str> {
    let retired = &schema.block.retired;
    if retired.keys().all(|name| !attributes.contains(&**name)) {
        return attributes.into();
    }
    let Ok(mut all) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(attributes) else {
        return attributes.into();
    };
    all.retain(|name, _| !retired.contains_key(name.as_str()));
    serde_json::to_string(&all).map_or(attributes.into(), Cow::from)
}

/// Writes values as an object.
pub(crate) fn write(value: &Value, schema: &Schema, private: Private) -> Result<Object, String> {
    let sensitive = value.paths_with_mark(Marks::SENSITIVE);
    let bare = value.clone().unmarked_deep();
    let attributes =
        json::to_typed(&bare, &schema.block.ty()).map_err(|error| error.to_string())?;
    Ok(Object {
        attributes: attributes.into(),
        schema_version: schema.version,
        sensitive,
        private,
        status: ObjectStatus::Ready,
        ..Object::default()
    })
}

/// Returns an object's id, where its values have one that is known.
pub(crate) fn id_of(value: &Value) -> Option<String> {
    value.get("id")?.as_str().map(str::to_owned)
}

/// Marks what the schema says is sensitive.
pub(crate) fn mark_sensitive(value: Value, block: &Block) -> Value {
    let paths = sensitive_paths(block);
    if paths.is_empty() { value } else { mark_patterns(&value, &paths) }
}

/// Lists the paths of sensitive attributes; elements of nested blocks as [`PathStep::AnyElement`].
fn sensitive_paths(block: &Block) -> Vec<AttrPath> {
    let mut found = Vec::new();
    collect_sensitive(block, &AttrPath::root(), &mut found);
    found
}

fn collect_sensitive(block: &Block, at: &AttrPath, found: &mut Vec<AttrPath>) {
    let secret = |attribute: &Attribute| attribute.sensitive;
    found.extend(
        block
            .attributes
            .iter()
            .filter(|(_, attribute)| secret(attribute))
            .map(|(name, _)| at.with(PathStep::Attr(name.clone()))),
    );
    for (name, nested) in &block.blocks {
        let inner = at.with(PathStep::Attr(name.clone()));
        let inner = match nested.nesting {
            Nesting::Single | Nesting::Group => inner,
            Nesting::List | Nesting::Set | Nesting::Map => inner.with(PathStep::AnyElement),
        };
        collect_sensitive(&nested.block, &inner, found);
    }
}

fn mark_patterns(value: &Value, patterns: &[AttrPath]) -> Value {
    if patterns.is_empty() {
        return value.clone();
    }
    value.transform(&mut |path: &AttrPath, part: Value| {
        if !part.is_null() && patterns.iter().any(|pattern| fits(pattern, path)) {
            part.marked(Marks::SENSITIVE)
        } else {
            part
        }
    })
}

/// Makes the values that are only known from an instant on unknown until then.
pub(crate) fn mask_late(
    value: &Value,
    schema: &Schema,
    addr: &ResourceAddr,
    from: Timestamp,
) -> Value {
    if schema.late.is_empty() {
        return value.clone();
    }
    let causes = crate::fate::causes(addr, When::At(from));
    value.transform(&mut |path: &AttrPath, part: Value| {
        if schema.late.iter().any(|pattern| fits(pattern, path)) {
            Value::unknown(part.ty(), causes.clone()).marked(part.marks())
        } else {
            part
        }
    })
}

/// What is not known yet of an object that exists is stored as null.
pub(crate) fn nulled(value: &Value) -> Value {
    value.clone().transform(&mut |_: &AttrPath, part: Value| match part.kind() {
        Kind::Unknown(unknown) => Value::null(unknown.ty.clone()),
        _ => part,
    })
}

/// Fills what a read can't tell from what was planned.
pub(crate) fn completed(read: Value, planned: Option<&Value>) -> Value {
    let (Kind::Object(found), Some(planned)) = (read.kind(), planned) else { return read };
    let merged = found.iter().map(|(name, value)| {
        let wanted = planned.get(name).filter(|wanted| value.is_null() && wanted.is_wholly_known());
        (name.clone(), wanted.unwrap_or(value).clone())
    });
    Value::object_of(merged)
}
