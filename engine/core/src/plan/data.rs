//! Planning the instances of one `data` block: read now where everything is known, else during apply.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use terrarium_address::{ConfigAddr, InstanceKey, ResourceAddr};
use terrarium_lang::expr::Subject;
use terrarium_provider::{DataOutcome, DataReply, DataRequest, Provider};
use terrarium_state::Dep;
use terrarium_value::{Marks, Value};

use super::Planner;
use super::answers::{Answer, Answers};
use super::candidate::Candidate;
use super::group::Group;
use super::seats::{named, put_off_as_told};
use super::time::{Facts, Planned, Seat, There, pasted, rests};
use super::{recorded, unknown};
use crate::fate::Fate;
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

/// The instances of one data source, while they are planned.
struct Reads<'p, 'a> {
    plan: &'p Planner<'a>,
    group: &'p Group<'p>,
    answer: Answer,
}

/// Reads or plans to read all instances of a data source. What is recorded of them does not matter.
pub(super) async fn data(plan: &Planner<'_>, group: &Group<'_>, mut recorded: recorded::Block<'_>) {
    recorded.clear();
    let mut reads = Reads { plan, group, answer: Answer::default() };
    let mut candidates = plan.candidates(group, &mut recorded);
    reads.answer.planned.extend(unknown::unsettled(plan, group, &mut recorded));
    for candidate in &mut candidates {
        plan.configure(group, candidate);
    }
    let provider = plan.provider(group).await;
    let waits = provider.is_none()
        && unknown::unconfigured(plan, group, &mut candidates, &mut reads.answer);
    if !waits {
        plan.add_provider_reads(group, &mut candidates);
        plan.ask_to_validate(group, &candidates).await;
        let mut due = Vec::new();
        for candidate in candidates {
            due.extend(reads.judge(candidate));
        }
        if !due.is_empty()
            && let Some(provider) = provider
        {
            reads.read_now(&provider, due).await;
        }
    }
    plan.complete(group);
    let block = group.resource.block.in_module(group.path.config());
    plan.answers.borrow_mut().put(block, reads.answer);
}

impl Reads<'_, '_> {
    /// Settles what is not read now; what is comes back, with its configuration.
    fn judge(&mut self, candidate: Candidate) -> Option<(Candidate, Value)> {
        let (plan, group) = (self.plan, self.group);
        let bare = candidate.config.clone().unmarked_deep();
        plan.validate(group, &candidate);
        if self.keeps_last(&candidate) {
            return None;
        }
        let facts = Facts {
            values: bare.causes_deep(),
            named: named(plan, group, &candidate),
            ..Facts::default()
        };
        let seat = Seat::of(&facts, &candidate.addr, plan.now);
        let never = rests(&seat, There::Not);
        let later = seat.wait.filter(|_| plan.options.time.defer).map(Fate::Later);
        if let Some(fate) = never.or(later) {
            self.read_much_later(&candidate, fate);
            return None;
        }
        match self.postponed(&candidate, &bare) {
            Some(reason) => {
                self.read_later(&candidate, reason);
                None
            }
            None => Some((candidate, bare)),
        }
    }

    fn take(&mut self, planned: Planned) {
        self.plan.publish(&planned);
        self.answer.planned.push(planned);
    }

    /// Leaves a data source as it was read last, where what it names has ended: a service would not know it
    /// any more. Returns whether it did. What tells terms is read anew: it may tell of this end.
    fn keeps_last(&mut self, candidate: &Candidate) -> bool {
        let (plan, group) = (self.plan, self.group);
        if group.schema.has_term() {
            return false;
        }
        let ledger = plan.ledger.borrow();
        let is_over = |addr: &ResourceAddr| ledger.over(addr, plan.now).is_some();
        let over = candidate.deps.iter().any(|dep| {
            // One for each instance of a block names the one with its own key.
            let own = dep.block().map(|block| block.instance(candidate.addr.key.clone()));
            own.as_ref().is_some_and(is_over) || dep.instances().iter().any(is_over)
        });
        let recorded = plan.inputs.prior.resources.get(&candidate.addr);
        let object = recorded.and_then(|instance| instance.current.as_ref()).filter(|_| over);
        let Some(value) = object.and_then(|object| object::read(object, &group.schema).ok()) else {
            return false;
        };
        self.take_read(candidate, value);
        true
    }

