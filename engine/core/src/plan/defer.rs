//! Deferral: which planned changes wait, and until when.

use std::collections::HashMap;

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Deferral, PlannedChange, Schedule, Window};
use terrarium_state::{Ended, State};
use terrarium_value::{Cause, Causes, Kind, Value, When};

use super::candidate::{Candidate, Prior};
use super::lending::Loan;
use super::occupancy::Wait;
use super::{Group, Planner};
use crate::{
    ActionReason, PlannedAction, ReplaceOrder, ResourceChange, Waits, codes, object, proposed,
};

impl Planner<'_> {
    /// Returns what a configuration's unknown values wait for, beyond this apply.
    pub(super) fn waits_for_values(candidate: &Candidate, config: &Value) -> Option<Wait> {
        let causes = config.causes_deep();
        let later = causes.iter().filter_map(|cause| {
            let Cause::Instance { addr, when } = cause else { return None };
            let at = match when {
                When::Apply => return None,
                When::At(at) => Some(*at),
                When::Later => None,
            };
            let waits = Waits::Dependency(addr.clone());
            (*addr != candidate.addr).then(|| Wait { at, waits, reason: addr.to_string() })
        });
        later.map(Some).fold(None, Wait::later)
    }

    /// Returns what an explicit `depends_on` makes an instance wait for: something deferred, or a lease
    /// that has not begun.
    pub(super) fn waits_for_named(&self, group: &Group<'_>, candidate: &Candidate) -> Option<Wait> {
        let ((), explicit) =
            self.world.recording(|| self.explicit_dependencies(group, candidate.module));
        let found = self.found.borrow();
        let coming = explicit.iter().flat_map(|dep| found.coming.of(dep));
        coming.cloned().map(Some).fold(None, Wait::later)
    }

    /// Returns what a planned change waits for; `None`: it can be made now.
    fn wait_of(&self, candidate: &Candidate, planned: &PlannedChange) -> Option<Wait> {
        let opens = planned.schedule.not_before.filter(|at| *at > self.now).map(|at| Wait {
            at: Some(at),
            waits: Waits::Opening,
            reason: "the time from which it is possible".to_owned(),
        });
        Wait::later(candidate.seat.wait.clone(), opens)
    }

    /// Records a planned change: now, or deferred.
    pub(super) fn settle(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        planned: PlannedChange,
        change: ResourceChange,
    ) {
        let acts = !matches!(change.action, PlannedAction::NoOp | PlannedAction::Forget);
        match self.wait_of(candidate, &planned).filter(|_| acts) {
            None => self.accept(group, candidate, planned, change),
            Some(wait) if !self.options.time.defer => {
                self.refuse_waiting(group, candidate, &wait);
                self.accept(group, candidate, planned, change);
            }
            Some(wait) => {
                let (change, goes_down) = self.go_down_now(group, candidate, change);
                self.put_off(group, candidate, (planned, change), wait);
                if goes_down {
                    self.lend_gap(&candidate.addr);
                }
            }
        }
    }

    /// Where the lender under an object can only be replaced by destroying it first, the object goes
    /// now and comes back later: the removal is recorded, and what is left is its creation.
    fn go_down_now(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        change: ResourceChange,
    ) -> (ResourceChange, bool) {
        let gap = |lender| self.loan(lender).is_some_and(|loan: Loan| loan.gap);
        let Some(prior) = &candidate.prior else { return (change, false) };
        if !candidate.seat.moves.as_ref().is_some_and(gap) {
            return (change, false);
        }
        let reason = Some(ActionReason::LenderEnds);
        let removal = super::managed::removal(group, &candidate.addr, prior, reason);
        self.found.borrow_mut().add(removal);
        (change.into_creation(), true)
    }

    fn put_off(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        (planned, change): (PlannedChange, ResourceChange),
        wait: Wait,
    ) {
        let change = self.filled(group, candidate, planned, change);
        let causes = waiting_causes(candidate, wait.at);
        let change =
            ResourceChange { after: recaused(&change.after, &candidate.addr, &causes), ..change };
        let published = match change.action {
            PlannedAction::Create | PlannedAction::Read => change.after.clone(),
            _ => change.before.clone(),
        };
        self.world.set_instance(&candidate.addr.block, candidate.addr.key.clone(), Some(published));
        // Until it is changed, an object has the term that it has.
        let term = candidate.prior.as_ref().and_then(|prior| prior.window);
        let term = term.filter(|_| group.has_term()).or(*change.window);
        let until = term.and_then(|window| window.until());
        let not_after = change.schedule.not_after.or(until);
        let schedule = Schedule { not_before: wait.at, not_after };
        let change = ResourceChange { schedule: schedule.into(), ..change };
        if change.action == PlannedAction::Update {
            let loan = Loan::of(&ResourceChange { window: term.into(), ..change.clone() });
            self.lend(&group.schema, &candidate.addr, &change.before, loan);
        } else {
            self.lend_later(&group.schema, &change, wait.at);
        }
        self.defer(change, Deferral::until(wait.at, wait.reason), wait.waits);
    }

    /// Puts off what its provider can't plan or read yet: those who read it wait with it.
    pub(super) fn put_off_as_told(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        change: ResourceChange,
        deferral: Deferral,
    ) {
        let (at, waits) = (deferral.not_before, self.provider_waits(group));
        if !self.options.time.defer {
            let wait = Wait { at, waits: waits.clone(), reason: deferral.reason.clone() };
            self.refuse_waiting(group, candidate, &wait);
        }
        let prior = candidate.prior.as_ref().map(|prior| &prior.value);
        let causes = waiting_causes(candidate, at);
        let after = proposed::merge(&group.schema.block, prior, &candidate.config, &causes);
        let after = object::mark_sensitive(after, &group.schema.block);
        let action = match (prior, change.action) {
            (Some(_), PlannedAction::Create) => PlannedAction::Update,
            (_, action) => action,
        };
        let published = prior.unwrap_or(&after).clone();
        self.world.set_instance(&candidate.addr.block, candidate.addr.key.clone(), Some(published));
        let schedule = Schedule { not_before: at, not_after: None };
        let change = ResourceChange { action, after, schedule: schedule.into(), ..change };
        self.lend_later(&group.schema, &change, at);
        self.defer(change, deferral, waits);
    }

    fn refuse_waiting(&self, group: &Group<'_>, candidate: &Candidate, wait: &Wait) {
        let error = Diagnostic::error(codes::DEFERRED, "Not possible now")
            .detail(format!(
                "{} would have to wait for {}, and -no-defer forbids to plan what can't be done in this apply.",
                candidate.addr, wait.reason
            ))
            .at(group.resource.span, "")
            .about(candidate.addr.clone())
            .help("leave -no-defer away: the change is then scheduled for its time");
        self.world.report(error);
    }

    /// Settles what sits on something that is over; returns whether it did.
    ///
    /// What exists, or existed, rests as it is; what never did can't come any more.
    pub(super) fn rest(&self, group: &Group<'_>, candidate: &Candidate) -> bool {
        let Some(closed) = &candidate.seat.closed else { return false };
        let prior = candidate.prior.clone().or_else(|| self.gone_with(group, candidate, closed));
        match prior {
            Some(prior) => {
                let ended = prior.ended.clone().or_else(|| self.let_go(group, &prior, closed));
                let still_there = ended.is_none().then_some(ActionReason::LenderEnds);
                let change = ResourceChange {
                    before: prior.value.clone(),
                    private: prior.private.clone(),
                    window: prior.window.into(),
                    moved_from: prior.moved_from.clone().into(),
                    deps: candidate.deps.clone(),
                    occupies: candidate.seat.occupies.clone().into(),
                    reason: still_there.into(),
                    ended: ended.into(),
                    ..super::refresh::change(
                        group,
                        &candidate.addr,
                        PlannedAction::NoOp,
                        prior.value.clone(),
                    )
                };
                self.publish(group, candidate, &change);
                self.found.borrow_mut().add(change);
            }
            None => self.never(group, candidate, closed),
        }
        true
    }

    /// Returns what is recorded of an object that is gone, and that what it sat on took with it: a pasted
    /// lease tells of its end only here, and that may be earlier than was recorded.
    fn gone_with(&self, group: &Group<'_>, candidate: &Candidate, closed: &Ended) -> Option<Prior> {
        let object = self.inputs.prior.resources.get(&candidate.addr)?.current.as_ref()?;
        let value = object::read(object, &group.schema).ok()?;
        self.found.borrow_mut().undrifted.insert(candidate.addr.clone());
        Some(Prior { ended: Some(closed.clone()), ..Prior::recorded(value, object) })
    }

    /// Returns since when an object that is still there no longer has to do with what it sat on: an address
    /// whose port went with its server.
    fn let_go(&self, group: &Group<'_>, prior: &Prior, closed: &Ended) -> Option<Ended> {
        let lender = closed.with.as_ref()?;
        let sat = prior.occupies.contains(lender);
        let sits = self.still_sits_on(&group.schema, &prior.value, lender);
        (sat && !sits).then(|| closed.clone())
    }

    fn never(&self, group: &Group<'_>, candidate: &Candidate, closed: &Ended) {
        let config = candidate.config.clone();
        let causes = waiting_causes(candidate, None);
        let after = proposed::merge(&group.schema.block, None, &config, &causes);
        let change = ResourceChange {
            deps: candidate.deps.clone(),
            occupies: candidate.seat.occupies.clone().into(),
            window: candidate.seat.window.into(),
            ..super::refresh::change(group, &candidate.addr, PlannedAction::Create, after.clone())
        };
        self.world.set_instance(&candidate.addr.block, candidate.addr.key.clone(), Some(after));
        let with = match &closed.with {
            Some(addr) => addr.to_string(),
            None => candidate.seat.occupies.foreign.join(", "),
        };
        let loan = Loan::of(&change).closed(closed.at);
        self.lend(&group.schema, &candidate.addr, &change.after, loan);
        let deferral = Deferral::until(None, format!("nothing any more: {with} ended"));
        self.defer(change, deferral, Waits::Closed(closed.at));
    }

    /// Refuses an order that takes things down before their successors stand, unless it was asked for.
    pub(super) fn order_of(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        window: Option<Window>,
        gap: Option<&String>,
    ) -> ReplaceOrder {
        // What others sit on is replaced under them only when its successor can carry them.
        let carries = group.has_term() && window.is_some();
        let Some(gap) = gap.filter(|_| carries) else {
            let first = group.create_first || carries;
            return if first { ReplaceOrder::CreateFirst } else { ReplaceOrder::DeleteFirst };
        };
        let warns = self.options.time.allow_gap;
        let diagnostic = if warns { Diagnostic::warning } else { Diagnostic::error };
        let comes = match window.map(|window| window.from()).filter(|from| *from > self.now) {
            Some(from) => format!("at {}", self.shown(from)),
            None => "once its successor is active".to_owned(),
        };
        let mut diagnostic = diagnostic(codes::GAP, "Replacement with a gap")
            .detail(format!(
                "{}: {}. {}, and comes back {comes}.",
                candidate.addr,
                gap.trim_end_matches('.'),
                self.going_down(&candidate.addr)
            ))
            .at(group.resource.span, "")
            .about(candidate.addr.clone());
        if !warns {
            diagnostic = diagnostic
                .help("say -allow-gap to destroy it first, or choose dates or hosts that leave it standing");
        }
        self.world.report(diagnostic);
        ReplaceOrder::DeleteFirst
    }

    /// Says what sits on a lender now, as far as is recorded, and goes down with it.
    fn going_down(&self, lender: &ResourceAddr) -> String {
        let seated = self.seated.get_or_init(|| seated(&self.inputs.prior));
        let seated = seated.get(lender).map(Vec::as_slice).unwrap_or_default();
        match seated {
            [] => "What sits on it goes down now".to_owned(),
            [one] => format!("{one} goes down now"),
            [one, others @ ..] => {
                format!("What sits on it, {one} and {} more, goes down now", others.len())
            }
        }
    }
}

