//! What a change of a reservation needs: Blazar carries some out in place, and refuses others. A refusal of those that it
//! does not count as harmless leaves the *whole* lease in ERROR, with everything that runs on it: none of them is ever
//! planned in place.
//!
//! Source: `blazar/plugins/*`, `update_reservation`; `blazar/manager/service.py`, `update_lease` and its
//! `non_fatal_exceptions`.

use terrarium_value::Value;

use crate::reservation::part::{Part, PartKind};

/// What a change needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// Blazar carries it out, if the calendar has room.
    InPlace,
    /// Blazar refuses it: another lease takes the place of this one.
    NewLease,
}

/// What is changed of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Anything.
    Any,
    /// Less of it.
    Less,
    /// It names something.
    Some,
}

/// A rule: what a change of an argument needs before the lease begins, and while it runs. Without one it is in place;
/// what no lease ever changes is `force_new` in the rows of the types.
struct Rule {
    kind: PartKind,
    /// The argument; `None`: any.
    name: Option<&'static str>,
    what: What,
    pending: Means,
    running: Means,
}

const RULES: &[Rule] = &[
    // "Cannot remove allocations from an active reservation": a 400 that is not harmless.
    Rule {
        kind: PartKind::FloatingIp,
        name: Some("amount"),
        what: What::Less,
        pending: Means::InPlace,
        running: Means::NewLease,
    },
    // "Updating required_floatingips is not supported except with an empty list": the same.
    Rule {
        kind: PartKind::FloatingIp,
        name: Some("required_floatingips"),
        what: What::Some,
        pending: Means::NewLease,
        running: Means::NewLease,
    },
    // "An active reservation only accepts to update amount", and then it refuses that, too: 409, not harmless.
    Rule {
        kind: PartKind::Instance,
        name: None,
        what: What::Any,
        pending: Means::InPlace,
        running: Means::NewLease,
    },
    // The segment is another one, and the network on it is in use.
    Rule {
        kind: PartKind::Network,
        name: None,
        what: What::Any,
        pending: Means::InPlace,
        running: Means::NewLease,
    },
];

/// Returns what a change of an argument of a reservation needs.
///
/// Whether hosts and devices that are held would have to go is told by the calendar, where there is one; without, Blazar's
/// refusal leaves such a lease as it is.
pub(super) fn means(name: &str, (before, after): (&Part, &Part), running: bool) -> Means {
    let fits = |rule: &&Rule| {
        let named = rule.name.is_none_or(|wanted| wanted == name);
        let changed = match rule.what {
            What::Any => true,
            What::Less => after.int(name).zip(before.int(name)).is_some_and(|(new, old)| new < old),
            What::Some => after.get(name).is_some_and(names_something),
        };
        rule.kind == after.kind && named && changed
    };
    match RULES.iter().find(fits) {
        None => Means::InPlace,
        Some(rule) if running => rule.running,
        Some(rule) => rule.pending,
    }
}

/// What is not known yet may name something.
fn names_something(value: &Value) -> bool {
    !value.is_known() || value.as_items().is_some_and(|items| !items.is_empty())
}

#[cfg(test)]
mod tests {
    use terrarium_value::{Map, Type};

    use super::*;

    #[test]
    fn what_blazar_refuses_is_never_planned_in_place() {
        use Means::{InPlace, NewLease};
        let number = |n: i64| Value::number(n);
        let texts = |all: &[&str]| {
            Value::list(Type::String, all.iter().map(|it| Value::string(*it)).collect())
        };
        // Of what kind, which argument, before and after; what that needs before the start, and while it runs.
        let rows = [
            (PartKind::FloatingIp, "amount", number(2), number(3), InPlace, InPlace),
            (PartKind::FloatingIp, "amount", number(2), number(1), InPlace, NewLease),
            (
                PartKind::FloatingIp,
                "required_floatingips",
                texts(&["a"]),
                texts(&["b"]),
                NewLease,
                NewLease,
            ),
            (
                PartKind::FloatingIp,
                "required_floatingips",
                texts(&["a"]),
                texts(&[]),
                InPlace,
                InPlace,
            ),
            (PartKind::Instance, "amount", number(1), number(2), InPlace, NewLease),
            (PartKind::Instance, "vcpus", number(1), number(2), InPlace, NewLease),
            (PartKind::Network, "resource_properties", texts(&[]), texts(&[]), InPlace, NewLease),
            (PartKind::Host, "max", number(2), number(3), InPlace, InPlace),
            (PartKind::Host, "min", number(2), number(1), InPlace, InPlace),
            (PartKind::Device, "max", number(2), number(1), InPlace, InPlace),
        ];
        for (kind, name, before, after, pending, running) in rows {
            let part = |value: &Value| {
                let values = Map::from_iter([(name.into(), value.clone())]);
                Part { kind, at: 0, values }
            };
            let (before, after) = (part(&before), part(&after));
            let what = format!("{kind:?} {name}");
            assert_eq!(means(name, (&before, &after), false), pending, "{what}");
            assert_eq!(means(name, (&before, &after), true), running, "{what}");
        }
    }
}
