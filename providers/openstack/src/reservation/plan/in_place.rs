//! What Blazar changes of a lease in place, and what only another lease has.
//!
//! The rules are Blazar's own (`update_reservation` of each `blazar/plugins/*/*_plugin.py`, and `update_lease` in
//! `blazar/manager/service.py`). What it refuses for a reason that is not on its short list of harmless ones leaves the
//! *whole* lease in ERROR, whatever else it reserves, so that such a change is never sent.

use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_value::Value;

use super::{Course, Sketch, perishes};
use crate::codes;
use crate::look::Look;
use crate::reservation::part::{self, Part, PartKind};
use crate::reservation::{body, limits, rules};

/// From when on a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// As long as the lease is there.
    Always,
    /// Once it has begun.
    Begun,
}

/// Which change of an argument a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Any.
    Any,
    /// To a smaller number.
    Fewer,
    /// To a number below what the lease certainly holds, which is the least that was asked for.
    BelowLeast,
    /// To a list that names something.
    Named,
}

impl Turn {
    fn is_made(self, name: &str, before: &Part, after: &Part) -> bool {
        let fewer = |old: Option<i64>| matches!((old, after.int(name)), (Some(old), Some(new)) if new < old);
        match self {
            Self::Any => true,
            Self::Fewer => fewer(before.int(name)),
            Self::BelowLeast => fewer(before.int("min")),
            // What is not known yet may name something.
            Self::Named => after
                .get(name)
                .is_some_and(|value| !value.is_known() || !after.items(name).is_empty()),
        }
    }
}

/// A change that Blazar refuses.
struct Rule {
    kinds: &'static [PartKind],
    names: &'static [&'static str],
    stage: Stage,
    turn: Turn,
    /// Why, as a user reads it.
    why: &'static str,
}

/// Why a lease that runs keeps the nodes, devices or networks that it has.
pub(in crate::reservation) const KEEPS: &str =
    "Blazar adds to a lease that runs, and takes nothing from it and swaps nothing in it.";

/// Why a lease of flavors stays as it is at a site that is not Chameleon's.
const PLAIN: &str = "Plain Blazar changes nothing but the name of a lease with flavors.";

/// The rules; what none of them names is changed in place.
const RULES: &[Rule] = &[
    // floatingip_plugin.py, `_update_allocations`: CantUpdateFloatingIPReservation, which leaves the lease in ERROR.
    Rule {
        kinds: &[PartKind::FloatingIp],
        names: &["amount"],
        stage: Stage::Begun,
        turn: Turn::Fewer,
        why: "Blazar takes no floating IP from a reservation that runs.",
    },
    // floatingip_plugin.py, `update_reservation`: "not supported except with an empty list", in every state.
    Rule {
        kinds: &[PartKind::FloatingIp],
        names: &["required_floatingips"],
        stage: Stage::Always,
        turn: Turn::Named,
        why: "Blazar can drop the wish for certain floating IPs, and take no other one.",
    },
    // instance_plugin.py, `update_resources`: the flavor is made anew with the server group there was.
    Rule {
        kinds: &[PartKind::Instance],
        names: &["affinity"],
        stage: Stage::Always,
        turn: Turn::Any,
        why: "Blazar makes the server group of a reservation once, so that another affinity would not act.",
    },
    // instance_plugin.py, `update_reservation`: InvalidStateUpdate, which leaves the lease in ERROR.
    Rule {
        kinds: &[PartKind::Instance],
        names: &["vcpus", "memory_mb", "disk_gb", "resource_properties"],
        stage: Stage::Begun,
        turn: Turn::Any,
        why: "Of instances that are reserved and run, Blazar changes the amount alone.",
    },
    // instance_plugin.py, `update_reservation`: "doesn't allow to reduce/replace reserved instance slots".
    Rule {
        kinds: &[PartKind::Instance],
        names: &["amount"],
        stage: Stage::Begun,
        turn: Turn::Fewer,
        why: "Blazar takes no instance from a reservation that runs.",
    },
    // Chameleon's network_plugin.py: the network is made at the start, of the segment that was reserved.
    Rule {
        kinds: &[PartKind::Network],
        names: &["resource_properties", "network_properties"],
        stage: Stage::Begun,
        turn: Turn::Any,
        why: "Blazar makes the network of a reservation when it begins, and swaps its segment no more.",
    },
    // host_plugin.py, `_update_allocations`: NotEnoughHostsAvailable where an allocation would go; devices alike. Where
    // the calendar can be read, it tells the same more exactly (`room.rs`).
    Rule {
        kinds: &[PartKind::Host, PartKind::Device],
        names: &["max"],
        stage: Stage::Begun,
        turn: Turn::BelowLeast,
        why: KEEPS,
    },
];

