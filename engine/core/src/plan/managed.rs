//! Planning the instances of one `resource` block, as a batch.

use std::sync::Arc;

use terrarium_address::AttrPath;
use terrarium_lang::expr::{KeyRef, Subject};
use terrarium_provider::{PlanNotes, PlanOutcome, PlanReply, PlanRequest, PlannedChange, Provider};
use terrarium_value::Value;

use super::action::{Pressure, decide};
use super::answers::Answer;
use super::candidate::{Candidate, Prior};
use super::going::{check_destroy, orphans};
use super::group::Group;
use super::proposals::request;
use super::refresh::{Recorded, refresh};
use super::time::Planned;
use super::{Planner, import, recorded, seats, unknown};
use crate::fate::Fate;
use crate::{Occupancy, PlannedAction, ReplaceOrder, ResourceChange};

/// The instances that the configuration wants of one block, while they are planned.
pub(super) struct Wanted<'p, 'a> {
    pub(super) plan: &'p Planner<'a>,
    pub(super) group: &'p Group<'p>,
    pub(super) answer: Answer,
}

/// Most instances of a block whose configurations, questions and answers are held at a time.
const TOGETHER: usize = 1000;

/// Plans all instances of a block, and the end of those it no longer wants.
pub(super) async fn managed(
    plan: &Planner<'_>,
    group: &Group<'_>,
    mut recorded: recorded::Block<'_>,
) {
    let block = group.resource.block.in_module(group.path.config());
    let mut wanted = Wanted { plan, group, answer: Answer::default() };
    let mut candidates = plan.candidates(group, &mut recorded);
    wanted.answer.planned.extend(unknown::unsettled(plan, group, &mut recorded));
    match plan.provider(group).await {
        None => {
            wanted.give_up(&candidates);
            unknown::unconfigured(plan, group, &mut candidates, &mut wanted.answer);
        }
        Some(provider) => {
            plan.add_provider_reads(group, &mut candidates);
            orphans(plan, group, &provider, recorded).await;
            look(plan, group, &provider, &mut candidates).await;
            wanted.answer.planned.reserve_exact(candidates.len());
            // What competes is placed together: who has the least choice chooses first.
            let most = if group.schema.competes { usize::MAX } else { TOGETHER };
            let mut candidates = candidates.into_iter().peekable();
            while candidates.peek().is_some() {
                let mut asked = Vec::new();
                for candidate in candidates.by_ref() {
                    if plan.scope.plans(group, &candidate.addr) {
                        asked.push(candidate);
                    } else {
                        wanted.keep(&candidate);
                    }
                    if asked.len() >= most {
                        break;
                    }
                }
                wanted.plan_batch(&provider, asked).await;
            }
            plan.complete(group);
        }
    }
    plan.answers.borrow_mut().put(block, wanted.answer);
}

/// Finds out how objects stand, and imports those that are to be. It is asked once a plan and remembered.
async fn look(
    plan: &Planner<'_>,
    group: &Group<'_>,
    provider: &Arc<dyn Provider>,
    candidates: &mut [Candidate],
) {
    let block = group.resource.block.in_module(group.path.config());
    if plan.memory.recall(&block, candidates) {
        return;
    }
    let objects = candidates
        .iter_mut()
        .map(|c| Recorded { addr: &c.addr, prior: &mut c.prior })
        .collect::<Vec<_>>();
    refresh(plan, group, provider, objects).await;
    import::import(plan, group, provider, candidates).await;
    plan.memory.remember(block, candidates);
}

impl Wanted<'_, '_> {
    fn give_up(&self, candidates: &[Candidate]) {
        for candidate in candidates {
            if let Some(prior) = &candidate.prior {
                self.plan.world.set_instance(
                    &candidate.addr.block,
                    candidate.addr.key.clone(),
                    Some(prior.value.clone()),
                );
            }
        }
    }

    /// Takes an instance over as it is.
    fn keep(&mut self, candidate: &Candidate) {
        let Some(prior) = &candidate.prior else { return };
        let lenders = prior.occupies.clone();
        let change = ResourceChange {
            occupies: Occupancy { lenders, foreign: Vec::new() }.into(),
            standing: prior.standing.into(),
            ..self.standing(candidate, prior)
        };
        let fate = prior.ended.clone().map_or(Fate::Now, Fate::Ended);
        self.take(Planned::new(change, fate));
    }

