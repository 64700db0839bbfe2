//! Occupancy: what sits on what, found out by value, and what the lender's term means for it.
//!
//! An unknown value names its lender by its causes; a known one is looked up among what objects lend,
//! as planned so far, then as recorded, then by asking the provider.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use terrarium_address::{AttrPath, Name, PathStep, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Lender, Provider, Schema, Window};
use terrarium_state::Ended;
use terrarium_value::{Cause, Kind, Value};

use super::candidate::Candidate;
use super::lending::Loan;
use super::{Group, Planner};
use crate::{ActionReason, Occupancy, PlannedAction, Waits, codes};

/// Where an instance sits, and what that means for it in time.
#[derive(Clone, Debug, Default)]
pub(super) struct Seat {
    pub(super) occupies: Occupancy,
    /// The part of time that all lenders have in common.
    pub(super) window: Option<Window>,
    /// What it waits for longest.
    pub(super) wait: Option<Wait>,
    /// Since when a lender is over, and which.
    pub(super) closed: Option<Ended>,
    /// The lender that is made anew under it.
    pub(super) moves: Option<ResourceAddr>,
}

/// Something to wait for.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    /// Until when; `None`: nobody knows.
    pub(super) at: Option<Timestamp>,
    pub(super) waits: Waits,
    /// Completes "waits for …".
    pub(super) reason: String,
}

impl Wait {
    /// Keeps the later of two; what has no time is the latest.
    pub(super) fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(Self::latest(one, other)),
            (one, other) => one.or(other),
        }
    }

    /// Keeps the later of two that there are.
    pub(super) fn latest(one: Self, other: Self) -> Self {
        let key = |wait: &Self| wait.at.unwrap_or(Timestamp::MAX);
        if key(&other) > key(&one) { other } else { one }
    }
}

impl Planner<'_> {
    /// Finds out where instances sit; asks the provider once about values that nobody is known to lend.
    pub(super) async fn seat_all(
        &self,
        group: &Group<'_>,
        provider: &Arc<dyn Provider>,
        candidates: &mut [Candidate],
    ) {
        if !group.schema.occupies.is_empty() {
            let mut asked: BTreeSet<Name> = BTreeSet::new();
            for candidate in candidates.iter() {
                for value in occupied(&group.schema, &candidate.config.unmarked_deep()) {
                    asked.extend(
                        value.as_str().map(Name::from).filter(|text| self.is_foreign(text)),
                    );
                }
            }
            self.ask(provider, asked.into_iter().collect()).await;
        }
        for candidate in candidates {
            self.note_given(&group.schema, &candidate.config.unmarked_deep());
            candidate.seat = self.seat(group, candidate);
        }
    }

    /// Returns whether nothing that is planned or recorded lends a value, and nobody was asked yet.
    fn is_foreign(&self, text: &Name) -> bool {
        if self.lent.borrow().by_value.contains_key(text) {
            return false;
        }
        self.index_recorded();
        let lent = self.lent.borrow();
        !lent.by_value.contains_key(text) && !lent.foreign.contains_key(text)
    }

    async fn ask(&self, provider: &Arc<dyn Provider>, asked: Vec<Name>) {
        if asked.is_empty() || self.options.offline || !self.options.refresh {
            return;
        }
        let texts: Vec<String> = asked.iter().map(ToString::to_string).collect();
        let found = provider.lenders(&texts).await;
        self.lent.borrow_mut().foreign.extend(asked.into_iter().zip(found));
    }

    fn seat(&self, group: &Group<'_>, candidate: &Candidate) -> Seat {
        let now = self.now;
        let mut seat = Seat::default();
        let config = candidate.config.unmarked_deep();
        let mut lenders: BTreeSet<ResourceAddr> = BTreeSet::new();
        for value in occupied(&group.schema, &config) {
            match value.as_str() {
                Some(text) => {
                    let lent = self.lent.borrow();
                    if let Some(lender) = lent.by_value.get(text) {
                        lenders.insert(lender.clone());
                    } else if let Some(Some(foreign)) = lent.foreign.get(text) {
                        seat.sit_on_foreign(foreign, now);
                    }
                }
                None => lenders.extend(self.lenders_behind(&value)),
            }
        }
        lenders.remove(&candidate.addr);
        for addr in &lenders {
            if let Some(loan) = self.loan(addr) {
                seat.sit_on(addr, &loan, now);
            }
        }
        seat.moves = seat.moves.or_else(|| self.loses_lender(group, candidate, &lenders));
        let lends = |addr: &ResourceAddr| {
            let over = self.loan(addr).and_then(|loan| loan.over(now));
            over.or_else(|| self.seen_end(addr)).is_none()
        };
        if let Some(gone) = lenders.iter().find(|addr| self.goes(addr) && lends(addr)) {
            self.report_at(sits_on_removed(gone, &candidate.addr), group.resource, &candidate.addr);
        }
        seat.occupies.lenders = lenders.into_iter().collect();
        let waits = Self::waits_for_values(candidate, &config);
        seat.wait = Wait::later(seat.wait.take(), waits);
        seat.wait = Wait::later(seat.wait.take(), self.waits_for_named(group, candidate));
        seat
    }

    /// Returns the recorded lender that an object loses: one that is removed, or that has been replaced
    /// under it.
    fn loses_lender(
        &self,
        group: &Group<'_>,
        candidate: &Candidate,
        lenders: &BTreeSet<ResourceAddr>,
    ) -> Option<ResourceAddr> {
        let prior = candidate.prior.as_ref()?;
        let lost = prior.occupies.iter().find(|addr| {
            let renewed = || self.loan(addr).is_some_and(|loan| loan.renewed);
            self.goes(addr) || (!lenders.contains(*addr) && renewed())
        });
        lost.cloned().or_else(|| {
            let lent = self.lent.borrow();
            if lent.by_deposed.is_empty() {
                return None;
            }
            occupied(&group.schema, &prior.value.unmarked_deep())
                .iter()
                .find_map(|value| lent.by_deposed.get(value.as_str()?).cloned())
        })
    }

    /// Returns whether an instance is removed by this plan: it is planned to be, or will be, since its block
    /// is no longer there.
    fn goes(&self, addr: &ResourceAddr) -> bool {
        let found = self.found.borrow();
        let planned = found.by_addr.get(addr).and_then(|at| found.changes.get(*at));
        if let Some(change) = planned {
            // What goes down with its lender comes back.
            return matches!(change.action, PlannedAction::Delete | PlannedAction::Forget)
                && *change.reason != Some(ActionReason::LenderEnds);
        }
        self.inputs.config.resource(&addr.block).is_none()
    }

    /// Returns the lenders that an unknown value waits for.
    fn lenders_behind(&self, value: &Value) -> Vec<ResourceAddr> {
        let lent = self.lent.borrow();
        let causes = value.causes_deep();
        let addrs = causes.iter().filter_map(|cause| match cause {
            Cause::Instance { addr, .. } => Some(addr.clone()),
            Cause::Other(_) => None,
        });
        addrs.filter(|addr| lent.loans.contains_key(addr)).collect()
    }
}

