//! A plan as `show -json` writes it: Terraform's format 1.2.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use terrarium_address::{AttrPath, PathStep, ResourceAddr};
use terrarium_core::{ActionReason, Plan, PlannedAction, ReplaceOrder, ResourceChange};
use terrarium_value::{Value, json as codec};

use super::resource::{self, Module, Place, Resource};
use super::time::{self, Told};
use super::value::{Secrets, sensitive_shape, text, unknown_shape};
use super::{TERRAFORM_VERSION, raw};
use crate::render::outputs::mark_by_schema;

/// A plan.
#[derive(Debug, Serialize)]
pub struct Twin {
    format_version: &'static str,
    terraform_version: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<String, Variable>,
    planned_values: StateValues,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_drift: Vec<Changed>,
    resource_changes: Vec<Changed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deferred_changes: Vec<Deferred>,
    output_changes: BTreeMap<String, Change>,
    prior_state: PriorState,
    configuration: Configuration,
    timestamp: String,
    applyable: bool,
    complete: bool,
    errored: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    terrarium: Option<Told>,
}

/// What a reader wants to see of a plan.
#[derive(Clone, Debug)]
pub struct View {
    /// Whether sensitive values are written.
    pub secrets: Secrets,
    /// Where deferred changes are listed.
    pub deferred: Listing,
    /// The timeline, as its own twin.
    pub timeline: Option<Box<RawValue>>,
}

/// Where deferred changes are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Listing {
    /// In `deferred_changes` alone, as Terraform does.
    Apart,
    /// In `resource_changes` and `planned_values`, too.
    Inline,
}

