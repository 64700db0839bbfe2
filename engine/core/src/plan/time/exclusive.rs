//! **A successor waits for its predecessor.** A port, a volume or an address has one holder at a time. One who is to be
//! made now waits until a holder whose time is over has let go of it; two whose windows overlap are an error.

use std::collections::BTreeMap;

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Rival, Window};

use super::planned::Planned;
use crate::fate::Fate;
use crate::fate::Wait;
use crate::grip::{Grip, grips};
use crate::{PlannedAction, Waits, codes};

/// What the rule finds.
#[derive(Default)]
pub(crate) struct Exclusives {
    /// Those who wait for another one to let go.
    pub(crate) waiting: BTreeMap<ResourceAddr, Fate>,
    /// Those who would hold the same thing at the same time.
    pub(crate) overlaps: Vec<Overlap>,
}

/// Two who would hold the same thing at the same time.
pub(crate) struct Overlap {
    thing: String,
    first: (ResourceAddr, Option<Timestamp>),
    second: (ResourceAddr, Timestamp),
}

impl Overlap {
    /// Tells it; `shown` writes an instant as people read it.
    pub(crate) fn told(&self, shown: &dyn Fn(Timestamp) -> String) -> Diagnostic {
        let ((first, until), (second, from)) = (&self.first, &self.second);
        let until = until.map_or("without end".to_owned(), |it| format!("until {}", shown(it)));
        Diagnostic::error(codes::OVERLAP, "Held by two at the same time")
            .detail(format!(
                "{first} holds {} {until}, and {second} would hold it from {} on.",
                self.thing,
                shown(*from)
            ))
            .about(second.clone())
            .help("let the second lease begin when the first one ends, or give each its own")
    }
}

/// Finds those who would hold what another one holds.
pub(crate) fn exclusive<'p>(all: impl Iterator<Item = &'p Planned>, now: Timestamp) -> Exclusives {
    let mut found = Exclusives::default();
    for ((_, thing), mut holders) in holders(all, now) {
        holders.sort_by_key(|holder| (holder.from, holder.addr));
        for pair in holders.windows(2) {
            let [first, second] = pair else { continue };
            if !first.grip.bars(&second.grip) {
                continue;
            }
            if first.lingers && second.is_due {
                let wait = Wait {
                    at: first.until.or(Some(now)),
                    waits: Waits::Held(first.addr.clone()),
                    reason: format!("{} to let go of it", first.addr),
                };
                found.waiting.insert(second.addr.clone(), Fate::Later(wait));
            } else if (first.bounded || second.bounded)
                && first.until.is_none_or(|until| until > second.from)
            {
                found.overlaps.push(Overlap {
                    thing: thing.clone(),
                    first: (first.addr.clone(), first.until),
                    second: (second.addr.clone(), second.from),
                });
            }
        }
    }
    found
}

/// One who holds a thing that only one may hold, and when.
struct Holder<'p> {
    addr: &'p ResourceAddr,
    grip: Grip<'p>,
    from: Timestamp,
    until: Option<Timestamp>,
    /// Whether time has anything to do with it.
    bounded: bool,
    /// Whether it is to be made now.
    is_due: bool,
    /// Whether its time is over, and it is still there.
    lingers: bool,
}

type Holders<'p> = BTreeMap<(String, String), Vec<Holder<'p>>>;

/// Lists who holds what, by the role in which it is held and its name: a server and an address may share a port, two
/// servers may not.
fn holders<'p>(all: impl Iterator<Item = &'p Planned>, now: Timestamp) -> Holders<'p> {
    let mut held: Holders<'_> = BTreeMap::new();
    for planned in all {
        let (change, forward) = (&planned.change, planned.forward());
        let gone = matches!(change.action, PlannedAction::Delete | PlannedAction::Forget)
            || matches!(forward, Fate::Ended(_) | Fate::Never(_));
        if gone || change.schema.exclusive.is_empty() {
            continue;
        }
        let later = match forward {
            Fate::Later(wait) | Fate::GoesDown(wait) => Some(wait.at),
            _ => None,
        };
        let from = later.flatten().or(change.window.as_ref().map(Window::from));
        let made_now = later.is_none() && change.before.is_null();
        for grip in grips(&change.schema, &change.after) {
            // Others may have found another way to hold it.
            if grip.by.rival == Rival::RefusedAsSuccessor {
                continue;
            }
            let key = (grip.by.path.to_string(), grip.thing.clone());
            held.entry(key).or_default().push(Holder {
                addr: &change.addr,
                grip,
                from: from.unwrap_or(if made_now { now } else { Timestamp::MIN }),
                until: change.window.and_then(|window| window.until()),
                bounded: change.window.is_some() || later.is_some(),
                is_due: later.is_none() && change.action == PlannedAction::Create,
                lingers: matches!(forward, Fate::Lingers(_)),
            });
        }
    }
    held.retain(|_, holders| holders.len() > 1);
    held
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use terrarium_address::AttrPath;
    use terrarium_provider::{Exclusive, Schema};
    use terrarium_state::Ended;
    use terrarium_value::Value;

    use super::super::cases::{addr, day, window};
    use super::*;
    use crate::ResourceChange;

    fn holder(name: &str, (from, until): (i64, Option<i64>), fate: Fate) -> Planned {
        let path = AttrPath::attr("port");
        let exclusive = vec![Exclusive { path, ..Exclusive::default() }];
        let schema = Arc::new(Schema { exclusive, ..Schema::default() });
        let stands = !matches!(fate, Fate::Now);
        let action = if stands { PlannedAction::NoOp } else { PlannedAction::Create };
        let value = Value::object_of([("port", Value::string("p"))]);
        let change = ResourceChange {
            before: if stands { value.clone() } else { Value::null(value.ty()) },
            after: value,
            window: window(from, until).into(),
            ..ResourceChange::new(addr(name), "p".into(), schema, action)
        };
        Planned::new(change, fate)
    }

    #[test]
    fn a_successor_waits_for_one_who_lingers_and_two_at_a_time_are_an_error() {
        let lingers = Fate::Lingers(Ended { at: day(10), with: None });
        let ended = Fate::Ended(Ended { at: day(10), with: None });
        // Who holds the port on day 10, and who would; whether the second waits, and whether both hold it.
        let rows = [
            (
                "one after the other",
                (1, Some(12), Fate::Now),
                (12, Some(20), Fate::Now),
                false,
                false,
            ),
            ("at a time", (1, Some(13), Fate::Now), (12, Some(20), Fate::Now), false, true),
            (
                "the first one lingers",
                (1, Some(10), lingers),
                (10, Some(20), Fate::Now),
                true,
                false,
            ),
            ("the first one ended", (1, Some(10), ended), (10, Some(20), Fate::Now), false, false),
            (
                "the first one without end",
                (1, None, Fate::Now),
                (12, Some(20), Fate::Now),
                false,
                true,
            ),
        ];
        for (what, one, other, waits, overlaps) in rows {
            let first = holder("a.first", (one.0, one.1), one.2);
            let second = holder("a.second", (other.0, other.1), other.2);
            for all in [[&first, &second], [&second, &first]] {
                let found = exclusive(all.into_iter(), day(10));
                assert_eq!(found.waiting.contains_key(&addr("a.second")), waits, "{what}");
                assert_eq!(!found.overlaps.is_empty(), overlaps, "{what}");
            }
        }
    }
}
