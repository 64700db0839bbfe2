//! Module instances and their named values.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use terrarium_address::{InstanceKey, ModulePath, Name};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::config::{Module, ModuleCall, Output, Variable};
use terrarium_value::{Marks, Type, Value};

use super::demand::Wanted;
use super::{At, Deps, Phase, Repetition, Shape, World};
use crate::{Inputs, codes};

/// A module instance of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ModuleId(usize);

impl ModuleId {
    pub(crate) const ROOT: Self = Self(0);
}

/// One module instance.
pub(crate) struct ModuleInstance {
    pub(crate) path: ModulePath,
    pub(crate) config: Arc<Module>,
    /// The instance that calls it, the call, and what `each` and `count` are there.
    pub(crate) caller: Option<Caller>,
    pub(super) named: RefCell<HashMap<Named, (Value, Deps)>>,
    pub(super) children: RefCell<IndexMap<Name, Children>>,
}

/// Instances of a call, in the order of their keys.
pub(crate) type Children = Rc<Vec<(InstanceKey, ModuleId)>>;

/// Where a module instance is called.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) module: ModuleId,
    pub(crate) call: Name,
    pub(crate) key: InstanceKey,
    pub(crate) each: Option<Value>,
    /// Set where it stands for all instances of a call that can't be told yet.
    pub(crate) stands_for: Option<Shape>,
}

impl Caller {
    /// Returns where the arguments of the call stand.
    fn at(&self) -> At<'_> {
        match self.stands_for {
            Some(shape) => At::Any(shape),
            None => At::Instance { key: &self.key, each: self.each.as_ref() },
        }
    }
}

/// A named value of a module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Named {
    Variable(Name),
    Local(Name),
    Output(Name),
}

pub(super) struct Modules {
    all: Vec<Rc<ModuleInstance>>,
    by_path: HashMap<ModulePath, ModuleId>,
}

impl Modules {
    pub(super) fn with_root(inputs: &Inputs) -> Self {
        let config = inputs.config.root().cloned().unwrap_or_default();
        let mut modules = Self { all: Vec::new(), by_path: HashMap::new() };
        modules.add(ModulePath::root(), config, None);
        modules
    }

    pub(super) fn add(
        &mut self,
        path: ModulePath,
        config: Arc<Module>,
        caller: Option<Caller>,
    ) -> ModuleId {
        let id = ModuleId(self.all.len());
        self.by_path.insert(path.clone(), id);
        self.all.push(Rc::new(ModuleInstance {
            path,
            config,
            caller,
            named: RefCell::default(),
            children: RefCell::default(),
        }));
        id
    }

    pub(super) fn at(&self, path: &ModulePath) -> Option<ModuleId> {
        self.by_path.get(path).copied()
    }
}

