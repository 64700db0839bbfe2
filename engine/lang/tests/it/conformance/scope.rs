//! A scope over a loaded configuration in which nothing was ever applied.

#![allow(clippy::expect_used, reason = "a fixture that is not as expected fails the test")]

use std::path::Path;
use std::sync::Arc;

use terrarium_address::{InstanceKey, ModulePath, Name};
use terrarium_diagnostic::{Code, Diagnostic, Diagnostics};
use terrarium_lang::config::{BlockRef, Module};
use terrarium_lang::expr::{
    EachPart, Environment, Expr, Frame, Limits, PathPart, Scope, ScopeResult, Subject,
    TerraformPart,
};
use terrarium_lang::{Configuration, StdFiles};
use terrarium_value::{Causes, Map, Marks, Type, Value};

pub(super) struct FixtureScope {
    configuration: Arc<Configuration>,
    path: ModulePath,
    module: Arc<Module>,
    /// The values of a called module's variables.
    given: Option<Map>,
    environment: Environment,
}

fn error(summary: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(Code("T0000"), summary))
}

fn unknown() -> Value {
    Value::unknown(Type::Dynamic, Causes::NONE)
}

impl FixtureScope {
    pub(super) fn root(configuration: Configuration, dir: &Path) -> Self {
        let module = configuration.root().expect("a root module").clone();
        let environment = Environment {
            planning: false,
            home: Some("/home/somebody".into()),
            ..Environment::new(
                dir,
                Arc::new(StdFiles),
                "2026-03-01T12:00:00Z".parse().expect("a time"),
            )
        };
        Self {
            configuration: Arc::new(configuration),
            path: ModulePath::root(),
            module,
            given: None,
            environment,
        }
    }

    /// Lets `~` be another directory.
    pub(super) fn set_home(&mut self, home: &Path) {
        self.environment.home = Some(home.to_owned());
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.environment.limits = limits;
    }

    /// Returns what is wrong with the references of an expression, as the console finds before it evaluates.
    pub(super) fn undeclared(&self, expr: &Expr) -> Option<String> {
        expr.references().iter().find_map(|reference| match &reference.subject {
            Subject::Variable(name) if !self.module.variables.contains_key(name) => {
                Some("Reference to undeclared input variable".into())
            }
            Subject::Local(name) if !self.module.locals.contains_key(name) => {
                Some("Reference to undeclared local value".into())
            }
            Subject::Resource(block, _) if !self.module.resources.contains_key(block) => {
                Some("Reference to undeclared resource".into())
            }
            Subject::Module { name, .. } if !self.module.calls.contains_key(name) => {
                Some("Reference to undeclared module".into())
            }
            _ => None,
        })
    }

    fn evaluate(expr: &Expr, frame: &Frame<'_>) -> ScopeResult {
        let mut diags = Diagnostics::new();
        let value = expr.eval(frame, &mut diags);
        match diags.into_iter().find(Diagnostic::is_error) {
            Some(problem) => Err(Box::new(problem)),
            None => Ok(value),
        }
    }

    fn called(&self, name: &Name, each: Option<&str>) -> Result<Self, Box<Diagnostic>> {
        let call =
            self.module.calls.get(name).ok_or_else(|| error("Reference to undeclared module"))?;
        let path = self.path.child(name.clone(), InstanceKey::None);
        let module = self.configuration.module(&path).expect("the called module").clone();
        let mut given = Map::new();
        for (name, expr) in &call.arguments {
            let keyed = EachScope { outer: self, key: each };
            given.insert(name.clone(), Self::evaluate(expr, &Frame::new(&keyed))?);
        }
        let environment = self.environment.clone();
        Ok(Self {
            configuration: self.configuration.clone(),
            path,
            module,
            given: Some(given),
            environment,
        })
    }

    fn outputs(&self, output: Option<&str>) -> ScopeResult {
        let value = |expr: &Expr| Self::evaluate(expr, &Frame::new(self));
        if let Some(name) = output {
            let output =
                self.module.outputs.get(name).ok_or_else(|| error("Unsupported attribute"))?;
            return value(&output.value);
        }
        let mut all = Map::new();
        for (name, output) in &self.module.outputs {
            all.insert(name.clone(), value(&output.value)?);
        }
        Ok(Value::object(all))
    }
}