    /// Starts the change of an object to which nothing is done.
    pub(super) fn standing(&self, candidate: &Candidate, prior: &Prior) -> ResourceChange {
        let value = prior.value.clone();
        ResourceChange {
            before: value.clone(),
            private: prior.private.clone(),
            window: prior.window.into(),
            moved_from: prior.moved_from.clone().into(),
            deps: candidate.deps.clone(),
            ..self.group.change(&candidate.addr, PlannedAction::NoOp, value)
        }
    }

    /// Plans wanted instances; a block whose instances compete with others of the plan has its turn.
    async fn plan_batch(&mut self, provider: &Arc<dyn Provider>, mut candidates: Vec<Candidate>) {
        if candidates.is_empty() {
            return;
        }
        let (plan, group) = (self.plan, self.group);
        for candidate in &mut candidates {
            plan.configure(group, candidate);
            plan.validate(group, candidate);
        }
        plan.ask_to_validate(group, &candidates).await;
        seats::seat_all(plan, group, provider, &mut candidates).await;
        candidates.retain(|candidate| !self.rest(candidate));
        for candidate in candidates.iter_mut().filter(|_| !group.schema.has_term()) {
            // What it sat on is over, and it sits on something else by now: it is made anew.
            candidate.prior = candidate.prior.take().filter(|prior| prior.ended.is_none());
        }
        for candidate in &mut candidates {
            plan.expect(candidate);
        }
        let _turn = plan.claims.turn(group).await;
        for candidate in &candidates {
            // What it claimed when it was planned before is nobody's.
            plan.claims.note(group, &candidate.addr, Vec::new());
        }
        let claims = plan.claims.so_far(group);
        let ask = |c: &Candidate| PlanRequest {
            claims: claims.clone(),
            ..request(group, c, c.prior.as_ref())
        };
        let requests = candidates.iter().map(ask).collect();
        let replies = provider.plan_many(requests).await;
        let mut replaced = Vec::new();
        for (candidate, reply) in candidates.into_iter().zip(replies) {
            replaced.extend(self.fold_plan(candidate, reply));
        }
        if !replaced.is_empty() {
            self.plan_successors(provider, replaced).await;
        }
    }

    /// Plans what comes in the place of what is replaced, as a create.
    async fn plan_successors(
        &mut self,
        provider: &Arc<dyn Provider>,
        replaced: Vec<(Candidate, ResourceChange)>,
    ) {
        let (plan, group) = (self.plan, self.group);
        let claims = plan.claims.so_far(group);
        let ask = |(candidate, _): &(Candidate, ResourceChange)| {
            let replaces = candidate.prior.as_ref().map(|prior| prior.value.unmarked_deep());
            PlanRequest { replaces, claims: claims.clone(), ..request(group, candidate, None) }
        };
        let requests = replaced.iter().map(ask).collect();
        let replies = provider.plan_many(requests).await;
        for ((candidate, change), reply) in replaced.into_iter().zip(replies) {
            plan.report_each(reply.diagnostics, group.resource, &candidate.addr);
            match reply.outcome {
                PlanOutcome::Planned(mut planned) => {
                    let claims = std::mem::take(&mut planned.claims);
                    plan.claims.note(group, &candidate.addr, claims);
                    let change = self.ordered(&candidate, &planned, change);
                    self.settle(&candidate, *planned, change);
                }
                PlanOutcome::Refused => {}
                PlanOutcome::Deferred(deferral) => {
                    let told = seats::put_off_as_told(plan, group, &candidate, (change, deferral));
                    self.take(told);
                }
            }
        }
    }

