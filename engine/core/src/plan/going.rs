//! The end of what the configuration no longer wants: instances, whole blocks, deposed objects; and
//! everything, when everything is to be destroyed.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_address::{ConfigAddr, InstanceKey, Mode as BlockMode, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::Provider;
use terrarium_state::Object;

use super::candidate::{Prior, read_object};
use super::group::Group;
use super::refresh::{Recorded, refresh};
use super::time::Planned;
use super::{Planner, recorded};
use crate::fate::Fate;
use crate::world::Shape;
use crate::{ActionReason, Occupancy, PlannedAction, ResourceChange, codes};

/// Plans the end of recorded instances of a block that the configuration does not want any more.
pub(super) async fn orphans(
    plan: &Planner<'_>,
    group: &Group<'_>,
    provider: &Arc<dyn Provider>,
    recorded: recorded::Block<'_>,
) {
    if recorded.is_empty() {
        return;
    }
    let shape = Shape::of(group.resource.count.as_ref(), group.resource.for_each.as_ref());
    let removed = read_recorded(plan, group, provider, &recorded).await;
    for (addr, prior) in removed {
        let reason = why_removed(plan, &addr, shape);
        remove(plan, group, (&addr, &prior), Some(reason));
    }
}

fn remove(
    plan: &Planner<'_>,
    group: &Group<'_>,
    (addr, prior): (&ResourceAddr, &Prior),
    reason: Option<ActionReason>,
) {
    if !plan.scope.may_remove(addr) {
        return;
    }
    let change = removal(group, addr, prior, reason);
    let change = if plan.scope.only_refreshes() {
        let after = prior.value.clone();
        ResourceChange { action: PlannedAction::NoOp, reason: None.into(), after, ..change }
    } else if prior.ended.is_some() || plan.scope.is_to_stay(addr) {
        ResourceChange { action: PlannedAction::Forget, ..change }
    } else {
        check_destroy(plan, group, addr, PlannedAction::Delete);
        change
    };
    let fate = prior.ended.clone().map_or(Fate::Now, Fate::Ended);
    plan.answers.borrow_mut().add_going(Planned::new(change, fate));
}

/// Decodes and refreshes recorded instances; those that are gone are left out.
async fn read_recorded(
    plan: &Planner<'_>,
    group: &Group<'_>,
    provider: &Arc<dyn Provider>,
    recorded: &recorded::Block<'_>,
) -> Vec<(ResourceAddr, Prior)> {
    let mut priors: Vec<(ResourceAddr, Option<Prior>)> = recorded
        .iter()
        .map(|(addr, found)| (addr.clone(), plan.prior(group, addr, found)))
        .collect();
    let objects = priors.iter_mut().map(|(addr, prior)| Recorded { addr, prior }).collect();
    refresh(plan, group, provider, objects).await;
    priors.into_iter().filter_map(|(addr, prior)| Some((addr, prior?))).collect()
}

fn why_removed(plan: &Planner<'_>, addr: &ResourceAddr, shape: Shape) -> ActionReason {
    if plan.world.module_at(&addr.block.module).is_none() {
        return ActionReason::NoModule(addr.block.module.to_string());
    }
    match (shape, &addr.key) {
        (Shape::Count, InstanceKey::Int(_)) => ActionReason::CountIndex,
        (Shape::ForEach, InstanceKey::Str(_)) => ActionReason::EachKey,
        _ => ActionReason::WrongRepetition,
    }
}

/// Plans the end of objects that a replacement left behind.
pub(super) fn deposed(
    plan: &Planner<'_>,
    group: &Group<'_>,
    addr: &ResourceAddr,
    found: &recorded::Recorded<'_>,
) {
    if plan.scope.only_refreshes() {
        return;
    }
    for (key, object) in &found.instance.deposed {
        match bare_prior(group, object) {
            Ok(prior) => {
                plan.ledger.borrow_mut().lend_deposed(&group.schema, addr, &prior.value);
                let change = removal(group, addr, &prior, Some(ActionReason::Deposed));
                let change = ResourceChange { deposed: Some(key.clone()), ..change };
                plan.answers.borrow_mut().add_going(Planned::new(change, Fate::Now));
            }
            Err(diagnostics) => plan.report_each(diagnostics, group.resource, addr),
        }
    }
}

/// Takes a block's instances from the state: everything is destroyed, or the block is not a target.
pub(super) async fn take_from_state(
    plan: &Planner<'_>,
    group: &Group<'_>,
    recorded: recorded::Block<'_>,
    skipped: bool,
) {
    if group.resource.block.mode == BlockMode::Data {
        return;
    }
    // Others may read what is not planned, and provider configurations what is about to go.
    for (addr, found) in &recorded {
        if let Some(object) = &found.instance.current
            && let Ok(prior) = bare_prior(group, object)
        {
            let stands = ResourceChange {
                window: prior.window.into(),
                ..group.change(addr, PlannedAction::NoOp, prior.value)
            };
            let fate = prior.ended.map_or(Fate::Now, Fate::Ended);
            let value = super::time::seen(&stands, &fate, plan.now);
            plan.world.set_instance(&addr.block, addr.key.clone(), Some(value));
        }
    }
    if skipped || recorded.is_empty() {
        return;
    }
    let Some(provider) = plan.provider(group).await else { return };
    for (addr, prior) in read_recorded(plan, group, &provider, &recorded).await {
        remove(plan, group, (&addr, &prior), None);
    }
}

