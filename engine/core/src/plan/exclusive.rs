//! Exclusive things: a port, a volume or an address has one holder at a time.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use terrarium_address::{AttrPath, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Rival, Schedule, Window};
use terrarium_value::Cause;

use super::grip::{Grip, Passed, grips, held_by_both, passed_on};
use super::{Found, Planner};
use crate::{ActionReason, PlannedAction, ReplaceOrder, ResourceChange, Waits, codes, words};

impl Planner<'_> {
    /// Refuses two holders of one thing whose windows overlap; a successor waits for its predecessor.
    pub(super) fn check_exclusive(&self) {
        let mut found = self.found.borrow_mut();
        let zone = found.zones.first().cloned();
        let holders = holders(&found, self.now);
        let mut waiting: HashMap<ResourceAddr, (ResourceAddr, Option<Timestamp>)> = HashMap::new();
        for ((_, thing), mut holders) in holders {
            holders.sort_by_key(|holder| holder.from);
            for pair in holders.windows(2) {
                let [first, second] = pair else { continue };
                if !first.grip.bars(&second.grip) {
                    continue;
                }
                if first.lingers && second.is_due {
                    waiting.insert(second.addr.clone(), (first.addr.clone(), first.until));
                } else if (first.bounded || second.bounded)
                    && first.until.is_none_or(|until| until > second.from)
                {
                    self.world.report(overlap(&thing, first, second, zone.as_deref()));
                }
            }
        }
        if waiting.is_empty() {
            return;
        }
        let mut late: HashMap<ResourceAddr, Option<Timestamp>> = HashMap::new();
        for change in std::mem::take(&mut found.changes) {
            let Some((holder, at)) = waiting.remove(&change.addr) else {
                found.changes.push(change);
                continue;
            };
            let reason = format!("{holder} to let go of it");
            let not_before = at.or(Some(self.now));
            let not_after = change.window.and_then(|window| window.until());
            late.insert(change.addr.clone(), not_before);
            let schedule = Schedule { not_before, not_after };
            let waits = (Waits::Held(holder), reason);
            found.deferred.push(self.postponed_after_all(change, schedule, waits));
        }
        self.hold_back_readers(&mut found, late);
        self.world.forget_named();
        found.index();
    }

    /// Refuses a replacement whose first half can't be had: the successor would hold what its predecessor still
    /// holds, and the service refuses that.
    pub(super) fn check_successors(&self) {
        let found = self.found.borrow();
        let deferred = found.deferred.iter().map(|deferred| &deferred.change);
        for change in found.changes.iter().chain(deferred) {
            let first = change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst);
            if !first || change.schema.exclusive.is_empty() {
                continue;
            }
            if let Some(grip) = held_by_both(change) {
                self.world.report(self.both(change, &grip));
            }
        }
    }

    /// Refuses changes in place that would take from each other in turn what only one may hold: none can be the
    /// first.
    pub(super) fn check_swaps(&self) {
        let found = self.found.borrow();
        let updates = found.changes.iter().filter(|it| it.action == PlannedAction::Update);
        let passed: Vec<(&ResourceChange, Passed<'_>)> =
            updates.map(|it| (it, passed_on(it))).filter(|(_, it)| !it.0.is_empty()).collect();
        let mut holder: HashMap<(&AttrPath, &str), usize> = HashMap::new();
        for (at, (_, (let_go, _))) in passed.iter().enumerate() {
            holder.extend(let_go.iter().map(|grip| ((&grip.by.path, &*grip.thing), at)));
        }
        let waits_for = |at: usize| -> Option<usize> {
            let taken = passed[at].1.1.iter();
            let mut from = taken.filter_map(|it| holder.get(&(&it.by.path, &*it.thing)).copied());
            from.find(|from| *from != at)
        };
        let mut seen = vec![false; passed.len()];
        for start in 0..passed.len() {
            let mut circle = vec![start];
            let mut at = waits_for(start);
            while let Some(next) = at.filter(|next| !seen[*next] && !circle.contains(next)) {
                circle.push(next);
                at = waits_for(next);
            }
            for one in &circle {
                seen[*one] = true;
            }
            if at == Some(start) && circle.len() > 1 {
                let circle: Vec<&ResourceChange> = circle.iter().map(|at| passed[*at].0).collect();
                self.world.report(self.swap(&circle));
            }
        }
    }

    fn swap(&self, circle: &[&ResourceChange]) -> Diagnostic {
        let names: Vec<String> = circle.iter().map(|change| change.addr.to_string()).collect();
        let who = words::enumerated(&names).unwrap_or_default();
        let addr = &circle[0].addr;
        let error = Diagnostic::error(codes::HELD, "Nobody can let go first")
            .detail(format!(
                "{who} are to be changed in place, and each would take what another one of them still holds: the \
                 service lets only one at a time hold it, and refuses the first."
            ))
            .about(addr.clone())
            .help(format!("make one of them anew, so that it lets go first: -replace='{addr}'"));
        match self.declared_span(addr) {
            Some(span) => error.at(span, ""),
            None => error,
        }
    }

    fn both(&self, change: &ResourceChange, grip: &Grip<'_>) -> Diagnostic {
        let addr = &change.addr;
        let (thing, path) = (&grip.thing, &grip.by.path);
        let error = Diagnostic::error(codes::HELD, "A successor can't be made before its predecessor goes")
            .detail(format!(
                "{addr} must be replaced, and with create_before_destroy the new one would be made while the old one \
                 still holds {thing} ({path}): the service lets only one at a time hold it, and refuses the new one."
            ))
            .about(addr.clone())
            .help(format!(
                "take create_before_destroy out of {} and of what needs it, or give the new one another {path}",
                addr.block
            ));
        match self.declared_span(addr) {
            Some(span) => error.at(span, ""),
            None => error,
        }
    }

    /// What reads something that is deferred after all is deferred with it, however far.
    fn hold_back_readers(
        &self,
        found: &mut Found,
        mut late: HashMap<ResourceAddr, Option<Timestamp>>,
    ) {
        loop {
            let before = found.deferred.len();
            for change in std::mem::take(&mut found.changes) {
                let causes = change.after.causes_deep();
                let awaited = causes.iter().find_map(|cause| match cause {
                    Cause::Instance { addr, .. } if *addr != change.addr => {
                        late.get_key_value(addr)
                    }
                    _ => None,
                });
                let Some((addr, at)) = awaited.map(|(addr, at)| (addr.clone(), *at)) else {
                    found.changes.push(change);
                    continue;
                };
                late.insert(change.addr.clone(), at);
                let not_after = change.window.and_then(|window| window.until());
                let schedule = Schedule { not_before: at, not_after };
                let waits = (Waits::Dependency(addr.clone()), addr.to_string());
                found.deferred.push(self.postponed_after_all(change, schedule, waits));
            }
            if found.deferred.len() == before {
                return;
            }
        }
    }
}

