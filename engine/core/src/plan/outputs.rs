//! Root outputs: what they were, and what they will be.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_provider::Window;
use terrarium_state::OutputValue;
use terrarium_value::{Marks, Type, Value, json};

use super::listed::Listed;
use super::scope::Scope;
use crate::graph::Graph;
use crate::places::Places;
use crate::world::{Deps, ModuleId, World};
use crate::{OutputChange, PlannedAction, ResourceChange};

/// Plans the root outputs.
pub(super) fn planned(
    world: &World<'_>,
    graph: &Graph,
    scope: &Scope<'_>,
    listed: &Listed,
) -> BTreeMap<Name, OutputChange> {
    let after = if scope.destroys() { BTreeMap::new() } else { values(world) };
    let ends = Ends::of(listed.all(), &HashMap::new());
    let mut changes = compare(&world.inputs.prior.outputs, after, &ends);
    changes.retain(|name, _| scope.covers(graph, name));
    changes
}

/// A root output as it is now.
pub(crate) struct Output {
    pub(crate) value: Value,
    pub(crate) sensitive: bool,
    /// What it read.
    reads: Deps,
}

/// When objects end, for those who read them.
#[derive(Default)]
pub(crate) struct Ends(Places<Timestamp>);

impl Ends {
    /// Collects the ends of changed objects' windows.
    ///
    /// What services reported since the plan, by instance, comes before what was planned.
    pub(crate) fn of<'c>(
        changes: impl Iterator<Item = &'c ResourceChange>,
        reported: &HashMap<ResourceAddr, Window>,
    ) -> Self {
        let mut ends = Self::default();
        for change in changes.filter(|change| change.deposed.is_none()) {
            let ended = change.ended().map(|ended| ended.at);
            let window = reported.get(&change.addr).copied().or(*change.window);
            let until = ended.or_else(|| window.and_then(|window| window.until()));
            if let Some(until) = until {
                ends.0.add(&change.addr, &until, Timestamp::min);
            }
        }
        ends
    }

    /// Returns when the first of what was read ends.
    pub(crate) fn first(&self, output: &Output) -> Option<Timestamp> {
        output.reads.iter().flat_map(|dep| self.0.of(dep)).min().copied()
    }
}

/// Evaluates the root outputs; ephemeral ones are left out.
pub(crate) fn values(world: &World<'_>) -> BTreeMap<Name, Output> {
    let root = world.module(ModuleId::ROOT);
    let outputs = root.config.outputs.values().filter(|output| !output.ephemeral);
    outputs
        .filter_map(|output| {
            let (value, reads) = world.recording(|| world.output(ModuleId::ROOT, &output.name));
            Some((
                output.name.clone(),
                Output { value: value?, sensitive: output.sensitive, reads },
            ))
        })
        .collect()
}

/// Compares recorded outputs with new ones.
pub(crate) fn compare(
    recorded: &BTreeMap<Name, OutputValue>,
    after: BTreeMap<Name, Output>,
    ends: &Ends,
) -> BTreeMap<Name, OutputChange> {
    let mut changes: BTreeMap<Name, OutputChange> = BTreeMap::new();
    for (name, output) in after {
        let until = ends.first(&output);
        let Output { value: after, sensitive, .. } = output;
        let known = recorded.get(&name);
        let before = known.and_then(read).unwrap_or_else(|| Value::null(Type::Dynamic));
        let bare = after.clone().unmarked_deep();
        let same = known.is_some_and(|known| known.sensitive == sensitive) && before.same(&bare);
        let action = match known {
            None if after.is_null() => PlannedAction::NoOp,
            None => PlannedAction::Create,
            Some(_) if same => PlannedAction::NoOp,
            Some(_) => PlannedAction::Update,
        };
        let marks = if sensitive { Marks::SENSITIVE } else { Marks::NONE };
        let before = before.marked(marks);
        changes.insert(name, OutputChange { before, after, sensitive, action, until });
    }
    for (name, known) in recorded {
        changes.entry(name.clone()).or_insert_with(|| OutputChange {
            before: read(known).unwrap_or_else(|| Value::null(Type::Dynamic)),
            after: Value::null(Type::Dynamic),
            sensitive: known.sensitive,
            action: PlannedAction::Delete,
            until: known.until,
        });
    }
    changes
}

/// Reads a recorded output's value.
pub(crate) fn read(output: &OutputValue) -> Option<Value> {
    let ty = json::type_from_json(&output.ty).ok()?;
    json::from_typed(&output.value, &ty).ok()
}

/// Writes an output's value for the store; `None` where it is not wholly known.
pub(crate) fn write(output: &Output, ends: &Ends) -> Option<OutputValue> {
    let bare = output.value.clone().unmarked_deep();
    if !bare.is_wholly_known() {
        return None;
    }
    let ty = bare.ty();
    let text = json::to_typed(&bare, &ty).ok()?;
    Some(OutputValue {
        value: text.into(),
        ty: json::type_to_json(&ty).into(),
        sensitive: output.sensitive,
        until: ends.first(output),
    })
}
