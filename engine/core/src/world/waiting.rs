//! What can't be told in this run: blocks and calls whose repetition is not known yet.

use std::collections::HashMap;

use terrarium_address::{ConfigAddr, InstanceKey, ModulePath, ResourceAddr};
use terrarium_lang::config::ModuleCall;
use terrarium_value::{Cause, Causes, Value, When};

use super::modules::{BlockOfCall, Caller};
use super::{ModuleId, Shape, World};
use crate::{Plan, Waits};

/// Blocks and calls whose instances can't be told yet, each with what its values wait for.
pub(super) type Waiting = HashMap<ConfigAddr, Causes>;

/// The repetition of a block or call that can't be told yet.
#[derive(Clone, Debug)]
pub(crate) struct Unsettled {
    /// `count` or `for_each`, with the call that it belongs to where that is another block's:
    /// `for_each of module.m`.
    pub(crate) argument: String,
    /// What it waits for.
    pub(crate) causes: Causes,
}

/// A module instance that stands for all, since a call around it can't be told yet.
#[derive(Clone, Debug)]
pub(crate) struct StandIn {
    pub(crate) module: ModuleId,
    /// How many steps of its path lead to that call, itself included.
    pub(crate) depth: usize,
    pub(crate) unsettled: Unsettled,
}

impl World<'_> {
    /// Lets what is not known yet wait, instead of being a mistake.
    pub(crate) fn deferring(self, defers: bool) -> Self {
        Self { defers, ..self }
    }

    /// Returns whether what is not known yet may wait for a later run.
    pub(crate) fn defers(&self) -> bool {
        self.defers
    }

    /// Notes what was read elsewhere as read here.
    pub(crate) fn note_all(&self, deps: &super::Deps) {
        self.reads.note_all(deps);
    }

    /// Returns what the instances of a block or call wait for, where they can't be told yet.
    pub(super) fn waiting(&self, block: &ConfigAddr) -> Option<Causes> {
        self.waiting.borrow().get(block).cloned()
    }

    /// Notes that the instances of a block or call can't be told yet.
    pub(super) fn wait_for(&self, block: &ConfigAddr, causes: Causes) {
        self.waiting.borrow_mut().insert(block.clone(), causes);
    }

    /// Lets an apply see what its plan put off: such blocks and instances stay unknown, or as they are.
    pub(crate) fn postpone(&self, plan: &Plan) {
        for deferred in &plan.deferred {
            let change = &deferred.change;
            let causes = change.fate.causes(&change.addr);
            if deferred.waits() == Some(&Waits::Values)
                && self.postpone_repetition(&change.addr, &causes)
            {
                continue;
            }
            let value = if change.before.is_null() {
                Value::unknown(change.schema.block.ty(), causes)
            } else {
                change.before.clone()
            };
            if self.instance(&change.addr).is_none() {
                self.set_instance(&change.addr.block, change.addr.key.clone(), Some(value));
            }
        }
    }

    /// Notes which `count` or `for_each` an address without a key stands for; `false`: none.
    fn postpone_repetition(&self, addr: &ResourceAddr, causes: &Causes) -> bool {
        let config = &self.inputs.config;
        let repeated = |count: bool, for_each: bool| count || for_each;
        let mut found = false;
        let mut path = ModulePath::root();
        for step in addr.block.module.steps() {
            let call = config.module(&path).and_then(|module| module.calls.get(&step.name));
            let waits = call.is_some_and(|call| {
                step.key.is_none() && repeated(call.count.is_some(), call.for_each.is_some())
            });
            if waits {
                self.wait_for(&BlockOfCall::addr(&path, &step.name), causes.clone());
                return true;
            }
            path = path.child(step.name.clone(), step.key.clone());
        }
        if let Some(resource) = config.resource(&addr.block)
            && addr.key.is_none()
            && repeated(resource.count.is_some(), resource.for_each.is_some())
        {
            self.wait_for(&addr.block, causes.clone());
            found = true;
        }
        found
    }

    /// Returns whether a call leads to any resource or data source.
    pub(super) fn makes_something(&self, caller: &ModulePath, call: &str) -> bool {
        let path = caller.config().child(call.into(), InstanceKey::None);
        let modules = &self.inputs.config.modules;
        modules.iter().any(|(at, module)| at.is_within(&path) && !module.resources.is_empty())
    }

    /// Returns the instances that stand for all where a call around the module can't be told yet, each
    /// with what that call waits for.
    pub(crate) fn stand_ins_of(&self, config: &ModulePath) -> Vec<StandIn> {
        let mut found: Vec<(ModuleId, Option<(usize, Unsettled)>)> = vec![(ModuleId::ROOT, None)];
        for (at, step) in config.steps().iter().enumerate() {
            let mut next = Vec::new();
            for (id, outer) in found {
                let module = self.module(id);
                let Some(call) = module.config.calls.get(&step.name) else { continue };
                let repetition = self.call_repetition(id, call);
                if let Some(waits) = &repetition.waits {
                    let argument = format!("{} of module.{}", waits.argument, call.name);
                    let here = Unsettled { argument, causes: waits.causes.clone() };
                    let outer = outer.unwrap_or((at + 1, here));
                    next.extend(self.stand_in(id, call).map(|child| (child, Some(outer))));
                } else {
                    let children = self.children(id, &step.name);
                    next.extend(children.iter().map(|(_, child)| (*child, outer.clone())));
                }
            }
            found = next;
        }
        let stands = found.into_iter().filter_map(|(module, outer)| {
            outer.map(|(depth, unsettled)| StandIn { module, depth, unsettled })
        });
        stands.collect()
    }

    /// Returns the instance that stands for all of a call: `each` and `count.index` are unknown there.
    fn stand_in(&self, id: ModuleId, call: &ModuleCall) -> Option<ModuleId> {
        let parent = self.module(id).path.clone();
        let path = parent.child(call.name.clone(), InstanceKey::None);
        if let Some(known) = self.module_at(&path) {
            return Some(known);
        }
        let config = self.inputs.config.module(&path)?.clone();
        let shape = Shape::of(call.count.as_ref(), call.for_each.as_ref());
        let caller = Caller {
            module: id,
            call: call.name.clone(),
            key: InstanceKey::None,
            each: None,
            stands_for: Some(shape),
        };
        Some(self.modules.borrow_mut().add(path, config, Some(caller)))
    }
}

/// Says of causes that what they name is there only after this apply: a value that rests on them can't
/// be told in it.
pub(crate) fn put_off(causes: &Causes) -> Causes {
    let later: Vec<Causes> = causes
        .iter()
        .map(|cause| match cause {
            Cause::Instance { addr, when: When::Apply } => crate::fate::causes(addr, When::Later),
            cause => Causes::one(cause.clone()),
        })
        .collect();
    Causes::union(&later)
}

/// Returns the cause of what a block whose instances can't be told leaves unknown.
pub(super) fn cause_of(block: &ConfigAddr, causes: &Causes) -> Causes {
    let when = match causes.when() {
        When::Apply => When::Later,
        when => when,
    };
    crate::fate::causes(&block.instance(InstanceKey::None), when)
}
