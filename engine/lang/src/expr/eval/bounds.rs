//! Values and rounds within the limits.

use terrarium_diagnostic::Span;
use terrarium_value::Value;

use super::Evaluator;
use crate::expr::codes;
use crate::expr::limits::{Limits, raise};

/// How deep values may be nested: as deep as the store and the plan file read them back.
const DEEPEST_VALUE: usize = 100;

impl Evaluator<'_> {
    /// Returns the value if it is within the limits; else that is an error.
    pub(in crate::expr) fn bounded(&mut self, value: Value, span: Span, limits: &Limits) -> Value {
        let why = if value.depth() > DEEPEST_VALUE {
            format!(
                "lists, maps and objects would lie within each other more than {DEEPEST_VALUE} deep; no value can be \
                 stored so: build a flat list or map of its parts"
            )
        } else {
            let text = value.as_str().map_or(0, str::len);
            let checked = limits.check_parts(value.parts() as usize);
            match checked.and_then(|()| limits.check_text(text)) {
                Ok(()) => return value,
                Err(why) => why,
            }
        };
        self.exhausted = true;
        self.fail(codes::LIMIT, span, "Value too large", format!("In this expression {why}."))
    }

    /// Returns whether a `for` may go round as often as its collection and those around it say.
    pub(in crate::expr) fn may_go_round(
        &mut self,
        rounds: u64,
        span: Span,
        limits: &Limits,
    ) -> bool {
        if rounds <= limits.rounds {
            return true;
        }
        let detail = format!(
            "This `for` and those around it would go round more than {} times; {}.",
            limits.rounds,
            raise("rounds")
        );
        self.exhausted = true;
        self.fail(codes::LIMIT, span, "Too many rounds", detail);
        false
    }
}
