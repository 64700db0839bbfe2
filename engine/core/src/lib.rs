//! The engine's middle: configuration and state in, plan out; plan in, changes and a new state out.
//!
//! Start at [`Inputs`] (all that the engine may know), [`plan()`] and [`apply()`]. Nothing here names a
//! provider's resource type, formats text for a terminal or asks what time it is.

mod inputs;
mod model;
mod progress;

pub use inputs::{InputValue, Inputs, ProviderSet, UnknownProvider};
pub use model::{
    ActionReason, Blocked, Completed, DeferredChange, Mode, OutputChange, Plan, PlanOptions, PlannedAction,
    ReplaceOrder, ResourceChange, RunSummary, Skipped, Failure,
};
pub use progress::{Cancel, Event, Progress, Silent};