/// Returns why a change of one argument can't be made in place; `None` where it can.
fn against(begun: bool, name: &str, before: &Part, after: &Part) -> Option<&'static str> {
    let rule = RULES.iter().find(|rule| {
        rule.kinds.contains(&after.kind)
            && rule.names.contains(&name)
            && (begun || rule.stage == Stage::Always)
            && rule.turn.is_made(name, before, after)
    })?;
    Some(rule.why)
}

/// Decides which changes of parts need a new lease.
pub(super) fn part_changes(only: Option<PartKind>, sketch: &mut Sketch<'_>, begun: bool) {
    let mut refused = Vec::new();
    let mut grown = Vec::new();
    for (at, after) in sketch.parts.iter().enumerate() {
        let twin = sketch.before.iter().find(|one| one.kind == after.kind && one.at == after.at);
        let Some(twin) = twin else { continue };
        for name in part::changes(twin, after) {
            match against(begun, name, twin, after) {
                Some(why) => refused.push((part::path(only, after, name), why)),
                None if begun && after.kind == PartKind::FloatingIp && name == "amount" => {
                    grown.push(at);
                }
                None => {}
            }
        }
    }
    for at in grown {
        if let Some(part) = sketch.parts.get_mut(at) {
            part.forget("addresses");
        }
    }
    for (path, why) in refused {
        sketch.another(path, why);
    }
}

/// Demands a new lease where one with flavors changes at a site that can't do that: plain Blazar refuses every update but
/// of the name (`_handle_resource_type_exception` in service.py), and leaves the lease in ERROR. Chameleon extends such
/// leases.
pub(in crate::reservation) fn flavors_stay(
    only: Option<PartKind>,
    sketch: &mut Sketch<'_>,
    region: &str,
) {
    let flavors = sketch.parts.iter().any(|part| part.kind == PartKind::Flavor);
    let keeps = matches!(sketch.course, Course::Keep { .. });
    let Some(prior) =
        sketch.draft.prior.filter(|_| flavors && keeps && rules::of(region).is_none())
    else {
        return;
    };
    let mut planned = sketch.draft.planned.clone();
    part::put(only, &sketch.parts, &mut planned);
    let sent = body::update(only, prior, &Value::object(planned));
    if sent.keys().all(|name| name == "name") {
        return;
    }
    let mut paths = Vec::new();
    if limits::is_new(sketch) {
        paths.extend(["start_date", "end_date"].map(AttrPath::attr));
    }
    if sent.contains_key("before_end_date") {
        paths.push(AttrPath::attr("before_end_date"));
    }
    for after in &sketch.parts {
        let twin = sketch.before.iter().find(|one| one.kind == after.kind && one.at == after.at);
        let names = twin.map(|twin| part::changes(twin, after)).unwrap_or_default();
        paths.extend(names.iter().map(|name| part::path(only, after, name)));
    }
    for path in paths {
        sketch.another(path, PLAIN);
    }
}

/// Says that another lease takes the place of one, and what goes with it.
pub(super) fn tell(sketch: &mut Sketch<'_>) {
    let Course::Keep { begun, .. } = sketch.course else { return };
    let Some(path) = sketch.draft.replace.first().cloned() else { return };
    if !begun && sketch.reasons.is_empty() {
        return;
    }
    let mut sentences: Vec<String> = sketch.reasons.iter().map(|why| (*why).to_owned()).collect();
    let summary = if begun {
        let lost = perishes(&sketch.before)
            .map(|lost| format!(", and {lost} are lost"))
            .unwrap_or_default();
        sentences.push(format!("What stands on the lease is destroyed with it{lost}."));
        "The lease runs, and another one takes its place"
    } else {
        "This can't be changed of a lease, and another one takes its place"
    };
    let name = &path;
    let help = format!(
        "to keep the lease, put {name} back as it was; what is wanted beside it can be a lease of its own"
    );
    let told = Diagnostic::warning(codes::RULE, summary).detail(sentences.join(" ")).help(help);
    sketch.draft.diagnostics.push(told.path(path));
}

