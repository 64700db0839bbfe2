//! `terraform_data`: keeps a value, and makes a new object where its triggers change.

use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Map, Type, Value};

use crate::chance::Draw;
use crate::row::{Draft, Hooks, Means, Provider, Resource, Ty, computed, optional};
use crate::{attributes, schema};

/// The provider that Terraform itself contains.
pub(crate) const PROVIDER: Provider =
    Provider { source: "builtin/terraform", versions: &["1.11.4"], resources: &[TERRAFORM_DATA] };

/// [Language: terraform_data](https://developer.hashicorp.com/terraform/language/resources/terraform-data).
const TERRAFORM_DATA: Resource = Resource {
    name: "terraform_data",
    version: 0,
    about: "Keeps a value in the state, and gives other resources something to be replaced with.",
    fields: &[
        optional("input", Ty::Any, "A value, returned by `output` once it is applied."),
        computed("output", Ty::Any, "The value of `input` at the last apply."),
        optional("triggers_replace", Ty::Any, "A value; where it changes, a new object is made.")
            .replaces(),
    ],
    hooks: Hooks {
        plan: Some(plan),
        change: Some(keep_input),
        import: Some(import),
        ..Hooks::new(make)
    },
};

/// `output` has the type of `input`: null with it in a new object, otherwise unknown where that changes.
/// That a change to null in place is unknown, too, is how Terraform plans it.
fn plan(draft: &mut Draft<'_>) {
    let Some(input) = draft.planned.get("input") else { return };
    if draft.is_new() && input.is_null() {
        let input = input.clone();
        attributes::set(&mut draft.planned, "output", input);
    } else if draft.is_new() || draft.changes("input") {
        let ty = input.ty();
        draft.forget("output", ty);
    }
}

fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let bytes = Draw::new(&*means.chance).bytes()?;
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().to_string();
    attributes::set(attributes, "id", Value::string(id));
    keep_input(means, attributes)
}

#[expect(clippy::unnecessary_wraps, reason = "a hook, and others can fail")]
fn keep_input(_means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let input = attributes.get("input").cloned().unwrap_or_else(|| Value::null(Type::Dynamic));
    attributes::set(attributes, "output", input);
    Ok(())
}

/// Any id will do, as in Terraform; only an empty one names nothing.
fn import(_means: &Means, id: &str) -> Result<Map, Diagnostics> {
    if id.is_empty() {
        return Err(schema::not_imported("The id is empty."));
    }
    Ok(Map::from([("id".into(), Value::string(id))]))
}
