//! Settling an instance: what its provider answered, and what time makes of it.

use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Lends, PlanNotes, PlannedChange, Window};
use terrarium_state::Ended;
use terrarium_value::Marks;

use super::Planner;
use super::candidate::{Candidate, Prior};
use super::going::removal;
use super::group::Group;
use super::managed::Wanted;
use super::proposals::{recaused, with_causes};
use super::time::{
    Beside, Downfall, Planned, There, comes, goes_down, let_go, rests, seen, too_early,
};
use crate::fate::{Fate, Wait, causes};
use crate::rules::RuleKind;
use crate::world::At;
use crate::{ActionReason, PlannedAction, ReplaceOrder, ResourceChange, codes, object, proposed};

impl Wanted<'_, '_> {
    /// Lets others read what was planned of an instance, and sit on what it lends.
    pub(super) fn take(&mut self, planned: Planned) {
        self.plan.publish(&planned);
        self.answer.planned.push(planned);
    }

    /// Settles what its provider planned for an instance: its fate, and what others see of it.
    pub(super) fn settle(
        &mut self,
        candidate: &Candidate,
        planned: PlannedChange,
        change: ResourceChange,
    ) {
        let plan = self.plan;
        let change = self.filled(candidate, planned, change);
        let gap =
            candidate.seat.moves.as_ref().and_then(|lender| plan.ledger.borrow().loan(lender));
        let there = (candidate.prior.is_some(), gap.is_some_and(|loan| loan.gap));
        let action = (change.action, *change.schedule);
        let (fate, refused) = comes(&candidate.seat, action, there, (plan.modes, plan.now));
        if let Some(wait) = refused {
            plan.refuse_waiting(self.group, candidate, &wait);
        }
        let stands = change.action == PlannedAction::NoOp;
        let ended = candidate.prior.as_ref().and_then(|prior| prior.ended.clone());
        let fate = ended.filter(|_| stands).map_or(fate, Fate::Ended);
        let change = match &fate {
            Fate::GoesDown(_) => self.fall(candidate, change),
            _ => change,
        };
        let corrected = plan.corrected.borrow().get(&candidate.addr).cloned();
        let corrected = corrected.filter(|_| fate == Fate::Now);
        let settled = corrected.as_ref().unwrap_or(&fate);
        let causes = settled.causes(&change.addr);
        // What waits is mostly expected to: its values name the right causes then.
        let after = if candidate.causes == causes {
            change.after
        } else {
            recaused(&change.after, &candidate.addr, &causes)
        };
        let change = ResourceChange { after, ..change };
        // Until it is changed, an object has the term that it has.
        let stands = candidate.prior.as_ref().and_then(|prior| prior.window);
        let stands = stands.filter(|_| self.group.schema.has_term());
        let lets_go = candidate.lets_go;
        let shown = |at| plan.shown(at);
        let told = too_early(&candidate.addr, (&candidate.seat, settled), plan.modes, &shown);
        if let Some(told) = told.filter(|_| acts(change.action)) {
            plan.report_at(told, self.group.resource, &candidate.addr);
        }
        let planned = Planned::new(change, fate).with(Beside { stands, lets_go });
        let planned = match corrected {
            Some(corrected) => planned.corrected(corrected),
            None => planned,
        };
        if *planned.fate() == Fate::Now || planned.fate().over().is_some() {
            self.check_after(candidate, &planned);
        }
        self.take(planned);
    }

    /// Checks whether what becomes of an instance satisfies its block.
    fn check_after(&self, candidate: &Candidate, planned: &Planned) {
        let postconditions = &self.group.resource.lifecycle.postconditions;
        if postconditions.is_empty() {
            return;
        }
        let at = At::This {
            key: &candidate.addr.key,
            each: candidate.each.as_ref(),
            this: &planned.change.after,
        };
        let world = &self.plan.world;
        world.check_rules(candidate.module, at, postconditions, RuleKind::Postcondition);
    }

    /// Where the lender under an object can only be replaced by destroying it first, the object goes now and comes back
    /// later: its removal comes first, and what is left is its creation.
    fn fall(&mut self, candidate: &Candidate, change: ResourceChange) -> ResourceChange {
        let Some(prior) = &candidate.prior else { return change };
        let reason = Some(ActionReason::LenderEnds);
        self.answer.falls.push(removal(self.group, &candidate.addr, prior, reason));
        change.into_creation()
    }

    /// Fills what the provider answered into a change.
    fn filled(
        &self,
        candidate: &Candidate,
        planned: PlannedChange,
        change: ResourceChange,
    ) -> ResourceChange {
        let (plan, group, seat) = (self.plan, self.group, &candidate.seat);
        let sensitive = candidate.config.paths_with_mark(Marks::SENSITIVE);
        let after = with_causes(planned.planned, &candidate.causes);
        let after = object::mark_sensitive(
            after.mark_paths(&sensitive, Marks::SENSITIVE),
            &group.schema.block,
        );
        // Most of what stands is as it should be: one copy of its values is enough.
        let same = change.action == PlannedAction::NoOp && after == change.before;
        let after = if same { change.before.clone() } else { after };
        let prior = candidate.prior.as_ref();
        // Without asking nobody knows what a pasted id means: what is recorded counts.
        let recorded = prior.and_then(|prior| prior.window);
        let recorded = recorded.filter(|_| !plan.modes.asked || group.schema.has_term());
        if let Some(zone) = planned.notes.zone.clone() {
            plan.zones.borrow_mut().insert(zone);
        }
        let stays = matches!(change.action, PlannedAction::NoOp | PlannedAction::Update);
        // A replacement is planned twice; only the first time the provider knows the predecessor.
        let gap = planned.notes.gap.or_else(|| change.notes.gap.clone());
        // What sits on a lease whose creation waits for its start is made right after it.
        let soon = seat.wait.is_none() && seat.window.is_some_and(|it| it.from() > plan.now);
        let lends = planned.notes.lends.or(soon.then_some(Lends::WithApply));
        ResourceChange {
            after,
            schedule: planned.schedule.into(),
            window: planned.window.or(seat.window).or(recorded).into(),
            private: planned.private,
            occupies: seat.occupies.clone().into(),
            standing: prior.and_then(|prior| prior.standing).filter(|_| stays).into(),
            notes: PlanNotes { gap, lends, ..planned.notes }.into(),
            ..change
        }
    }

