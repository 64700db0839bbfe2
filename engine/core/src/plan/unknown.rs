//! What can't be told yet: blocks whose `count` or `for_each`, and blocks whose provider's configuration,
//! waits for a value of this apply or a later one.

use terrarium_address::{InstanceKey, Mode as BlockMode, ResourceAddr};
use terrarium_state::Ended;
use terrarium_value::{Cause, Causes, Marks, Value, When};

use super::Planner;
use super::answers::Answer;
use super::candidate::Candidate;
use super::group::Group;
use super::proposals::{causes_of, with_causes};
use super::recorded::Block;
use super::time::Planned;
use crate::fate::{Fate, Wait};
use crate::rules::RuleKind;
use crate::world::{At, ModuleId, Shape, StandIn, Unsettled};
use crate::{PlannedAction, ResourceChange, Waits, object, proposed, words};

/// Puts off the blocks whose instances can't be told yet; what is recorded of them stays as it is.
pub(super) fn unsettled(
    plan: &Planner<'_>,
    group: &Group<'_>,
    recorded: &mut Block<'_>,
) -> Vec<Planned> {
    let resource = group.resource;
    let exprs = (resource.count.as_ref(), resource.for_each.as_ref());
    let mut found = Vec::new();
    for module in plan.world.instances_of(group.path) {
        let block = resource.block.in_module(plan.world.module(module).path.clone());
        if let Some(unsettled) = &plan.world.repetition(module, &block, exprs).waits {
            found.extend(put_off_block(plan, group, module, unsettled));
        }
    }
    for StandIn { module, depth, unsettled } in plan.world.stand_ins_of(group.path) {
        let path = plan.world.module(module).path.clone();
        let around = path.steps().get(..depth).unwrap_or_default();
        // Nobody knows which instances of the module are still wanted.
        recorded.retain(|addr, _| {
            let steps = addr.block.module.steps().get(..depth).unwrap_or_default();
            !(steps.len() == around.len()
                && steps.iter().zip(around).enumerate().all(|(at, (step, like))| {
                    step.name == like.name && (at + 1 == depth || step.key == like.key)
                }))
        });
        found.extend(put_off_block(plan, group, module, &unsettled));
    }
    for planned in &found {
        plan.ledger.borrow_mut().enter(planned, plan.now);
    }
    found
}

/// Defers a block as a whole, under its address without a key.
fn put_off_block(
    plan: &Planner<'_>,
    group: &Group<'_>,
    module: ModuleId,
    unsettled: &Unsettled,
) -> Option<Planned> {
    let (resource, world) = (group.resource, &plan.world);
    let block = resource.block.in_module(world.module(module).path.clone());
    let addr = block.instance(InstanceKey::None);
    if plan.scope.only_refreshes() || !plan.scope.plans(group, &addr) {
        return None;
    }
    let at = match Shape::of(resource.count.as_ref(), resource.for_each.as_ref()) {
        Shape::Single => At::Instance { key: &InstanceKey::None, each: None },
        shape => At::Any(shape),
    };
    let (config, deps) = world.recording(|| {
        plan.explicit_dependencies(group, module);
        world.note_calls(module);
        let exprs = (resource.count.as_ref(), resource.for_each.as_ref());
        world.note_all(&world.repetition(module, &block, exprs).deps);
        world.evaluate(module, at, |frame, diags| {
            resource.body.decode(&group.schema.block, frame, diags)
        })
    });
    plan.files.borrow_mut().note(&addr, &deps);
    validate_any(plan, group, &addr, &config);
    let preconditions = &resource.lifecycle.preconditions;
    world.check_rules(module, at, preconditions, RuleKind::Precondition);
    let after = unsettled_values(group, &addr, &config);
    let change = ResourceChange {
        deps: deps.iter().cloned().collect(),
        ..group.change(&addr, made_by(group), after)
    };
    let reason = reason(&unsettled.causes, &unsettled.argument);
    Some(Planned::new(change, fate_of(&unsettled.causes, Waits::Values, reason)))
}

