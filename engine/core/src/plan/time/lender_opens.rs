//! **What lends must have begun.** A reservation can be used from the start of its lease on, and from then on only
//! once its service says that it is active: the time is an estimate, the status is the gate.

use jiff::Timestamp;
use terrarium_provider::{Lends, Standing};
use terrarium_value::When;

use super::loan::Loan;
use crate::fate::Wait;
use crate::{Sits, Waits};

/// Returns what one who sits on a lender has to wait for.
pub(super) fn lender_opens(loan: &Loan, lender: &Sits, now: Timestamp) -> Option<Wait> {
    let wait = |at, reason| Some(Wait { at, waits: Waits::Lender(lender.clone()), reason });
    if let Some(when) = loan.waits {
        let at = if let When::At(at) = when { Some(at) } else { None };
        return wait(at, format!("{lender}, which waits itself"));
    }
    let from = loan.window.map(|window| window.from());
    // What it reserved failed: whoever came would be refused, whatever the hour. It may be mended in time.
    if loan.lacks && !loan.fresh {
        let reason = format!("{lender} to have again what it reserved, which failed");
        return Some(Wait { at: from, waits: Waits::Lacks(lender.clone()), reason });
    }
    // A lease that begins within minutes is created until it has begun: who sits on it comes right after it.
    match from.filter(|from| *from > now && loan.lends != Some(Lends::WithApply)) {
        Some(from) => wait(Some(from), format!("the start of {lender}")),
        // Its time has come, and its service is late with it.
        None if loan.lends == Some(Lends::AfterApply)
            || (loan.standing == Some(Standing::Upcoming) && !loan.fresh) =>
        {
            wait(from, format!("{lender} to become active"))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{day, window};
    use super::*;

    /// Until when one waits, where that is known, and for what.
    type Waits<'r> = Option<(Option<i64>, &'r str)>;

    #[test]
    fn one_who_sits_on_a_lender_waits_until_it_lends() {
        let at = |from| Loan { window: window(from, Some(20)), ..Loan::default() };
        let stands = |loan, standing| Loan { standing: Some(standing), ..loan };
        let new = |loan, lends| Loan { fresh: true, lends, ..loan };
        let (with, after) = (Some(Lends::WithApply), Some(Lends::AfterApply));
        // The lender on day 10; until when one waits, and for what; nothing: not at all.
        let rows: [(Loan, Waits<'_>); 12] = [
            (Loan::default(), None),
            (at(5), None),
            (at(12), Some((Some(12), "the start of l"))),
            (stands(at(5), Standing::Open), None),
            (stands(at(10), Standing::Upcoming), Some((Some(10), "l to become active"))),
            (new(stands(at(10), Standing::Upcoming), None), None),
            (new(at(12), with), None),
            (new(at(10), after), Some((Some(10), "l to become active"))),
            (
                Loan { waits: Some(When::At(day(15))), ..at(5) },
                Some((Some(15), "l, which waits itself")),
            ),
            (Loan { waits: Some(When::Later), ..at(5) }, Some((None, "l, which waits itself"))),
            (
                Loan { lacks: true, ..at(5) },
                Some((Some(5), "l to have again what it reserved, which failed")),
            ),
            (Loan { lacks: true, fresh: true, ..at(5) }, None),
        ];
        for (loan, expected) in rows {
            let found = lender_opens(&loan, &Sits::Pasted("l".to_owned()), day(10));
            let found = found.as_ref().map(|it| (it.at, it.reason.as_str()));
            assert_eq!(found, expected.map(|(at, why)| (at.map(day), why)), "{loan:?}");
        }
    }
}
