//! Planning the instances of one `data` block: read now where everything is known, else during apply.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use terrarium_address::{ConfigAddr, InstanceKey, ResourceAddr};
use terrarium_lang::expr::Subject;
use terrarium_provider::{DataOutcome, DataReply, DataRequest, Deferral, Provider, Schedule};
use terrarium_state::Dep;
use terrarium_value::{Marks, Value};

use super::candidate::Candidate;
use super::defer::waiting_causes;
use super::lending::Loan;
use super::occupancy::Wait;
use super::refresh::change;
use super::{Found, Group, Planner, recorded};
use crate::model::DataResult;
use crate::rules::RuleKind;
use crate::world::At;
use crate::{ActionReason, Event, PlannedAction, ResourceChange, object, proposed};

/// What an answer came to.
enum Folded {
    /// It was read; its id, where it has one.
    Read(Option<String>),
    /// It was not.
    Open,
}

impl Planner<'_> {
    /// Reads or plans to read all instances of a data source. What is recorded of them does not matter.
    pub(super) async fn data(&self, group: &Group<'_>, mut recorded: recorded::Block<'_>) {
        recorded.clear();
        let mut candidates = self.candidates(group, &mut recorded);
        for candidate in &mut candidates {
            self.configure(group, candidate);
        }
        let provider = self.provider(group).await;
        if provider.is_none() && self.put_off_unconfigured(group, &mut candidates) {
            self.complete(group);
            return;
        }
        self.add_provider_reads(group, &mut candidates);
        self.ask_to_validate(group, &candidates).await;
        let mut due = Vec::new();
        for candidate in candidates {
            let bare = candidate.config.clone().unmarked_deep();
            let diagnostics =
                group.kind.validate(group.resource.block.mode, &group.resource.block.kind, &bare);
            self.report_each(diagnostics, group.resource, &candidate.addr);
            let preconditions = &group.resource.lifecycle.preconditions;
            self.world.check_rules(
                candidate.module,
                candidate.at(),
                preconditions,
                RuleKind::Precondition,
            );
            let wait = Wait::later(
                Self::waits_for_values(&candidate, &bare),
                self.waits_for_named(group, &candidate),
            );
            if self.keeps_last(group, &candidate) {
                continue;
            }
            if let Some(wait) = wait.filter(|_| self.options.time.defer) {
                self.read_much_later(group, &candidate, wait);
                continue;
            }
            match self.postponed(group, &candidate, &bare) {
                Some(reason) => self.read_later(group, &candidate, reason),
                None => due.push((candidate, bare)),
            }
        }
        if !due.is_empty()
            && let Some(provider) = provider
        {
            self.read_now(group, &provider, due).await;
        }
        self.complete(group);
    }

    /// Leaves a data source as it was read last, where what it names has ended: a service would not know it
    /// any more. Returns whether it did. What tells terms is read anew: it may tell of this end.
    fn keeps_last(&self, group: &Group<'_>, candidate: &Candidate) -> bool {
        if group.has_term() {
            return false;
        }
        let is_over =
            |addr: &ResourceAddr| self.loan(addr).is_some_and(|loan| loan.over(self.now).is_some());
        let over = candidate.deps.iter().any(|dep| {
            // One for each instance of a block names the one with its own key.
            let own = dep.block().map(|block| block.instance(candidate.addr.key.clone()));
            own.as_ref().is_some_and(is_over) || dep.instances().iter().any(is_over)
        });
        let recorded = self.inputs.prior.resources.get(&candidate.addr);
        let object = recorded.and_then(|instance| instance.current.as_ref()).filter(|_| over);
        let Some(value) = object.and_then(|object| object::read(object, &group.schema).ok()) else {
            return false;
        };
        let addr = candidate.addr.clone();
        self.world.set_instance(&addr.block, addr.key.clone(), Some(value.clone()));
        self.found.borrow_mut().data.push(DataResult {
            addr,
            provider: group.provider.recorded(),
            schema: group.schema.clone(),
            value,
            deps: candidate.deps.clone(),
        });
        true
    }

    /// Returns why a data source can't be read while planning.
    fn postponed(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        config: &Value,
    ) -> Option<ActionReason> {
        let unconfigured = self.providers.waits(&group.provider).is_some();
        if !config.is_wholly_known() || self.options.offline || unconfigured {
            return Some(ActionReason::ConfigUnknown);
        }
        let ((), explicit) =
            self.world.recording(|| self.explicit_dependencies(group, candidate.module));
        let found = self.found.borrow();
        let is_pending = |dep: &Dep| found.waits_for(dep);
        let lifecycle = &group.resource.lifecycle;
        let pending = explicit.iter().any(is_pending)
            || Self::names_pending(group, candidate, is_pending)
            // An update further up may be what makes a condition hold.
            || (!(lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty())
                && rests_on_pending(&found, &candidate.deps));
        pending.then_some(ActionReason::DependencyPending)
    }

    /// Returns whether the block's own expressions read a resource that is still to be changed, or a data
    /// source that is still to be read: what the service answers may follow from that even where the values
    /// are known (a name).
    ///
    /// As in Terraform, what is read through a local, a variable or an output does not count: a value that
    /// has passed there need not have to do with all that it was made beside.
    fn names_pending(
        group: &Group<'_>,
        candidate: &Candidate,
        is_pending: impl Fn(&Dep) -> bool,
    ) -> bool {
        let resource = group.resource;
        let rules = resource.lifecycle.preconditions.iter();
        let rules = rules.chain(&resource.lifecycle.postconditions);
        let exprs = resource.count.iter().chain(&resource.for_each);
        let exprs = exprs.chain(rules.flat_map(|rule| [&rule.condition, &rule.error_message]));
        let references = exprs.flat_map(terrarium_lang::Expr::references);
        let body = resource.body.references();
        let path = &candidate.addr.block.module;
        let named: BTreeSet<ConfigAddr> = references
            .chain(&body)
            .filter_map(|reference| match &reference.subject {
                Subject::Resource(block, _) => Some(block.in_module(path.clone())),
                _ => None,
            })
            .collect();
        let names = |dep: &Dep| dep.blocks().any(|block| named.contains(block));
        candidate.deps.iter().any(|dep| names(dep) && is_pending(dep))
    }

    /// Defers the reading of a data source with what it depends on.
    fn read_much_later(&self, group: &Group<'_>, candidate: &Candidate, wait: Wait) {
        let bare = candidate.config.clone().unmarked_deep();
        let causes = waiting_causes(candidate, wait.at);
        let after = proposed::merge(&group.schema.block, None, &bare, &causes);
        let after = object::mark_sensitive(after, &group.schema.block);
        let addr = &candidate.addr;
        self.world.set_instance(&addr.block, addr.key.clone(), Some(after.clone()));
        let schedule = Schedule { not_before: wait.at, not_after: None };
        let deps = candidate.deps.clone();
        let change = ResourceChange {
            schedule: schedule.into(),
            deps,
            ..change(group, addr, PlannedAction::Read, after)
        };
        self.lend_later(&group.schema, &change, wait.at);
        self.defer(change, Deferral::until(wait.at, wait.reason), wait.waits);
    }

    fn read_later(&self, group: &Group<'_>, candidate: &Candidate, reason: ActionReason) {
        let bare = candidate.config.clone().unmarked_deep();
        let planned = proposed::merge(&group.schema.block, None, &bare, &candidate.causes);
        let sensitive = candidate.config.paths_with_mark(Marks::SENSITIVE);
        let planned = planned.mark_paths(&sensitive, Marks::SENSITIVE);
        let after = object::mark_sensitive(planned, &group.schema.block);
        self.world.set_instance(
            &candidate.addr.block,
            candidate.addr.key.clone(),
            Some(after.clone()),
        );
        let change = ResourceChange {
            reason: Some(reason).into(),
            deps: candidate.deps.clone(),
            ..change(group, &candidate.addr, PlannedAction::Read, after)
        };
        self.found.borrow_mut().add(change);
    }

    async fn read_now(
        &self,
        group: &Group<'_>,
        provider: &Arc<dyn Provider>,
        due: Vec<(Candidate, Value)>,
    ) {
        let mut requests = Vec::with_capacity(due.len());
        for (candidate, config) in &due {
            self.progress.on(Event::Reading { addr: candidate.addr.clone() });
            requests.push(DataRequest {
                kind: group.resource.block.kind.clone(),
                addr: candidate.addr.clone(),
                config: config.clone(),
            });
        }
        let begun = self.inputs.clock.now();
        let replies = provider.read_data_many(requests).await;
        let elapsed = self.inputs.clock.now().duration_since(begun).unsigned_abs();
        for ((candidate, _), reply) in due.into_iter().zip(replies) {
            if let Folded::Read(id) = self.fold_data(group, &candidate, reply) {
                self.progress.on(Event::Read { addr: candidate.addr, elapsed, id });
            }
        }
    }

    /// Folds an answer in; the id of what was read comes back.
    fn fold_data(&self, group: &Group<'_>, candidate: &Candidate, reply: DataReply) -> Folded {
        self.report_each(reply.diagnostics, group.resource, &candidate.addr);
        match reply.outcome {
            DataOutcome::Read { state, term } => {
                let sensitive = candidate.config.paths_with_mark(Marks::SENSITIVE);
                let value = state.mark_paths(&sensitive, Marks::SENSITIVE);
                let value = object::mark_sensitive(value, &group.schema.block);
                self.check_read(group, candidate, &value);
                if let Some(term) = term {
                    self.lend(&group.schema, &candidate.addr, &value, Loan::foreign(&term));
                }
                let id = object::id_of(&value);
                self.world.set_instance(
                    &candidate.addr.block,
                    candidate.addr.key.clone(),
                    Some(value.clone()),
                );
                self.found.borrow_mut().data.push(DataResult {
                    addr: candidate.addr.clone(),
                    provider: group.provider.recorded(),
                    schema: group.schema.clone(),
                    value,
                    deps: candidate.deps.clone(),
                });
                return Folded::Read(id);
            }
            DataOutcome::Refused => {
                let unknown = Value::unknown(group.schema.block.ty(), candidate.causes.clone());
                self.world.set_instance(
                    &candidate.addr.block,
                    candidate.addr.key.clone(),
                    Some(unknown),
                );
            }
            DataOutcome::Deferred(deferral) => {
                let null = group.null();
                let change = change(group, &candidate.addr, PlannedAction::Read, null);
                let change = ResourceChange { deps: candidate.deps.clone(), ..change };
                self.put_off_as_told(group, candidate, change, deferral);
            }
        }
        Folded::Open
    }

    fn check_read(&self, group: &Group<'_>, candidate: &Candidate, value: &Value) {
        let postconditions = &group.resource.lifecycle.postconditions;
        if !postconditions.is_empty() {
            let key: &InstanceKey = &candidate.addr.key;
            let at = At::This { key, each: candidate.each.as_ref(), this: value };
            self.world.check_rules(candidate.module, at, postconditions, RuleKind::Postcondition);
        }
    }
}

/// Returns whether what was read rests, however far, on a managed resource that is still to be changed.
fn rests_on_pending(found: &Found, deps: &[Dep]) -> bool {
    let data: HashMap<&ResourceAddr, &DataResult> =
        found.data.iter().map(|data| (&data.addr, data)).collect();
    let mut seen: HashSet<&Dep> = HashSet::new();
    let mut open: Vec<&Dep> = deps.iter().collect();
    while let Some(dep) = open.pop() {
        if !seen.insert(dep) {
            continue;
        }
        if found.waits_for(dep) {
            return true;
        }
        for addr in dep.instances() {
            let change = found.by_addr.get(addr).and_then(|at| found.changes.get(*at));
            open.extend(change.into_iter().flat_map(|change| &change.deps));
            open.extend(data.get(addr).into_iter().flat_map(|data| &data.deps));
        }
        if let Some(block) = dep.block() {
            open.extend(found.of_block(block).flat_map(|change| &change.deps));
            let of_block = found.data.iter().filter(|data| block.covers(&data.addr.block));
            open.extend(of_block.flat_map(|data| &data.deps));
        }
    }
    false
}
