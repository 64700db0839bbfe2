//! **A lease outside the configuration counts as any other.** A student is given a reservation id and pastes it: what
//! its service says of the lease behind it stands in for a plan of ours.

use terrarium_provider::{Standing, Term};

use super::loan::Loan;

/// Reads off a service's answer how something lends that no plan makes.
pub(crate) fn pasted(term: &Term) -> Loan {
    let ended = match term.standing {
        Standing::Ended(at) => Some(at),
        Standing::Open | Standing::Upcoming => None,
    };
    let standing = Some(term.standing);
    Loan { window: Some(term.window), standing, ended, ..Loan::default() }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{day, window};
    use super::super::lender_ends::lender_ends;
    use super::super::lender_opens::lender_opens;
    use super::*;
    use crate::Sits;

    #[test]
    fn a_pasted_id_is_waited_for_and_ends() {
        // How the lease stands on day 10; until when one waits; since when it is over.
        let rows = [
            (Standing::Open, (5, 20), None, None),
            (Standing::Upcoming, (12, 20), Some(12), None),
            (Standing::Upcoming, (10, 20), Some(10), None),
            (Standing::Ended(day(7)), (5, 20), None, Some(7)),
            (Standing::Open, (5, 10), None, Some(10)),
        ];
        for (standing, (from, until), waits, over) in rows {
            let window = window(from, Some(until)).expect("a window");
            let lender = Sits::Pasted("the lease".to_owned());
            let loan = pasted(&Term { window, standing, zone: None, lacks: Vec::new() });
            let wait = lender_opens(&loan, &lender, day(10)).and_then(|wait| wait.at);
            assert_eq!((wait, lender_ends(&loan, day(10))), (waits.map(day), over.map(day)));
        }
    }
}
