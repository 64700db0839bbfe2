//! Seats: who sits on what, found out by value. An unknown value names its lender by its causes; a known one is looked
//! up among what objects lend, as planned so far, then as recorded, then by asking the provider.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Deferral, Provider};
use terrarium_state::State;
use terrarium_value::Value;

use super::Planner;
use super::candidate::Candidate;
use super::group::Group;
use super::time::{Facts, Planned, Seat, dangling, left_as_it_is};
use crate::fate::{Fate, Wait, causes};
use crate::paths::occupied;
use crate::{PlannedAction, ResourceChange, Waits, codes, object, proposed};

/// Finds out where instances sit; asks the provider once about values that nobody is known to lend.
pub(super) async fn seat_all(
    plan: &Planner<'_>,
    group: &Group<'_>,
    provider: &Arc<dyn Provider>,
    candidates: &mut [Candidate],
) {
    let schema = &group.schema;
    if !schema.occupies.is_empty() {
        let mut asked: BTreeSet<Name> = BTreeSet::new();
        for candidate in candidates.iter() {
            let values = occupied(schema, &candidate.config.unmarked_deep());
            let texts = values.iter().filter_map(Value::as_str).map(Name::from);
            asked.extend(texts.filter(|text| plan.is_foreign(text)));
        }
        ask(plan, provider, asked.into_iter().collect()).await;
    }
    for candidate in candidates {
        let config = candidate.config.unmarked_deep();
        plan.ledger.borrow_mut().note_given(schema, &config);
        candidate.seat = seat(plan, group, candidate, &config);
        let_go(plan, group, candidate, &config);
    }
}

async fn ask(plan: &Planner<'_>, provider: &Arc<dyn Provider>, asked: Vec<Name>) {
    if asked.is_empty() || !plan.modes.asked {
        return;
    }
    let texts: Vec<String> = asked.iter().map(ToString::to_string).collect();
    let found = provider.lenders(&texts).await;
    plan.ledger.borrow_mut().answered(asked.into_iter().zip(found));
}

/// Collects the facts of an instance, and has the rules of time judge them.
fn seat(plan: &Planner<'_>, group: &Group<'_>, candidate: &Candidate, config: &Value) -> Seat {
    let mut sits = plan.ledger.borrow().sat_on(&group.schema, config);
    sits.retain(|(what, _)| what.instance() != Some(&candidate.addr));
    if candidate.prior.as_ref().is_some_and(|prior| prior.ended.is_none()) {
        // What is there needs nothing any more to come.
        for (_, loan) in &mut sits {
            loan.lacks = false;
        }
    }
    let lenders: BTreeSet<ResourceAddr> =
        sits.iter().filter_map(|(what, _)| what.instance().cloned()).collect();
    if let Some(gone) = lenders.iter().find(|addr| plan.goes(addr) && plan.lends(addr)) {
        plan.report_at(sits_on_removed(gone, &candidate.addr), group.resource, &candidate.addr);
    }
    let facts = Facts {
        loses: loses_lender(plan, group, candidate, &lenders),
        sits,
        values: config.causes_deep(),
        named: named(plan, group, candidate),
    };
    Seat::of(&facts, &candidate.addr, plan.now)
}

/// Returns what a `depends_on` names that is not there yet.
pub(super) fn named(
    plan: &Planner<'_>,
    group: &Group<'_>,
    candidate: &Candidate,
) -> Vec<super::time::Coming> {
    let ((), explicit) =
        plan.world.recording(|| plan.explicit_dependencies(group, candidate.module));
    plan.ledger.borrow().coming(explicit.iter())
}

/// Lets an object be as it is where it names something that ended; what does not exist and names that never comes.
fn let_go(plan: &Planner<'_>, group: &Group<'_>, candidate: &mut Candidate, config: &Value) {
    let ledger = plan.ledger.borrow();
    let Some(over) = dangling(&group.schema, config, ledger.ended()) else { return };
    match candidate.prior.as_ref().filter(|prior| prior.ended.is_none()) {
        Some(prior) => {
            let prior = prior.value.clone();
            let values = (&candidate.config, &prior);
            candidate.config = left_as_it_is(&group.schema, values, ledger.ended());
            candidate.lets_go = true;
        }
        None if candidate.prior.is_none() => {
            candidate.seat.over.get_or_insert_with(|| over.clone());
        }
        None => {}
    }
}

