//! Beginning a task: its configuration is evaluated with what is known by now.

use std::sync::Arc;

use terrarium_address::Name;
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::config::Resource;
use terrarium_provider::{
    Action, Effect, IntentDraft, PlanOutcome, PlanRequest, Private, Provider,
};
use terrarium_state::Object;
use terrarium_value::{Marks, Value};

use super::tasks::{Step, Task};
use super::walk::Walk;
use crate::draft::Draft;
use crate::providers::ProviderAddr;
use crate::rules::RuleKind;
use crate::world::{At, ModuleId};
use crate::{Inputs, ResourceChange, codes, object, proposed};

/// A task that is ready for its provider call.
pub(super) struct Ready {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) action: Action,
    pub(super) prior: Option<Value>,
    pub(super) planned: Option<Value>,
    pub(super) config: Option<Value>,
    pub(super) private: Private,
    /// Paths that are sensitive by the configuration's marks.
    pub(super) sensitive: Vec<terrarium_address::AttrPath>,
}

impl<'a> Walk<'a> {
    /// Prepares a create, update or delete; `None` after reporting why not.
    pub(super) async fn prepare(&self, task: Task) -> Option<Ready> {
        let change = &self.plan.changes[task.change];
        let addr = self.provider_addr(change)?;
        let provider = self.providers.configured(self.world, &addr).await?;
        let before = (!change.before.is_null()).then(|| change.before.clone().unmarked_deep());
        match task.step {
            Step::Delete => Some(Ready {
                provider,
                action: Action::Delete,
                prior: before,
                planned: None,
                config: None,
                private: self.recorded_private(change),
                sensitive: Vec::new(),
            }),
            Step::Create | Step::Update => self.prepare_write(task, provider, before).await,
            Step::Read | Step::Forget => None,
        }
    }

    async fn prepare_write(
        &self,
        task: Task,
        provider: Arc<dyn Provider>,
        before: Option<Value>,
    ) -> Option<Ready> {
        let change = &self.plan.changes[task.change];
        let (module, resource) = self.block(change)?;
        let config = self.configuration(module, &resource, change)?;
        let each = self.each(module, &resource, change);
        let at = At::Instance { key: &change.addr.key, each: each.as_ref() };
        let preconditions = &resource.lifecycle.preconditions;
        if !self.world.check_rules(module, at, preconditions, RuleKind::Precondition) {
            return None;
        }
        let sensitive = config.paths_with_mark(Marks::SENSITIVE);
        let config = config.unmarked_deep();
        if let Some(path) = config.unknown_paths().first() {
            self.internal(change, &format!("{path} is still unknown"));
            return None;
        }
        let create = task.step == Step::Create;
        let mut ready = Ready {
            provider,
            action: if create { Action::Create } else { Action::Update },
            prior: if create { None } else { before },
            planned: Some(change.after.unmarked_deep()),
            config: Some(config),
            private: change.private.clone(),
            sensitive,
        };
        if rests_on_unknown(change, ready.config.as_ref()?) {
            self.plan_again(change, &resource, &mut ready).await?;
        }
        Some(ready)
    }

    /// Plans once more, now that what the configuration reads is known; `None` after an error.
    async fn plan_again(
        &self,
        change: &ResourceChange,
        resource: &Resource,
        ready: &mut Ready,
    ) -> Option<()> {
        let config = ready.config.clone()?;
        let causes = crate::plan::causes_of(&change.addr);
        let request = PlanRequest {
            kind: change.addr.block.kind.clone(),
            addr: change.addr.clone(),
            proposed: proposed::merge(&change.schema.block, ready.prior.as_ref(), &config, &causes),
            prior: ready.prior.clone(),
            config,
            private: self.recorded_private(change),
            ended: None,
            replaces: None,
            // What is carried out already shows in the world itself.
            claims: Arc::default(),
        };
        let reply = ready.provider.plan_many(vec![request]).await.pop()?;
        for diagnostic in reply.diagnostics {
            self.world.report(crate::plan::located(diagnostic, resource, &change.addr));
        }
        match reply.outcome {
            PlanOutcome::Planned(planned) => {
                let forced = ready.prior.as_ref().and_then(|prior| {
                    let forcing = planned.requires_replace.iter();
                    forcing.clone().find(|path| crate::plan::differs(prior, &planned.planned, path))
                });
                if let Some(path) = forced {
                    let error = Diagnostic::error(codes::INCONSISTENT, "The plan changed")
                        .detail(format!(
                            "{path} of {} turned out to be such that the object must be replaced, which the plan did \
                             not show.",
                            change.addr
                        ))
                        .help("make a new plan");
                    self.world.report(crate::plan::located(error, resource, &change.addr));
                    return None;
                }
                ready.planned = Some(planned.planned);
                ready.private = planned.private;
                Some(())
            }
            PlanOutcome::Refused => None,
            PlanOutcome::Deferred(deferral) => {
                self.internal(change, &format!("it must wait after all: {}", deferral.reason));
                None
            }
        }
    }

    /// Returns whether what a task is to remove is the very object that was made to take its place.
    pub(super) fn is_its_successor(&self, node: usize) -> bool {
        let Some(under) = self.tasks.get(&node) else { return false };
        if under.task.step != Step::Delete || self.deposed_key(under.task).is_none() {
            return false;
        }
        let change = &self.plan.changes[under.task.change];
        let Some(ready) = &under.ready else { return false };
        let current = self.world.instance(&change.addr).filter(|value| !value.is_null());
        let current = current.map(|value| value.unmarked_deep());
        ready.prior.as_ref().zip(current).is_some_and(|(old, new)| {
            ready.provider.is_same_object(&change.addr.block.kind, old, &new)
        })
    }