impl World<'_> {
    /// Returns a module instance.
    pub(crate) fn module(&self, id: ModuleId) -> Rc<ModuleInstance> {
        self.modules.borrow().all[id.0].clone()
    }

    /// Returns the instances of a call, expanding it when first asked.
    pub(crate) fn children(&self, id: ModuleId, call: &Name) -> Children {
        let module = self.module(id);
        if let Some(known) = module.children.borrow().get(call) {
            return known.clone();
        }
        let children =
            Rc::new(module.config.calls.get(call).map(|c| self.expand(id, c)).unwrap_or_default());
        // While an apply goes on, what is not known yet may become so.
        if self.phase != Phase::Apply || !children.is_empty() {
            module.children.borrow_mut().insert(call.clone(), children.clone());
        }
        children
    }

    /// Returns the repetition of a call.
    pub(crate) fn call_repetition(&self, id: ModuleId, call: &ModuleCall) -> Rc<Repetition> {
        let module = self.module(id);
        let at = BlockOfCall::addr(&module.path, &call.name);
        let exprs = (call.count.as_ref(), call.for_each.as_ref());
        let told = self.unless_under_way(&Wanted::Call(id, call.name.clone()), || {
            self.repetition(id, &at, exprs)
        });
        told.unwrap_or_else(|| Rc::new(Repetition::untold(Shape::of(exprs.0, exprs.1))))
    }

    fn expand(&self, id: ModuleId, call: &ModuleCall) -> Vec<(InstanceKey, ModuleId)> {
        let parent = self.module(id);
        let repetition = self.call_repetition(id, call);
        let Some(instances) = &repetition.instances else { return Vec::new() };
        let config_path = parent.path.config().child(call.name.clone(), InstanceKey::None);
        let Some(config) = self.inputs.config.module(&config_path) else { return Vec::new() };
        instances
            .iter()
            .map(|(key, each)| {
                let path = parent.path.child(call.name.clone(), key.clone());
                let caller = Caller {
                    module: id,
                    call: call.name.clone(),
                    key: key.clone(),
                    each: each.clone(),
                    stands_for: None,
                };
                let child = self.modules.borrow_mut().add(path, config.clone(), Some(caller));
                (key.clone(), child)
            })
            .collect()
    }

    /// Returns all instances of the module at a configuration path, expanding on the way.
    pub(crate) fn instances_of(&self, config: &ModulePath) -> Vec<ModuleId> {
        config.steps().iter().fold(vec![ModuleId::ROOT], |parents, step| {
            parents
                .into_iter()
                .flat_map(|id| {
                    self.children(id, &step.name)
                        .iter()
                        .map(|(_, child)| *child)
                        .collect::<Vec<_>>()
                })
                .collect()
        })
    }

    /// Returns the module instance at a path, expanding the calls on the way.
    pub(crate) fn module_along(&self, path: &ModulePath) -> Option<ModuleId> {
        if let Some(known) = self.module_at(path) {
            return Some(known);
        }
        path.steps().iter().try_fold(ModuleId::ROOT, |id, step| {
            let children = self.children(id, &step.name);
            let at = children.binary_search_by(|(key, _)| key.cmp(&step.key)).ok()?;
            children.get(at).map(|(_, child)| *child)
        })
    }

    /// Forgets the values of named objects: something that they read is known to come later.
    pub(crate) fn forget_named(&self) {
        for module in &self.modules.borrow().all {
            module.named.borrow_mut().clear();
        }
        self.listed.borrow_mut().clear();
    }

    fn named(&self, id: ModuleId, named: Named, body: impl FnOnce() -> Value) -> Value {
        let module = self.module(id);
        if let Some((value, deps)) = module.named.borrow().get(&named) {
            self.reads.note_all(deps);
            return value.clone();
        }
        let wanted = Wanted::Value(id, named.clone());
        let evaluated = self.unless_under_way(&wanted, || {
            self.prepare(&wanted);
            self.recording(body)
        });
        let Some((value, deps)) = evaluated else {
            return Value::unknown(Type::Dynamic, terrarium_value::Causes::NONE);
        };
        self.reads.note_all(&deps);
        module.named.borrow_mut().insert(named, (value.clone(), deps));
        value
    }

    /// Returns a variable's value.
    pub(crate) fn variable(&self, id: ModuleId, name: &str) -> Option<Value> {
        let module = self.module(id);
        let variable = module.config.variables.get(name)?;
        Some(self.named(id, Named::Variable(variable.name.clone()), || {
            let value = match &module.caller {
                None => self.root_variable(variable),
                Some(caller) => self.argument(caller, variable),
            };
            let value = if self.phase == Phase::Validate { of_any_caller(variable) } else { value };
            let mut marks = Marks::NONE;
            if variable.sensitive {
                marks = marks | Marks::SENSITIVE;
            }
            if variable.ephemeral {
                marks = marks | Marks::EPHEMERAL;
            }
            value.marked(marks)
        }))
    }

    fn root_variable(&self, variable: &Variable) -> Value {
        let given = self.inputs.variables.get(&variable.name);
        match (given, &variable.default) {
            (Some(given), _) => match variable.accept(given.value.clone()) {
                Ok(value) => value,
                Err(error) => {
                    let span = given.span.unwrap_or(variable.span);
                    let error = if error.at.is_none() { error.at(span, "") } else { error };
                    self.report(error);
                    Value::unknown(variable.ty.clone(), terrarium_value::Causes::NONE)
                }
            },
            (None, Some(default)) => default.clone(),
            (None, None) => {
                if matches!(self.phase, Phase::Plan | Phase::Apply) {
                    let error = Diagnostic::error(codes::MISSING_VARIABLE, "No value for required variable")
                        .detail(format!(
                            "The root module input variable {:?} is not set, and has no default value. Use a -var or \
                             -var-file command line argument to provide a value for this variable.",
                            &*variable.name
                        ))
                        .at(variable.span, "");
                    self.report(error);
                }
                let cause = terrarium_value::Cause::Other(
                    format!("the variable \"{}\"", variable.name).into(),
                );
                Value::unknown(variable.ty.clone(), terrarium_value::Causes::one(cause))
            }
        }
    }

    fn argument(&self, caller: &Caller, variable: &Variable) -> Value {
        let parent = self.module(caller.module);
        let Some(call) = parent.config.calls.get(&caller.call) else {
            return Value::null(Type::Dynamic);
        };
        let Some(expr) = call.arguments.get(&variable.name) else {
            return variable.default.clone().unwrap_or_else(|| {
                Value::unknown(variable.ty.clone(), terrarium_value::Causes::NONE)
            });
        };
        let value =
            self.evaluate(caller.module, caller.at(), |frame, diags| expr.eval(frame, diags));
        let value = self.accept_ephemeral(value, variable, expr);
        variable.accept(value).unwrap_or_else(|error| {
            let error = if error.at.is_none() { error.at(expr.span(), "") } else { error };
            self.report(error);
            Value::unknown(variable.ty.clone(), terrarium_value::Causes::NONE)
        })
    }

    /// Returns a local's value.
    pub(crate) fn local(&self, id: ModuleId, name: &str) -> Option<Value> {
        let module = self.module(id);
        let local = module.config.locals.get(name)?;
        Some(self.named(id, Named::Local(local.name.clone()), || {
            self.evaluate(id, At::Module, |frame, diags| local.value.eval(frame, diags))
        }))
    }

    /// Returns an output's value.
    pub(crate) fn output(&self, id: ModuleId, name: &str) -> Option<Value> {
        let module = self.module(id);
        let output = module.config.outputs.get(name)?;
        Some(self.named(id, Named::Output(output.name.clone()), || {
            for dep in &output.depends_on {
                self.note_reference(id, dep);
            }
            if matches!(self.phase, Phase::Plan | Phase::Apply) {
                self.check_rules(id, At::Module, &output.preconditions, RuleKind::Output);
            }
            let value =
                self.evaluate(id, At::Module, |frame, diags| output.value.eval(frame, diags));
            let value = self.return_ephemeral(value, output);
            if output.sensitive {
                return value.marked(Marks::SENSITIVE);
            }
            let exported = id == ModuleId::ROOT && self.phase != Phase::Console;
            if exported && value.deep_marks().contains(Marks::SENSITIVE) {
                self.report(exports_sensitive(output));
            }
            value
        }))
    }

    /// Returns what a module instance's outputs are, as an object.
    pub(crate) fn outputs(&self, id: ModuleId) -> Value {
        let module = self.module(id);
        let names = module.config.outputs.keys();
        Value::object_of(names.filter_map(|name| Some((name.clone(), self.output(id, name)?))))
    }
}

