//! Reading what exists, and importing it.

use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_value::Value;

use crate::{Deferral, Private, Term};

/// Asks how an instance looks today.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// Its type.
    pub kind: Name,
    /// The instance.
    pub addr: ResourceAddr,
    /// Its values as last recorded.
    pub state: Value,
    /// What the provider kept.
    pub private: Private,
}

/// The answer for one instance.
#[derive(Clone, Debug)]
pub struct ReadReply {
    /// What came of it.
    pub outcome: ReadOutcome,
    /// Errors (with [`ReadOutcome::Refused`]) and warnings.
    pub diagnostics: Diagnostics,
}

/// What came of reading one instance.
#[derive(Clone, Debug)]
pub enum ReadOutcome {
    /// It exists.
    Found {
        /// Its values.
        state: Value,
        /// What the provider keeps.
        private: Private,
        /// Its term, where it has one: a lease.
        term: Option<Term>,
    },
    /// It does not exist.
    Gone,
    /// It could not be read; the diagnostics say why.
    Refused,
    /// It can't be read yet.
    Deferred(Deferral),
}

/// Asks for an existing object by the id that the user gave to `import`.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// Where it will be recorded.
    pub addr: ResourceAddr,
    /// The id, in the form that the type documents.
    pub id: Name,
}

/// An object found by `import`; the engine reads it next.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its type, the one asked for unless the provider says otherwise.
    pub kind: Name,
    /// The values that the id told.
    pub state: Value,
    /// What the provider keeps.
    pub private: Private,
}

impl ReadReply {
    /// Answers with an object without bounds in time.
    pub fn found(state: Value, private: Private) -> Self {
        Self {
            outcome: ReadOutcome::Found { state, private, term: None },
            diagnostics: Diagnostics::new(),
        }
    }

    /// Answers that it is gone.
    pub fn gone() -> Self {
        Self { outcome: ReadOutcome::Gone, diagnostics: Diagnostics::new() }
    }

    /// Answers that it could not be read.
    pub fn refused(diagnostics: impl Into<Diagnostics>) -> Self {
        Self { outcome: ReadOutcome::Refused, diagnostics: diagnostics.into() }
    }
}
