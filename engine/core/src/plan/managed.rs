//! Planning the instances of one `resource` block, as a batch.

use std::sync::Arc;

use terrarium_address::{AttrPath, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::config::IgnoreChanges;
use terrarium_lang::expr::{KeyRef, Subject};
use terrarium_provider::{
    Lends, PlanNotes, PlanOutcome, PlanReply, PlanRequest, PlannedChange, Provider, ValidateRequest,
};
use terrarium_value::{Cause, Causes, Marks, Value, When};

use super::action::{Pressure, decide};
use super::candidate::{Candidate, Prior};
use super::lending::Loan;
use super::refresh::{Recorded, change};
use super::{Group, Planner, recorded};
use crate::rules::RuleKind;
use crate::{
    ActionReason, Occupancy, PlannedAction, ReplaceOrder, ResourceChange, codes, object, proposed,
};

impl Planner<'_> {
    /// Plans all instances of a block, and the end of those it no longer wants.
    pub(super) async fn managed(&self, group: &Group<'_>, mut recorded: recorded::Block<'_>) {
        let mut candidates = self.candidates(group, &mut recorded);
        let Some(provider) = self.provider(group).await else {
            self.give_up(&candidates);
            self.put_off_unconfigured(group, &mut candidates);
            return;
        };
        self.add_provider_reads(group, &mut candidates);
        self.orphans(group, &provider, recorded).await;
        let objects = candidates
            .iter_mut()
            .map(|c| Recorded { addr: &c.addr, prior: &mut c.prior })
            .collect::<Vec<_>>();
        self.refresh(group, &provider, objects).await;
        self.import(group, &provider, &mut candidates).await;
        let (wanted, others): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|c| self.plans(group, &c.addr));
        for candidate in others {
            self.keep(group, &candidate);
        }
        self.plan_batch(group, &provider, wanted).await;
        self.complete(group);
    }

    /// Returns whether an instance is to be planned, or only looked up.
    pub(super) fn plans(&self, group: &Group<'_>, addr: &ResourceAddr) -> bool {
        if self.only_refreshes() {
            return false;
        }
        let block = group.resource.block.in_module(group.path.clone());
        self.options.targets.is_empty()
            || !self.targets.names_block(&block)
            || self.targets.contains(addr)
    }

    fn give_up(&self, candidates: &[Candidate]) {
        for candidate in candidates {
            if let Some(prior) = &candidate.prior {
                self.world.set_instance(
                    &candidate.addr.block,
                    candidate.addr.key.clone(),
                    Some(prior.value.clone()),
                );
            }
        }
    }

    /// Takes an instance over as it is.
    fn keep(&self, group: &Group<'_>, candidate: &Candidate) {
        let Some(prior) = &candidate.prior else { return };
        let change = ResourceChange {
            before: prior.value.clone(),
            private: prior.private.clone(),
            window: prior.window.into(),
            moved_from: prior.moved_from.clone().into(),
            deps: candidate.deps.clone(),
            occupies: Occupancy { lenders: prior.occupies.clone(), foreign: Vec::new() }.into(),
            ended: prior.ended.clone().into(),
            standing: prior.standing.into(),
            ..change(group, &candidate.addr, PlannedAction::NoOp, prior.value.clone())
        };
        self.publish(group, candidate, &change);
        self.found.borrow_mut().add(change);
    }

    /// Plans wanted instances; a block whose instances compete with others of the plan has its turn.
    async fn plan_batch(
        &self,
        group: &Group<'_>,
        provider: &Arc<dyn Provider>,
        mut candidates: Vec<Candidate>,
    ) {
        for candidate in &mut candidates {
            self.configure(group, candidate);
            self.validate(group, candidate);
        }
        self.ask_to_validate(group, &candidates).await;
        self.seat_all(group, provider, &mut candidates).await;
        candidates.retain(|candidate| !self.rest(group, candidate));
        for candidate in candidates.iter_mut().filter(|_| !group.has_term()) {
            // What it sat on is over, and it sits on something else by now: it is made anew.
            candidate.prior = candidate.prior.take().filter(|prior| prior.ended.is_none());
        }
        let _turn = self.claims.turn(group).await;
        let claims = self.claims.so_far(group);
        let ask = |c: &Candidate| PlanRequest {
            claims: claims.clone(),
            ..request(group, c, c.prior.as_ref())
        };
        let requests = candidates.iter().map(ask).collect();
        let replies = provider.plan_many(requests).await;
        let mut replaced = Vec::new();
        for (candidate, reply) in candidates.into_iter().zip(replies) {
            replaced.extend(self.fold_plan(group, candidate, reply));
        }
        if replaced.is_empty() {
            return;
        }
        let claims = self.claims.so_far(group);
        let ask = |(candidate, _): &(Candidate, ResourceChange)| {
            let replaces = candidate.prior.as_ref().map(|prior| prior.value.unmarked_deep());
            PlanRequest { replaces, claims: claims.clone(), ..request(group, candidate, None) }
        };
        let requests = replaced.iter().map(ask).collect();
        let replies = provider.plan_many(requests).await;
        for ((candidate, change), reply) in replaced.into_iter().zip(replies) {
            self.report_each(reply.diagnostics, group.resource, &candidate.addr);
            match reply.outcome {
                PlanOutcome::Planned(mut planned) => {
                    self.claims.note(group, &candidate.addr, std::mem::take(&mut planned.claims));
                    let change = self.ordered(group, &candidate, &planned, change);
                    self.settle(group, &candidate, *planned, change);
                }
                PlanOutcome::Refused => {}
                PlanOutcome::Deferred(deferral) => {
                    self.put_off_as_told(group, &candidate, change, deferral);
                }
            }
        }
    }

    /// Lets the provider check configurations by a call, where it has to.
    pub(super) async fn ask_to_validate(&self, group: &Group<'_>, candidates: &[Candidate]) {
        if !group.kind.validates() || candidates.is_empty() {
            return;
        }
        let block = &group.resource.block;
        let request = |candidate: &Candidate| ValidateRequest {
            mode: block.mode,
            kind: block.kind.clone(),
            config: candidate.config.clone().unmarked_deep(),
        };
        let found = group.kind.validate_many(candidates.iter().map(request).collect()).await;
        for (candidate, found) in candidates.iter().zip(found) {
            self.report_each(found, group.resource, &candidate.addr);
        }
    }

    fn validate(&self, group: &Group<'_>, candidate: &Candidate) {
        let bare = candidate.config.clone().unmarked_deep();
        let block = &group.resource.block;
        let diagnostics = group.kind.validate(block.mode, &block.kind, &bare);
        self.report_each(diagnostics, group.resource, &candidate.addr);
        let preconditions = &group.resource.lifecycle.preconditions;
        self.world.check_rules(
            candidate.module,
            candidate.at(),
            preconditions,
            RuleKind::Precondition,
        );
    }

    /// Folds an answer in; a replacement comes back, to be planned as a create.
    fn fold_plan(
        &self,
        group: &Group<'_>,
        candidate: Candidate,
        reply: PlanReply,
    ) -> Option<(Candidate, ResourceChange)> {
        self.report_each(reply.diagnostics, group.resource, &candidate.addr);
        let before = candidate.prior.as_ref().map(|prior| prior.value.clone());
        let change = ResourceChange {
            before: before.unwrap_or_else(|| group.null()),
            moved_from: candidate.prior.as_ref().and_then(|prior| prior.moved_from.clone()).into(),
            importing: self.importing(&candidate.addr).into(),
            deps: candidate.deps.clone(),
            ..change(group, &candidate.addr, PlannedAction::Create, group.null())
        };
        let planned = match reply.outcome {
            PlanOutcome::Planned(mut planned) => {
                self.claims.note(group, &candidate.addr, std::mem::take(&mut planned.claims));
                *planned
            }
            PlanOutcome::Refused => {
                self.keep_for_readers(group, &candidate);
                return None;
            }
            PlanOutcome::Deferred(deferral) => {
                self.put_off_as_told(group, &candidate, change, deferral);
                return None;
            }
        };
        let Some(prior) = &candidate.prior else {
            self.settle(group, &candidate, planned, change);
            return None;
        };
        let bare = prior.value.clone().unmarked_deep();
        let pressure = self.pressure(group, &candidate, prior);
        let forcing = &planned.requires_replace;
        // The order is only of interest, and only told, where something is replaced.
        let order = ReplaceOrder::DeleteFirst;
        let (action, reason, forced) = decide(&bare, &planned.planned, forcing, &pressure, order);
        let notes = PlanNotes { gap: planned.notes.gap.clone(), ..PlanNotes::default() };
        let change = ResourceChange {
            requires_replace: forced,
            reason: reason.into(),
            notes: notes.into(),
            ..change
        };
        if !matches!(action, PlannedAction::Replace(_)) {
            let ended = prior.ended.clone();
            self.settle(
                group,
                &candidate,
                planned,
                ResourceChange { action, ended: ended.into(), ..change },
            );
            return None;
        }
        if prior.ended.is_some() {
            // What is ended needs no removal.
            return Some((Candidate { prior: None, ..candidate }, change.into_creation()));
        }
        self.check_destroy(group, &candidate.addr, action);
        self.lend_deposed(&group.schema, &candidate.addr, &bare);
        Some((candidate, ResourceChange { action, ..change }))
    }

    /// Settles the order of a replacement, once its successor is planned: only then is it known whether
    /// that fits beside its predecessor.
    fn ordered(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        planned: &PlannedChange,
        change: ResourceChange,
    ) -> ResourceChange {
        if !matches!(change.action, PlannedAction::Replace(_)) {
            return change;
        }
        let gap = planned.notes.gap.as_ref().or(change.notes.gap.as_ref());
        let order = self.order_of(group, candidate, planned.window, gap);
        ResourceChange { action: PlannedAction::Replace(order), ..change }
    }

    /// Something that could not be planned is unknown to those who read it.
    fn keep_for_readers(&self, group: &Group<'_>, candidate: &Candidate) {
        let value = match &candidate.prior {
            Some(prior) => prior.value.clone(),
            None => Value::unknown(group.schema.block.ty(), candidate.causes.clone()),
        };
        self.world.set_instance(&candidate.addr.block, candidate.addr.key.clone(), Some(value));
    }

    /// Records a planned change and lets others read its values.
    pub(super) fn accept(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        planned: PlannedChange,
        change: ResourceChange,
    ) {
        let change = self.filled(group, candidate, planned, change);
        self.publish(group, candidate, &change);
        let postconditions = &group.resource.lifecycle.postconditions;
        if !postconditions.is_empty() {
            let at = crate::world::At::This {
                key: &candidate.addr.key,
                each: candidate.each.as_ref(),
                this: &change.after,
            };
            self.world.check_rules(candidate.module, at, postconditions, RuleKind::Postcondition);
        }
        self.found.borrow_mut().add(change);
    }

    /// Fills what the provider answered into a change.
    pub(super) fn filled(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        planned: PlannedChange,
        change: ResourceChange,
    ) -> ResourceChange {
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
        let asked = self.options.refresh && !self.options.offline;
        let recorded = prior.and_then(|prior| prior.window).filter(|_| !asked || group.has_term());
        if let Some(zone) = planned.notes.zone.clone() {
            self.found.borrow_mut().zones.insert(zone);
        }
        let stays = matches!(change.action, PlannedAction::NoOp | PlannedAction::Update);
        // A replacement is planned twice; only the first time the provider knows the predecessor.
        let gap = planned.notes.gap.or_else(|| change.notes.gap.clone());
        // What sits on a lease whose creation waits for its start is made right after it.
        let seat = &candidate.seat;
        let soon = seat.wait.is_none() && seat.window.is_some_and(|it| it.from() > self.now);
        let lends = planned.notes.lends.or(soon.then_some(Lends::WithApply));
        ResourceChange {
            after,
            schedule: planned.schedule.into(),
            window: planned.window.or(candidate.seat.window).or(recorded).into(),
            private: planned.private,
            occupies: candidate.seat.occupies.clone().into(),
            standing: prior.and_then(|prior| prior.standing).filter(|_| stays).into(),
            notes: PlanNotes { gap, lends, ..planned.notes }.into(),
            ..change
        }
    }

    /// Lets others read the values of a change that is not deferred, and sit on what it lends.
    pub(super) fn publish(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        change: &ResourceChange,
    ) {
        let addr = &candidate.addr;
        let coming = object::coming(change, self.now);
        let value = match coming {
            Some(from) => object::mask_late(&change.after, &group.schema, addr, from),
            None => change.after.clone(),
        };
        if let Some(from) = coming.filter(|_| group.has_term()) {
            self.found.borrow_mut().comes(addr, Some(from));
        }
        self.lend(&group.schema, addr, &change.after, Loan::of(change));
        self.world.set_instance(&addr.block, addr.key.clone(), Some(value));
    }

    fn pressure(&self, group: &Group<'_>, candidate: &Candidate, prior: &Prior) -> Pressure {
        Pressure {
            tainted: prior.tainted,
            requested: self.options.replace.contains(&candidate.addr),
            triggered_by: self.triggered_by(group, candidate),
            lender: candidate.seat.moves.is_some(),
        }
    }

    /// Returns what `replace_triggered_by` names that changes.
    fn triggered_by(&self, group: &Group<'_>, candidate: &Candidate) -> Option<String> {
        let module = self.world.module(candidate.module).path.clone();
        let found = self.found.borrow();
        let exprs = group.resource.lifecycle.replace_triggered_by.iter();
        let references =
            exprs.flat_map(|expr| expr.references().iter().map(move |reference| (expr, reference)));
        for (expr, reference) in references {
            let Subject::Resource(block, key) = &reference.subject else { continue };
            let block = block.in_module(module.clone());
            let ((), read) = self.world.recording(|| {
                let own = &candidate.addr.block;
                self.world.note_expr(candidate.module, candidate.at(), expr, own);
            });
            let hits = found.of_block(&block).filter(|change| match key {
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

    /// Refuses to destroy what the configuration protects.
    pub(super) fn check_destroy(
        &self,
        group: &Group<'_>,
        addr: &ResourceAddr,
        action: PlannedAction,
    ) {
        let destroys = matches!(action, PlannedAction::Delete | PlannedAction::Replace(_));
        if destroys && group.resource.lifecycle.prevent_destroy {
            let error = Diagnostic::error(codes::PREVENT_DESTROY, "Instance cannot be destroyed")
                .detail(format!(
                    "Resource {addr} has lifecycle.prevent_destroy set, but the plan calls for this resource to be \
                     destroyed."
                ))
                .at(group.resource.span, "")
                .about(addr.clone())
                .help("remove prevent_destroy, or keep it out of the plan with -target");
            self.world.report(error);
        }
    }
}

/// Starts the removal of an object.
pub(super) fn removal(
    group: &Group<'_>,
    addr: &ResourceAddr,
    prior: &Prior,
    reason: Option<ActionReason>,
) -> ResourceChange {
    ResourceChange {
        before: prior.value.clone(),
        reason: reason.into(),
        private: prior.private.clone(),
        window: prior.window.into(),
        moved_from: prior.moved_from.clone().into(),
        occupies: Occupancy { lenders: prior.occupies.clone(), foreign: Vec::new() }.into(),
        ended: prior.ended.clone().into(),
        ..change(group, addr, PlannedAction::Delete, group.null())
    }
}

fn request(group: &Group<'_>, candidate: &Candidate, prior: Option<&Prior>) -> PlanRequest {
    let mut config = candidate.config.clone().unmarked_deep();
    if let Some(prior) = prior {
        config = ignoring(&group.resource.lifecycle.ignore_changes, &prior.value, config);
    }
    let before = prior.map(|prior| prior.value.clone().unmarked_deep());
    PlanRequest {
        kind: group.resource.block.kind.clone(),
        addr: candidate.addr.clone(),
        proposed: proposed::merge(&group.schema.block, before.as_ref(), &config, &candidate.causes),
        prior: before,
        config,
        private: prior.and_then(|prior| prior.private.clone()),
        ended: prior.and_then(|prior| prior.ended.as_ref()).map(|ended| ended.at),
        replaces: None,
        claims: Arc::default(),
    }
}

/// The causes of what an instance leaves unknown.
pub(crate) fn causes_of(addr: &ResourceAddr) -> Causes {
    Causes::one(Cause::Instance { addr: addr.clone(), when: When::Apply })
}

/// Gives unknown parts without a cause this one.
pub(super) fn with_causes(value: Value, causes: &Causes) -> Value {
    if value.is_wholly_known() {
        return value;
    }
    value.transform(&mut |_: &AttrPath, part: Value| match part.kind() {
        terrarium_value::Kind::Unknown(unknown) if unknown.causes.is_empty() => {
            let refined = terrarium_value::Unknown { causes: causes.clone(), ..unknown.clone() };
            Value::refined(refined).marked(part.marks())
        }
        _ => part,
    })
}

/// Puts the prior values in place of what `ignore_changes` names.
pub(crate) fn ignoring(ignored: &IgnoreChanges, prior: &Value, config: Value) -> Value {
    match ignored {
        IgnoreChanges::None => config,
        IgnoreChanges::All => prior.clone().unmarked_deep(),
        IgnoreChanges::Paths(paths) => {
            let prior = prior.clone().unmarked_deep();
            config.transform(&mut |path: &AttrPath, part: Value| {
                if paths.contains(path) { prior.at(path).unwrap_or(part) } else { part }
            })
        }
    }
}