/// Returns the fate of what waits for values that are not its own to give.
fn fate_of(causes: &Causes, waits: Waits, reason: String) -> Fate {
    let at = match causes.when() {
        When::At(at) => Some(at),
        When::Apply | When::Later => None,
        When::Never(at) => return Fate::Never(Ended { at, with: never(causes) }),
    };
    Fate::Later(Wait { at, waits, reason })
}

/// Returns whom values wait for that never comes.
fn never(causes: &Causes) -> Option<ResourceAddr> {
    causes.iter().find_map(|cause| match cause {
        Cause::Instance { addr, when: When::Never(_) } => Some(addr.clone()),
        _ => None,
    })
}

fn validate_any(plan: &Planner<'_>, group: &Group<'_>, addr: &ResourceAddr, config: &Value) {
    let bare = config.clone().unmarked_deep();
    let block = &group.resource.block;
    let diagnostics = group.kind.validate(block.mode, &block.kind, &bare);
    plan.report_each(diagnostics, group.resource, addr);
}

/// Returns what is known of an object that can't be planned yet: what its configuration says.
fn unsettled_values(group: &Group<'_>, addr: &ResourceAddr, config: &Value) -> Value {
    let causes = causes_of(addr);
    let bare = config.clone().unmarked_deep();
    let after = proposed::merge(&group.schema.block, None, &bare, &causes);
    let after = with_causes(after, &causes);
    let sensitive = config.paths_with_mark(Marks::SENSITIVE);
    object::mark_sensitive(after.mark_paths(&sensitive, Marks::SENSITIVE), &group.schema.block)
}

/// Defers instances whose provider can't be configured yet; `false`: that is not why it is missing.
pub(super) fn unconfigured(
    plan: &Planner<'_>,
    group: &Group<'_>,
    candidates: &mut [Candidate],
    answer: &mut Answer,
) -> bool {
    let Some(causes) = plan.providers.waits(&group.provider) else { return false };
    let argument = format!("the configuration of {}", group.provider.named());
    plan.add_provider_reads(group, candidates);
    for candidate in candidates {
        if plan.scope.only_refreshes() || !plan.scope.plans(group, &candidate.addr) {
            continue;
        }
        plan.configure(group, candidate);
        validate_any(plan, group, &candidate.addr, &candidate.config);
        let (action, before) = match &candidate.prior {
            Some(prior) => (PlannedAction::Update, prior.value.clone()),
            None => (made_by(group), group.null()),
        };
        let after = match &candidate.prior {
            Some(prior) => {
                let bare = candidate.config.clone().unmarked_deep();
                let before = prior.value.clone().unmarked_deep();
                let causes = candidate.causes.clone();
                proposed::merge(&group.schema.block, Some(&before), &bare, &causes)
            }
            None => unsettled_values(group, &candidate.addr, &candidate.config),
        };
        let after = object::mark_sensitive(after, &group.schema.block);
        let change = ResourceChange {
            before,
            deps: candidate.deps.clone(),
            ..group.change(&candidate.addr, action, after)
        };
        let fate = fate_of(&causes, Waits::Configuration, reason(&causes, &argument));
        let planned = Planned::new(change, fate);
        publish(plan, candidate, &planned);
        answer.planned.push(planned);
    }
    true
}

/// Lets others read an object that can't be planned yet: as it is, or unknown until later.
fn publish(plan: &Planner<'_>, candidate: &Candidate, planned: &Planned) {
    let unknown = || {
        let ty = planned.change.schema.block.ty();
        Value::unknown(ty, planned.fate().causes(&planned.change.addr))
    };
    let value = candidate.prior.as_ref().map_or_else(unknown, |prior| prior.value.clone());
    plan.world.set_instance(&candidate.addr.block, candidate.addr.key.clone(), Some(value));
    plan.ledger.borrow_mut().enter(planned, plan.now);
}

fn made_by(group: &Group<'_>) -> PlannedAction {
    match group.resource.block.mode {
        BlockMode::Managed => PlannedAction::Create,
        BlockMode::Data => PlannedAction::Read,
    }
}

/// Completes "waits for …": the values, and what needs them.
fn reason(causes: &Causes, argument: &str) -> String {
    match words::named(causes) {
        Some(names) => format!("{names}, which {argument} needs"),
        None => format!("the value of {argument}"),
    }
}
