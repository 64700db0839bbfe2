//! Carrying out one planned action, without ever waiting for it.

use std::time::Duration;

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_value::Value;

use crate::{Doubt, Private, Recorded, Window};

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is removed.
    Delete,
}

#[expect(clippy::large_enum_variant, reason = "there is one for each call, and it is not kept")]
/// Leave to act: an external action needs its intent on disk, a local one needs nothing.
#[derive(Debug)]
pub enum Permit {
    /// The type's effect is local.
    Local,
    /// The intent is recorded.
    External(Recorded),
}

/// One planned action.
#[derive(Debug)]
pub struct ApplyRequest {
    /// The instance.
    pub addr: ResourceAddr,
    /// What to do.
    pub action: Action,
    /// The values before; `None` for a create.
    pub prior: Option<Value>,
    /// The planned values; unknown where the provider decides. `None` for a delete.
    pub planned: Option<Value>,
    /// The configuration, wholly known. `None` for a delete.
    pub config: Option<Value>,
    /// What the provider kept when it planned.
    pub private: Private,
    /// Leave to act.
    pub permit: Permit,
}

/// The answer to an apply.
#[derive(Debug)]
pub struct ApplyReply {
    /// What came of it.
    pub outcome: ApplyOutcome,
    /// Errors (with refusals) and warnings.
    pub diagnostics: Diagnostics,
}

/// What came of an action. A lost reply is not a failure, and a long wait is not a call.
#[derive(Debug)]
pub enum ApplyOutcome {
    /// It is done.
    Done {
        /// The values after it, wholly known; `None` after a delete.
        state: Option<Value>,
        /// What the provider keeps.
        private: Private,
        /// When the object exists, where that is known.
        window: Option<Window>,
    },
    /// The service took it and is at work; ask [`crate::Provider::poll_many`] later.
    Accepted(Accepted),
    /// The service said no.
    Refused {
        /// What exists all the same and must be kept (as tainted after a create); `None`: nothing.
        state: Option<Value>,
        /// What the provider keeps.
        private: Private,
    },
    /// It was sent and no trustworthy answer came: recovery looks before anybody acts.
    Unknown(Doubt),
}

/// A piece of work that a service took on.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The object's id at the service.
    pub id: Name,
    /// What is known of the object, to be stored at once: it exists from now on.
    pub state: Option<Value>,
    /// What the provider keeps, and needs to ask again.
    pub private: Private,
    /// When it makes sense to ask for the first time.
    pub poll_after: Duration,
    /// How long the whole may take, counted from the acceptance; the engine owns the timer.
    pub timeout: Duration,
}

/// Work to ask about.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its type.
    pub kind: Name,
    /// The instance.
    pub addr: ResourceAddr,
    /// What was asked of the service.
    pub action: Action,
    /// What was answered then, with `state` and `private` of the latest answer.
    pub accepted: Accepted,
    /// When it was accepted, by the engine's clock.
    pub since: Timestamp,
    /// The planned values; `None` for a delete.
    pub planned: Option<Value>,
    /// The configuration; `None` for a delete.
    pub config: Option<Value>,
    /// How often it was asked already.
    pub polls: u32,
}

/// The answer about one piece of work.
#[derive(Debug)]
pub struct PollReply {
    /// What came of it.
    pub outcome: PollOutcome,
    /// Errors (with refusals) and warnings.
    pub diagnostics: Diagnostics,
}

/// How a piece of work stands.
#[derive(Debug)]
pub enum PollOutcome {
    /// Still at work: ask again after this.
    Waiting {
        /// How long to wait.
        poll_after: Duration,
        /// What the service calls its state, for the progress line.
        status: String,
    },
    /// Something must be sent before it goes on (a resize to confirm, a start after a create): the
    /// engine records an intent of its own and calls [`crate::Provider::apply`] again with this
    /// `private`.
    Continue {
        /// What is known of the object.
        state: Option<Value>,
        /// Tells the provider what comes next.
        private: Private,
    },
    /// It is done.
    Done {
        /// The values after it; `None` after a delete.
        state: Option<Value>,
        /// What the provider keeps.
        private: Private,
        /// When the object exists, where that is known.
        window: Option<Window>,
    },
    /// It failed.
    Refused {
        /// What exists all the same; `None`: nothing.
        state: Option<Value>,
        /// What the provider keeps.
        private: Private,
    },
}

impl ApplyReply {
    /// Answers that it is done.
    pub fn done(state: Option<Value>, private: Private) -> Self {
        Self {
            outcome: ApplyOutcome::Done { state, private, window: None },
            diagnostics: Diagnostics::new(),
        }
    }

    /// Answers that the service took it.
    pub fn accepted(accepted: Accepted) -> Self {
        Self { outcome: ApplyOutcome::Accepted(accepted), diagnostics: Diagnostics::new() }
    }

    /// Answers that nothing was changed.
    pub fn refused(diagnostics: impl Into<Diagnostics>) -> Self {
        Self {
            outcome: ApplyOutcome::Refused { state: None, private: None },
            diagnostics: diagnostics.into(),
        }
    }

    /// Answers that nobody knows.
    pub fn unknown(doubt: Doubt) -> Self {
        Self { outcome: ApplyOutcome::Unknown(doubt), diagnostics: Diagnostics::new() }
    }
}
