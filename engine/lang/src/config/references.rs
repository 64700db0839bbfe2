//! Whether references name what is declared. Needs no schema: attributes of resources are checked later.

use std::collections::HashSet;
use std::sync::Arc;

use terrarium_address::{InstanceKey, Mode, ModulePath, Name, PathStep};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span, nearest};

use super::{BlockRef, Configuration, Import, Module, ModuleCall, Resource, Rule, Variable};
use crate::codes;
use crate::expr::{Body, Expr, KeyRef, Reference, Subject};
use crate::unexpected::unsupported_argument;

/// Checks every reference of every module, and that every call fits the module that it calls.
pub fn check_references(configuration: &Configuration) -> Diagnostics {
    let mut diags = Diagnostics::new();
    let mut seen = HashSet::new();
    for (path, module) in &configuration.modules {
        if seen.insert(Arc::as_ptr(module)) {
            let mut checker = Checker { configuration, path, module, diags: &mut diags };
            checker.module();
        }
    }
    diags
}

/// Which names are there beside those that the module declares.
#[derive(Clone, Copy, Default)]
struct Place {
    each: bool,
    count: bool,
    this: bool,
}

struct Checker<'a> {
    configuration: &'a Configuration,
    path: &'a ModulePath,
    module: &'a Module,
    diags: &'a mut Diagnostics,
}