/// One who holds a thing that only one may hold, and when.
struct Holder<'f> {
    addr: ResourceAddr,
    grip: Grip<'f>,
    from: Timestamp,
    until: Option<Timestamp>,
    /// Whether time has anything to do with it.
    bounded: bool,
    /// Whether it is to be made now.
    is_due: bool,
    /// Whether its time is over, and it is still there.
    lingers: bool,
}

/// Lists who holds what, by the role in which it is held and its name: a server and an address may share a
/// port, two servers may not.
fn holders(found: &Found, now: Timestamp) -> BTreeMap<(String, String), Vec<Holder<'_>>> {
    let mut all: BTreeMap<(String, String), Vec<Holder<'_>>> = BTreeMap::new();
    let at_once = found.changes.iter().map(|change| (change, None));
    let later = found.deferred.iter().filter(|deferred| deferred.can_come());
    let later = later.map(|deferred| (&deferred.change, Some(deferred.not_before())));
    for (change, deferred) in at_once.chain(later) {
        let gone = matches!(change.action, PlannedAction::Delete | PlannedAction::Forget);
        if gone || change.ended.is_some() || change.schema.exclusive.is_empty() {
            continue;
        }
        let from = deferred.flatten().or(change.window.as_ref().map(Window::from));
        let made_now = deferred.is_none() && change.before.is_null();
        let holder = |grip| Holder {
            addr: change.addr.clone(),
            grip,
            from: from.unwrap_or(if made_now { now } else { Timestamp::MIN }),
            until: change.window.and_then(|window| window.until()),
            bounded: change.window.is_some() || deferred.is_some(),
            is_due: deferred.is_none() && change.action == PlannedAction::Create,
            lingers: change.action == PlannedAction::NoOp
                && *change.reason == Some(ActionReason::LenderEnds),
        };
        for grip in grips(&change.schema, &change.after) {
            // Others may have found another way to hold it.
            if grip.by.rival != Rival::RefusedAsSuccessor {
                let key = (grip.by.path.to_string(), grip.thing.clone());
                all.entry(key).or_default().push(holder(grip));
            }
        }
    }
    all.retain(|_, holders| holders.len() > 1);
    all
}

fn overlap(thing: &str, first: &Holder<'_>, second: &Holder<'_>, zone: Option<&str>) -> Diagnostic {
    let shown = |at| words::instant(at, zone);
    let until = first.until.map_or("without end".to_owned(), |it| format!("until {}", shown(it)));
    Diagnostic::error(codes::OVERLAP, "Held by two at the same time")
        .detail(format!(
            "{} holds {thing} {until}, and {} would hold it from {} on.",
            first.addr,
            second.addr,
            shown(second.from)
        ))
        .about(second.addr.clone())
        .help("let the second lease begin when the first one ends, or give each its own")
}
