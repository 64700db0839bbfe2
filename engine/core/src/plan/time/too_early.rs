//! **What would come when its time is over is an error.** A lease that ends too early: a server that waits until the
//! 10th, for what it reads, on a lease that ends on the 9th, would be scheduled for a time that does not exist. So would one
//! that sits on two leases with no time in common.

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostic;

use super::modes::Modes;
use super::seat::{Bounds, Seat};
use crate::codes;
use crate::fate::Fate;

/// Says that an instance would come when its time is over; `shown` writes an instant as people read it.
///
/// On what ended, lingers, goes down or never comes, and where nothing is made, it is a warning at most: there is
/// nothing to mend any more.
pub(crate) fn too_early(
    addr: &ResourceAddr,
    (seat, fate): (&Seat, &Fate),
    modes: Modes,
    shown: &dyn Fn(Timestamp) -> String,
) -> Option<Diagnostic> {
    let (detail, help) = apart(addr, &seat.bounds, shown).or_else(|| match fate {
        Fate::Later(wait) | Fate::GoesDown(wait) => {
            let (lender, end) = seat.bounds.ends.as_ref()?;
            let at = wait.at.filter(|at| at >= end)?;
            Some((
                format!(
                    "{addr} sits on {lender}, which ends {}, and waits until {} for {}: it would never be there.",
                    shown(*end),
                    shown(at),
                    wait.reason
                ),
                format!(
                    "let {lender} end later, let it wait for something that is there before, or give it another lease"
                ),
            ))
        }
        _ => None,
    })?;
    let diagnostic = match fate {
        Fate::Now | Fate::Later(_) if modes.makes => Diagnostic::error,
        Fate::Now | Fate::Later(_) | Fate::GoesDown(_) => Diagnostic::warning,
        // What is over is told as that.
        Fate::Ended(_) | Fate::Lingers(_) | Fate::Never(_) => return None,
    };
    let told = diagnostic(codes::TOO_EARLY, "A lease that ends too early");
    Some(told.detail(detail).about(addr.clone()).help(help))
}

/// Says that lenders have no time in common.
fn apart(
    addr: &ResourceAddr,
    bounds: &Bounds,
    shown: &dyn Fn(Timestamp) -> String,
) -> Option<(String, String)> {
    let ((last, begins), (first, ends)) = bounds.begins.as_ref().zip(bounds.ends.as_ref())?;
    (last != first && begins >= ends).then(|| {
        (
            format!(
                "{addr} sits on {first}, which ends {}, and on {last}, which begins {}: they have no time in common.",
                shown(*ends),
                shown(*begins)
            ),
            format!("let {first} end later, let {last} begin earlier, or let it sit on one of them"),
        )
    })
}

#[cfg(test)]
mod tests {
    use terrarium_state::Ended;

    use super::super::cases::{addr, day};
    use super::*;
    use crate::Waits;
    use crate::fate::Wait;

    /// How it is told.
    #[derive(Debug, PartialEq)]
    enum Told {
        Not,
        Warning,
        Error,
    }

    #[test]
    fn what_comes_when_its_time_is_over_is_told_with_both_instants() {
        let wait = |at: i64| Wait {
            at: Some(day(at)),
            waits: Waits::Dependency(addr("a.slow")),
            reason: "a.slow".to_owned(),
        };
        let ended = Ended { at: day(5), with: None };
        let bounds = |begins: i64, ends: i64, last: &str| Bounds {
            begins: Some((last.to_owned(), day(begins))),
            ends: Some(("a.lease".to_owned(), day(ends))),
        };
        let (fits, apart) = (bounds(2, 9, "a.lease"), bounds(12, 9, "a.other"));
        // Columns: an ordinary plan; a destroy, or one that only takes over what changed.
        let rows = [
            (&fits, Fate::Now, Told::Not, Told::Not),
            (&fits, Fate::Later(wait(8)), Told::Not, Told::Not),
            (&fits, Fate::Later(wait(9)), Told::Error, Told::Warning),
            (&fits, Fate::Later(wait(10)), Told::Error, Told::Warning),
            (&fits, Fate::GoesDown(wait(10)), Told::Warning, Told::Warning),
            (&fits, Fate::Ended(ended.clone()), Told::Not, Told::Not),
            (&apart, Fate::Now, Told::Error, Told::Warning),
            (&apart, Fate::Later(wait(12)), Told::Error, Told::Warning),
            (&apart, Fate::Lingers(ended.clone()), Told::Not, Told::Not),
            (&apart, Fate::Never(ended), Told::Not, Told::Not),
        ];
        for (bounds, fate, normal, others) in rows {
            for (makes, expected) in [(true, normal), (false, others)] {
                let seat = Seat { bounds: bounds.clone(), ..Seat::default() };
                let modes = Modes { defers: true, eager: false, makes, asked: true };
                let shown = |at: Timestamp| at.to_string();
                let found = too_early(&addr("a.server"), (&seat, &fate), modes, &shown);
                let told = match &found {
                    None => Told::Not,
                    Some(told) if told.is_error() => Told::Error,
                    Some(_) => Told::Warning,
                };
                assert_eq!(told, expected, "{fate:?} {makes}");
                let names = |it: &Diagnostic| it.detail.contains("a.lease") && it.help.is_some();
                assert!(found.iter().all(names));
            }
        }
    }
}
