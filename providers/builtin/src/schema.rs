//! Schemas and checks, made from rows.

use terrarium_address::AttrPath;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{Attribute, Block, Effect, Presence, Schema};
use terrarium_value::{Entries, Type, Value};

use crate::codes;
use crate::row::{Check, Field, Resource};
use crate::time::Moment;

/// Builds the schema of a resource type.
pub(crate) fn schema(resource: &Resource) -> Schema {
    let id =
        Attribute { description: "The object's id.".into(), ..Attribute::computed(Type::String) };
    let attributes = resource
        .fields
        .iter()
        .map(|field| (field.name.into(), attribute(field)))
        .chain([("id".into(), id)])
        .collect();
    let block = Block { attributes, description: resource.about.into(), ..Block::default() };
    Schema { version: resource.version, block, effect: Effect::Local, ..Schema::default() }
}

fn attribute(field: &Field) -> Attribute {
    Attribute {
        ty: field.ty.to_type(),
        presence: field.presence,
        sensitive: field.sensitive,
        write_only: false,
        description: field.doc.into(),
        deprecated: field.deprecated.map(str::to_owned),
    }
}

/// Checks a configuration beyond its types; unknown values pass.
pub(crate) fn check(resource: &Resource, config: &Entries) -> Diagnostics {
    let mut diagnostics: Diagnostics = resource
        .fields
        .iter()
        .filter(|field| field.presence != Presence::Computed)
        .filter_map(|field| check_field(field, config.get(field.name)?))
        .collect();
    if let Some(check) = resource.hooks.check {
        diagnostics.extend(check(config));
    }
    diagnostics
}

fn check_field(field: &Field, value: &Value) -> Option<Diagnostic> {
    let name = field.name;
    let complaint = match field.check {
        Check::None => None,
        Check::AtLeast(least) => {
            let number = value.as_number()?;
            let fits = number.to_i64().is_some_and(|number| number >= least);
            (!fits)
                .then(|| format!("Attribute {name} value must be at least {least}, got: {number}"))
        }
        Check::Rfc3339 => {
            let text = value.as_str()?;
            Moment::parse(text).err().map(|why| {
                format!(
                    "Attribute {name} is no time in RFC 3339, such as 2026-03-02T09:00:00Z: {why}"
                )
            })
        }
    };
    complaint.map(|detail| invalid(name, detail))
}

/// An argument's value that can't be used.
pub(crate) fn invalid(name: &str, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::INVALID, "Invalid Attribute Value")
        .detail(detail)
        .path(AttrPath::attr(name))
}

/// Arguments that do not go together.
pub(crate) fn combination(detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::COMBINATION, "Invalid Attribute Combination").detail(detail)
}

/// An id that can't be imported.
pub(crate) fn not_imported(detail: impl Into<String>) -> Diagnostics {
    Diagnostic::error(codes::IMPORT, "Cannot import").detail(detail).into()
}
