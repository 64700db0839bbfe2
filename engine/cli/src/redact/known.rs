//! Where a run's sensitive values are found: in variables, plans and states.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::{InstanceKey, ModulePath, Name};
use terrarium_core::{InputValue, OutputChange, Plan};
use terrarium_diagnostic::Sources;
use terrarium_lang::Configuration;
use terrarium_lang::config::{Module, Variable};
use terrarium_lang::expr::{Expr, Subject};
use terrarium_provider::Block;
use terrarium_state::State;
use terrarium_value::{Marks, Value};

use super::Redactor;
use crate::render::outputs::{SchemaOf, object_value, output_value};

/// The function by which an author gives a value free.
const GIVE_FREE: &str = "nonsensitive(";

impl Redactor {
    /// Learns from a configuration which root variables are sensitive, which words are names, and which outputs
    /// the author has given free.
    pub(crate) fn learn_configuration(&self, config: &Configuration) {
        for (path, module) in &config.modules {
            names(module).for_each(|name| self.name(name));
            for variable in module.variables.values().filter(|one| is_secret(one)) {
                variable.default.iter().for_each(|value| self.hide_value(value));
            }
            for call in module.calls.values() {
                let called = path.child(call.name.clone(), InstanceKey::None);
                let Some(called) = config.modules.get(&called) else { continue };
                for (name, given) in &call.arguments {
                    if called.variables.get(name).is_some_and(is_secret) {
                        given.constant().iter().for_each(|value| self.hide_value(value));
                    }
                }
            }
        }
        let Some(root) = config.root() else { return };
        for variable in root.variables.values().filter(|one| is_secret(one)) {
            self.hide_variable(&variable.name);
        }
        self.free_outputs(free_outputs(config));
    }

    /// Learns the values of root variables.
    pub(crate) fn learn_variables(
        &self,
        config: &Configuration,
        values: &BTreeMap<Name, InputValue>,
        sources: &Sources,
    ) {
        let Some(root) = config.root() else { return };
        for (name, variable) in &root.variables {
            let given = values.get(name).map(|given| &given.value).or(variable.default.as_ref());
            let Some(value) = given.filter(|_| is_secret(variable)) else { continue };
            self.hide_value(value);
            if given_free(root, name, sources) {
                self.open_value(value);
            }
        }
    }

    /// Learns from a plan.
    pub(crate) fn learn_plan(&self, plan: &Plan) {
        let deferred = plan.deferred.iter().map(|one| &one.change);
        for change in plan.changes.iter().chain(&plan.drift).chain(deferred) {
            self.hide_marked(&change.before);
            self.hide_marked(&change.after);
        }
        plan.data.iter().for_each(|data| self.hide_marked(&data.value));
        plan.variables.values().for_each(|value| self.hide_marked(value));
        self.learn_outputs(&plan.outputs);
    }

    /// Learns from planned or applied outputs.
    pub(crate) fn learn_outputs(&self, outputs: &BTreeMap<Name, OutputChange>) {
        for (name, output) in outputs {
            self.output(name, &output.before, output.sensitive);
            self.output(name, &output.after, output.sensitive);
        }
    }

    /// Learns from a state.
    pub(crate) fn learn_state(&self, state: &State, schema_of: SchemaOf<'_>) {
        for (addr, instance) in &state.resources {
            let schema = schema_of(addr.block.mode, &instance.provider, &addr.block.kind);
            let by_schema = schema.as_deref().is_some_and(|schema| has_secrets(&schema.block));
            let all = instance.current.iter().chain(instance.deposed.values());
            for object in all.filter(|object| by_schema || !object.sensitive.is_empty()) {
                self.hide_marked(&object_value(object, schema.as_deref()).0);
            }
        }
        for (name, output) in &state.outputs {
            self.output(name, &output_value(output), output.sensitive);
        }
    }

    fn output(&self, name: &str, value: &Value, sensitive: bool) {
        if sensitive {
            self.hide_value(value);
        } else if self.is_free_output(name) {
            self.open_value(value);
        }
    }

    /// Returns who is told of what an evaluation gives free.
    pub(crate) fn listener(&self) -> terrarium_lang::expr::Freed {
        let redactor = self.clone();
        std::sync::Arc::new(move |value| redactor.open_value(value))
    }

