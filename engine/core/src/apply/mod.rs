//! Applying: carrying a plan out, in the order of what each instance reads, and writing down what came
//! of it before anything rests on it.

mod begin;
mod bookkeeping;
mod doubt;
mod ends;
mod looking;
mod rows;
mod schedule;
mod settle;
mod tasks;
mod telling;
mod turns;
mod walk;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::Window;
use terrarium_state::{Batch, Durability, OutputChange, OutputValue, Scheduled};
use terrarium_value::Value;

use crate::held::{Held, store_failed};
use crate::plan::seen;
use crate::world::{Phase, World};
use crate::{Cancel, Inputs, Mode, Plan, PlannedAction, Progress, RunSummary};

/// Options of an apply.
pub struct ApplyOptions<'a> {
    /// Is told what happens.
    pub progress: &'a Arc<dyn Progress>,
    /// Asks to stop.
    pub cancel: &'a Cancel,
    /// What stays scheduled, where a run carries scheduled work out; `None`: what the plan defers is
    /// approved by this apply, and takes the place of what was scheduled before.
    pub left: Option<Vec<Scheduled>>,
}

/// Carries a plan out.
///
/// Independent branches go on after a failure; what depends on it is skipped, and said so. Every
/// external action's intent is durable before its call, its outcome before its dependents begin.
///
/// # Cancel safety
/// A dropped apply is recovered by the next command, as after a SIGKILL.
pub async fn apply(
    inputs: &Inputs,
    plan: &Plan,
    held: &Held,
    options: &ApplyOptions<'_>,
) -> (RunSummary, Diagnostics) {
    let (inputs, unfetched) = inputs.fetched().await;
    let inputs = &*inputs;
    if unfetched.has_errors() {
        return (RunSummary::default(), unfetched);
    }
    inputs.limits.tell_through(options.progress);
    let order = match tasks::Order::of(plan, &inputs.prior) {
        Ok(order) => order,
        Err(circle) => return (RunSummary::default(), circle.told(plan).into()),
    };
    let world = World::new(inputs, Phase::Apply).deferring(!plan.deferred.is_empty());
    preset(&world, plan);
    world.postpone(plan);
    let mut walk = walk::Walk::new(&world, plan, order, held, options.progress);
    // A state that was never written has none of its own yet: it is the lock's.
    let lineage = held.store.intents(&held.fence).lineage();
    if options.left.is_none()
        && let Err(error) = walk.schedule(schedule::approved(plan, inputs, &lineage)).await
    {
        return (RunSummary::default(), store_failed(&error.to_string()).into());
    }
    walk.bookkeeping();
    walk.run(options.cancel).await;
    walk.confirm_ends().await;
    walk.forget_data();
    if !plan.deferred.is_empty() {
        walk.summary.credentials_end = walk.credentials_end().await;
    }
    if let Some(left) = &options.left {
        let left = schedule::after_run(left, &inputs.prior, &walk.summary);
        if let Err(error) = walk.schedule(left).await {
            world.report(store_failed(&error.to_string()));
        }
    }
    let published = std::mem::take(&mut walk.published);
    let windows = std::mem::take(&mut walk.windows);
    let mut summary = walk.finish().await;
    set_back(&world, plan, &summary, &published);
    finish_outputs(&mut summary, &world, (inputs, plan), &windows, held).await;
    if plan.mode != Mode::Destroy {
        world.check_blocks();
    }
    let diagnostics = world.take_diagnostics();
    (summary, diagnostics)
}

/// Lets the world see what the plan knows: values that stay, planned ones, data that was read.
fn preset(world: &World<'_>, plan: &Plan) {
    for change in plan.changes.iter().filter(|change| change.deposed.is_none()) {
        let value = match change.action {
            // The configuration of a provider may read what is about to go.
            PlannedAction::Delete if plan.mode == Mode::Destroy => Some(change.before.clone()),
            PlannedAction::Delete | PlannedAction::Forget => None,
            _ => Some(seen(change, &change.fate, world.inputs.clock.now())),
        };
        world.set_instance(&change.addr.block, change.addr.key.clone(), value);
    }
    for deferred in plan.deferred.iter().map(|deferred| &deferred.change) {
        // What exists stays as it is until its time has come; a key that is not known yet stands for all.
        let value = if deferred.before.is_null() { &deferred.after } else { &deferred.before };
        if deferred.deposed.is_none() && !value.is_null() {
            let (block, key) = (&deferred.addr.block, deferred.addr.key.clone());
            world.set_instance(block, key, Some(value.clone()));
        }
    }
    for data in &plan.data {
        world.set_instance(&data.addr.block, data.addr.key.clone(), Some(data.value.clone()));
    }
}