/// Finds who is recorded to sit on whom, and has not ended.
fn seated(prior: &State) -> HashMap<&ResourceAddr, Vec<&ResourceAddr>> {
    let mut found: HashMap<&ResourceAddr, Vec<&ResourceAddr>> = HashMap::new();
    for (addr, instance) in &prior.resources {
        let here = instance.current.iter().filter(|object| object.ended.is_none());
        for lender in here.flat_map(|object| &object.occupies) {
            found.entry(lender).or_default().push(addr);
        }
    }
    found
}

/// The causes of what a deferred instance leaves unknown.
pub(super) fn waiting_causes(candidate: &Candidate, at: Option<Timestamp>) -> Causes {
    let when = at.map_or(When::Later, When::At);
    Causes::one(Cause::Instance { addr: candidate.addr.clone(), when })
}

/// Replaces the causes of what waits for the instance itself.
pub(super) fn recaused(value: &Value, addr: &ResourceAddr, causes: &Causes) -> Value {
    value.transform(&mut |_: &terrarium_address::AttrPath, part: Value| match part.kind() {
        Kind::Unknown(unknown) if unknown.causes.iter().any(|cause| names(cause, addr)) => {
            let renamed = terrarium_value::Unknown { causes: causes.clone(), ..unknown.clone() };
            Value::refined(renamed).marked(part.marks())
        }
        _ => part,
    })
}

fn names(cause: &Cause, wanted: &ResourceAddr) -> bool {
    matches!(cause, Cause::Instance { addr, .. } if addr == wanted)
}