    /// Settles what needs something that is over; returns whether it did.
    pub(super) fn rest(&mut self, candidate: &Candidate) -> bool {
        let Some(over) = &candidate.seat.over else { return false };
        let prior = candidate.prior.clone().or_else(|| self.gone_with(candidate, over));
        let Some(fate) = rests(&candidate.seat, self.there(prior.as_ref(), over)) else {
            return false;
        };
        let change = match &prior {
            Some(prior) => {
                let lingers = matches!(fate, Fate::Lingers(_));
                ResourceChange {
                    occupies: candidate.seat.occupies.clone().into(),
                    reason: lingers.then_some(ActionReason::LenderEnds).into(),
                    ..self.standing(candidate, prior)
                }
            }
            None => self.never(candidate, &fate),
        };
        self.take(Planned::new(change, fate));
        true
    }

    fn there(&self, prior: Option<&Prior>, over: &Ended) -> There {
        let Some(prior) = prior else { return There::Not };
        if let Some(ended) = &prior.ended {
            return There::Ended(ended.clone());
        }
        let ledger = self.plan.ledger.borrow();
        let names = |with| ledger.names(&self.group.schema, &prior.value, with);
        let still_names = over.with.as_ref().is_some_and(names);
        if let_go(&prior.occupies, over, still_names) { There::LetGo } else { There::Stands }
    }

    /// Returns what is recorded of an object that is gone, and that what it sat on took with it: a pasted
    /// lease tells of its end only here, and that may be earlier than was recorded.
    fn gone_with(&self, candidate: &Candidate, over: &Ended) -> Option<Prior> {
        let recorded = self.plan.inputs.prior.resources.get(&candidate.addr)?;
        let object = recorded.current.as_ref()?;
        let value = object::read(object, &self.group.schema).ok()?;
        self.plan.drift.borrow_mut().expect(candidate.addr.clone());
        Some(Prior { ended: Some(over.clone()), ..Prior::recorded(value, object) })
    }

    /// Plans what would have been made, and can't be any more.
    fn never(&self, candidate: &Candidate, fate: &Fate) -> ResourceChange {
        let group = self.group;
        let change = group.change(&candidate.addr, PlannedAction::Create, group.null());
        let causes = fate.causes(&change.addr);
        let after = proposed::merge(&group.schema.block, None, &candidate.config, &causes);
        ResourceChange {
            after,
            deps: candidate.deps.clone(),
            occupies: candidate.seat.occupies.clone().into(),
            window: candidate.seat.window.into(),
            ..change
        }
    }

    /// Returns the order of a replacement; one that takes things down before their successors stand is refused, unless
    /// it was asked for.
    pub(super) fn order_of(
        &self,
        candidate: &Candidate,
        window: Option<Window>,
        gap: Option<&String>,
    ) -> ReplaceOrder {
        let (plan, group) = (self.plan, self.group);
        let carries = group.schema.has_term() && window.is_some();
        let order = goes_down(group.create_first, carries, gap.map(String::as_str));
        if let Some(gap) = gap.filter(|_| carries) {
            let seated = plan.seated.on(&candidate.addr);
            let from = window.map(|window| window.from()).filter(|from| *from > plan.now);
            let back = from.map(|from| plan.shown(from));
            let fall = Downfall { addr: &candidate.addr, gap, seated, back };
            let told = fall.told(plan.options.time.allow_gap);
            plan.world.report(told.at(group.resource.span, ""));
        }
        order
    }
}

impl Planner<'_> {
    /// Lets what an instance will leave unknown wait for what it itself waits for, as far as that is known before its
    /// provider is asked: its values are then built once.
    pub(super) fn expect(&self, candidate: &mut Candidate) {
        let corrected = self.corrected.borrow();
        let corrected = match corrected.get(&candidate.addr) {
            Some(Fate::Later(wait)) => Some(wait),
            _ => None,
        };
        let wait = candidate.seat.wait.as_ref().or(corrected).filter(|_| self.modes.defers);
        if let Some(wait) = wait.filter(|_| candidate.prior.is_none()) {
            candidate.causes = causes(&candidate.addr, wait.when());
        }
    }

    /// Lets others read what was planned of an instance, and sit on what it lends.
    pub(super) fn publish(&self, planned: &Planned) {
        let addr = &planned.change.addr;
        let value = seen(&planned.change, planned.fate(), self.now);
        self.world.set_instance(&addr.block, addr.key.clone(), Some(value));
        self.ledger.borrow_mut().enter(planned, self.now);
    }

    pub(super) fn refuse_waiting(&self, group: &Group<'_>, candidate: &Candidate, wait: &Wait) {
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
}

fn acts(action: PlannedAction) -> bool {
    !matches!(action, PlannedAction::NoOp | PlannedAction::Forget)
}
