//! What functions of the language may know of the outside.

use std::sync::Arc;

use terrarium_lang::expr::Environment;
use terrarium_provider::Clock;

use crate::context::Context;

/// Returns what functions need.
pub(crate) fn of(context: &Context, clock: &dyn Clock) -> Environment {
    Environment {
        home: context.env.home(),
        limits: context.limits.evaluation,
        freed: Some(context.redactor().listener()),
        ..Environment::new(context.root.clone(), Arc::new(context.limits.files()), clock.now())
    }
}
