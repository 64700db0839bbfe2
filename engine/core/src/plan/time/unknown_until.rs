//! **What is unknown until later makes its readers wait.** A start travels with unknown values: each names the instance
//! that it waits for, and when that will be there. A value that is known carries no start: the id of a lease that
//! has not begun can be printed, written to files and used in names at once.

use terrarium_address::ResourceAddr;
use terrarium_state::Ended;
use terrarium_value::{Cause, Causes, When};

use crate::Waits;
use crate::fate::Wait;

/// What values wait for: for something that comes, or for something that will not.
pub(super) struct Awaited {
    pub(super) wait: Option<Wait>,
    pub(super) over: Option<Ended>,
}

/// Returns what the values of an instance's configuration wait for beyond this apply. What only the instance itself
/// will tell is no reason to wait.
pub(super) fn unknown_until(values: &Causes, own: &ResourceAddr) -> Awaited {
    let mut awaited = Awaited { wait: None, over: None };
    for cause in values.iter() {
        let Cause::Instance { addr, when } = cause else { continue };
        if addr == own {
            continue;
        }
        let wait = |at| {
            Some(Wait { at, waits: Waits::Dependency(addr.clone()), reason: addr.to_string() })
        };
        let wait = match when {
            When::Apply => None,
            When::At(at) => wait(Some(*at)),
            When::Later => wait(None),
            // One value that never comes is enough: the whole can't be made any more.
            When::Never(since) => {
                awaited.over.get_or_insert_with(|| Ended { at: *since, with: Some(addr.clone()) });
                None
            }
        };
        awaited.wait = Wait::later(awaited.wait.take(), wait);
    }
    awaited
}

#[cfg(test)]
mod tests {
    use super::super::cases::{addr, day};
    use super::*;

    /// Until when, where that is known, and for whom.
    type Waits<'r> = Option<(Option<i64>, &'r str)>;

    #[test]
    fn the_latest_of_what_is_unknown_is_waited_for() {
        let cause = |name: &str, when| {
            Causes::one(Cause::Instance { addr: addr(&format!("a.{name}")), when })
        };
        let other = Causes::one(Cause::Other("timestamp()".into()));
        let (soon, late, open) = (When::At(day(12)), When::At(day(15)), When::Later);
        // What values wait for; until when, for whom; whether it never comes.
        let rows: [(Vec<Causes>, Waits<'_>, bool); 8] = [
            (vec![], None, false),
            (vec![other], None, false),
            (vec![cause("x", When::Apply)], None, false),
            (vec![cause("x", soon)], Some((Some(12), "a.x")), false),
            (vec![cause("x", soon), cause("y", late)], Some((Some(15), "a.y")), false),
            (vec![cause("x", open), cause("y", late)], Some((None, "a.x")), false),
            (vec![cause("own", late)], None, false),
            (
                vec![cause("x", When::Never(day(8))), cause("y", late)],
                Some((Some(15), "a.y")),
                true,
            ),
        ];
        for (causes, expected, never) in rows {
            let all = Causes::union(&causes);
            let found = unknown_until(&all, &addr("a.own"));
            let wait = found.wait.as_ref().map(|it| (it.at, it.reason.as_str()));
            assert_eq!(wait, expected.map(|(at, who)| (at.map(day), who)), "{causes:?}");
            assert_eq!(found.over.is_some(), never, "{causes:?}");
        }
    }
}
