//! The JSON twins of the plan's types: renaming a field inside must not break a saved plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use terrarium_address::{AttrPath, Mode as BlockMode, PathStep, ResourceAddr, Target};
use terrarium_provider::{Schedule, Schema, Window};
use terrarium_state::{Dep, InstanceSet};
use terrarium_value::{Value, from_snapshot, to_snapshot};

use super::SavedPlan;
use super::time::{DeferredTwin, TimeTwin};
use crate::draft::{DepTwin, Sets};
use crate::{
    ActionReason, DataResult, Mode, OpenAction, OutputChange, Plan, PlannedAction, ReplaceOrder,
    ResourceChange,
};

/// Finds a schema by provider, type, and whether it is a data source.
pub(super) type FindSchema<'f> = dyn Fn(&str, &str, bool) -> Option<Arc<Schema>> + 'f;

/// What twins name and do not hold.
pub(super) struct Shared<'f> {
    schema: &'f FindSchema<'f>,
    sets: Sets,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedTwin<C = Vec<ChangeTwin>> {
    sources: String,
    workspace: String,
    mode: String,
    changes: C,
    drift: Vec<ChangeTwin>,
    data: Vec<DataTwin>,
    outputs: BTreeMap<String, OutputTwin>,
    deferred: Vec<DeferredTwin>,
    lineage: String,
    serial: u64,
    changed: u64,
    variables: BTreeMap<String, String>,
    #[serde(default)]
    given_again: Vec<String>,
    targets: Vec<String>,
    complete: bool,
    errored: bool,
    at: Timestamp,
    /// Where each provider configuration acts.
    realms: BTreeMap<String, String>,
    /// Sets of instances that changes read, by their hash.
    sets: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    leftovers: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    under_way: Vec<OpenActionTwin>,
}

#[derive(Serialize, Deserialize)]
struct OpenActionTwin {
    addr: String,
    deposed: Option<String>,
    action: String,
    since: Timestamp,
}

impl OpenActionTwin {
    fn of(one: &OpenAction) -> Self {
        Self {
            addr: one.addr.to_string(),
            deposed: one.deposed.as_ref().map(ToString::to_string),
            action: action_name(one.action),
            since: one.since,
        }
    }

