//! What a named value needs, evaluated before it.
//!
//! Whoever asks for a value may be the first to ask for a chain of a hundred thousand of them. Its links
//! are evaluated from the far end, over a stack of our own, so that no source is too long for the
//! machine's.

use std::cell::RefCell;
use std::collections::HashSet;

use terrarium_address::{InstanceKey, Name};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::expr::{Expr, KeyRef, Reference, Subject};

use super::modules::Named;
use super::{ModuleId, Phase, World};
use crate::codes;
use crate::graph::Node;

/// A named value or the expansion of a call, in one module instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    Value(ModuleId, Named),
    Call(ModuleId, Name),
}

/// What is being evaluated, innermost last.
#[derive(Default)]
pub(super) struct UnderWay(RefCell<Vec<Wanted>>);

impl World<'_> {
    /// Evaluates what a value reads, and what that reads, before the value itself.
    pub(super) fn prepare(&self, goal: &Wanted) {
        let mut stack = vec![goal.clone()];
        // What a circle leads back to is left to the evaluation, which tells it.
        let mut begun: HashSet<Wanted> = HashSet::new();
        let mut done: HashSet<Wanted> = HashSet::new();
        while let Some(top) = stack.last().cloned() {
            if done.contains(&top) {
                stack.pop();
                continue;
            }
            begun.insert(top.clone());
            let unmet = self.unmet(&top, &|needed| begun.contains(needed) || done.contains(needed));
            if !unmet.is_empty() {
                stack.extend(unmet);
                continue;
            }
            if top == *goal {
                return;
            }
            stack.pop();
            self.meet(&top);
            begun.remove(&top);
            done.insert(top);
        }
    }

    /// Evaluates one value or expands one call.
    fn meet(&self, wanted: &Wanted) {
        // Whoever reads it notes what it read.
        self.recording(|| match wanted {
            Wanted::Value(id, Named::Variable(name)) => drop(self.variable(*id, name)),
            Wanted::Value(id, Named::Local(name)) => drop(self.local(*id, name)),
            Wanted::Value(id, Named::Output(name)) => drop(self.output(*id, name)),
            Wanted::Call(id, name) => drop(self.children(*id, name)),
        });
    }

    /// Lists what a value or call reads directly and what is neither there yet nor left out.
    fn unmet(&self, wanted: &Wanted, left_out: &dyn Fn(&Wanted) -> bool) -> Vec<Wanted> {
        let mut needed = Vec::new();
        let mut all = |id: ModuleId, references: &[Reference]| {
            for reference in references {
                self.add_unmet(id, reference, left_out, &mut needed);
            }
        };
        let (Wanted::Value(id, _) | Wanted::Call(id, _)) = wanted;
        let module = self.module(*id);
        let mut exprs: Vec<&Expr> = Vec::new();
        match wanted {
            Wanted::Value(_, Named::Variable(name)) => {
                let Some(caller) = &module.caller else { return needed };
                let parent = self.module(caller.module);
                let call = parent.config.calls.get(&caller.call);
                if let Some(argument) = call.and_then(|call| call.arguments.get(name)) {
                    all(caller.module, argument.references());
                }
            }
            Wanted::Value(_, Named::Local(name)) => {
                exprs.extend(module.config.locals.get(name).map(|local| &local.value));
            }
            Wanted::Value(_, Named::Output(name)) => {
                if let Some(output) = module.config.outputs.get(name) {
                    exprs.push(&output.value);
                    for rule in &output.preconditions {
                        exprs.extend([&rule.condition, &rule.error_message]);
                    }
                    all(*id, &output.depends_on);
                }
            }
            Wanted::Call(_, name) => {
                if let Some(call) = module.config.calls.get(name) {
                    exprs.extend(call.count.iter().chain(&call.for_each));
                }
            }
        }
        for expr in exprs {
            all(*id, expr.references());
        }
        needed
    }

    fn add_unmet(
        &self,
        id: ModuleId,
        reference: &Reference,
        left_out: &dyn Fn(&Wanted) -> bool,
        needed: &mut Vec<Wanted>,
    ) {
        let module = self.module(id);
        let mut add = |wanted: Wanted| {
            if !self.is_met(&wanted) && !left_out(&wanted) {
                needed.push(wanted);
            }
        };
        match &reference.subject {
            Subject::Variable(name) if module.config.variables.contains_key(name) => {
                add(Wanted::Value(id, Named::Variable(name.clone())));
            }
            Subject::Local(name) if module.config.locals.contains_key(name) => {
                add(Wanted::Value(id, Named::Local(name.clone())));
            }
            Subject::Module { name, key, output } if module.config.calls.contains_key(name) => {
                let call = Wanted::Call(id, name.clone());
                if !self.is_met(&call) && !left_out(&call) {
                    needed.push(call);
                    return;
                }
                for output in self.outputs_read(id, name, (key, output.as_ref())) {
                    add(output);
                }
            }
            _ => {}
        }
    }

    fn is_met(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Value(id, named) => self.module(*id).named.borrow().contains_key(named),
            Wanted::Call(id, name) => self.module(*id).children.borrow().contains_key(name),
        }
    }

    /// Lists the outputs that a reference to an expanded call reads.
    fn outputs_read(
        &self,
        id: ModuleId,
        call: &Name,
        (key, output): (&KeyRef, Option<&Name>),
    ) -> Vec<Wanted> {
        let children = self.children(id, call);
        let single = matches!(children.as_slice(), [(InstanceKey::None, _)]);
        // Without a key `module.m.x` is the instance `x` of a call with `for_each`.
        let element = output.map(|name| InstanceKey::Str(name.clone()));
        let (only, output) = match key {
            _ if single || self.phase == Phase::Validate => (None, output),
            KeyRef::Constant(key) => (Some(key), output),
            KeyRef::Computed => (None, output),
            KeyRef::Whole => (element.as_ref(), None),
        };
        // Readers of one instance of many, chosen by a computed key, would list all of them each time.
        let whole = (id, call.clone(), output.cloned());
        if only.is_none() && !single && !self.listed.borrow_mut().insert(whole) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (key, child) in children.iter() {
            if only.is_some_and(|only| only != key) {
                continue;
            }
            let outputs = &self.module(*child).config.outputs;
            let named = |name: &Name| Wanted::Value(*child, Named::Output(name.clone()));
            match output {
                Some(output) if outputs.contains_key(output) => found.push(named(output)),
                Some(_) => {}
                None => found.extend(outputs.keys().map(named)),
            }
        }
        found
    }

    /// Evaluates unless that is under way already: then the circle is told and there is no result.
    pub(super) fn unless_under_way<T>(
        &self,
        wanted: &Wanted,
        body: impl FnOnce() -> T,
    ) -> Option<T> {
        let begun = self.under_way.0.borrow().iter().rposition(|other| other == wanted);
        if let Some(at) = begun {
            self.tell_circle(at);
            return None;
        }
        self.under_way.0.borrow_mut().push(wanted.clone());
        let result = body();
        self.under_way.0.borrow_mut().pop();
        Some(result)
    }

    /// Tells a circle that the graph of the configuration was not asked for first.
    fn tell_circle(&self, at: usize) {
        let under_way = self.under_way.0.borrow();
        let circle = under_way.get(at..).unwrap_or_default();
        let names = circle.iter().chain(circle.first());
        let names = names.map(|wanted| self.node_of(wanted).to_string());
        let names = crate::words::shortened(names, circle.len() + 1, " needs ");
        let error = Diagnostic::error(codes::CYCLE, "Cycle").detail(format!(
            "These objects wait for each other, so that none can be the first: {names}."
        ));
        self.report(error);
    }

    fn node_of(&self, wanted: &Wanted) -> Node {
        let (Wanted::Value(id, _) | Wanted::Call(id, _)) = wanted;
        let path = self.module(*id).path.config();
        match wanted {
            Wanted::Value(_, Named::Variable(name)) => Node::Variable(path, name.clone()),
            Wanted::Value(_, Named::Local(name)) => Node::Local(path, name.clone()),
            Wanted::Value(_, Named::Output(name)) => Node::Output(path, name.clone()),
            Wanted::Call(_, name) => Node::Call(path, name.clone()),
        }
    }
}
