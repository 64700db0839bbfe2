//! **What sits on a lease ends with it.** The service does the ending; the engine records it and deletes nothing early.
//! An end travels along what an object sits on, and along nothing else.

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_provider::{Tenure, Window};
use terrarium_state::Ended;

use super::loan::Loan;

/// Returns since when a lender is over.
pub(super) fn lender_ends(loan: &Loan, now: Timestamp) -> Option<Timestamp> {
    let until = loan.window.and_then(|window| window.until()).filter(|until| *until <= now);
    loan.ended.or(until)
}

/// What is known of an object that its service does not know any more.
pub(crate) struct Gone<'f> {
    /// Whose term it has.
    pub(crate) tenure: Tenure,
    /// The window that is recorded of it.
    pub(crate) window: Option<Window>,
    /// What it sat on: how that stands, since when its recorded object is ended, and since when a replaced predecessor
    /// of that is over which still stood for those who had not moved.
    pub(crate) sat_on: Vec<(&'f ResourceAddr, Loan, Option<Timestamp>, Option<Timestamp>)>,
}

/// Returns since when an object that is gone had to be expected to be: what it sat on is over, or its own term is.
/// What was expected is no drift.
pub(crate) fn expected_end(gone: &Gone<'_>, now: Timestamp) -> Option<Ended> {
    // What a lender was before this plan counts, not the new one that the plan may make of it.
    let over = gone.sat_on.iter().find_map(|(addr, loan, seen, predecessor)| {
        let stood = lender_ends(loan, now).filter(|_| !loan.fresh);
        let at = seen.or(stood).or(*predecessor)?;
        Some(Ended { at, with: Some((*addr).clone()) })
    });
    // A recorded window may be older than the lender's; then the lender counts.
    let own = gone.window.and_then(|window| window.until());
    let own =
        own.filter(|until| *until <= now && gone.sat_on.is_empty() && gone.tenure != Tenure::None);
    over.or(own.map(|at| Ended { at, with: None }))
}

#[cfg(test)]
mod tests {
    use super::super::cases::{addr, day, window};
    use super::*;

    #[test]
    fn a_lender_is_over_at_the_end_of_its_window_or_when_its_service_says_so() {
        let until = |until| Loan { window: window(1, until), ..Loan::default() };
        for (loan, over) in [
            (until(None), None),
            (until(Some(11)), None),
            (until(Some(10)), Some(10)),
            (Loan { ended: Some(day(8)), ..until(Some(11)) }, Some(8)),
        ] {
            assert_eq!(lender_ends(&loan, day(10)), over.map(day), "{loan:?}");
        }
    }

    #[test]
    fn what_is_gone_was_expected_to_be_where_its_lender_or_its_term_is_over() {
        let lender = addr("a.lease");
        let until = |until| Loan { window: window(1, Some(until)), ..Loan::default() };
        let gone = |tenure, until: Option<i64>, sat_on| Gone {
            tenure,
            window: until.and_then(|until| window(1, Some(until))),
            sat_on,
        };
        let on = |loan, seen: Option<i64>, predecessor: Option<i64>| {
            vec![(&lender, loan, seen.map(day), predecessor.map(day))]
        };
        let renewed = Loan { fresh: true, renewed: true, ..until(30) };
        // Who is gone on day 10; since when it is ended, and whether with its lender.
        let rows = [
            ("deleted outside", gone(Tenure::Borrowed, Some(20), on(until(20), None, None)), None),
            (
                "with its lender",
                gone(Tenure::Borrowed, Some(9), on(until(9), None, None)),
                Some((9, true)),
            ),
            (
                "its lender ended early",
                gone(Tenure::Borrowed, Some(20), on(until(20), Some(7), None)),
                Some((7, true)),
            ),
            (
                "its lender is made anew",
                gone(Tenure::Borrowed, Some(9), on(renewed.clone(), None, None)),
                None,
            ),
            (
                "with its lender, which is made anew",
                gone(Tenure::Borrowed, Some(9), on(renewed.clone(), Some(9), None)),
                Some((9, true)),
            ),
            (
                "with what its lender was before",
                gone(Tenure::Borrowed, Some(9), on(renewed, None, Some(6))),
                Some((6, true)),
            ),
            (
                "its lender was extended",
                gone(Tenure::Borrowed, Some(9), on(until(20), None, None)),
                None,
            ),
            ("a lease at its end", gone(Tenure::Own, Some(9), vec![]), Some((9, false))),
            ("a lease before its end", gone(Tenure::Own, Some(20), vec![]), None),
            ("what has no term", gone(Tenure::None, Some(9), vec![]), None),
        ];
        for (what, gone, expected) in rows {
            let ended = expected_end(&gone, day(10));
            let found = ended.map(|ended| (ended.at, ended.with.is_some()));
            assert_eq!(found, expected.map(|(at, with)| (day(at), with)), "{what}");
        }
    }
}
