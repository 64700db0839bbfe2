//! The engine's middle: configuration and state in, plan out; plan in, changes and a new state out.
//!
//! Start at [`Inputs`] (all that the engine may know), [`plan()`] and [`apply()`]. Nothing here names a
//! provider's resource type, formats text for a terminal or asks what time it is.

mod apply;
mod approval;
mod codes;
mod console;
mod draft;
mod fate;
mod graph;
mod grip;
mod held;
mod inputs;
mod keep;
mod limits;
mod model;
mod object;
mod paths;
mod places;
mod plan;
pub mod planfile;
mod progress;
mod proposed;
mod providers;
mod rare;
mod readings;
mod realms;
mod recover;
mod rules;
mod run;
mod task;
mod timeline;
mod validate;
mod version;
mod waiting;
mod words;
mod world;

pub use apply::{ApplyOptions, apply};
pub use codes::CODES;
pub use console::{Answer, console};
pub use fate::{Fate, Sits, Wait, Waits};
pub use graph::dot;
pub use held::Held;
pub use inputs::{InputValue, Inputs, ProviderSet, UnknownProvider};
pub use keep::while_held;
pub use limits::{CallLimits, Parallelism};
pub use model::{
    ActionReason, Blocked, Completed, DataResult, Failure, Judge, Mode, Occupancy, OpenAction,
    OutputChange, Plan, PlanOptions, PlannedAction, ReplaceOrder, ResourceChange, RunSummary,
    Skipped, TimeOptions,
};
pub use plan::plan;
pub use progress::{Cancel, Event, Progress, RecoveryOutcome, Silent};
pub use providers::{Deadlines, KnownProvider};
pub use rare::{Blank, Rare};
pub use realms::realms;
pub use recover::{Depth, RecoverOptions, Recovered, recover, strays};
pub use run::{HeldBack, Turn, turn};
pub use timeline::{Group, Mark, Moment, Row, Stage, Timeline, timeline};
pub use validate::validate;
pub use waiting::{DeferredChange, Overdue, overdue};
