//! A planned action with its fate.

use jiff::Timestamp;
use terrarium_provider::{Schedule, Window};

use crate::fate::Fate;
use crate::{PlannedAction, Rare, ResourceChange};

/// A planned action with its fate. Most are done now: a plan holds a hundred thousand of them.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// The change; its fate says what time makes of it.
    pub(crate) change: ResourceChange,
    /// What its fate is without what hindsight says, where that says something: it is solved from scratch each time.
    forward: Rare<Option<Fate>>,
    pub(crate) beside: Rare<Beside>,
}

/// What few planned actions have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Beside {
    /// The window that the object has until it is changed.
    pub(crate) stands: Option<Window>,
    /// Whether it names something that ended, and keeps that name as it is.
    pub(crate) lets_go: bool,
}

impl crate::Blank for Beside {
    const BLANK: &'static Self = &Self { stands: None, lets_go: false };
}

impl Planned {
    /// Plans something.
    pub(crate) fn new(change: ResourceChange, fate: Fate) -> Self {
        let change = ResourceChange { fate: fate.into(), ..change };
        Self { change, forward: Rare::default(), beside: Rare::default() }
    }

    /// Adds what few have.
    #[must_use]
    pub(crate) fn with(self, beside: Beside) -> Self {
        Self { beside: beside.into(), ..self }
    }

    /// Gives it the fate that hindsight says.
    #[must_use]
    pub(crate) fn corrected(self, fate: Fate) -> Self {
        let forward = Some((*self.change.fate).clone()).into();
        Self { change: ResourceChange { fate: fate.into(), ..self.change }, forward, ..self }
    }

    /// Returns what time makes of it.
    pub(crate) fn fate(&self) -> &Fate {
        &self.change.fate
    }

    /// Returns its fate without what hindsight says.
    pub(crate) fn forward(&self) -> &Fate {
        self.forward.as_ref().unwrap_or(&self.change.fate)
    }

    /// Returns whether it is the current object of its instance.
    pub(crate) fn is_current(&self) -> bool {
        self.change.deposed.is_none()
    }

    /// Returns when it may be done: what its provider says, as far as its fate leaves that, and not after its own end.
    pub(crate) fn schedule(&self) -> Schedule {
        let (Fate::Later(wait) | Fate::GoesDown(wait)) = self.fate() else {
            return *self.change.schedule;
        };
        // Until it is changed, an object has the term that it has.
        let term = self.beside.stands.or(*self.change.window);
        let until = term.and_then(|window| window.until());
        let reads = self.change.action == PlannedAction::Read;
        let not_after: Option<Timestamp> =
            self.change.schedule.not_after.or(until).filter(|_| !reads);
        Schedule { not_before: wait.at, not_after }
    }
}