/// Returns what a variable is while only the configuration is checked: a value of its type. What some of
/// its values break, even the default, the plan tells.
fn of_any_caller(variable: &Variable) -> Value {
    let cause = terrarium_value::Cause::Other(format!("the variable \"{}\"", variable.name).into());
    Value::unknown(variable.ty.clone(), terrarium_value::Causes::one(cause))
}

/// Says that a root output would show what is sensitive.
fn exports_sensitive(output: &Output) -> Diagnostic {
    Diagnostic::error(codes::SENSITIVE_OUTPUT, "Output refers to sensitive values")
        .detail(
            "To reduce the risk of accidentally exporting sensitive data that was intended to be only internal, any \
             root module output containing sensitive data must be explicitly marked as sensitive, to confirm your \
             intent.",
        )
        .at(output.span, "")
        .help("add `sensitive = true` to the output, or give out only a part that is not sensitive")
}

pub(crate) use crate::rules::RuleKind;

/// Module calls share the table of repetitions with resources, under a type no resource can have.
pub(super) struct BlockOfCall;

impl BlockOfCall {
    pub(super) fn addr(module: &ModulePath, call: &Name) -> terrarium_address::ConfigAddr {
        terrarium_address::ConfigAddr {
            module: module.clone(),
            mode: terrarium_address::Mode::Managed,
            kind: "module".into(),
            name: call.clone(),
        }
    }
}