    fn open_value(&self, value: &Value) {
        value.for_each_leaf(&mut |_, leaf| {
            if let Some(text) = leaf.as_str() {
                self.open(text);
            }
        });
    }
}

/// Returns whether an apply of a plan makes sensitive values known that nobody knows yet.
pub(crate) fn makes_secrets(plan: &Plan) -> bool {
    let unknown = |part: &Value| !part.is_known() && part.marks().contains(Marks::SENSITIVE);
    plan.changes.iter().any(|change| {
        let mut found = false;
        change.after.for_each_part(&mut |_, part| found |= unknown(part));
        found
    })
}

/// Returns whether an attribute of a schema is sensitive.
fn has_secrets(block: &Block) -> bool {
    block.attributes.values().any(|attribute| attribute.sensitive)
        || block.blocks.values().any(|nested| has_secrets(&nested.block))
}

fn is_secret(variable: &Variable) -> bool {
    variable.sensitive || variable.ephemeral
}

/// Lists the names that a module declares and uses in the open.
fn names(module: &Module) -> impl Iterator<Item = &str> {
    let resources = module.resources.keys().flat_map(|block| [&block.kind, &block.name]);
    let declared = module.variables.keys().chain(module.locals.keys()).chain(module.outputs.keys());
    let called = module.calls.keys().chain(module.checks.keys());
    resources.chain(declared).chain(called).map(|name| &**name)
}

/// A named value of a configuration: the module, what kind it is, its name.
type Place = (ModulePath, What, Name);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Variable,
    Local,
    Output,
}

/// Lists the root outputs whose values the author gave free, by themselves or through other named values.
fn free_outputs(config: &Configuration) -> BTreeSet<String> {
    let mut readers: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
    let mut open: Vec<Place> = Vec::new();
    let mut note = |path: &ModulePath, expr: &Expr, place: Place| {
        if expr.source_text().contains(GIVE_FREE) {
            open.push(place.clone());
        }
        for read in expr.references().iter().filter_map(|it| place_of(path, &it.subject)) {
            readers.entry(read).or_default().push(place.clone());
        }
    };
    for (path, module) in &config.modules {
        for (name, local) in &module.locals {
            note(path, &local.value, (path.clone(), What::Local, name.clone()));
        }
        for (name, output) in &module.outputs {
            note(path, &output.value, (path.clone(), What::Output, name.clone()));
        }
        for call in module.calls.values() {
            let called = path.child(call.name.clone(), InstanceKey::None);
            for (name, given) in &call.arguments {
                note(path, given, (called.clone(), What::Variable, name.clone()));
            }
        }
    }
    let mut free: BTreeSet<Place> = BTreeSet::new();
    while let Some(place) = open.pop() {
        if free.insert(place.clone()) {
            open.extend(readers.get(&place).into_iter().flatten().cloned());
        }
    }
    let of_root = |(path, what, _): &&Place| path.is_root() && *what == What::Output;
    free.iter().filter(of_root).map(|(_, _, name)| name.to_string()).collect()
}

/// Returns the named value that a reference in a module reads, where it names one.
fn place_of(path: &ModulePath, subject: &Subject) -> Option<Place> {
    Some(match subject {
        Subject::Variable(name) => (path.clone(), What::Variable, name.clone()),
        Subject::Local(name) => (path.clone(), What::Local, name.clone()),
        Subject::Module { name, output: Some(output), .. } => {
            (path.child(name.clone(), InstanceKey::None), What::Output, output.clone())
        }
        _ => return None,
    })
}

/// Returns whether the root module says `nonsensitive(var.name)`.
fn given_free(root: &Module, name: &str, sources: &Sources) -> bool {
    let subject = format!("var.{name}");
    let texts = root.files.iter().filter_map(|file| sources.get(*file));
    texts.flat_map(|source| source.text.split(GIVE_FREE).skip(1)).any(|argument| {
        let rest = argument.trim_start().strip_prefix(&*subject);
        rest.is_some_and(|rest| rest.trim_start().starts_with(')'))
    })
}
