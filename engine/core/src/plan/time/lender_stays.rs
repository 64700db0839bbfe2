//! **A replaced lender stays until its occupants have moved.** Servers that run on a lease move to its successor one
//! after the other; the removal of the old lease waits for the last of them.

use std::collections::BTreeMap;

use terrarium_address::ResourceAddr;

use super::planned::Planned;
use crate::fate::Fate;
use crate::fate::Wait;
use crate::{PlannedAction, Waits};

/// Finds the lenders that stay for now, and what their removal waits for.
pub(crate) fn lender_stays<'p>(
    all: impl Iterator<Item = &'p Planned>,
) -> BTreeMap<ResourceAddr, Wait> {
    let mut staying: BTreeMap<ResourceAddr, Wait> = BTreeMap::new();
    for planned in all {
        let (PlannedAction::Replace(_), Fate::Later(wait)) =
            (planned.change.action, planned.fate())
        else {
            continue;
        };
        for lender in &planned.change.occupies.lenders {
            let stays = staying.entry(lender.clone()).or_insert_with(|| Wait {
                at: wait.at,
                waits: Waits::Consumers(Vec::new()),
                reason: "what still sits on it to move".to_owned(),
            });
            // The last of them; where nobody knows of one, nobody knows.
            stays.at = stays.at.zip(wait.at).map(|(one, other)| one.max(other));
            if let Waits::Consumers(who) = &mut stays.waits {
                who.push(planned.change.addr.clone());
            }
        }
    }
    for stays in staying.values_mut() {
        if let Waits::Consumers(who) = &mut stays.waits {
            who.sort();
        }
    }
    staying
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::super::cases::{addr, day};
    use super::*;
    use crate::{Occupancy, ReplaceOrder, ResourceChange};

    /// Until when it stays, where that is known; `None`: it does not.
    type Until = Option<Option<Timestamp>>;

    #[test]
    fn a_lender_stays_until_the_last_has_moved() {
        let replace = PlannedAction::Replace(ReplaceOrder::DeleteFirst);
        let sits = |name: &str, action, at: Option<Option<i64>>| {
            let lenders = vec![addr("a.lease")];
            let change = ResourceChange {
                occupies: Occupancy { lenders, foreign: Vec::new() }.into(),
                ..ResourceChange::new(addr(name), "p".into(), Arc::default(), action)
            };
            let wait = |at: Option<i64>| Wait {
                at: at.map(day),
                waits: Waits::Opening,
                reason: String::new(),
            };
            Planned::new(change, at.map_or(Fate::Now, |at| Fate::Later(wait(at))))
        };
        let rows: [(Vec<Planned>, Until); 5] = [
            (vec![], None),
            (vec![sits("a.s", replace, None)], None),
            (vec![sits("a.s", PlannedAction::Create, Some(Some(5)))], None),
            (
                vec![sits("a.s", replace, Some(Some(5))), sits("a.t", replace, Some(Some(7)))],
                Some(Some(day(7))),
            ),
            (
                vec![sits("a.s", replace, Some(None)), sits("a.t", replace, Some(Some(7)))],
                Some(None),
            ),
        ];
        for (all, until) in rows {
            let staying = lender_stays(all.iter());
            assert_eq!(staying.get(&addr("a.lease")).map(|wait| wait.at), until);
        }
    }
}
