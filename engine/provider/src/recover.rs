//! Looking for what an action without an outcome may have left behind.

use jiff::Timestamp;
use terrarium_address::Name;
use terrarium_diagnostic::Diagnostics;
use terrarium_value::Value;

use crate::{Intent, Marker, Private};

/// Asks what exists that the intent may have made.
#[derive(Clone, Debug)]
pub struct FindRequest {
    /// The type of what it may have made.
    pub kind: Name,
    /// The open intent.
    pub intent: Intent,
    /// The planned values, as far as they were known when it was recorded.
    pub planned: Option<Value>,
}

/// What was found for one intent.
#[derive(Clone, Debug)]
pub struct FindReply {
    /// The candidates, oldest first; `None` where the service could not be asked (the diagnostics
    /// say why), which proves nothing.
    pub candidates: Option<Vec<Candidate>>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// An object that an open intent may have made.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its id at the service.
    pub id: Name,
    /// Whether it is certain: it carries the intent's marker, or only the intent's call can have made it.
    pub marked: bool,
    /// When the service says it was made. What is not certain and has no age is never adopted: it may
    /// have been there before.
    pub created_at: Option<Timestamp>,
    /// Its values as far as the id tells them; the engine reads it next.
    pub state: Value,
    /// What the provider keeps.
    pub private: Private,
    /// Whether the service is still at work on it: then it is adopted as *accepted* and polled.
    pub pending: Option<crate::Accepted>,
    /// What of it is missing and no plan would see (a call that should have followed, a key that is shown
    /// once), in words: then it is adopted as tainted, to be replaced.
    pub lacks: Option<String>,
}

/// An object that carries a marker.
#[derive(Clone, Debug)]
pub struct Marked {
    /// Its type.
    pub kind: Name,
    /// Its id at the service.
    pub id: Name,
    /// What it is called there.
    pub name: String,
    /// The marker.
    pub marker: Marker,
}