    /// Lets others read what was read.
    fn take_read(&mut self, candidate: &Candidate, value: Value) {
        let addr = candidate.addr.clone();
        self.plan.world.set_instance(&addr.block, addr.key.clone(), Some(value.clone()));
        self.answer.data.push(DataResult {
            addr,
            provider: self.group.provider.recorded(),
            schema: self.group.schema.clone(),
            value,
            deps: candidate.deps.clone(),
        });
    }

    /// Returns why a data source can't be read while planning.
    fn postponed(&self, candidate: &Candidate, config: &Value) -> Option<ActionReason> {
        let (plan, group) = (self.plan, self.group);
        let unconfigured = plan.providers.waits(&group.provider).is_some();
        if !config.is_wholly_known() || plan.options.offline || unconfigured {
            return Some(ActionReason::ConfigUnknown);
        }
        let ((), explicit) =
            plan.world.recording(|| plan.explicit_dependencies(group, candidate.module));
        let answers = plan.answers.borrow();
        let is_pending = |dep: &Dep| answers.waits_for(dep);
        let lifecycle = &group.resource.lifecycle;
        let pending = explicit.iter().any(is_pending)
            || names_pending(group, candidate, is_pending)
            // An update further up may be what makes a condition hold.
            || (!(lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty())
                && rests_on_pending(&answers, &candidate.deps));
        pending.then_some(ActionReason::DependencyPending)
    }

    /// Defers the reading of a data source with what it depends on.
    fn read_much_later(&mut self, candidate: &Candidate, fate: Fate) {
        let group = self.group;
        let bare = candidate.config.clone().unmarked_deep();
        let change = ResourceChange {
            deps: candidate.deps.clone(),
            ..group.change(&candidate.addr, PlannedAction::Read, group.null())
        };
        let causes = fate.causes(&change.addr);
        let after = proposed::merge(&group.schema.block, None, &bare, &causes);
        let after = object::mark_sensitive(after, &group.schema.block);
        self.take(Planned::new(ResourceChange { after, ..change }, fate));
    }

    fn read_later(&mut self, candidate: &Candidate, reason: ActionReason) {
        let group = self.group;
        let bare = candidate.config.clone().unmarked_deep();
        let planned = proposed::merge(&group.schema.block, None, &bare, &candidate.causes);
        let sensitive = candidate.config.paths_with_mark(Marks::SENSITIVE);
        let planned = planned.mark_paths(&sensitive, Marks::SENSITIVE);
        let after = object::mark_sensitive(planned, &group.schema.block);
        let (block, key) = (&candidate.addr.block, candidate.addr.key.clone());
        self.plan.world.set_instance(block, key, Some(after.clone()));
        let change = ResourceChange {
            reason: Some(reason).into(),
            deps: candidate.deps.clone(),
            ..group.change(&candidate.addr, PlannedAction::Read, after)
        };
        self.answer.planned.push(Planned::new(change, Fate::Now));
    }

