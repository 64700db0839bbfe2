//! Conditions: `validation`, `precondition`, `postcondition`, `check`.

use terrarium_diagnostic::{Diagnostic, Severity};
use terrarium_lang::config::Rule;
use terrarium_value::{Kind, Marks, Type, convert};

use crate::codes;
use crate::world::{At, ModuleId, World};

/// What a condition belongs to; it decides the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleKind {
    Variable,
    Output,
    Precondition,
    Postcondition,
    Check,
}

impl RuleKind {
    fn summary(self) -> &'static str {
        match self {
            Self::Variable => "Invalid value for variable",
            Self::Output => "Module output value precondition failed",
            Self::Precondition => "Resource precondition failed",
            Self::Postcondition => "Resource postcondition failed",
            Self::Check => "Check block assertion failed",
        }
    }
}

impl World<'_> {
    /// Checks conditions, reports those that fail, and returns whether all hold. What is unknown holds.
    pub(crate) fn check_rules(
        &self,
        module: ModuleId,
        at: At<'_>,
        rules: &[Rule],
        kind: RuleKind,
    ) -> bool {
        let failed = rules.iter().filter(|rule| !self.check_rule(module, at, rule, kind)).count();
        failed == 0
    }

    fn check_rule(&self, module: ModuleId, at: At<'_>, rule: &Rule, kind: RuleKind) -> bool {
        let value = self.evaluate(module, at, |frame, diags| rule.condition.eval(frame, diags));
        let condition = match convert(&value.unmarked(), &Type::Bool) {
            Ok(condition) => condition,
            Err(error) => {
                let wrong = Diagnostic::error(codes::CONDITION, "Invalid condition result")
                    .detail(format!("The condition is not a bool: {}.", error.message));
                self.report(wrong.at(rule.condition.span(), ""));
                return false;
            }
        };
        if !matches!(condition.kind(), Kind::Bool(false) | Kind::Null(_)) {
            return true;
        }
        let message =
            self.evaluate(module, at, |frame, diags| rule.error_message.eval(frame, diags));
        let marks = message.deep_marks();
        let text = if marks.contains(Marks::SENSITIVE) {
            "The error message included a sensitive value, so it will not be displayed.".to_owned()
        } else if marks.contains(Marks::EPHEMERAL) {
            "The error message refers to ephemeral values, so it will not be displayed. Remove the references, or use \
             ephemeralasnull() where the expression does not tell the value."
                .to_owned()
        } else {
            message.as_str().unwrap_or("The condition does not hold.").to_owned()
        };
        let mut failed = Diagnostic::error(codes::CONDITION, kind.summary()).detail(text);
        if kind == RuleKind::Variable {
            failed.code = codes::INVALID_VARIABLE;
        }
        if kind == RuleKind::Check {
            failed.severity = Severity::Warning;
        }
        self.report(failed.at(rule.condition.span(), ""));
        kind == RuleKind::Check
    }

    /// Checks the `check` blocks of every module instance; what fails is a warning.
    pub(crate) fn check_blocks(&self) {
        for (path, module) in &self.inputs.config.modules {
            for check in module.checks.values() {
                for id in self.instances_of(path) {
                    let _ = self.check_rules(id, At::Module, &check.asserts, RuleKind::Check);
                }
            }
        }
    }

    /// Checks the `validation` blocks of a module instance's variables.
    pub(crate) fn check_variables(&self, id: ModuleId) {
        let module = self.module(id);
        for variable in module.config.variables.values() {
            let _ = self.variable(id, &variable.name);
            let _ = self.check_rules(id, At::Module, &variable.validations, RuleKind::Variable);
        }
    }
}
