//! The journal: intents that have no final outcome yet.

use terrarium_provider::{Accepted, Intent};

/// An intent that has no final outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    /// What was to be done.
    pub intent: Intent,
    /// How far it came, as far as the store knows.
    pub progress: IntentProgress,
}

/// How far an intent came.
#[derive(Clone, Debug, PartialEq)]
pub enum IntentProgress {
    /// Recorded; it may or may not have been sent.
    Recorded,
    /// Sent, and nobody knows the answer.
    Doubtful(String),
    /// The service took it and is at work.
    Accepted(Box<Accepted>),
    /// It is done; the object's row says the rest. Closes the intent.
    Done,
    /// It was refused, or found never to have happened. Closes the intent.
    Refused,
}

impl IntentProgress {
    /// Returns whether the intent needs no more attention.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Refused)
    }
}
