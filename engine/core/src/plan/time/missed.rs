//! **A window that nobody used is over for good.** The laptop was closed while the lease was there: what was to sit on it
//! does not come any more, nor does what reads or names it. That is no error. The plan says since when; a new end
//! date brings it back, and removing it from the configuration forgets it.

use terrarium_state::Ended;
use terrarium_value::{Cause, Causes, When};

use super::fate::Fate;
use crate::{Occupancy, ResourceChange};

/// Says of what never comes why: it completes "waits for …".
pub(crate) fn missed(over: &Ended, occupies: &Occupancy) -> String {
    let who = match &over.with {
        Some(addr) => addr.to_string(),
        None if occupies.foreign.is_empty() => "those who needed it".to_owned(),
        None => occupies.foreign.join(", "),
    };
    format!("nothing any more: the time of {who} is over")
}

impl Fate {
    /// Returns when what an instance leaves unknown will be known.
    pub(crate) fn when(&self) -> When {
        match self {
            Self::Now => When::Apply,
            Self::Later(wait) | Self::GoesDown(wait) => wait.at.map_or(When::Later, When::At),
            Self::Ended(over) | Self::Lingers(over) | Self::Never(over) => When::Never(over.at),
        }
    }

    /// Returns the causes of what an instance leaves unknown.
    pub(crate) fn causes(&self, change: &ResourceChange) -> Causes {
        let when = self.when();
        Causes::one(Cause::Instance { addr: change.addr.clone(), when })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{addr, day};
    use super::super::wait::Wait;
    use super::*;
    use crate::Waits;

    #[test]
    fn what_never_comes_says_with_whom_it_went() {
        let pasted = Occupancy { lenders: Vec::new(), foreign: vec!["the lease \"l\"".to_owned()] };
        let own = Occupancy::default();
        for (with, occupies, expected) in [
            (Some(addr("a.lease")), &pasted, "nothing any more: the time of a.lease is over"),
            (None, &pasted, "nothing any more: the time of the lease \"l\" is over"),
            (None, &own, "nothing any more: the time of those who needed it is over"),
        ] {
            assert_eq!(missed(&Ended { at: day(3), with }, occupies), expected);
        }
    }

    #[test]
    fn what_is_unknown_is_known_when_its_fate_says_so() {
        let wait = |at: Option<i64>| Wait {
            at: at.map(day),
            waits: Waits::Opening,
            reason: String::new(),
        };
        let over = Ended { at: day(3), with: None };
        for (fate, when) in [
            (Fate::Now, When::Apply),
            (Fate::Later(wait(Some(5))), When::At(day(5))),
            (Fate::GoesDown(wait(None)), When::Later),
            (Fate::Never(over.clone()), When::Never(day(3))),
            (Fate::Ended(over), When::Never(day(3))),
        ] {
            assert_eq!(fate.when(), when);
        }
    }
}
