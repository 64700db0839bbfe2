//! What is ephemeral may be used, and is never kept: where a value would be stored, it is refused.

use terrarium_address::{AttrPath, PathStep, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::config::{Output, Resource, Variable};
use terrarium_lang::expr::Expr;
use terrarium_provider::Block;
use terrarium_value::{Causes, Marks, Type, Value};

use super::{Phase, World};
use crate::codes;

/// Returns whether a value or a part of it is ephemeral.
pub(super) fn is_ephemeral(value: &Value) -> bool {
    value.deep_marks().contains(Marks::EPHEMERAL)
}

impl World<'_> {
    /// Refuses ephemeral values in the arguments of a resource or data source, and returns the
    /// configuration without them. Arguments that are sent and never stored may have them.
    pub(crate) fn refuse_ephemeral(
        &self,
        config: Value,
        resource: &Resource,
        (block, addr): (&Block, &ResourceAddr),
    ) -> Value {
        if !is_ephemeral(&config) {
            return config;
        }
        let mut refused: Vec<AttrPath> = Vec::new();
        for path in config.paths_with_mark(Marks::EPHEMERAL) {
            let argument = argument_of(block, &path);
            let write_only =
                block.attribute_at(&argument).is_some_and(|attribute| attribute.write_only);
            if !write_only && !refused.contains(&argument) {
                refused.push(argument);
            }
        }
        for path in &refused {
            let error = Diagnostic::error(codes::EPHEMERAL, "Invalid use of ephemeral value").detail(format!(
                "Ephemeral values are not valid for \"{path}\", because it is not a write-only attribute and must be \
                 persisted to state."
            ));
            let span = resource.body.span_of(path).unwrap_or(resource.span);
            // A block of many instances says it once.
            let about = if addr.key.is_none() { error.about(addr.clone()) } else { error };
            self.report(about.at(span, ""));
        }
        config.transform(&mut |path, part| {
            let kept = !part.marks().contains(Marks::EPHEMERAL)
                || !refused.contains(&argument_of(block, path));
            if kept { part } else { Value::unknown(part.ty(), Causes::NONE) }
        })
    }

    /// Refuses an ephemeral argument of a module where its variable does not accept one.
    pub(super) fn accept_ephemeral(&self, value: Value, variable: &Variable, expr: &Expr) -> Value {
        if variable.ephemeral || !is_ephemeral(&value) {
            return value;
        }
        let detail = "This input variable is not declared as accepting ephemeral values, so it cannot be set to a \
                      result derived from an ephemeral value.";
        self.report(
            Diagnostic::error(codes::EPHEMERAL, "Ephemeral value not allowed")
                .detail(detail)
                .at(expr.span(), "")
                .also(variable.span, "`ephemeral = true` is missing here"),
        );
        Value::unknown(variable.ty.clone(), Causes::NONE)
    }

    /// Refuses an output that does not say what it returns.
    pub(super) fn return_ephemeral(&self, value: Value, output: &Output) -> Value {
        if self.phase == Phase::Console {
            return value;
        }
        let is_ephemeral = is_ephemeral(&value);
        let (summary, detail) = match (output.ephemeral, is_ephemeral) {
            (false, true) => (
                "Ephemeral value not allowed",
                "This output value is not declared as returning an ephemeral value, so it cannot be set to a result \
                 derived from an ephemeral value.",
            ),
            (true, false) if !self.has_errors() => (
                "Value not allowed in ephemeral output",
                "This output value is declared as returning an ephemeral value, so it can only be set to an ephemeral \
                 value.",
            ),
            _ => return value,
        };
        self.report(
            Diagnostic::error(codes::EPHEMERAL, summary).detail(detail).at(output.value.span(), ""),
        );
        Value::unknown(Type::Dynamic, Causes::NONE)
    }
}

/// Returns the part of a path that leads to an attribute of the schema: what lies within is its value.
fn argument_of(block: &Block, path: &AttrPath) -> AttrPath {
    let mut argument = AttrPath::root();
    let mut block = Some(block);
    for step in &path.0 {
        let Some(here) = block else { break };
        argument.0.push(step.clone());
        if let PathStep::Attr(name) = step {
            block = here.blocks.get(name).map(|nested| &nested.block);
        }
    }
    argument
}