impl Seat {
    fn sit_on(&mut self, addr: &ResourceAddr, loan: &Loan, now: Timestamp) {
        if let Some(at) = loan.over(now).filter(|_| !loan.fresh) {
            let ended = Ended { at, with: Some(addr.clone()) };
            self.closed.get_or_insert(ended);
        }
        if loan.renewed {
            self.moves.get_or_insert_with(|| addr.clone());
        }
        self.narrow(loan.window);
        let wait = loan.wait(&addr.to_string(), now);
        self.wait = Wait::later(self.wait.take(), wait);
    }

    fn sit_on_foreign(&mut self, lender: &Lender, now: Timestamp) {
        let loan = Loan::foreign(&lender.term);
        if let Some(at) = loan.over(now) {
            self.closed.get_or_insert(Ended { at, with: None });
        }
        self.narrow(loan.window);
        self.wait = Wait::later(self.wait.take(), loan.wait(&lender.label, now));
        if !self.occupies.foreign.contains(&lender.label) {
            self.occupies.foreign.push(lender.label.clone());
        }
    }

    fn narrow(&mut self, window: Option<Window>) {
        self.window = match (self.window, window) {
            (Some(one), Some(other)) => one.intersect(&other).or(Some(one)),
            (one, other) => one.or(other),
        };
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

/// Lists the values at the paths that say what an object sits on; nulls are left out.
pub(super) fn occupied(schema: &Schema, value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for occupies in &schema.occupies {
        pick(value, &occupies.path.0, &mut found);
    }
    found.retain(|value| !value.is_null());
    found
}

/// Returns the texts at a path that are known and not empty: names of things.
pub(crate) fn names_at(value: &Value, path: &AttrPath) -> BTreeSet<String> {
    let mut values = Vec::new();
    pick(value, &path.0, &mut values);
    let texts = values.iter().filter_map(Value::as_str).filter(|text| !text.is_empty());
    texts.map(str::to_owned).collect()
}

/// Collects the values at a path; where a part of it is unknown, that part.
pub(super) fn pick(value: &Value, path: &[PathStep], found: &mut Vec<Value>) {
    let Some((step, rest)) = path.split_first() else {
        found.push(value.clone());
        return;
    };
    if let Kind::Unknown(_) = value.kind() {
        found.push(value.clone());
        return;
    }
    match step {
        PathStep::Attr(name) | PathStep::Key(name) => {
            if let Some(inner) = value.get(name) {
                pick(inner, rest, found);
            }
        }
        PathStep::Index(at) => {
            let inner = usize::try_from(*at).ok().and_then(|at| value.as_items()?.get(at));
            if let Some(inner) = inner {
                pick(inner, rest, found);
            }
        }
        PathStep::AnyElement => {
            for inner in value.as_items().unwrap_or_default() {
                pick(inner, rest, found);
            }
            for inner in value.as_entries().into_iter().flat_map(|entries| entries.values()) {
                pick(inner, rest, found);
            }
        }
    }
}