/// Plans the end of recorded blocks that the configuration does not declare at all.
pub(super) async fn orphan_blocks(plan: &Planner<'_>) {
    let rest = plan.index.borrow_mut().take_rest();
    for (block, recorded) in rest {
        if block.mode == BlockMode::Data {
            continue;
        }
        orphan_block(plan, &block, recorded).await;
    }
}

async fn orphan_block(plan: &Planner<'_>, block: &ConfigAddr, recorded: recorded::Block<'_>) {
    for (provider, part) in by_provider(recorded) {
        let known = plan.providers.recorded(&provider);
        let found = known.and_then(|addr| {
            let kind = plan.providers.kind(&addr)?;
            Some((kind.schema(BlockMode::Managed, &block.kind)?, addr, kind))
        });
        let Some((schema, addr, kind)) = found else {
            let error = not_present(block, &provider);
            plan.world.report(match part.keys().next() {
                Some(first) => error.about(first.clone()),
                None => error,
            });
            continue;
        };
        let resource = stand_in(block);
        let named = plan.providers.recorded_as(&addr);
        let group = Group::new((&block.module, &resource), (addr, kind), schema, named, false);
        let Some(configured) = plan.provider(&group).await else { continue };
        for (addr, prior) in read_recorded(plan, &group, &configured, &part).await {
            let module = &block.module;
            let why = match plan.inputs.config.module(module) {
                None => ActionReason::NoModule(addr.block.module.to_string()),
                Some(_) => ActionReason::NoBlock,
            };
            let reason = (!plan.scope.destroys()).then_some(why);
            remove(plan, &group, (&addr, &prior), reason);
        }
    }
}

fn not_present(block: &ConfigAddr, provider: &terrarium_address::Name) -> Diagnostic {
    Diagnostic::error(codes::PROVIDER_CONFIG, "Provider configuration not present")
        .detail(format!(
            "To work with {block} its original provider configuration at {provider} is required, but it \
             has been removed, or this program does not bring it along."
        ))
        .help("re-add the provider configuration to destroy it, or remove it with `state rm`")
}

/// Refuses to destroy what the configuration protects.
pub(super) fn check_destroy(
    plan: &Planner<'_>,
    group: &Group<'_>,
    addr: &ResourceAddr,
    action: PlannedAction,
) {
    let destroys = matches!(action, PlannedAction::Delete | PlannedAction::Replace(_));
    if destroys && group.resource.lifecycle.prevent_destroy {
        let error = Diagnostic::error(codes::PREVENT_DESTROY, "Instance cannot be destroyed")
            .detail(format!(
                "Resource {addr} has lifecycle.prevent_destroy set, but the plan calls for this resource to be \
                 destroyed."
            ))
            .at(group.resource.span, "")
            .about(addr.clone())
            .help("remove prevent_destroy, or keep it out of the plan with -target");
        plan.world.report(error);
    }
}

/// Starts the removal of an object.
pub(super) fn removal(
    group: &Group<'_>,
    addr: &ResourceAddr,
    prior: &Prior,
    reason: Option<ActionReason>,
) -> ResourceChange {
    ResourceChange {
        before: prior.value.clone(),
        reason: reason.into(),
        private: prior.private.clone(),
        window: prior.window.into(),
        moved_from: prior.moved_from.clone().into(),
        occupies: Occupancy { lenders: prior.occupies.clone(), foreign: Vec::new() }.into(),
        ..group.change(addr, PlannedAction::Delete, group.null())
    }
}

fn bare_prior(group: &Group<'_>, object: &Object) -> Result<Prior, Diagnostics> {
    let value = read_object(group.kind, &group.resource.block.kind, object, &group.schema)?;
    Ok(Prior { tainted: false, ..Prior::recorded(value, object) })
}

fn by_provider<'s>(
    recorded: recorded::Block<'s>,
) -> BTreeMap<terrarium_address::Name, recorded::Block<'s>> {
    let mut parts: BTreeMap<_, recorded::Block<'s>> = BTreeMap::new();
    for (addr, found) in recorded {
        parts.entry(found.instance.provider.clone()).or_default().insert(addr, found);
    }
    parts
}

/// A resource block for something that has none any more.
fn stand_in(block: &ConfigAddr) -> terrarium_lang::config::Resource {
    terrarium_lang::config::Resource::absent(terrarium_lang::config::BlockRef::of(block))
}
