//! The scope of an expression: the world, seen from a module instance.

use terrarium_address::{ConfigAddr, InstanceKey, Mode};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::config::BlockRef;
use terrarium_lang::expr::{
    EachPart, Environment, Frame, KeyRef, PathPart, Reference, ScopeResult, Subject, TerraformPart,
};
use terrarium_lang::{Expr, Scope};
use terrarium_state::Dep;
use terrarium_value::{Causes, Type, Value};

use super::blocks::collect;
use super::waiting::{cause_of, put_off};
use super::{ModuleId, Phase, Shape, World};
use crate::codes;

/// Where in a module instance an expression stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At<'a> {
    /// In no repeated block.
    Module,
    /// In an instance of a resource or call.
    Instance {
        /// Its key.
        key: &'a InstanceKey,
        /// `each.value`, where there is one.
        each: Option<&'a Value>,
    },
    /// In a block whose instances can't be told yet: `each` and `count.index` are unknown.
    Any(Shape),
    /// As [`At::Instance`], with `self`.
    This {
        /// Its key.
        key: &'a InstanceKey,
        /// `each.value`, where there is one.
        each: Option<&'a Value>,
        /// `self`.
        this: &'a Value,
    },
}

/// Implements [`Scope`] over the world.
pub(crate) struct ModuleScope<'w, 'a> {
    world: &'w World<'a>,
    module: ModuleId,
    at: At<'w>,
}

impl<'w, 'a> ModuleScope<'w, 'a> {
    pub(crate) fn new(world: &'w World<'a>, module: ModuleId, at: At<'w>) -> Self {
        Self { world, module, at }
    }
}

fn missing(summary: &str, detail: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(codes::REFERENCE, summary).detail(detail))
}

impl Scope for ModuleScope<'_, '_> {
    fn variable(&self, name: &str) -> ScopeResult {
        self.world.variable(self.module, name).ok_or_else(|| {
            missing(
                "Reference to undeclared input variable",
                format!("An input variable with the name {name:?} has not been declared."),
            )
        })
    }

    fn local(&self, name: &str) -> ScopeResult {
        self.world.local(self.module, name).ok_or_else(|| {
            missing(
                "Reference to undeclared local value",
                format!("A local value with the name {name:?} has not been declared."),
            )
        })
    }

    fn resource(&self, block: &BlockRef, key: Option<&InstanceKey>) -> ScopeResult {
        self.world.resource(self.module, block, key)
    }

    fn module(&self, name: &str, key: Option<&InstanceKey>, output: Option<&str>) -> ScopeResult {
        self.world.call(self.module, name, key, output)
    }

    fn each(&self, part: EachPart) -> ScopeResult {
        if let At::Any(Shape::ForEach) = self.at {
            let ty = if part == EachPart::Key { Type::String } else { Type::Dynamic };
            return Ok(Value::unknown(ty, Causes::NONE));
        }
        let (At::Instance { key, each: Some(value) } | At::This { key, each: Some(value), .. }) =
            self.at
        else {
            return Err(missing(
                "Reference to \"each\" in context without for_each",
                "The \"each\" object can be used only in \"module\" or \"resource\" blocks, and only when the \
                 \"for_each\" argument is set.",
            ));
        };
        match (part, key) {
            (EachPart::Value, _) => Ok(value.clone()),
            (EachPart::Key, InstanceKey::Str(key)) => Ok(Value::string(key.clone())),
            (EachPart::Key, _) => Ok(Value::unknown(Type::String, Causes::NONE)),
        }
    }

    fn count_index(&self) -> ScopeResult {
        match self.at {
            At::Any(Shape::Count) => Ok(Value::unknown(Type::Number, Causes::NONE)),
            At::Instance { key: InstanceKey::Int(index), .. }
            | At::This { key: InstanceKey::Int(index), .. } => Ok(Value::number(*index)),
            _ => Err(missing(
                "Reference to \"count\" in non-counted context",
                "The \"count\" object can only be used in \"module\", \"resource\", and \"data\" blocks, and only \
                 when the \"count\" argument is set.",
            )),
        }
    }

    fn this(&self) -> ScopeResult {
        match self.at {
            At::This { this, .. } => Ok(this.clone()),
            _ => Err(missing(
                "Invalid \"self\" reference",
                "The \"self\" object is not available in this context. This object can be used only in resource \
                 provisioner, connection, and postcondition blocks.",
            )),
        }
    }