/// Returns whether an update brings a lease in ERROR back: its events went well, so that only a change of it was refused, and
/// all that it lends is still lent. Blazar then derives its status from the events again (`derive_stable_status` in
/// status.py). Also returns whether it has begun.
pub(super) fn mends(prior: &Value) -> Option<bool> {
    let status = |kind: &str| {
        let event =
            prior.items("events").iter().find(|event| event.text("event_type") == Some(kind))?;
        event.text("status")
    };
    match (status("start_lease")?, status("end_lease")?) {
        ("DONE", "UNDONE") => Some(true),
        ("UNDONE", "UNDONE") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use terrarium_value::{Map, Type};

    use super::*;

    fn part(kind: PartKind, values: &[(&str, Value)]) -> Part {
        let values: Map =
            values.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        Part { kind, at: 0, values }
    }

    /// Kind, argument, before, after; whether it is done in place while pending, and while active.
    #[test]
    fn what_blazar_changes_in_place() {
        use PartKind::{Device, FloatingIp, Host, Instance, Network};
        let (n, t) = (|n: i64| Value::number(n), |text: &str| Value::string(text));
        let list = |all: &[&str]| Value::list(Type::String, all.iter().map(|one| t(one)).collect());
        for (kind, name, before, after, pending, active) in [
            (FloatingIp, "amount", n(2), n(1), true, false),
            (FloatingIp, "amount", n(2), n(3), true, true),
            (FloatingIp, "required_floatingips", list(&[]), list(&["198.18.0.9"]), false, false),
            (FloatingIp, "required_floatingips", list(&["a", "b"]), list(&["a"]), false, false),
            (FloatingIp, "required_floatingips", list(&["198.18.0.9"]), list(&[]), true, true),
            (Instance, "amount", n(2), n(3), true, true),
            (Instance, "amount", n(2), n(1), true, false),
            (Instance, "vcpus", n(1), n(2), true, false),
            (Instance, "memory_mb", n(512), n(256), true, false),
            (Instance, "disk_gb", n(5), n(10), true, false),
            (Instance, "resource_properties", t(""), t("[]"), true, false),
            (Instance, "affinity", Value::bool(false), Value::bool(true), false, false),
            (Network, "resource_properties", t(""), t("x"), true, false),
            (Network, "network_properties", t(""), t("x"), true, false),
            (Host, "min", n(2), n(1), true, true),
            (Host, "max", n(2), n(3), true, true),
            (Host, "max", n(2), n(1), true, false),
            (Device, "max", n(2), n(1), true, false),
            (Device, "min", n(1), n(2), true, true),
        ] {
            let (min, other) = (n(2), name == "min");
            let values = |value: &Value| {
                let mut all = vec![(name, value.clone())];
                if !other {
                    all.push(("min", min.clone()));
                }
                part(kind, &all)
            };
            let (old, new) = (values(&before), values(&after));
            for (begun, in_place) in [(false, pending), (true, active)] {
                let why = against(begun, name, &old, &new);
                assert_eq!(
                    why.is_none(),
                    in_place,
                    "{kind:?} {name} {before:?} -> {after:?}, begun: {begun}"
                );
            }
        }
    }

    #[test]
    fn an_update_mends_a_lease_whose_events_went_well() {
        let event = |kind: &str, status: &str| {
            Value::object_of([
                ("event_type", Value::string(kind)),
                ("status", Value::string(status)),
            ])
        };
        for (start, end, expected) in [
            ("DONE", "UNDONE", Some(true)),
            ("UNDONE", "UNDONE", Some(false)),
            ("ERROR", "UNDONE", None),
            ("DONE", "ERROR", None),
        ] {
            let events = vec![event("end_lease", end), event("start_lease", start)];
            let ty = events[0].ty();
            let prior = Value::object_of([("events", Value::list(ty, events))]);
            assert_eq!(mends(&prior), expected, "{start} {end}");
        }
        assert_eq!(mends(&Value::object(Map::new())), None, "nothing is known of its events");
    }
}