    async fn read_now(&mut self, provider: &Arc<dyn Provider>, due: Vec<(Candidate, Value)>) {
        let plan = self.plan;
        let mut asked = Vec::with_capacity(due.len());
        for (candidate, config) in due {
            match plan.memory.said(&candidate.addr, &config) {
                Some(reply) => drop(self.fold_data(&candidate, reply)),
                None => asked.push((candidate, config)),
            }
        }
        if asked.is_empty() {
            return;
        }
        let mut requests = Vec::with_capacity(asked.len());
        for (candidate, config) in &asked {
            plan.progress.on(Event::Reading { addr: candidate.addr.clone() });
            requests.push(DataRequest {
                kind: self.group.resource.block.kind.clone(),
                addr: candidate.addr.clone(),
                config: config.clone(),
            });
        }
        let begun = plan.inputs.clock.now();
        let replies = provider.read_data_many(requests).await;
        let elapsed = plan.inputs.clock.now().duration_since(begun).unsigned_abs();
        for ((candidate, config), reply) in asked.into_iter().zip(replies) {
            plan.memory.keep(&candidate.addr, &config, &reply);
            if let Folded::Read(id) = self.fold_data(&candidate, reply) {
                plan.progress.on(Event::Read { addr: candidate.addr, elapsed, id });
            }
        }
    }

    /// Folds an answer in; the id of what was read comes back.
    fn fold_data(&mut self, candidate: &Candidate, reply: DataReply) -> Folded {
        let (plan, group) = (self.plan, self.group);
        plan.report_each(reply.diagnostics, group.resource, &candidate.addr);
        match reply.outcome {
            DataOutcome::Read { state, term } => {
                let sensitive = candidate.config.paths_with_mark(Marks::SENSITIVE);
                let value = state.mark_paths(&sensitive, Marks::SENSITIVE);
                let value = object::mark_sensitive(value, &group.schema.block);
                self.check_read(candidate, &value);
                if let Some(term) = term {
                    let mut ledger = plan.ledger.borrow_mut();
                    ledger.lack(&term.lacks);
                    ledger.lend(&group.schema, &candidate.addr, &value, pasted(&term));
                }
                let id = object::id_of(&value);
                self.take_read(candidate, value);
                return Folded::Read(id);
            }
            DataOutcome::Refused => {
                let unknown = Value::unknown(group.schema.block.ty(), candidate.causes.clone());
                let (block, key) = (&candidate.addr.block, candidate.addr.key.clone());
                plan.world.set_instance(block, key, Some(unknown));
            }
            DataOutcome::Deferred(deferral) => {
                let change = group.change(&candidate.addr, PlannedAction::Read, group.null());
                let change = ResourceChange { deps: candidate.deps.clone(), ..change };
                let told = put_off_as_told(plan, group, candidate, (change, deferral));
                self.take(told);
            }
        }
        Folded::Open
    }

    fn check_read(&self, candidate: &Candidate, value: &Value) {
        let postconditions = &self.group.resource.lifecycle.postconditions;
        if postconditions.is_empty() {
            return;
        }
        let key: &InstanceKey = &candidate.addr.key;
        let at = At::This { key, each: candidate.each.as_ref(), this: value };
        let world = &self.plan.world;
        world.check_rules(candidate.module, at, postconditions, RuleKind::Postcondition);
    }
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

/// Returns whether what was read rests, however far, on a managed resource that is still to be changed.
fn rests_on_pending(answers: &Answers, deps: &[Dep]) -> bool {
    let mut seen: HashSet<&Dep> = HashSet::new();
    let mut open: Vec<&Dep> = deps.iter().collect();
    while let Some(dep) = open.pop() {
        if !seen.insert(dep) {
            continue;
        }
        if answers.waits_for(dep) {
            return true;
        }
        for addr in dep.instances() {
            let planned = answers.find(addr).into_iter();
            open.extend(planned.flat_map(|planned| &planned.change.deps));
            let read = answers.data_of(&addr.block).iter().filter(|data| data.addr == *addr);
            open.extend(read.flat_map(|data| &data.deps));
        }
        if let Some(block) = dep.block() {
            open.extend(answers.of_block(block).flat_map(|planned| &planned.change.deps));
            let of_block = answers.data_of(block).iter();
            let of_block = of_block.filter(|data| block.covers(&data.addr.block));
            open.extend(of_block.flat_map(|data| &data.deps));
        }
    }
    false
}