/// Lets the world see what was not done as it was before, so that outputs say what is true.
fn set_back(
    world: &World<'_>,
    plan: &Plan,
    summary: &RunSummary,
    published: &HashSet<ResourceAddr>,
) {
    let undone = summary.failed.iter().map(|failed| (&failed.addr, failed.action));
    let undone = undone.chain(summary.skipped.iter().map(|it| (&it.addr, it.action)));
    let pending = summary.pending.iter().map(|addr| (addr, PlannedAction::Create));
    let undone: HashSet<&ResourceAddr> = undone
        .chain(pending)
        .filter(|(addr, action)| *action != PlannedAction::Delete && !published.contains(*addr))
        .map(|(addr, _)| addr)
        .collect();
    let changes = plan.changes.iter().filter(|change| change.deposed.is_none());
    for change in changes.filter(|change| undone.contains(&change.addr)) {
        let (block, key) = (&change.addr.block, change.addr.key.clone());
        match change.action {
            PlannedAction::Update => world.set_instance(block, key, Some(change.before.clone())),
            PlannedAction::Create | PlannedAction::Read | PlannedAction::Replace(_) => {
                let causes = crate::plan::causes_of(&change.addr);
                let unknown = Value::unknown(change.schema.block.ty(), causes);
                world.set_instance(block, key, Some(unknown));
            }
            PlannedAction::NoOp | PlannedAction::Delete | PlannedAction::Forget => {}
        }
    }
}

/// Evaluates the root outputs and records those that are known; others keep what was recorded.
async fn finish_outputs(
    summary: &mut RunSummary,
    world: &World<'_>,
    (inputs, plan): (&Inputs, &Plan),
    windows: &HashMap<ResourceAddr, Window>,
    held: &Held,
) {
    let deferred = plan.deferred.iter().map(|deferred| &deferred.change);
    let ends = crate::plan::outputs::Ends::of(plan.changes.iter().chain(deferred), windows);
    let recorded = &inputs.prior.outputs;
    let emptied = plan.mode == Mode::Destroy
        && plan.targets.is_empty()
        && summary.failed.is_empty()
        && summary.skipped.is_empty();
    let values = match plan.mode {
        Mode::Destroy => BTreeMap::new(),
        Mode::Normal | Mode::RefreshOnly => crate::plan::outputs::values(world),
    };
    let values: BTreeMap<_, _> =
        values.into_iter().filter(|(name, _)| plan.outputs.contains_key(name)).collect();
    let mut written: BTreeMap<Name, OutputValue> = BTreeMap::new();
    if !plan.targets.is_empty() {
        let kept = recorded.iter().filter(|(name, _)| !plan.outputs.contains_key(*name));
        written.extend(kept.map(|(name, output)| (name.clone(), output.clone())));
    }
    for (name, output) in &values {
        let known =
            crate::plan::outputs::write(output, &ends).or_else(|| recorded.get(name).cloned());
        let known = known.filter(|_| !output.value.is_null());
        written.extend(known.map(|value| (name.clone(), value)));
    }
    if plan.mode == Mode::Destroy && !emptied {
        written.clone_from(recorded);
    }
    summary.outputs = crate::plan::outputs::compare(recorded, values, &ends);
    summary.outputs.retain(|name, _| plan.outputs.contains_key(name));
    if written == *recorded {
        return;
    }
    let outputs = OutputChange::between(recorded, &written);
    let batch = Batch { outputs, ..Batch::default() };
    if let Err(error) = held.store.submit(&held.fence, batch, Durability::Now).durable().await {
        world.report(store_failed(&error.to_string()));
    }
}