impl Checker<'_> {
    fn module(&mut self) {
        let nowhere = Place::default();
        for variable in self.module.variables.values() {
            self.rules(&variable.validations, nowhere);
            self.validations(variable);
        }
        for local in self.module.locals.values() {
            self.expr(&local.value, nowhere);
        }
        for output in self.module.outputs.values() {
            if output.ephemeral && self.path.is_root() {
                let detail = "Ephemeral outputs are not allowed in the context of a root module: its outputs are kept.";
                let error = Diagnostic::error(codes::MISPLACED, "Ephemeral output not allowed");
                self.diags.push(error.detail(detail).at(output.span, ""));
            }
            self.expr(&output.value, nowhere);
            self.dependencies(&output.depends_on);
            self.rules(&output.preconditions, nowhere);
        }
        for resource in self.module.resources.values() {
            self.resource(resource);
        }
        for call in self.module.calls.values() {
            self.call(call);
        }
        for provider in &self.module.providers {
            self.body(&provider.body, nowhere);
        }
        for check in self.module.checks.values() {
            self.rules(&check.asserts, nowhere);
        }
        for import in &self.module.imports {
            self.only_in_root(import);
            let place = Place { each: import.for_each.is_some(), ..nowhere };
            if let Some(expr) = &import.for_each {
                self.expr(expr, nowhere);
            }
            for expr in import.key.iter().chain([&import.id]) {
                self.expr(expr, place);
            }
        }
    }

    /// A validation must look at the value that it validates.
    fn validations(&mut self, variable: &Variable) {
        let name = &variable.name;
        for rule in &variable.validations {
            let itself =
                |reference: &Reference| reference.subject == Subject::Variable(name.clone());
            if !rule.condition.references().iter().any(itself) {
                let detail = format!(
                    "The condition for variable \"{name}\" must refer to var.{name} in order to test incoming values."
                );
                self.diags.push(
                    Diagnostic::error(
                        codes::INVALID_ARGUMENT,
                        "Invalid variable validation condition",
                    )
                    .detail(detail)
                    .at(rule.condition.span(), ""),
                );
            }
        }
    }

    fn only_in_root(&mut self, import: &Import) {
        if self.path.is_root() {
            return;
        }
        let detail = format!(
            "An import block was detected in {}. Import blocks are only allowed in the root module.",
            self.path
        );
        self.diags.push(
            Diagnostic::error(codes::MISPLACED, "Invalid import configuration")
                .detail(detail)
                .at(import.span, ""),
        );
    }

    fn resource(&mut self, resource: &Resource) {
        let place = self.repeated(resource.count.as_ref(), resource.for_each.as_ref());
        self.dependencies(&resource.depends_on);
        self.body(&resource.body, place);
        let lifecycle = &resource.lifecycle;
        self.rules(&lifecycle.preconditions, place);
        let inside = Place { this: true, ..place };
        self.rules(&lifecycle.postconditions, inside);
        for expr in &lifecycle.replace_triggered_by {
            self.expr(expr, place);
        }
        if let Some(body) = &resource.connection {
            self.body(body, inside);
        }
        for provisioner in &resource.provisioners {
            self.body(&provisioner.body, inside);
            if let Some(body) = &provisioner.connection {
                self.body(body, inside);
            }
        }
    }

    /// Checks `count` and `for_each`, and returns what they make available.
    fn repeated(&mut self, count: Option<&Expr>, for_each: Option<&Expr>) -> Place {
        for expr in count.into_iter().chain(for_each) {
            self.expr(expr, Place::default());
        }
        Place { each: for_each.is_some(), count: count.is_some(), this: false }
    }

    fn call(&mut self, call: &ModuleCall) {
        let place = self.repeated(call.count.as_ref(), call.for_each.as_ref());
        self.dependencies(&call.depends_on);
        for expr in call.arguments.values() {
            self.expr(expr, place);
        }
        let Some(child) = self.child(&call.name) else { return };
        let mut problems = Vec::new();
        for (name, expr) in &call.arguments {
            if !child.variables.contains_key(name) {
                let names: Vec<&str> = child.variables.keys().map(|name| &**name).collect();
                let problem = unsupported_argument(name, expr.span(), &names, &[]);
                problems.push(Diagnostic { code: codes::MODULE_ARGUMENT, ..problem });
            }
        }
        for variable in child.variables.values() {
            if variable.default.is_none() && !call.arguments.contains_key(&variable.name) {
                let name = &variable.name;
                problems.push(
                    Diagnostic::error(codes::MODULE_ARGUMENT, "Missing required argument")
                        .detail(format!(
                            "The argument \"{name}\" is required, but no definition was found."
                        ))
                        .at(call.span, format!("`{name}` is missing"))
                        .also(variable.span, "the variable has no default"),
                );
            }
        }
        self.diags.extend(problems);
    }

    fn child(&self, name: &Name) -> Option<Arc<Module>> {
        self.configuration.modules.get(&self.path.child(name.clone(), InstanceKey::None)).cloned()
    }

    fn rules(&mut self, rules: &[Rule], place: Place) {
        for rule in rules {
            self.expr(&rule.condition, place);
            self.expr(&rule.error_message, place);
        }
    }

    fn body(&mut self, body: &Body, place: Place) {
        self.all(&body.references(), place);
    }

    fn expr(&mut self, expr: &Expr, place: Place) {
        self.all(expr.references(), place);
    }

    fn all(&mut self, references: &[Reference], place: Place) {
        for reference in references {
            let problem = self.problem(reference, place);
            self.diags.extend(problem);
        }
    }

    /// Checks a `depends_on`: of a module all counts, so that it does not matter which outputs there are.
    fn dependencies(&mut self, references: &[Reference]) {
        for reference in references {
            let mut reference = reference.clone();
            if let Subject::Module { output, .. } = &mut reference.subject {
                *output = None;
            }
            let problem = self.problem(&reference, Place::default());
            self.diags.extend(problem);
        }
    }

    fn problem(&self, reference: &Reference, place: Place) -> Option<Diagnostic> {
        let at = reference.span;
        match &reference.subject {
            Subject::Variable(name) => self.variable(name, at),
            Subject::Local(name) => self.local(name, at),
            Subject::Resource(block, key) => self.managed_or_data(block, key, reference),
            Subject::Module { name, key, output } => self.output(name, key, output.as_ref(), at),
            Subject::Each(_) if !place.each => Some(misplaced(
                "Reference to \"each\" in context without for_each",
                "The \"each\" object can be used only in \"module\" or \"resource\" blocks, and only when the \
                 \"for_each\" argument is set.",
                at,
            )),
            Subject::CountIndex if !place.count => Some(misplaced(
                "Reference to \"count\" in non-counted context",
                "The \"count\" object can only be used in \"module\", \"resource\", and \"data\" blocks, and only when \
                 the \"count\" argument is set.",
                at,
            )),
            Subject::This if !place.this => Some(misplaced(
                "Invalid \"self\" reference",
                "The \"self\" object is not available in this context. This object can be used only in resource \
                 provisioner, connection, and postcondition blocks.",
                at,
            )),
            Subject::Each(_)
            | Subject::CountIndex
            | Subject::This
            | Subject::Path(_)
            | Subject::Terraform(_) => None,
        }
    }

    fn variable(&self, name: &Name, at: Span) -> Option<Diagnostic> {
        if self.module.variables.contains_key(name) {
            return None;
        }
        let hint = match nearest(name, self.module.variables.keys().map(|name| &**name)) {
            Some(near) => format!(" Did you mean \"{near}\"?"),
            None => {
                format!(" This variable can be declared with a variable \"{name}\" {{}} block.")
            }
        };
        let detail =
            format!("An input variable with the name \"{name}\" has not been declared.{hint}");
        Some(undeclared("Reference to undeclared input variable", detail, at))
    }

    fn local(&self, name: &Name, at: Span) -> Option<Diagnostic> {
        if self.module.locals.contains_key(name) {
            return None;
        }
        let hint = did_you_mean(name, self.module.locals.keys());
        let detail = format!("A local value with the name \"{name}\" has not been declared.{hint}");
        Some(undeclared("Reference to undeclared local value", detail, at))
    }

    fn managed_or_data(
        &self,
        block: &BlockRef,
        key: &KeyRef,
        reference: &Reference,
    ) -> Option<Diagnostic> {
        match self.module.resources.get(block) {
            Some(resource) => wrong_key(resource, key, reference),
            None => Some(self.undeclared_resource(block, reference.span)),
        }
    }

    fn undeclared_resource(&self, block: &BlockRef, at: Span) -> Diagnostic {
        let what = if block.mode == Mode::Data { "data resource" } else { "managed resource" };
        let same_kind = self
            .module
            .resources
            .keys()
            .filter(|known| known.mode == block.mode && known.kind == block.kind);
        let same_name = self
            .module
            .resources
            .keys()
            .filter(|known| known.mode == block.mode && known.name == block.name);
        let other_mode = BlockRef { mode: other(block.mode), ..block.clone() };
        let near_name = nearest(&block.name, same_kind.map(|known| &*known.name));
        let near_kind = nearest(&block.kind, same_name.map(|known| &*known.kind));
        let hint = match (near_name, near_kind) {
            (Some(name), _) => {
                format!(" Did you mean \"{}\"?", BlockRef { name: name.into(), ..block.clone() })
            }
            (_, Some(kind)) => {
                format!(" Did you mean \"{}\"?", BlockRef { kind: kind.into(), ..block.clone() })
            }
            _ if self.module.resources.contains_key(&other_mode) => {
                format!(" Did you mean \"{other_mode}\"?")
            }
            _ => String::new(),
        };
        let detail = format!(
            "A {what} \"{}\" \"{}\" has not been declared in {}.{hint}",
            block.kind,
            block.name,
            shown(self.path)
        );
        undeclared("Reference to undeclared resource", detail, at)
    }

    fn output(
        &self,
        name: &Name,
        key: &KeyRef,
        output: Option<&Name>,
        at: Span,
    ) -> Option<Diagnostic> {
        let Some(call) = self.module.calls.get(name) else {
            let hint = did_you_mean(name, self.module.calls.keys());
            let detail = format!(
                "No module call named \"{name}\" is declared in {}.{hint}",
                shown(self.path)
            );
            return Some(undeclared("Reference to undeclared module", detail, at));
        };
        if *key != KeyRef::Whole && call.count.is_none() && call.for_each.is_none() {
            return Some(unexpected_key("module", &format!("module.{name}"), at));
        }
        let (child, output) = (self.child(name)?, output?);
        if child.outputs.contains_key(output) {
            return None;
        }
        if *key == KeyRef::Whole && (call.count.is_some() || call.for_each.is_some()) {
            return Some(missing_key(
                "module",
                &format!("module.{name}"),
                call.count.is_some(),
                at,
            ));
        }
        let hint = did_you_mean(output, child.outputs.keys());
        let detail = format!("This object does not have an attribute named \"{output}\".{hint}");
        Some(
            undeclared("Unsupported attribute", detail, at)
                .also(call.span, format!("{} has no such output", child.dir.display())),
        )
    }
}