    /// Folds an answer in; a replacement comes back, to be planned as a create.
    fn fold_plan(
        &mut self,
        candidate: Candidate,
        reply: PlanReply,
    ) -> Option<(Candidate, ResourceChange)> {
        let (plan, group) = (self.plan, self.group);
        plan.report_each(reply.diagnostics, group.resource, &candidate.addr);
        let before = candidate.prior.as_ref().map(|prior| prior.value.clone());
        let change = ResourceChange {
            before: before.unwrap_or_else(|| group.null()),
            moved_from: candidate.prior.as_ref().and_then(|prior| prior.moved_from.clone()).into(),
            importing: plan.imports.of(plan, &candidate.addr).into(),
            deps: candidate.deps.clone(),
            ..group.change(&candidate.addr, PlannedAction::Create, group.null())
        };
        let planned = match reply.outcome {
            PlanOutcome::Planned(mut planned) => {
                let claims = std::mem::take(&mut planned.claims);
                plan.claims.note(group, &candidate.addr, claims);
                *planned
            }
            PlanOutcome::Refused => {
                self.keep_for_readers(&candidate);
                return None;
            }
            PlanOutcome::Deferred(deferral) => {
                let told = seats::put_off_as_told(plan, group, &candidate, (change, deferral));
                self.take(told);
                return None;
            }
        };
        let Some(prior) = &candidate.prior else {
            self.settle(&candidate, planned, change);
            return None;
        };
        let bare = prior.value.clone().unmarked_deep();
        let pressure = self.pressure(&candidate, prior);
        let forcing = &planned.requires_replace;
        // The order is only of interest, and only told, where something is replaced.
        let order = ReplaceOrder::DeleteFirst;
        let (action, reason, forced) = decide(&bare, &planned.planned, forcing, &pressure, order);
        let notes = PlanNotes { gap: planned.notes.gap.clone(), ..PlanNotes::default() };
        let change = ResourceChange {
            action,
            requires_replace: forced,
            reason: reason.into(),
            notes: notes.into(),
            ..change
        };
        if !matches!(action, PlannedAction::Replace(_)) {
            self.settle(&candidate, planned, change);
            return None;
        }
        if prior.ended.is_some() {
            // What is ended needs no removal.
            return Some((Candidate { prior: None, ..candidate }, change.into_creation()));
        }
        check_destroy(plan, group, &candidate.addr, action);
        plan.ledger.borrow_mut().lend_deposed(&group.schema, &candidate.addr, &bare);
        Some((candidate, change))
    }

    /// Settles the order of a replacement, once its successor is planned: only then is it known whether
    /// that fits beside its predecessor.
    fn ordered(
        &self,
        candidate: &Candidate,
        planned: &PlannedChange,
        change: ResourceChange,
    ) -> ResourceChange {
        if !matches!(change.action, PlannedAction::Replace(_)) {
            return change;
        }
        let gap = planned.notes.gap.as_ref().or(change.notes.gap.as_ref());
        let order = self.order_of(candidate, planned.window, gap);
        ResourceChange { action: PlannedAction::Replace(order), ..change }
    }

    /// Something that could not be planned is unknown to those who read it.
    fn keep_for_readers(&self, candidate: &Candidate) {
        let value = match &candidate.prior {
            Some(prior) => prior.value.clone(),
            None => Value::unknown(self.group.schema.block.ty(), candidate.causes.clone()),
        };
        let (block, key) = (&candidate.addr.block, candidate.addr.key.clone());
        self.plan.world.set_instance(block, key, Some(value));
    }

    fn pressure(&self, candidate: &Candidate, prior: &Prior) -> Pressure {
        Pressure {
            tainted: prior.tainted,
            requested: self.plan.options.replace.contains(&candidate.addr),
            triggered_by: self.triggered_by(candidate),
            lender: candidate.seat.moves.is_some(),
        }
    }

    /// Returns what `replace_triggered_by` names that changes.
    fn triggered_by(&self, candidate: &Candidate) -> Option<String> {
        let plan = self.plan;
        let module = plan.world.module(candidate.module).path.clone();
        let answers = plan.answers.borrow();
        let exprs = self.group.resource.lifecycle.replace_triggered_by.iter();
        let references =
            exprs.flat_map(|expr| expr.references().iter().map(move |reference| (expr, reference)));
        for (expr, reference) in references {
            let Subject::Resource(block, key) = &reference.subject else { continue };
            let block = block.in_module(module.clone());
            let ((), read) = plan.world.recording(|| {
                let own = &candidate.addr.block;
                plan.world.note_expr(candidate.module, candidate.at(), expr, own);
            });
            let hits = answers.of_block(&block).map(|planned| &planned.change);
            let hits = hits.filter(|change| match key {
                KeyRef::Whole => true,
                KeyRef::Constant(key) => change.addr.key == *key,
                KeyRef::Computed => {
                    read.iter().any(|dep| dep.instances().binary_search(&change.addr).is_ok())
                }
            });
            let path = AttrPath(reference.rest.clone());
            for change in hits {
                let changed = match change.action {
                    PlannedAction::NoOp | PlannedAction::Read => false,
                    _ if path.0.is_empty() => true,
                    _ => super::action::differs(&change.before, &change.after, &path),
                };
                if changed {
                    return Some(change.addr.to_string());
                }
            }
        }
        None
    }
}
