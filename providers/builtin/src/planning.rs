//! Planning one instance from its row: defaults, what needs a new object, what is unknown.

use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{PlanReply, PlanRequest};
use terrarium_value::{Causes, Kind, Map, Refinements, Type, Unknown, Value};

use crate::row::{Draft, Field, Replace, Resource};
use crate::{attributes, codes};

/// Plans one instance.
pub(crate) fn plan(resource: &Resource, request: PlanRequest) -> PlanReply {
    if request.proposed.is_null() {
        return PlanReply::planned(request.proposed, Vec::new(), request.private);
    }
    let (Some(proposed), Some(config)) =
        (request.proposed.as_entries(), request.config.as_entries())
    else {
        let detail = format!("{} was to be planned without values.", request.addr);
        return PlanReply::refused(
            Diagnostic::error(codes::CONTRACT, "No values to plan").detail(detail),
        );
    };
    let prior = request.prior.as_ref().and_then(Value::as_entries);
    let mut draft = Draft { prior, config, planned: proposed.to_map(), replace: Vec::new() };
    set_defaults(resource, &mut draft);
    draft.replace = replacing(resource, &draft);
    if draft.is_new() {
        forget_computed(resource, &mut draft);
    }
    if let Some(plan) = resource.hooks.plan {
        plan(&mut draft);
    }
    PlanReply::planned(Value::object(draft.planned), draft.replace, request.private)
}

fn set_defaults(resource: &Resource, draft: &mut Draft<'_>) {
    for field in resource.fields {
        if attributes::is_null(draft.config, field.name)
            && let Some(value) = field.default.value()
        {
            attributes::set(&mut draft.planned, field.name, value);
        }
    }
    if let Some(defaults) = resource.hooks.defaults {
        defaults(draft.config, &mut draft.planned);
    }
}

fn replacing(resource: &Resource, draft: &Draft<'_>) -> Vec<AttrPath> {
    let Some(prior) = draft.prior else { return Vec::new() };
    let needs = |field: &&Field| match field.replace {
        Replace::Never => false,
        Replace::Changed => draft.changes(field.name),
        Replace::Entries => entries_change(prior.get(field.name), draft.planned.get(field.name)),
    };
    resource.fields.iter().filter(needs).map(|field| AttrPath::attr(field.name)).collect()
}

fn entries_change(before: Option<&Value>, after: Option<&Value>) -> bool {
    if after.is_some_and(|after| !after.is_known()) {
        return true;
    }
    let kept = |value: Option<&Value>| -> Map {
        let entries = value.and_then(Value::as_entries).into_iter().flatten();
        entries
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let (before, after) = (kept(before), kept(after));
    before.len() != after.len()
        || before
            .iter()
            .zip(&after)
            .any(|((key, one), (other_key, other))| key != other_key || !one.same(other))
}

/// A new object's computed attributes are unknown, but for those that are configured or have a default.
fn forget_computed(resource: &Resource, draft: &mut Draft<'_>) {
    for field in resource.fields {
        let given =
            !attributes::is_null(draft.config, field.name) || field.default.value().is_some();
        if field.presence.is_computed() && !given {
            forget(draft, field.name, field.ty.to_type());
        }
    }
    forget(draft, "id", Type::String);
}

/// What the engine already wrote into an unknown stays: its causes may say more. Where none is named, the engine
/// names this instance.
fn forget(draft: &mut Draft<'_>, name: &str, ty: Type) {
    let causes = match draft.planned.get(name).map(Value::kind) {
        Some(Kind::Unknown(unknown)) if !unknown.causes.is_empty() => unknown.causes.clone(),
        _ => Causes::NONE,
    };
    let refinements = Refinements { not_null: true, ..Refinements::default() };
    attributes::set(&mut draft.planned, name, Value::refined(Unknown { ty, refinements, causes }));
}
