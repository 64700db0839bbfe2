//! How a lender stands in this plan.

use jiff::Timestamp;
use terrarium_provider::{Lends, Standing, Window};
use terrarium_state::Object;
use terrarium_value::When;

use super::planned::Planned;
use crate::fate::Fate;
use crate::{PlannedAction, ReplaceOrder};

/// How a lender stands in this plan.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own, which rules combine")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loan {
    /// When it lends.
    pub(crate) window: Option<Window>,
    /// What its service says of it.
    pub(crate) standing: Option<Standing>,
    /// Whether its object is made anew, so that what sits on the old one must be, too.
    pub(crate) renewed: bool,
    /// Whether its object does not exist before the apply.
    pub(crate) fresh: bool,
    /// Whether its old object must go before the new one can come.
    pub(crate) gap: bool,
    /// Since when it is over, whatever its window says.
    pub(crate) ended: Option<Timestamp>,
    /// When what a new object lends can be used, where the window does not tell.
    pub(crate) lends: Option<Lends>,
    /// When it will be made, where it waits itself.
    pub(crate) waits: Option<When>,
    /// Whether nothing stands behind what one sits on.
    pub(crate) lacks: bool,
}

impl Loan {
    /// Reads off what is planned how a lender stands.
    pub(crate) fn of(planned: &Planned) -> Self {
        let change = &planned.change;
        let made = matches!(change.action, PlannedAction::Create | PlannedAction::Replace(_));
        let stands = Self {
            window: *change.window,
            standing: *change.standing,
            renewed: matches!(change.action, PlannedAction::Replace(_)),
            fresh: change.before.is_null() || made,
            gap: change.action == PlannedAction::Replace(ReplaceOrder::DeleteFirst),
            ended: None,
            lends: change.notes.lends.filter(|_| made),
            waits: None,
            lacks: false,
        };
        let later = |at: Option<Timestamp>| Some(at.map_or(When::Later, When::At));
        match planned.fate() {
            Fate::Now => stands,
            Fate::Ended(ended) | Fate::Lingers(ended) => Self { ended: Some(ended.at), ..stands },
            // What it would lend can't be had, although nothing ended that was there.
            Fate::Never(over) => Self { ended: Some(over.at), fresh: false, ..stands },
            // Until it is changed it lends what it lends.
            Fate::Later(_) if change.action == PlannedAction::Update => {
                Self { window: planned.beside.stands.or(stands.window), ..stands }
            }
            Fate::Later(wait) => Self { waits: later(wait.at), gap: false, ..stands },
            // What sits on it goes down with it, and comes back after it.
            Fate::GoesDown(wait) => {
                Self { waits: later(wait.at), gap: true, renewed: true, ..stands }
            }
        }
    }

    /// Reads off what is recorded how a lender stands that is not planned.
    pub(crate) fn recorded(object: &Object) -> Self {
        let ended = object.ended.as_ref().map(|ended| ended.at);
        Self { window: object.window, ended, ..Self::default() }
    }
}
