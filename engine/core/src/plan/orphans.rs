//! The end of what the configuration no longer wants: instances, whole blocks, deposed objects; and
//! everything, when everything is to be destroyed.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_address::{ConfigAddr, InstanceKey, Mode as BlockMode, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::Provider;
use terrarium_state::Object;

use super::candidate::{Prior, read_object};
use super::managed::removal;
use super::refresh::Recorded;
use super::{Group, Planner, recorded};
use crate::world::Shape;
use crate::{ActionReason, Mode, PlannedAction, ResourceChange, codes, object};

impl Planner<'_> {
    /// Plans the end of recorded instances of a block that the configuration does not want any more.
    pub(super) async fn orphans(
        &self,
        group: &Group<'_>,
        provider: &Arc<dyn Provider>,
        recorded: recorded::Block<'_>,
    ) {
        if recorded.is_empty() {
            return;
        }
        let shape = Shape::of(group.resource.count.as_ref(), group.resource.for_each.as_ref());
        let removed = self.read_recorded(group, provider, &recorded).await;
        for (addr, prior) in removed {
            let reason = self.why_removed(&addr, shape);
            self.remove(group, &addr, &prior, Some(reason));
        }
    }

    fn remove(
        &self,
        group: &Group<'_>,
        addr: &ResourceAddr,
        prior: &Prior,
        reason: Option<ActionReason>,
    ) {
        if !self.may_remove(addr) {
            return;
        }
        let change = removal(group, addr, prior, reason);
        let change = if self.only_refreshes() {
            let after = prior.value.clone();
            ResourceChange { action: PlannedAction::NoOp, reason: None.into(), after, ..change }
        } else if prior.ended.is_some() || self.is_to_stay(addr) {
            ResourceChange { action: PlannedAction::Forget, ..change }
        } else {
            self.check_destroy(group, addr, PlannedAction::Delete);
            change
        };
        self.found.borrow_mut().add(change);
    }

    /// Returns whether the targets let an instance be removed: it is one, or needs one that is destroyed.
    fn may_remove(&self, addr: &ResourceAddr) -> bool {
        match &self.restricted {
            None => true,
            Some(only) if self.options.mode == Mode::Destroy => only.doomed.contains(addr),
            Some(_) => self.targets.contains(addr),
        }
    }

    /// Decodes and refreshes recorded instances; those that are gone are left out.
    async fn read_recorded(
        &self,
        group: &Group<'_>,
        provider: &Arc<dyn Provider>,
        recorded: &recorded::Block<'_>,
    ) -> Vec<(ResourceAddr, Prior)> {
        let mut priors: Vec<(ResourceAddr, Option<Prior>)> = recorded
            .iter()
            .map(|(addr, found)| (addr.clone(), self.prior(group, addr, found)))
            .collect();
        let objects = priors.iter_mut().map(|(addr, prior)| Recorded { addr, prior }).collect();
        self.refresh(group, provider, objects).await;
        priors.into_iter().filter_map(|(addr, prior)| Some((addr, prior?))).collect()
    }

    fn why_removed(&self, addr: &ResourceAddr, shape: Shape) -> ActionReason {
        if self.world.module_at(&addr.block.module).is_none() {
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
        &self,
        group: &Group<'_>,
        addr: &ResourceAddr,
        found: &recorded::Recorded<'_>,
    ) {
        if self.only_refreshes() {
            return;
        }
        for (key, object) in &found.instance.deposed {
            match bare_prior(group, object) {
                Ok(prior) => {
                    self.lend_deposed(&group.schema, addr, &prior.value);
                    let change = removal(group, addr, &prior, Some(ActionReason::Deposed));
                    self.found
                        .borrow_mut()
                        .add(ResourceChange { deposed: Some(key.clone()), ..change });
                }
                Err(diagnostics) => self.report_each(diagnostics, group.resource, addr),
            }
        }
    }

    /// Takes a block's instances from the state: everything is destroyed, or the block is not a target.
    pub(super) async fn take_from_state(
        &self,
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
                let from = prior.window.map(|window| window.from()).filter(|from| *from > self.now);
                let value = match from {
                    Some(from) => object::mask_late(&prior.value, &group.schema, addr, from),
                    None => prior.value,
                };
                self.world.set_instance(&addr.block, addr.key.clone(), Some(value));
            }
        }
        if skipped || recorded.is_empty() {
            return;
        }
        let Some(provider) = self.provider(group).await else { return };
        for (addr, prior) in self.read_recorded(group, &provider, &recorded).await {
            self.remove(group, &addr, &prior, None);
        }
    }

    /// Plans the end of recorded blocks that the configuration does not declare at all.
    pub(super) async fn orphan_blocks(&self) {
        let rest = self.index.borrow_mut().take_rest();
        for (block, recorded) in rest {
            if block.mode == BlockMode::Data {
                continue;
            }
            self.orphan_block(&block, recorded).await;
        }
    }

    async fn orphan_block(&self, block: &ConfigAddr, recorded: recorded::Block<'_>) {
        for (provider, part) in by_provider(recorded) {
            let known = self.providers.recorded(&provider);
            let found = known.and_then(|addr| {
                let kind = self.providers.kind(&addr)?;
                Some((kind.schema(BlockMode::Managed, &block.kind)?, addr, kind))
            });
            let Some((schema, addr, kind)) = found else {
                let error = Diagnostic::error(codes::PROVIDER_CONFIG, "Provider configuration not present")
                    .detail(format!(
                        "To work with {block} its original provider configuration at {provider} is required, but it \
                         has been removed, or this program does not bring it along."
                    ))
                    .help("re-add the provider configuration to destroy it, or remove it with `state rm`");
                self.world.report(match part.keys().next() {
                    Some(first) => error.about(first.clone()),
                    None => error,
                });
                continue;
            };
            let resource = stand_in(block);
            let named = self.providers.recorded_as(&addr);
            let group = Group::new((&block.module, &resource), (addr, kind), schema, named, false);
            let Some(configured) = self.provider(&group).await else { continue };
            for (addr, prior) in self.read_recorded(&group, &configured, &part).await {
                let reason = match self.options.mode {
                    Mode::Destroy => None,
                    _ if self.inputs.config.module(&block.module).is_none() => {
                        Some(ActionReason::NoModule(addr.block.module.to_string()))
                    }
                    _ => Some(ActionReason::NoBlock),
                };
                self.remove(&group, &addr, &prior, reason);
            }
        }
    }

    /// Returns whether a `removed` block says that the object is forgotten, not destroyed.
    fn is_to_stay(&self, addr: &ResourceAddr) -> bool {
        self.options.mode == Mode::Normal && self.to_stay.contains(addr)
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