/// Returns the recorded lender that an object loses: one that is removed, or that has been replaced
/// under it.
fn loses_lender(
    plan: &Planner<'_>,
    group: &Group<'_>,
    candidate: &Candidate,
    lenders: &BTreeSet<ResourceAddr>,
) -> Option<ResourceAddr> {
    let prior = candidate.prior.as_ref()?;
    let ledger = plan.ledger.borrow();
    let lost = prior.occupies.iter().find(|addr| {
        let renewed = || ledger.loan(addr).is_some_and(|loan| loan.renewed);
        plan.goes(addr) || (!lenders.contains(*addr) && renewed())
    });
    lost.cloned().or_else(|| ledger.sat_on_deposed(&group.schema, &prior.value))
}

impl Planner<'_> {
    /// Returns whether nothing that is planned or recorded lends a value, and nobody was asked yet.
    fn is_foreign(&self, text: &Name) -> bool {
        if !self.ledger.borrow().is_new(text) {
            return false;
        }
        self.ledger.borrow_mut().index(|instance, addr| {
            let provider = self.providers.recorded(&instance.provider)?;
            self.providers.kind(&provider)?.schema(addr.block.mode, &addr.block.kind)
        });
        self.ledger.borrow().is_new(text)
    }

    /// Returns whether an instance is removed by this plan: it is planned to be, or will be, since its block
    /// is no longer there.
    fn goes(&self, addr: &ResourceAddr) -> bool {
        let answers = self.answers.borrow();
        if let Some(planned) = answers.find(addr) {
            return matches!(planned.change.action, PlannedAction::Delete | PlannedAction::Forget);
        }
        self.inputs.config.resource(&addr.block).is_none()
    }

    /// Returns whether what is planned or recorded at an address still lends.
    fn lends(&self, addr: &ResourceAddr) -> bool {
        let ledger = self.ledger.borrow();
        ledger.over(addr, self.now).is_none() && ledger.seen_end(addr).is_none()
    }
}

/// Puts off what its provider can't plan or read yet: those who read it wait with it.
pub(super) fn put_off_as_told(
    plan: &Planner<'_>,
    group: &Group<'_>,
    candidate: &Candidate,
    (change, deferral): (ResourceChange, Deferral),
) -> Planned {
    let waits = match plan.providers.waits(&group.provider) {
        Some(_) => Waits::Configuration,
        None => Waits::Provider,
    };
    let wait = Wait { at: deferral.not_before, waits, reason: deferral.reason };
    if !plan.options.time.defer {
        plan.refuse_waiting(group, candidate, &wait);
    }
    let prior = candidate.prior.as_ref().map(|prior| &prior.value);
    let causes = causes(&candidate.addr, wait.when());
    let after = proposed::merge(&group.schema.block, prior, &candidate.config, &causes);
    let after = object::mark_sensitive(after, &group.schema.block);
    let action = match (prior, change.action) {
        (Some(_), PlannedAction::Create) => PlannedAction::Update,
        (_, action) => action,
    };
    let change = ResourceChange { action, after, ..change };
    Planned::new(change, Fate::Later(wait))
}

/// Who is recorded to sit on whom, and has not ended; found when it is first asked for.
pub(super) struct Seated<'a> {
    prior: &'a State,
    by_lender: std::cell::OnceCell<HashMap<&'a ResourceAddr, Vec<&'a ResourceAddr>>>,
}

impl<'a> Seated<'a> {
    pub(super) fn new(prior: &'a State) -> Self {
        Self { prior, by_lender: std::cell::OnceCell::new() }
    }

    /// Returns who is recorded to sit on a lender.
    pub(super) fn on(&self, lender: &ResourceAddr) -> &[&'a ResourceAddr] {
        let find = || {
            let mut found: HashMap<&ResourceAddr, Vec<&ResourceAddr>> = HashMap::new();
            for (addr, instance) in &self.prior.resources {
                let here = instance.current.iter().filter(|object| object.ended.is_none());
                for lender in here.flat_map(|object| &object.occupies) {
                    found.entry(lender).or_default().push(addr);
                }
            }
            found
        };
        self.by_lender.get_or_init(find).get(lender).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Says that what an object is configured to sit on is removed by the same plan.
fn sits_on_removed(lender: &ResourceAddr, addr: &ResourceAddr) -> Diagnostic {
    Diagnostic::error(codes::LENDER_GOES, "What it sits on is removed")
        .detail(format!(
            "{addr} still names what {lender} lends, and {lender} is no longer in the configuration: it would be \
             removed, and {addr} with it."
        ))
        .help("remove both, keep both, or let it sit on another lease")
}