impl Scope for FixtureScope {
    fn variable(&self, name: &str) -> ScopeResult {
        let variable = self
            .module
            .variables
            .get(name)
            .ok_or_else(|| error("Reference to undeclared input variable"))?;
        let given = self.given.as_ref().and_then(|given| given.get(name));
        let value = match (given, &variable.default) {
            (Some(value), _) => variable.accept(value.clone()).map_err(Box::new)?,
            (None, Some(default)) => default.clone(),
            (None, None) => Value::unknown(variable.ty.clone(), Causes::NONE),
        };
        let mut marks = Marks::NONE;
        if variable.sensitive {
            marks = marks | Marks::SENSITIVE;
        }
        if variable.ephemeral {
            marks = marks | Marks::EPHEMERAL;
        }
        Ok(value.marked(marks))
    }

    fn local(&self, name: &str) -> ScopeResult {
        let local = self
            .module
            .locals
            .get(name)
            .ok_or_else(|| error("Reference to undeclared local value"))?;
        Self::evaluate(&local.value, &Frame::new(self))
    }

    fn resource(&self, block: &BlockRef, _: Option<&InstanceKey>) -> ScopeResult {
        if self.module.resources.contains_key(block) {
            Ok(unknown())
        } else {
            Err(error("Reference to undeclared resource"))
        }
    }

    fn module(&self, name: &str, key: Option<&InstanceKey>, output: Option<&str>) -> ScopeResult {
        let name: Name = name.into();
        let call =
            self.module.calls.get(&name).ok_or_else(|| error("Reference to undeclared module"))?;
        let Some(for_each) = &call.for_each else {
            return self.called(&name, None)?.outputs(output);
        };
        let keys = Self::evaluate(for_each, &Frame::new(self))?;
        let mut keys = keys.as_items().unwrap_or_default().iter().filter_map(Value::as_str);
        match (key, output) {
            (Some(InstanceKey::Str(key)), _) if keys.any(|known| *known == **key) => {
                self.called(&name, Some(key))?.outputs(output)
            }
            (Some(_), _) => Err(error("Invalid index")),
            // Without a key, what follows the name is the key of an instance.
            (None, Some(key)) if keys.any(|known| known == key) => {
                self.called(&name, Some(key))?.outputs(None)
            }
            (None, Some(_)) => Err(error("Unsupported attribute")),
            (None, None) => {
                let mut all = Map::new();
                for key in keys {
                    all.insert(key.into(), self.called(&name, Some(key))?.outputs(None)?);
                }
                Ok(Value::object(all))
            }
        }
    }

    fn each(&self, _: EachPart) -> ScopeResult {
        Err(error("Reference to \"each\" in context without for_each"))
    }

    fn count_index(&self) -> ScopeResult {
        Err(error("Reference to \"count\" in non-counted context"))
    }

    fn this(&self) -> ScopeResult {
        Err(error("Invalid \"self\" reference"))
    }

    fn path(&self, part: PathPart) -> ScopeResult {
        Ok(match part {
            PathPart::Cwd => Value::string(self.environment.base_dir.display().to_string()),
            PathPart::Root => Value::string("."),
            PathPart::Module => Value::string(self.module.dir.display().to_string()),
        })
    }

    fn terraform(&self, part: TerraformPart) -> ScopeResult {
        Ok(match part {
            TerraformPart::Workspace => Value::string("default"),
            TerraformPart::Applying => Value::bool(false),
        })
    }

    fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// The caller's scope with `each` of one instance.
struct EachScope<'a> {
    outer: &'a FixtureScope,
    key: Option<&'a str>,
}

impl Scope for EachScope<'_> {
    fn variable(&self, name: &str) -> ScopeResult {
        self.outer.variable(name)
    }

    fn local(&self, name: &str) -> ScopeResult {
        self.outer.local(name)
    }

    fn resource(&self, block: &BlockRef, key: Option<&InstanceKey>) -> ScopeResult {
        self.outer.resource(block, key)
    }

    fn module(&self, name: &str, key: Option<&InstanceKey>, output: Option<&str>) -> ScopeResult {
        self.outer.module(name, key, output)
    }

    fn each(&self, part: EachPart) -> ScopeResult {
        self.key
            .map(Value::string)
            .ok_or_else(|| self.outer.each(part).expect_err("no each outside"))
    }

    fn count_index(&self) -> ScopeResult {
        self.outer.count_index()
    }

    fn this(&self) -> ScopeResult {
        self.outer.this()
    }

    fn path(&self, part: PathPart) -> ScopeResult {
        self.outer.path(part)
    }

    fn terraform(&self, part: TerraformPart) -> ScopeResult {
        self.outer.terraform(part)
    }

    fn environment(&self) -> &Environment {
        self.outer.environment()
    }
}