    fn restore(self) -> Result<OpenAction, String> {
        Ok(OpenAction {
            addr: resource(&self.addr)?,
            deposed: self.deposed.map(Into::into),
            action: action(&self.action)?,
            since: self.since,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ChangeTwin {
    addr: String,
    moved_from: Option<String>,
    deposed: Option<String>,
    provider: String,
    action: String,
    reason: Option<(String, String)>,
    before: String,
    after: String,
    requires_replace: Vec<Vec<StepTwin>>,
    create_first: bool,
    importing: Option<String>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    window: Option<(Timestamp, Option<Timestamp>)>,
    private: Option<String>,
    deps: Vec<DepTwin>,
    #[serde(default)]
    time: TimeTwin,
}

#[derive(Serialize, Deserialize)]
struct DataTwin {
    addr: String,
    provider: String,
    value: String,
    deps: Vec<DepTwin>,
}

#[derive(Serialize, Deserialize)]
struct OutputTwin {
    before: String,
    after: String,
    sensitive: bool,
    action: String,
    until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
enum StepTwin {
    Attr(String),
    Index(u64),
    Key(String),
    Any,
}

/// Changes that become twins one by one, while they are written: all of them at once would be a second plan.
pub(super) struct OneByOne<'p>(&'p [ResourceChange]);

impl Serialize for OneByOne<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(change_twin))
    }
}

impl<'p> SavedTwin<OneByOne<'p>> {
    pub(super) fn of(plan: &'p Plan, sources: &str, (workspace, changed): (&str, u64)) -> Self {
        let variables =
            plan.variables.iter().map(|(name, value)| (name.to_string(), to_snapshot(value)));
        Self {
            sources: sources.to_owned(),
            workspace: workspace.to_owned(),
            mode: MODES
                .iter()
                .find(|(mode, _)| *mode == plan.mode)
                .map_or("normal", |(_, name)| name)
                .to_owned(),
            changes: OneByOne(&plan.changes),
            drift: plan.drift.iter().map(change_twin).collect(),
            data: plan.data.iter().map(data_twin).collect(),
            outputs: plan
                .outputs
                .iter()
                .map(|(name, output)| (name.to_string(), output_twin(output)))
                .collect(),
            deferred: plan.deferred.iter().map(DeferredTwin::of).collect(),
            lineage: plan.lineage.to_string(),
            serial: plan.serial,
            changed,
            variables: variables.collect(),
            given_again: plan.given_again.iter().map(ToString::to_string).collect(),
            targets: plan.targets.iter().map(ToString::to_string).collect(),
            complete: plan.complete,
            errored: plan.errored,
            at: plan.at,
            realms: plan
                .realms
                .iter()
                .map(|(provider, realm)| (provider.to_string(), realm.to_string()))
                .collect(),
            sets: sets_of(plan),
            zone: plan.zone.as_deref().map(Into::into),
            leftovers: plan.leftovers.iter().map(ToString::to_string).collect(),
            under_way: plan.under_way.iter().map(OpenActionTwin::of).collect(),
        }
    }
}

impl SavedTwin {
    pub(super) fn restore(self, schema: &FindSchema<'_>) -> Result<SavedPlan, String> {
        let sets = self.sets.values().map(|members| {
            let members = members.iter().map(|addr| resource(addr));
            members.collect::<Result<InstanceSet, _>>().map(|set| (set.hash().clone(), set))
        });
        let find = &Shared { schema, sets: sets.collect::<Result<_, _>>()? };
        let changes = |twins: Vec<ChangeTwin>| {
            twins.into_iter().map(|twin| twin.restore(find)).collect::<Result<_, _>>()
        };
        let deferred = self.deferred.into_iter().map(|twin| twin.restore(find));
        let outputs =
            self.outputs.into_iter().map(|(name, twin)| Ok((name.into(), twin.restore()?)));
        let variables =
            self.variables.into_iter().map(|(name, text)| Ok((name.into(), value(&text)?)));
        let targets = self
            .targets
            .iter()
            .map(|text| text.parse::<Target>().map_err(|error| error.to_string()));
        let plan = Plan {
            mode: MODES
                .iter()
                .find(|(_, name)| *name == self.mode)
                .map(|(mode, _)| *mode)
                .ok_or("unknown mode")?,
            changes: changes(self.changes)?,
            drift: changes(self.drift)?,
            data: self.data.into_iter().map(|twin| twin.restore(find)).collect::<Result<_, _>>()?,
            outputs: outputs.collect::<Result<_, String>>()?,
            deferred: deferred.collect::<Result<_, String>>()?,
            lineage: self.lineage.into(),
            serial: self.serial,
            variables: variables.collect::<Result<_, String>>()?,
            given_again: self.given_again.into_iter().map(Into::into).collect(),
            targets: targets.collect::<Result<_, _>>()?,
            complete: self.complete,
            errored: self.errored,
            at: self.at,
            realms: self
                .realms
                .into_iter()
                .map(|(provider, realm)| (provider.into(), realm.into()))
                .collect(),
            zone: self.zone.map(Into::into),
            leftovers: self
                .leftovers
                .iter()
                .map(|addr| resource(addr))
                .collect::<Result<_, _>>()?,
            under_way: self
                .under_way
                .into_iter()
                .map(OpenActionTwin::restore)
                .collect::<Result<_, _>>()?,
        };
        let Self { sources, workspace, changed, .. } = self;
        Ok(SavedPlan { plan, sources, workspace, changed })
    }
}

const MODES: [(Mode, &str); 3] =
    [(Mode::Normal, "normal"), (Mode::Destroy, "destroy"), (Mode::RefreshOnly, "refresh-only")];

const ACTIONS: [(PlannedAction, &str); 8] = [
    (PlannedAction::NoOp, "no-op"),
    (PlannedAction::Read, "read"),
    (PlannedAction::Create, "create"),
    (PlannedAction::Update, "update"),
    (PlannedAction::Replace(ReplaceOrder::DeleteFirst), "delete-create"),
    (PlannedAction::Replace(ReplaceOrder::CreateFirst), "create-delete"),
    (PlannedAction::Delete, "delete"),
    (PlannedAction::Forget, "forget"),
];

fn action_name(action: PlannedAction) -> String {
    ACTIONS.iter().find(|(known, _)| *known == action).map_or("no-op", |(_, name)| name).to_owned()
}

fn action(name: &str) -> Result<PlannedAction, String> {
    let found = ACTIONS.iter().find(|(_, known)| *known == name).map(|(action, _)| *action);
    found.ok_or_else(|| format!("unknown action {name:?}"))
}

pub(super) fn change_twin(change: &ResourceChange) -> ChangeTwin {
    ChangeTwin {
        addr: change.addr.to_string(),
        moved_from: change.moved_from.as_ref().map(ToString::to_string),
        deposed: change.deposed.as_deref().map(Into::into),
        provider: change.provider.to_string(),
        action: action_name(change.action),
        reason: change.reason.as_ref().map(reason_twin),
        before: to_snapshot(&change.before),
        after: to_snapshot(&change.after),
        requires_replace: change.requires_replace.iter().map(path_twin).collect(),
        create_first: change.create_first,
        importing: (*change.importing).clone(),
        not_before: change.schedule.not_before,
        not_after: change.schedule.not_after,
        window: change.window.map(|window| (window.from(), window.until())),
        private: change.private.as_deref().map(|bytes| STANDARD.encode(bytes)),
        deps: change.deps.iter().map(DepTwin::of).collect(),
        time: TimeTwin::of(change),
    }
}

impl ChangeTwin {
    pub(super) fn restore(self, find: &Shared<'_>) -> Result<ResourceChange, String> {
        let addr = resource(&self.addr)?;
        let data = addr.block.mode == BlockMode::Data;
        let schema = (find.schema)(&self.provider, &addr.block.kind, data).ok_or_else(|| {
            format!("The provider of {addr} ({}) is not built in.", self.provider)
        })?;
        Ok(ResourceChange {
            moved_from: self.moved_from.as_deref().map(resource).transpose()?.into(),
            deposed: self.deposed.map(Into::into),
            provider: self.provider.into(),
            schema,
            action: action(&self.action)?,
            reason: self.reason.map(|reason| restore_reason(&reason)).transpose()?.into(),
            before: value(&self.before)?,
            after: value(&self.after)?,
            requires_replace: self.requires_replace.into_iter().map(path).collect(),
            create_first: self.create_first,
            importing: self.importing.into(),
            schedule: Schedule { not_before: self.not_before, not_after: self.not_after }.into(),
            window: self.window.and_then(|(from, until)| Window::new(from, until)).into(),
            private: self.private.map(|text| bytes(&text)).transpose()?,
            deps: deps(&self.deps, find)?,
            occupies: self.time.occupies()?.into(),
            fate: self.time.fate()?.into(),
            standing: self.time.standing().into(),
            keeps_old: self.time.keeps_old,
            approval: self.time.approval(),
            covers: self.time.covers().into(),
            notes: self.time.notes().into(),
            addr,
        })
    }
}

fn deps(twins: &[DepTwin], find: &Shared<'_>) -> Result<Vec<Dep>, String> {
    twins.iter().map(|twin| twin.restore(&find.sets)).collect()
}

/// Returns the sets that a plan's changes and data read, each once.
fn sets_of(plan: &Plan) -> BTreeMap<String, Vec<String>> {
    let deferred = plan.deferred.iter().map(|deferred| &deferred.change);
    let changes = plan.changes.iter().chain(&plan.drift).chain(deferred);
    let deps = changes.flat_map(|change| &change.deps);
    let mut sets = BTreeMap::new();
    for dep in deps.chain(plan.data.iter().flat_map(|data| &data.deps)) {
        if let Dep::Set(set) = dep
            && !sets.contains_key(&**set.hash())
        {
            let members = set.addrs().iter().map(ToString::to_string).collect();
            sets.insert(set.hash().to_string(), members);
        }
    }
    sets
}

fn data_twin(data: &DataResult) -> DataTwin {
    DataTwin {
        addr: data.addr.to_string(),
        provider: data.provider.to_string(),
        value: to_snapshot(&data.value),
        deps: data.deps.iter().map(DepTwin::of).collect(),
    }
}

impl DataTwin {
    fn restore(self, find: &Shared<'_>) -> Result<DataResult, String> {
        let addr = resource(&self.addr)?;
        let schema = (find.schema)(&self.provider, &addr.block.kind, true).ok_or_else(|| {
            format!("The provider of {addr} ({}) is not built in.", self.provider)
        })?;
        let deps = deps(&self.deps, find)?;
        Ok(DataResult {
            addr,
            provider: self.provider.into(),
            schema,
            value: value(&self.value)?,
            deps,
        })
    }
}

fn output_twin(output: &OutputChange) -> OutputTwin {
    OutputTwin {
        before: to_snapshot(&output.before),
        after: to_snapshot(&output.after),
        sensitive: output.sensitive,
        action: action_name(output.action),
        until: output.until,
    }
}

impl OutputTwin {
    fn restore(self) -> Result<OutputChange, String> {
        Ok(OutputChange {
            before: value(&self.before)?,
            after: value(&self.after)?,
            sensitive: self.sensitive,
            action: action(&self.action)?,
            until: self.until,
        })
    }
}

fn bytes(text: &str) -> Result<Arc<[u8]>, String> {
    STANDARD.decode(text).map(Into::into).map_err(|error| error.to_string())
}

fn value(text: &str) -> Result<Value, String> {
    from_snapshot(text).map_err(|error| error.to_string())
}

pub(super) fn resource(text: &str) -> Result<ResourceAddr, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn path_twin(path: &AttrPath) -> Vec<StepTwin> {
    path.0
        .iter()
        .map(|step| match step {
            PathStep::Attr(name) => StepTwin::Attr(name.to_string()),
            PathStep::Index(at) => StepTwin::Index(*at),
            PathStep::Key(key) => StepTwin::Key(key.to_string()),
            PathStep::AnyElement => StepTwin::Any,
        })
        .collect()
}

fn path(steps: Vec<StepTwin>) -> AttrPath {
    let steps = steps.into_iter().map(|step| match step {
        StepTwin::Attr(name) => PathStep::Attr(name.into()),
        StepTwin::Index(at) => PathStep::Index(at),
        StepTwin::Key(key) => PathStep::Key(key.into()),
        StepTwin::Any => PathStep::AnyElement,
    });
    AttrPath(steps.collect())
}

fn reason_twin(reason: &ActionReason) -> (String, String) {
    let (name, detail) = match reason {
        ActionReason::TriggeredBy(what) => ("triggered-by", what.as_str()),
        ActionReason::NoModule(module) => ("no-module", module.as_str()),
        plain => {
            (REASONS.iter().find(|(known, _)| known == plain).map_or("", |(_, name)| *name), "")
        }
    };
    (name.to_owned(), detail.to_owned())
}

const REASONS: [(ActionReason, &str); 11] = [
    (ActionReason::Tainted, "tainted"),
    (ActionReason::Requested, "requested"),
    (ActionReason::CannotUpdate, "cannot-update"),
    (ActionReason::LenderEnds, "lender-ends"),
    (ActionReason::NoBlock, "no-block"),
    (ActionReason::WrongRepetition, "wrong-repetition"),
    (ActionReason::CountIndex, "count-index"),
    (ActionReason::EachKey, "each-key"),
    (ActionReason::Deposed, "deposed"),
    (ActionReason::ConfigUnknown, "config-unknown"),
    (ActionReason::DependencyPending, "dependency-pending"),
];

fn restore_reason((name, detail): &(String, String)) -> Result<ActionReason, String> {
    match name.as_str() {
        "triggered-by" => Ok(ActionReason::TriggeredBy(detail.clone())),
        "no-module" => Ok(ActionReason::NoModule(detail.clone())),
        name => {
            let found =
                REASONS.iter().find(|(_, known)| *known == name).map(|(reason, _)| reason.clone());
            found.ok_or_else(|| format!("unknown reason {name:?}"))
        }
    }
}