#[derive(Debug, Serialize)]
struct Variable {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
struct StateValues {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, Output>,
    root_module: Module,
}

#[derive(Debug, Serialize)]
struct PriorState {
    format_version: &'static str,
    terraform_version: &'static str,
    values: StateValues,
}

/// Where the configuration would stand: a plan file keeps its hash only.
#[derive(Debug, Serialize)]
struct Configuration {
    root_module: Empty,
}

#[derive(Debug, Serialize)]
struct Empty {}

#[derive(Debug, Serialize)]
struct Output {
    sensitive: bool,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    ty: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
struct Changed {
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<String>,
    change: Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_reason: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Deferred {
    reason: &'static str,
    resource_change: Changed,
}

#[derive(Debug, Serialize)]
struct Change {
    actions: Vec<&'static str>,
    before: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Box<RawValue>>,
    after_unknown: Box<RawValue>,
    before_sensitive: Box<RawValue>,
    after_sensitive: Box<RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replace_paths: Vec<Vec<Step>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    importing: Option<Importing>,
}

#[derive(Debug, Serialize)]
struct Importing {
    id: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Step {
    Name(String),
    Index(u64),
}

/// Converts a plan as Terraform lists it.
pub fn twin(plan: &Plan, secrets: Secrets) -> Twin {
    view(plan, &View { secrets, deferred: Listing::Apart, timeline: None })
}

/// Converts a plan as a reader wants to see it.
pub fn view(plan: &Plan, view: &View) -> Twin {
    let secrets = view.secrets;
    let mut listed: Vec<&ResourceChange> = plan.changes.iter().collect();
    if view.deferred == Listing::Inline {
        listed.extend(plan.deferred.iter().filter(|one| one.can_come()).map(|one| &one.change));
        listed.sort_by(|a, b| a.addr.cmp(&b.addr));
    }
    let changes: Vec<Changed> = listed.iter().map(|change| changed(change, secrets)).collect();
    Twin {
        format_version: "1.2",
        terraform_version: TERRAFORM_VERSION,
        variables: plan
            .variables
            .iter()
            .map(|(name, value)| {
                (name.to_string(), Variable { value: text(value, secrets).map(raw) })
            })
            .collect(),
        planned_values: StateValues {
            outputs: outputs(plan, |output| &output.after, secrets),
            root_module: planned(&listed, secrets),
        },
        resource_drift: plan.drift.iter().map(|change| changed(change, secrets)).collect(),
        resource_changes: changes,
        deferred_changes: plan
            .deferred
            .iter()
            .map(|deferred| Deferred {
                reason: deferred.code(),
                resource_change: changed(&deferred.change, secrets),
            })
            .collect(),
        output_changes: plan
            .outputs
            .iter()
            .map(|(name, output)| (name.to_string(), output_change(output, secrets)))
            .collect(),
        prior_state: PriorState {
            format_version: "1.0",
            terraform_version: TERRAFORM_VERSION,
            values: StateValues {
                outputs: outputs(plan, |output| &output.before, secrets),
                root_module: prior(plan, secrets),
            },
        },
        configuration: Configuration { root_module: Empty {} },
        timestamp: plan.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        applyable: !plan.errored
            && (plan.has_changes() || plan.has_unapproved() || !plan.drift.is_empty()),
        complete: plan.complete,
        errored: plan.errored,
        terrarium: time::told(plan, view.timeline.clone()),
    }
}

fn outputs(
    plan: &Plan,
    side: impl Fn(&terrarium_core::OutputChange) -> &Value,
    secrets: Secrets,
) -> BTreeMap<String, Output> {
    let shown = plan.outputs.iter().filter(|(_, output)| {
        let value = side(output);
        !value.is_null() || output.action == PlannedAction::NoOp
    });
    shown
        .map(|(name, output)| {
            let value = side(output);
            let hidden = output.sensitive && secrets == Secrets::Hide;
            // What is not wholly known has neither value nor type yet.
            let known = value.clone().unmarked_deep().is_wholly_known();
            let value_text = match (known, hidden) {
                (false, _) => None,
                (true, true) => Some("null".to_owned()),
                (true, false) => text(value, secrets),
            };
            let ty = value_text.is_some().then(|| raw(codec::type_to_json(&value.ty())));
            (
                name.to_string(),
                Output { sensitive: output.sensitive, ty, value: value_text.map(raw) },
            )
        })
        .collect()
}

/// Returns what exists before the plan: recorded objects as they were read, and data.
fn prior(plan: &Plan, secrets: Secrets) -> Module {
    let data = plan.data.iter().map(|data| {
        let value = mark_by_schema(&data.value, &data.schema.block);
        let twin = resource((&data.addr, &data.provider), data.schema.version, &value, secrets);
        (data.addr.block.module.clone(), twin)
    });
    let recorded = present(plan.changes.iter(), |change| &change.before).map(|change| {
        let twin = Resource {
            depends_on: resource::depends_on(&change.deps),
            ..changing(change, &change.before, secrets)
        };
        (change.addr.block.module.clone(), twin)
    });
    resource::tree(data.chain(recorded))
}

/// Returns what the plan says will exist.
fn planned(changes: &[&ResourceChange], secrets: Secrets) -> Module {
    resource::tree(
        present(changes.iter().copied(), |change| &change.after).map(|change| {
            (change.addr.block.module.clone(), changing(change, &change.after, secrets))
        }),
    )
}

/// Lists the changes of objects that exist on one side.
fn present<'a>(
    changes: impl Iterator<Item = &'a ResourceChange>,
    side: impl Fn(&ResourceChange) -> &Value,
) -> impl Iterator<Item = &'a ResourceChange> {
    changes.filter(move |change| !side(change).is_null() && change.deposed.is_none())
}

fn changing(change: &ResourceChange, value: &Value, secrets: Secrets) -> Resource {
    let value = marked(change, value);
    resource((&change.addr, &change.provider), change.schema.version, &value, secrets)
}

fn resource(
    (addr, provider): (&ResourceAddr, &str),
    schema_version: u64,
    value: &Value,
    secrets: Secrets,
) -> Resource {
    Resource {
        place: resource::place(addr, provider),
        schema_version,
        values: text(value, secrets).map(raw),
        sensitive_values: raw(sensitive_shape(value)),
        depends_on: Vec::new(),
        tainted: false,
        deposed_key: None,
        time: None,
    }
}

fn changed(change: &ResourceChange, secrets: Secrets) -> Changed {
    let (before, after) = (marked(change, &change.before), marked(change, &change.after));
    Changed {
        place: resource::place(&change.addr, &change.provider),
        previous_address: change.moved_from.as_ref().map(ResourceAddr::to_string),
        deposed: change.deposed.as_ref().map(ToString::to_string),
        change: Change {
            actions: actions(change.action),
            before: text(&before, secrets).map(raw),
            after: text(&after, secrets).map(raw),
            after_unknown: raw(whole(unknown_shape(&after))),
            before_sensitive: raw(sensitive_shape(&before)),
            after_sensitive: raw(sensitive_shape(&after)),
            replace_paths: change.requires_replace.iter().map(steps).collect(),
            importing: (*change.importing).clone().map(|id| Importing { id }),
        },
        action_reason: reason(change),
    }
}

fn marked(change: &ResourceChange, value: &Value) -> Value {
    mark_by_schema(value, &change.schema.block)
}

/// A resource that is gone has no unknown parts: Terraform writes an empty object.
fn whole(shape: String) -> String {
    if shape == "false" { "{}".to_owned() } else { shape }
}

fn output_change(output: &terrarium_core::OutputChange, secrets: Secrets) -> Change {
    let side = |value: &Value| {
        let hidden = output.sensitive && secrets == Secrets::Hide;
        if hidden { Some(raw("null".to_owned())) } else { text(value, secrets).map(raw) }
    };
    // Of an output Terraform tells only whether the whole is sensitive, or wholly known.
    let sensitive = || raw(output.sensitive.to_string());
    let after_unknown = if output.after.is_wholly_known() {
        "false".to_owned()
    } else {
        unknown_shape(&output.after)
    };
    Change {
        actions: actions(output.action),
        before: side(&output.before),
        after: side(&output.after),
        after_unknown: raw(after_unknown),
        before_sensitive: sensitive(),
        after_sensitive: sensitive(),
        replace_paths: Vec::new(),
        importing: None,
    }
}

pub(super) fn actions(action: PlannedAction) -> Vec<&'static str> {
    match action {
        PlannedAction::NoOp => vec!["no-op"],
        PlannedAction::Read => vec!["read"],
        PlannedAction::Create => vec!["create"],
        PlannedAction::Update => vec!["update"],
        PlannedAction::Replace(ReplaceOrder::DeleteFirst) => vec!["delete", "create"],
        PlannedAction::Replace(ReplaceOrder::CreateFirst) => vec!["create", "delete"],
        PlannedAction::Delete => vec!["delete"],
        PlannedAction::Forget => vec!["forget"],
    }
}

fn steps(path: &AttrPath) -> Vec<Step> {
    let step = |step: &PathStep| match step {
        PathStep::Attr(name) | PathStep::Key(name) => Some(Step::Name(name.to_string())),
        PathStep::Index(at) => Some(Step::Index(*at)),
        PathStep::AnyElement => None,
    };
    path.0.iter().filter_map(step).collect()
}

fn reason(change: &ResourceChange) -> Option<&'static str> {
    Some(match change.reason.as_ref()? {
        ActionReason::Tainted => "replace_because_tainted",
        ActionReason::Requested => "replace_by_request",
        ActionReason::TriggeredBy(_) => "replace_by_triggers",
        ActionReason::CannotUpdate => "replace_because_cannot_update",
        ActionReason::LenderEnds => "replace_because_lender_ends",
        ActionReason::NoBlock => "delete_because_no_resource_config",
        ActionReason::NoModule(_) => "delete_because_no_module",
        ActionReason::WrongRepetition => "delete_because_wrong_repetition",
        ActionReason::CountIndex => "delete_because_count_index",
        ActionReason::EachKey => "delete_because_each_key",
        ActionReason::Deposed => return None,
        ActionReason::ConfigUnknown => "read_because_config_unknown",
        ActionReason::DependencyPending => "read_because_dependency_pending",
    })
}