    fn path(&self, part: PathPart) -> ScopeResult {
        let path = match part {
            PathPart::Module => slashed(&self.world.module(self.module).config.dir),
            PathPart::Root => ".".to_owned(),
            PathPart::Cwd => slashed(&self.world.inputs.cwd),
        };
        Ok(Value::string(path))
    }

    fn terraform(&self, part: TerraformPart) -> ScopeResult {
        Ok(match part {
            TerraformPart::Workspace => Value::string(self.world.inputs.workspace.clone()),
            TerraformPart::Applying => Value::bool(self.world.phase == Phase::Apply)
                .marked(terrarium_value::Marks::EPHEMERAL),
        })
    }

    fn environment(&self) -> &Environment {
        &self.world.environment
    }
}

fn slashed(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    if text.is_empty() { ".".to_owned() } else { text }
}

impl World<'_> {
    /// Returns what a reference to a resource sees, and notes the read.
    pub(crate) fn resource(
        &self,
        id: ModuleId,
        block: &BlockRef,
        key: Option<&InstanceKey>,
    ) -> ScopeResult {
        let module = self.module(id);
        let Some(resource) = module.config.resources.get(block) else {
            return Err(missing(
                "Reference to undeclared resource",
                format!(
                    "A resource {block} has not been declared in {}.",
                    crate::words::module(&module.path)
                ),
            ));
        };
        let shape = Shape::of(resource.count.as_ref(), resource.for_each.as_ref());
        let addr = block.in_module(module.path.clone());
        let key = match (shape, key) {
            (Shape::Single, None) => Some(&InstanceKey::None),
            (Shape::Single, Some(_)) => {
                return Err(missing(
                    "Invalid index",
                    format!(
                        "{block} has neither \"count\" nor \"for_each\" set: it has no instances to choose from."
                    ),
                ));
            }
            (_, key) => key,
        };
        match key {
            Some(key) => self.reads.note(|| Dep::Instance(addr.instance(key.clone()))),
            None => self.reads.note(|| Dep::Block(addr.clone())),
        }
        if shape != Shape::Single
            && let Some(causes) = self.waiting(&addr)
        {
            return Ok(Value::unknown(Type::Dynamic, cause_of(&addr, &causes)));
        }
        let mut blocks = self.blocks.borrow_mut();
        let Some(values) = blocks.get_mut(&addr) else {
            // A plan has every instance there is: a block without one has none.
            return Ok(match (self.phase, shape, key) {
                (Phase::Apply, Shape::Count | Shape::ForEach, None) => {
                    collect(shape, std::iter::empty())
                }
                _ => Self::absent(block),
            });
        };
        match key {
            None => Ok(values.whole(shape)),
            Some(key) => match values.get(key) {
                Some(value) => Ok(value.clone()),
                // Only a plan that creates nothing leaves the one instance out.
                None if values.complete && *key != InstanceKey::None => {
                    Err(no_instance(block, key))
                }
                None => Ok(Self::absent(block)),
            },
        }
    }

    /// What stands for a resource that has no value (yet).
    fn absent(block: &BlockRef) -> Value {
        let cause = terrarium_value::Cause::Other(block.to_string().into());
        Value::unknown(Type::Dynamic, Causes::one(cause))
    }

    /// Returns what a reference to a module call sees.
    fn call(
        &self,
        id: ModuleId,
        name: &str,
        key: Option<&InstanceKey>,
        output: Option<&str>,
    ) -> ScopeResult {
        let module = self.module(id);
        let Some(call) = module.config.calls.get(name) else {
            return Err(missing(
                "Reference to undeclared module",
                format!(
                    "No module call named {name:?} is declared in {}.",
                    crate::words::module(&module.path)
                ),
            ));
        };
        let repetition = self.call_repetition(id, call);
        self.reads.note_all(&repetition.deps);
        if repetition.instances.is_none() {
            let waits = repetition.waits.as_ref().map(|waits| &waits.causes);
            let causes = match waits {
                None => Causes::NONE,
                // Nothing has to be made for its values to be known.
                Some(causes) if !self.makes_something(&module.path, name) => causes.clone(),
                Some(causes) => put_off(causes),
            };
            return Ok(Value::unknown(Type::Dynamic, causes));
        }
        let children = self.children(id, &call.name);
        if self.phase == Phase::Validate && repetition.shape != Shape::Single {
            return Ok(self.any_instance(&children, key, output));
        }
        let element = match (repetition.shape, key, output) {
            // `module.m.x` of a call with `for_each` is the element `x` of its object.
            (Shape::ForEach, None, Some(output)) => Some(InstanceKey::Str(output.into())),
            (Shape::Count, None, Some(output)) => return Err(no_output(output)),
            _ => None,
        };
        let (wanted, output) = match (repetition.shape, &element) {
            (Shape::Single, _) => (Some(&InstanceKey::None), output),
            (_, Some(element)) => (Some(element), None),
            (_, None) => (key, output),
        };
        let Some(wanted) = wanted else {
            return Ok(collect(
                repetition.shape,
                children.iter().map(|(key, child)| (key, self.outputs(*child))),
            ));
        };
        let found = children
            .binary_search_by(|(key, _)| key.cmp(wanted))
            .ok()
            .and_then(|at| children.get(at));
        let Some((_, child)) = found else {
            return Err(missing(
                "Invalid index",
                format!(
                    "The given key does not identify an element in this collection value: module.{name}{wanted}."
                ),
            ));
        };
        match output {
            None => Ok(self.outputs(*child)),
            Some(output) => self.output(*child, output).ok_or_else(|| no_output(output)),
        }
    }

    /// What stands for an instance of a repeated call while only the configuration is checked.
    fn any_instance(
        &self,
        children: &[(InstanceKey, ModuleId)],
        key: Option<&InstanceKey>,
        output: Option<&str>,
    ) -> Value {
        let unknown = Value::unknown(Type::Dynamic, Causes::NONE);
        match (children.first(), key, output) {
            (Some((_, child)), Some(_), Some(output)) => {
                self.output(*child, output).unwrap_or(unknown)
            }
            _ => unknown,
        }
    }

    /// Notes what the `count` or `for_each` of every call around a module read: an apply may not expand
    /// the module before that is known.
    pub(crate) fn note_calls(&self, id: ModuleId) {
        let mut at = self.module(id);
        while let Some(caller) = at.caller.clone() {
            at = self.module(caller.module);
            if let Some(call) = at.config.calls.get(&caller.call) {
                self.reads.note_all(&self.call_repetition(caller.module, call).deps);
            }
        }
    }

    /// Notes a `depends_on` as a read.
    pub(crate) fn note_reference(&self, id: ModuleId, reference: &Reference) {
        let module = self.module(id);
        match &reference.subject {
            Subject::Resource(block, key) => {
                let addr = block.in_module(module.path.clone());
                self.reads.note(|| match key {
                    KeyRef::Constant(key) => Dep::Instance(addr.instance(key.clone())),
                    KeyRef::Whole | KeyRef::Computed => Dep::Block(addr),
                });
            }
            Subject::Module { .. } => self.note_called(id, reference),
            Subject::Variable(name) => drop(self.variable(id, name)),
            Subject::Local(name) => drop(self.local(id, name)),
            _ => {}
        }
    }

    /// Notes what an expression of a block reads, and nothing that it would say; `self` is unknown.
    pub(crate) fn note_expr(&self, id: ModuleId, at: At<'_>, expr: &Expr, own: &ConfigAddr) {
        let unknown = Value::unknown(Type::Dynamic, Causes::NONE);
        let at = match at {
            At::Instance { key, each } => At::This { key, each, this: &unknown },
            at => at,
        };
        let ((), reads) = self.recording(|| {
            let scope = ModuleScope::new(self, id, at);
            expr.eval(&Frame::new(&scope), &mut Diagnostics::new());
        });
        self.reads.note_all_but(&reads, own);
    }
}

fn no_output(output: &str) -> Box<Diagnostic> {
    missing(
        "Unsupported attribute",
        format!("This object does not have an attribute named {output:?}."),
    )
}

fn no_instance(block: &BlockRef, key: &InstanceKey) -> Box<Diagnostic> {
    let kind = if block.mode == Mode::Data { "data source" } else { "resource" };
    missing(
        "Invalid index",
        format!(
            "The given key does not identify an element in this collection value: the {kind} {block} has no instance \
             with the key {key}."
        ),
    )
}
