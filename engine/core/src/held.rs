//! The store, held under its lock: what apply and recovery have in common.

use std::sync::Arc;

use jiff::SignedDuration;
use terrarium_diagnostic::Diagnostic;
use terrarium_state::{Fence, Store};

use crate::codes;

/// Timers within so long of each other ring together: less than the shortest pause between two looks.
pub(crate) const TOGETHER: SignedDuration = SignedDuration::from_secs(2);

/// The store, held under its lock.
#[derive(Clone)]
pub struct Held {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The lock.
    pub fence: Fence,
}

/// Says that the store refused.
pub(crate) fn store_failed(why: &str) -> Diagnostic {
    Diagnostic::error(codes::STORE_FAILED, "Failed to save state")
        .detail(format!("{why}. What is recorded so far is kept; the journal knows the rest."))
        .help(
            "make room or give access, then run the same command again: it looks what exists first",
        )
}
