//! The journal: intents that have no outcome yet, and what closes them.

use terrarium_provider::{Accepted, Intent, IntentId};

use crate::ObjectChange;

/// An intent that has no outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    /// What was to be done.
    pub intent: Intent,
    /// How far it came, as far as the store knows.
    pub progress: IntentProgress,
}

/// How far an open intent came.
#[derive(Clone, Debug, PartialEq)]
pub enum IntentProgress {
    /// Recorded; it may or may not have been sent.
    Recorded,
    /// Sent, and nobody knows the answer.
    Doubtful(String),
    /// The service took it and is at work.
    Accepted(Box<Accepted>),
}

#[expect(clippy::large_enum_variant, reason = "there is one for each outcome, and it is not kept")]
/// What an intent closes with: it closes in the same transaction, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum IntentOutcome {
    /// Its object as it is now, or that it is gone.
    Row(ObjectChange),
    /// Nothing that has a row: it was refused, or never happened, or removed what never had one.
    Nothing,
    /// Another open intent goes on with the work. Where there is no such intent, this one stays open.
    Continued(IntentId),
}
