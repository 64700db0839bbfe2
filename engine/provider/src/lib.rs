//! The contract between engine and providers.
//!
//! A superset of Terraform's plugin protocol 6, with what is ours alone defaulted: windows of time,
//! answers that say *accepted* instead of waiting, and calls that can't be sent before their intent
//! is recorded. Providers never sleep, never print and never ask what time it is.

mod apply;
mod batch;
mod check;
mod clock;
mod data;
mod ephemeral;
mod intent;
mod limits;
mod plan;
mod private;
mod provider;
mod read;
mod recover;
mod schema;
mod schemas;
mod secret;
mod shared_error;
mod window;

pub use apply::{
    Accepted, Action, ApplyOutcome, ApplyReply, ApplyRequest, Pending, Permit, PollOutcome,
    PollReply,
};
pub use batch::{Answers, Part, by_kind};
pub use check::{UpgradeRequest, ValidateRequest};
pub use clock::{Clock, FixedClock};
pub use data::{DataOutcome, DataReply, DataRequest};
pub use ephemeral::{MoveRequest, OpenRequest, Opened};
pub use intent::{
    Creation, Doubt, DoubtKind, Intent, IntentDraft, IntentId, IntentStore, Leave, Marker, NoStore,
    NotRecorded, Prepared, Recorded, Recorder, Spent, Step,
};
pub use limits::{Limits, Load, Patience, Slot, Unlimited};
pub use plan::{
    Claim, Deferral, Lends, PlanNotes, PlanOutcome, PlanReply, PlanRequest, PlannedChange,
    PlannedFact, Probe,
};
pub use private::Private;
pub use provider::{ConfigureRequest, Configured, Connection, Provider, ProviderKind};
pub use read::{ImportRequest, Imported, ReadOutcome, ReadReply, ReadRequest};
pub use recover::{Candidate, FindReply, FindRequest, Marked};
pub use schema::{
    Attribute, Block, Effect, Exclusive, HeldBy, Holds, NestedBlock, Nesting, Occupies, Presence,
    Rival, Schema, Tenure, Time, Turn, Until,
};
pub use schemas::{FunctionAnswer, FunctionCall, FunctionSignature, Schemas, Types};
pub use secret::Secret;
pub use shared_error::SharedError;
pub use window::{Cost, Lender, Schedule, Standing, Term, Window};
