//! Reading data sources.

use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_value::Value;

use crate::{Deferral, Term};

/// Asks for one instance of a data source.
#[derive(Clone, Debug)]
pub struct DataRequest {
    /// Its type.
    pub kind: Name,
    /// The instance.
    pub addr: ResourceAddr,
    /// Its configuration, wholly known, null where nothing is set.
    pub config: Value,
}

/// The answer for one instance.
#[derive(Clone, Debug)]
pub struct DataReply {
    /// What came of it.
    pub outcome: DataOutcome,
    /// Errors (with [`DataOutcome::Refused`]) and warnings.
    pub diagnostics: Diagnostics,
}

/// What came of reading one data source.
#[derive(Clone, Debug)]
pub enum DataOutcome {
    /// Its values.
    Read {
        /// The values, wholly known.
        state: Value,
        /// The term of what it describes, where that has one: a lease.
        term: Option<Term>,
    },
    /// It could not be read; the diagnostics say why.
    Refused,
    /// It can't be read yet.
    Deferred(Deferral),
}

impl DataReply {
    /// Answers with values without bounds in time.
    pub fn read(state: Value) -> Self {
        Self { outcome: DataOutcome::Read { state, term: None }, diagnostics: Diagnostics::new() }
    }

    /// Answers that it could not be read.
    pub fn refused(diagnostics: impl Into<Diagnostics>) -> Self {
        Self { outcome: DataOutcome::Refused, diagnostics: diagnostics.into() }
    }
}
