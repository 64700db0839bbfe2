//! Where an instance sits, and what that means for it in time: what the forward rules make of its facts.

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_provider::Window;
use terrarium_state::Ended;
use terrarium_value::Causes;

use super::depends_on::{Coming, depends_on};
use super::lender_ends::lender_ends;
use super::lender_opens::lender_opens;
use super::loan::Loan;
use super::unknown_until::unknown_until;
use crate::fate::Wait;
use crate::{Occupancy, Sits};

/// What an instance sits on, reads and names, as far as time has to do with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// What it sits on, and how that stands.
    pub(crate) sits: Vec<(Sits, Loan)>,
    /// A recorded lender that it loses: one that is removed, or that was replaced under it.
    pub(crate) loses: Option<ResourceAddr>,
    /// What the values of its configuration wait for.
    pub(crate) values: Causes,
    /// What its `depends_on` names that is not there.
    pub(crate) named: Vec<Coming>,
}

/// What bounds the time of an instance, each with the name of what does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The last of its lenders to begin.
    pub(crate) begins: Option<(String, Timestamp)>,
    /// The first of its lenders to end.
    pub(crate) ends: Option<(String, Timestamp)>,
}

/// Where an instance sits, and what that means for it in time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seat {
    pub(crate) occupies: Occupancy,
    /// The part of time that all lenders have in common.
    pub(crate) window: Option<Window>,
    /// Who bounds that.
    pub(crate) bounds: Bounds,
    /// What it waits for longest.
    pub(crate) wait: Option<Wait>,
    /// What it needs that is over.
    pub(crate) over: Option<Ended>,
    /// The lender that is made anew under it.
    pub(crate) moves: Option<ResourceAddr>,
}

impl Seat {
    /// Applies the forward rules to an instance.
    pub(crate) fn of(facts: &Facts, own: &ResourceAddr, now: Timestamp) -> Self {
        let mut seat = Self::default();
        for (what, loan) in &facts.sits {
            seat.sit(what, loan, now);
        }
        seat.moves = seat.moves.or_else(|| facts.loses.clone());
        let values = unknown_until(&facts.values, own);
        let named = match depends_on(&facts.named) {
            Some(Coming::Later(wait)) => Some(wait),
            Some(Coming::Never(over)) => {
                seat.over.get_or_insert(over);
                None
            }
            None => None,
        };
        seat.over = seat.over.or(values.over);
        seat.wait = Wait::later(Wait::later(seat.wait, values.wait), named);
        seat
    }

    fn sit(&mut self, what: &Sits, loan: &Loan, now: Timestamp) {
        let (label, with) = match what {
            Sits::On(addr) => (addr.to_string(), Some(addr.clone())),
            Sits::Pasted(label) => (label.clone(), None),
        };
        // What is made anew by this plan is not over, although what it takes the place of may be.
        if let Some(at) = lender_ends(loan, now).filter(|_| !loan.fresh) {
            self.over.get_or_insert(Ended { at, with: with.clone() });
        }
        if loan.renewed {
            self.moves = self.moves.take().or_else(|| with.clone());
        }
        self.narrow(&label, loan.window);
        let wait = lender_opens(loan, what, now);
        self.wait = Wait::later(self.wait.take(), wait);
        match with {
            Some(addr) => self.occupies.lenders.push(addr),
            None if self.occupies.foreign.contains(&label) => {}
            None => self.occupies.foreign.push(label),
        }
    }

    fn narrow(&mut self, label: &str, window: Option<Window>) {
        let Some(window) = window else { return };
        let later = |known: &(String, Timestamp)| known.1 < window.from();
        if self.bounds.begins.as_ref().is_none_or(later) {
            self.bounds.begins = Some((label.to_owned(), window.from()));
        }
        if let Some(until) = window.until()
            && self.bounds.ends.as_ref().is_none_or(|(_, known)| until < *known)
        {
            self.bounds.ends = Some((label.to_owned(), until));
        }
        self.window = match self.window {
            // Without time in common there is an error; the first window draws something all the same.
            Some(known) => known.intersect(&window).or(Some(known)),
            None => Some(window),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{addr, day, window};
    use super::*;

    #[test]
    fn all_lenders_together_say_when_an_instance_can_be_there() {
        let on = |name: &str, from, until| {
            let loan = Loan { window: window(from, until), ..Loan::default() };
            (Sits::On(addr(&format!("a.{name}"))), loan)
        };
        // What is sat on on day 10; the window in common, the wait, what is over.
        let rows = [
            (vec![], None, None, None),
            (vec![on("l", 5, Some(20))], window(5, Some(20)), None, None),
            (vec![on("l", 12, Some(20))], window(12, Some(20)), Some(12), None),
            (vec![on("l", 12, Some(20)), on("m", 15, None)], window(15, Some(20)), Some(15), None),
            (vec![on("l", 5, Some(9)), on("m", 5, None)], window(5, Some(9)), None, Some("a.l")),
            (vec![on("l", 12, Some(14)), on("m", 15, None)], window(12, Some(14)), Some(15), None),
        ];
        for (sits, expected, waits, over) in rows {
            let facts = Facts { sits, ..Facts::default() };
            let seat = Seat::of(&facts, &addr("a.own"), day(10));
            assert_eq!(seat.window, expected, "{facts:?}");
            assert_eq!(seat.wait.and_then(|wait| wait.at), waits.map(day), "{facts:?}");
            let found = seat.over.and_then(|over| over.with).map(|with| with.to_string());
            assert_eq!(found.as_deref(), over, "{facts:?}");
        }
    }
}