    /// Evaluates an instance's configuration; `None` after an error.
    pub(super) fn configuration(
        &self,
        module: ModuleId,
        resource: &Resource,
        change: &ResourceChange,
    ) -> Option<Value> {
        let each = self.each(module, resource, change);
        let at = At::Instance { key: &change.addr.key, each: each.as_ref() };
        let errors_before = self.world.error_count();
        let config = self.world.evaluate(module, at, |frame, diags| {
            resource.body.decode(&change.schema.block, frame, diags)
        });
        if self.world.error_count() > errors_before {
            return None;
        }
        let ignored = &resource.lifecycle.ignore_changes;
        if change.before.is_null() || matches!(change.action, crate::PlannedAction::Replace(_)) {
            return Some(config);
        }
        Some(crate::plan::ignoring(ignored, &change.before, config))
    }

    fn each(
        &self,
        module: ModuleId,
        resource: &Resource,
        change: &ResourceChange,
    ) -> Option<Value> {
        let exprs = (resource.count.as_ref(), resource.for_each.as_ref());
        let repetition = self.world.repetition(module, &change.addr.block, exprs);
        repetition.instances.as_ref()?.get(&change.addr.key)?.clone()
    }

    /// Returns whether what became of an object satisfies its block.
    pub(super) fn holds_after(&self, task: Task) -> bool {
        let change = &self.plan.changes[task.change];
        let rules = |resource: &Resource| !resource.lifecycle.postconditions.is_empty();
        if !matches!(task.step, Step::Create | Step::Update | Step::Read)
            || !self.declared(change).is_some_and(rules)
        {
            return true;
        }
        let Some((module, resource)) = self.block(change) else { return true };
        let Some(value) = self.world.instance(&change.addr) else { return true };
        let each = self.each(module, &resource, change);
        let at = At::This { key: &change.addr.key, each: each.as_ref(), this: &value };
        let rules = &resource.lifecycle.postconditions;
        self.world.check_rules(module, at, rules, RuleKind::Postcondition)
    }

    /// Returns the block of a change, without expanding the modules around it.
    pub(super) fn declared(&self, change: &ResourceChange) -> Option<&'a Resource> {
        let inputs: &'a Inputs = self.inputs;
        inputs.config.resource(&change.addr.block)
    }

    /// Returns the block of a change and the module instance that it stands in.
    pub(super) fn block(&self, change: &ResourceChange) -> Option<(ModuleId, Resource)> {
        let module = self.world.module_along(&change.addr.block.module)?;
        Some((module, self.declared(change)?.clone()))
    }

    pub(super) fn provider_addr(&self, change: &ResourceChange) -> Option<ProviderAddr> {
        let found = self.providers.recorded(&change.provider);
        if found.is_none() {
            self.internal(change, &format!("its provider {} is not known", change.provider));
        }
        found
    }

    /// Returns what is recorded of a change's object, wherever that was before it moved.
    pub(super) fn recorded(&self, change: &ResourceChange) -> Option<&'a Object> {
        let recorded_at = change.moved_from.as_ref().unwrap_or(&change.addr);
        let instance = self.inputs.prior.resources.get(recorded_at)?;
        match &change.deposed {
            Some(key) => instance.deposed.get(key),
            None => instance.current.as_ref(),
        }
    }

    fn recorded_private(&self, change: &ResourceChange) -> Private {
        self.recorded(change)
            .and_then(|object| object.private.clone())
            .or_else(|| change.private.clone())
    }

    /// Drafts the intent of an external action; `None` for a local one.
    pub(super) fn draft(&self, task: Task, ready: &Ready) -> Option<IntentDraft> {
        let change = &self.plan.changes[task.change];
        if change.schema.effect == Effect::Local {
            return None;
        }
        let planned = ready.planned.as_ref().and_then(|planned| {
            let draft = Draft {
                planned: planned.mark_paths(&ready.sensitive, Marks::SENSITIVE),
                deps: change.deps.clone(),
                create_first: change.create_first,
                window: *change.window,
                occupies: change.occupies.lenders.clone(),
            };
            draft.write().ok().map(Name::from)
        });
        let at = self.inputs.clock.now();
        let values = ready.planned.as_ref().or(ready.prior.as_ref());
        let made = ready.planned.as_ref().filter(|_| ready.action == Action::Create);
        Some(IntentDraft {
            addr: change.addr.clone(),
            action: ready.action,
            at,
            cloud_at: ready.provider.cloud_time(&change.addr.block.kind, values, at),
            realm: self.realm_of(change),
            provider: change.provider.clone(),
            planned,
            object_id: ready.prior.as_ref().and_then(object::id_of).map(Into::into),
            deposed: self.deposed_key(task),
            follow_ups: made
                .map(|planned| ready.provider.follow_ups(&change.addr.block.kind, planned))
                .unwrap_or_default(),
        })
    }

    /// Reports a mistake of ours about a change.
    pub(super) fn internal(&self, change: &ResourceChange, what: &str) {
        let error = Diagnostic::error(codes::PROVIDER_BUG, "Internal error")
            .detail(format!("{}: {what}. Please report this.", change.addr))
            .about(change.addr.clone());
        self.world.report(error);
    }
}

/// Returns whether the plan of something that the configuration sets rested on an unknown value.
fn rests_on_unknown(change: &ResourceChange, config: &Value) -> bool {
    let block = &change.schema.block;
    let open = |name: &Name| change.after.get(name).is_some_and(|value| !value.is_wholly_known());
    let set = |name: &Name| config.get(name).is_some_and(|value| !value.is_null());
    block.attributes.keys().any(|name| set(name) && open(name)) || block.blocks.keys().any(open)
}
