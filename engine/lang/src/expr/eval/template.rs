//! Text made of parts.

use terrarium_value::{Kind, Refinements, Type, Unknown, Value, convert};

use super::{Evaluator, Heritage, broken, codes};
use crate::expr::frame::Frame;
use crate::expr::node::Node;

impl Evaluator<'_> {
    pub(super) fn template(&mut self, parts: &[Node], frame: &Frame<'_>) -> Value {
        let mut heritage = Heritage::default();
        let mut text = String::new();
        let mut failed = false;
        for part in parts {
            let value = self.eval(part, frame);
            if value.is_null() {
                let detail = "The expression result is null. Cannot include a null value in a string template.";
                self.fail(
                    codes::TEMPLATE,
                    part.span,
                    "Invalid template interpolation value",
                    detail,
                );
                failed = true;
                continue;
            }
            let was_unknown = heritage.is_unknown();
            match convert(&heritage.take(value), &Type::String) {
                Ok(value) if !was_unknown => match value.kind() {
                    Kind::String(part) => text.push_str(part),
                    Kind::Unknown(unknown) => {
                        text.push_str(unknown.refinements.prefix.as_deref().unwrap_or_default());
                    }
                    _ => {}
                },
                Ok(_) => {}
                Err(error) => {
                    let detail = format!(
                        "Cannot include the given value in a string template: {}.",
                        error.message
                    );
                    self.fail(
                        codes::TEMPLATE,
                        part.span,
                        "Invalid template interpolation value",
                        detail,
                    );
                    failed = true;
                }
            }
        }
        if failed {
            return broken();
        }
        if heritage.is_unknown() {
            let prefix = (!text.is_empty()).then(|| text.into());
            let refinements = Refinements { not_null: true, prefix, ..Refinements::default() };
            let unknown = Unknown { ty: Type::String, refinements, causes: heritage.causes() };
            return Value::refined(unknown).marked(heritage.marks);
        }
        Value::string(text).marked(heritage.marks)
    }

    /// Joins the results of a `%{ for }`.
    pub(super) fn join(&mut self, each: &Node, frame: &Frame<'_>) -> Value {
        let results = self.eval(each, frame);
        let mut heritage = Heritage::default();
        let results = heritage.take(results);
        let mut text = String::new();
        for item in results.as_items().unwrap_or_default() {
            match heritage.take(item.clone()).as_str() {
                Some(part) if !heritage.is_unknown() => text.push_str(part),
                _ => {}
            }
        }
        if heritage.is_unknown() {
            return heritage.unknown_not_null(Type::String);
        }
        Value::string(text).marked(heritage.marks)
    }
}
