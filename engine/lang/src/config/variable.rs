//! What a variable takes: the conversion of a given value.

use terrarium_diagnostic::Diagnostic;
use terrarium_value::{ConvertError, Value, convert};

use super::Variable;
use crate::codes;

impl Variable {
    /// Returns the value that the variable has when it is given this one: defaults of optional
    /// attributes filled in, converted to its type, null replaced by the default where null is no value.
    ///
    /// The diagnostic has no place: the caller knows where the value came from.
    #[expect(
        clippy::result_large_err,
        reason = "one per variable of a run; callers add a place to it and report it"
    )]
    pub fn accept(&self, value: Value) -> Result<Value, Diagnostic> {
        if value.is_null() {
            return self.accept_null();
        }
        let converted = convert(&self.defaults.apply(value), &self.ty)
            .map_err(|error| self.refuse(&reason(&error)))?;
        if converted.is_null() { self.accept_null() } else { Ok(converted) }
    }

    #[expect(clippy::result_large_err, reason = "as for accept")]
    fn accept_null(&self) -> Result<Value, Diagnostic> {
        match &self.default {
            _ if self.nullable => Ok(Value::null(self.ty.without_optional())),
            Some(default) => Ok(default.clone()),
            None => Err(self.refuse("required variable may not be set to null")),
        }
    }

    fn refuse(&self, why: &str) -> Diagnostic {
        Diagnostic::error(codes::VARIABLE_VALUE, "Invalid value for input variable")
            .detail(format!("The given value is not suitable for var.{}: {why}.", self.name))
            .also(self.span, format!("declared here, of the type {}", self.ty))
    }
}

/// Returns why a value can't be converted, with the part that is to blame.
pub(crate) fn reason(error: &ConvertError) -> String {
    error.to_string()
}