fn other(mode: Mode) -> Mode {
    match mode {
        Mode::Data => Mode::Managed,
        Mode::Managed => Mode::Data,
    }
}

fn shown(path: &ModulePath) -> String {
    if path.is_root() { "the root module".to_owned() } else { path.to_string() }
}

fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n Name>) -> String {
    nearest(name, known.map(|name| &**name))
        .map(|near| format!(" Did you mean \"{near}\"?"))
        .unwrap_or_default()
}

fn undeclared(summary: &str, detail: String, at: Span) -> Diagnostic {
    Diagnostic::error(codes::UNDECLARED, summary).detail(detail).at(at, "")
}

fn misplaced(summary: &str, detail: &str, at: Span) -> Diagnostic {
    Diagnostic::error(codes::MISPLACED, summary).detail(detail).at(at, "")
}

/// Checks an instance key against `count` and `for_each`.
fn wrong_key(resource: &Resource, key: &KeyRef, reference: &Reference) -> Option<Diagnostic> {
    let repeated = resource.count.is_some() || resource.for_each.is_some();
    let name = resource.block.to_string();
    match key {
        KeyRef::Whole if repeated && matches!(reference.rest.first(), Some(PathStep::Attr(_))) => {
            Some(missing_key("resource", &name, resource.count.is_some(), reference.span))
        }
        KeyRef::Constant(_) | KeyRef::Computed if !repeated => {
            Some(unexpected_key("resource", &name, reference.span))
        }
        _ => None,
    }
}

fn missing_key(what: &str, name: &str, counted: bool, at: Span) -> Diagnostic {
    let (argument, index) =
        if counted { ("count", "count.index") } else { ("for_each", "each.key") };
    let detail = format!(
        "Because {name} has \"{argument}\" set, its attributes must be accessed on specific instances.\n\nFor example, to \
         correlate with indices of a referring resource, use:\n    {name}[{index}]"
    );
    undeclared(&format!("Missing {what} instance key"), detail, at)
}

fn unexpected_key(what: &str, name: &str, at: Span) -> Diagnostic {
    let detail = format!(
        "Because {name} does not have \"count\" or \"for_each\" set, references to it must not include an index key. \
         Remove the bracketed index to refer to the single instance of this {what}."
    );
    undeclared(&format!("Unexpected {what} instance key"), detail, at)
}
