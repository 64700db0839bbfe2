//! What can't be told yet: blocks whose `count` or `for_each`, and blocks whose provider's configuration,
//! waits for a value of this apply or a later one.

use terrarium_address::{InstanceKey, Mode as BlockMode, ResourceAddr};
use terrarium_provider::{Deferral, Schedule};
use terrarium_value::{Causes, Marks, Value, When};

use super::candidate::Candidate;
use super::recorded::Block;
use super::refresh::change;
use super::{Group, Planner};
use crate::rules::RuleKind;
use crate::world::{At, Shape, StandIn, Unsettled};
use crate::{PlannedAction, ResourceChange, Waits, object, proposed, words};

impl Planner<'_> {
    /// Puts off the blocks whose instances can't be told yet; what is recorded of them stays as it is.
    pub(super) fn put_off_unsettled(&self, group: &Group<'_>, recorded: &mut Block<'_>) {
        let resource = group.resource;
        let exprs = (resource.count.as_ref(), resource.for_each.as_ref());
        for module in self.world.instances_of(group.path) {
            let block = resource.block.in_module(self.world.module(module).path.clone());
            if let Some(unsettled) = &self.world.repetition(module, &block, exprs).waits {
                self.put_off_block(group, module, unsettled);
            }
        }
        for StandIn { module, depth, unsettled } in self.world.stand_ins_of(group.path) {
            let path = self.world.module(module).path.clone();
            let around = path.steps().get(..depth).unwrap_or_default();
            // Nobody knows which instances of the module are still wanted.
            recorded.retain(|addr, _| {
                let steps = addr.block.module.steps().get(..depth).unwrap_or_default();
                !(steps.len() == around.len()
                    && steps.iter().zip(around).enumerate().all(|(at, (step, like))| {
                        step.name == like.name && (at + 1 == depth || step.key == like.key)
                    }))
            });
            self.put_off_block(group, module, &unsettled);
        }
    }

    /// Defers a block as a whole, under its address without a key.
    fn put_off_block(
        &self,
        group: &Group<'_>,
        module: crate::world::ModuleId,
        unsettled: &Unsettled,
    ) {
        let resource = group.resource;
        let block = resource.block.in_module(self.world.module(module).path.clone());
        let addr = block.instance(InstanceKey::None);
        if self.only_refreshes() || !self.plans(group, &addr) {
            return;
        }
        let at = match Shape::of(resource.count.as_ref(), resource.for_each.as_ref()) {
            Shape::Single => At::Instance { key: &InstanceKey::None, each: None },
            shape => At::Any(shape),
        };
        let (config, deps) = self.world.recording(|| {
            self.explicit_dependencies(group, module);
            self.world.note_calls(module);
            let exprs = (resource.count.as_ref(), resource.for_each.as_ref());
            self.world.note_all(&self.world.repetition(module, &block, exprs).deps);
            self.world.evaluate(module, at, |frame, diags| {
                resource.body.decode(&group.schema.block, frame, diags)
            })
        });
        self.note_files(&addr, &deps);
        self.validate_any(group, &addr, &config);
        self.world.check_rules(
            module,
            at,
            &resource.lifecycle.preconditions,
            RuleKind::Precondition,
        );
        let not_before = match unsettled.causes.when() {
            When::At(at) => Some(at),
            When::Apply | When::Later => None,
        };
        let after = Self::unsettled_values(group, &addr, &config);
        let change = ResourceChange {
            deps: deps.iter().cloned().collect(),
            schedule: Schedule { not_before, not_after: None }.into(),
            ..change(group, &addr, made_by(group), after)
        };
        let reason = reason(&unsettled.causes, &unsettled.argument);
        self.defer(change, Deferral::until(not_before, reason), Waits::Values);
    }

    fn validate_any(&self, group: &Group<'_>, addr: &ResourceAddr, config: &Value) {
        let bare = config.clone().unmarked_deep();
        let block = &group.resource.block;
        let diagnostics = group.kind.validate(block.mode, &block.kind, &bare);
        self.report_each(diagnostics, group.resource, addr);
    }

    /// Returns what is known of an object that can't be planned yet: what its configuration says.
    fn unsettled_values(group: &Group<'_>, addr: &ResourceAddr, config: &Value) -> Value {
        let causes = super::managed::causes_of(addr);
        let bare = config.clone().unmarked_deep();
        let after = proposed::merge(&group.schema.block, None, &bare, &causes);
        let after = super::managed::with_causes(after, &causes);
        let sensitive = config.paths_with_mark(Marks::SENSITIVE);
        object::mark_sensitive(after.mark_paths(&sensitive, Marks::SENSITIVE), &group.schema.block)
    }

    /// Defers instances whose provider can't be configured yet; `false`: that is not why it is missing.
    pub(super) fn put_off_unconfigured(
        &self,
        group: &Group<'_>,
        candidates: &mut [Candidate],
    ) -> bool {
        let Some(causes) = self.providers.waits(&group.provider) else { return false };
        let argument = format!("the configuration of {}", group.provider.named());
        let not_before = match causes.when() {
            When::At(at) => Some(at),
            When::Apply | When::Later => None,
        };
        self.add_provider_reads(group, candidates);
        for candidate in candidates {
            if self.only_refreshes() || !self.plans(group, &candidate.addr) {
                continue;
            }
            self.configure(group, candidate);
            self.validate_any(group, &candidate.addr, &candidate.config);
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
                None => Self::unsettled_values(group, &candidate.addr, &candidate.config),
            };
            let after = object::mark_sensitive(after, &group.schema.block);
            let change = ResourceChange {
                before,
                deps: candidate.deps.clone(),
                ..change(group, &candidate.addr, action, after)
            };
            let reason = reason(&causes, &argument);
            self.publish_put_off(group, candidate, not_before);
            self.defer(change, Deferral::until(not_before, reason), Waits::Configuration);
        }
        true
    }

    /// Lets others read an object that can't be planned yet: as it is, or unknown until later.
    fn publish_put_off(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        not_before: Option<jiff::Timestamp>,
    ) {
        let causes = super::defer::waiting_causes(candidate, not_before);
        let value = match &candidate.prior {
            Some(prior) => prior.value.clone(),
            None => Value::unknown(group.schema.block.ty(), causes),
        };
        self.world.set_instance(&candidate.addr.block, candidate.addr.key.clone(), Some(value));
    }

    /// Returns why a provider's own deferral waits: its configuration, where that is not known yet.
    pub(super) fn provider_waits(&self, group: &Group<'_>) -> Waits {
        match self.providers.waits(&group.provider) {
            Some(_) => Waits::Configuration,
            None => Waits::Provider,
        }
    }
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
