//! What a `depends_on` of a module stands for: its resources, and what the module itself waits for.

use std::collections::HashSet;

use terrarium_address::{InstanceKey, ModulePath, Name};
use terrarium_lang::config::Module;
use terrarium_lang::expr::{KeyRef, Reference, Subject};
use terrarium_state::Dep;

use super::{ModuleId, World};

/// A call of a module in a module instance; one instance of it, or all.
type Called = (ModuleId, Name, Option<InstanceKey>);

impl World<'_> {
    /// Notes a module that a `depends_on` names. An output that is there means what it reads and no more;
    /// else the whole module is meant, with what its arguments, its repetition and its own `depends_on` read.
    pub(super) fn note_called(&self, id: ModuleId, reference: &Reference) {
        let mut seen: HashSet<Called> = HashSet::new();
        let mut open: Vec<(ModuleId, &Reference)> = vec![(id, reference)];
        let mut calls: Vec<Called> = Vec::new();
        loop {
            if let Some((id, reference)) = open.pop() {
                match &reference.subject {
                    Subject::Module { name, key, output } => {
                        let key = match key {
                            KeyRef::Constant(key) => Some(key.clone()),
                            KeyRef::Whole | KeyRef::Computed => None,
                        };
                        if !self.note_named_output((id, name, key.as_ref()), output.as_ref()) {
                            let at = key.clone().unwrap_or(InstanceKey::None);
                            self.note_resources(&self.module(id).path.child(name.clone(), at));
                            calls.push((id, name.clone(), key));
                        }
                    }
                    _ => self.note_reference(id, reference),
                }
            } else if let Some(called) = calls.pop() {
                if seen.insert(called.clone()) {
                    self.note_whole(called, &mut open, &mut calls);
                }
            } else {
                return;
            }
        }
    }

    /// Notes what an output reads; returns whether the module has such an output.
    fn note_named_output(
        &self,
        (id, call, key): (ModuleId, &Name, Option<&InstanceKey>),
        output: Option<&Name>,
    ) -> bool {
        let path = self.module(id).path.config().child(call.clone(), InstanceKey::None);
        let Some(output) = output.filter(|it| self.inputs.config.has_output(&path, it)) else {
            return false;
        };
        for (_, child) in self.children_at(id, call, key) {
            let _ = self.output(child, output);
        }
        true
    }

    /// Lists the instances of a call, or the one with a key.
    fn children_at(
        &self,
        id: ModuleId,
        call: &Name,
        key: Option<&InstanceKey>,
    ) -> Vec<(InstanceKey, ModuleId)> {
        let children = self.children(id, call);
        let named = children.iter().filter(|(one, _)| key.is_none_or(|key| key == one));
        named.cloned().collect()
    }

    /// Notes what a module waits for itself, and lists what of that is still to be followed.
    fn note_whole<'s>(
        &'s self,
        (id, name, key): Called,
        open: &mut Vec<(ModuleId, &'s Reference)>,
        calls: &mut Vec<Called>,
    ) {
        let module = self.module(id);
        let Some(call) = self.inputs.config.module(&module.path.config()) else { return };
        let Some(call) = call.calls.get(&name) else { return };
        let path = module.path.config().child(name.clone(), InstanceKey::None);
        let declared = self.inputs.config.module(&path);
        // What is in a module waits for what the module waits for; where something surely is, that will do.
        if !declared.is_some_and(|module| has_resource(module)) {
            self.reads.note_all(&self.call_repetition(id, call).deps);
            open.extend(call.depends_on.iter().map(|reference| (id, reference)));
        }
        for (_, child) in self.children_at(id, &name, key.as_ref()) {
            let inside = self.module(child);
            for variable in inside.config.variables.keys() {
                let _ = self.variable(child, variable);
            }
            calls.extend(inside.config.calls.keys().map(|call| (child, call.clone(), None)));
        }
    }

    /// Notes all resources of a module, however deep, as read: those of this instance of the calls around
    /// it, and of every instance of the calls in it.
    fn note_resources(&self, path: &ModulePath) {
        let config = path.config();
        let within =
            self.inputs.config.modules.iter().filter(|(other, _)| other.is_within(&config));
        for (inner, module) in within {
            let rest = inner.steps().iter().skip(path.steps().len());
            let inner = ModulePath::new(path.steps().iter().chain(rest).cloned());
            for block in module.resources.keys() {
                self.reads.note(|| Dep::Block(block.in_module(inner.clone())));
            }
        }
    }
}

/// Returns whether each instance of a module has a resource, whatever its values are.
fn has_resource(module: &Module) -> bool {
    module.resources.values().any(|it| it.count.is_none() && it.for_each.is_none())
}
