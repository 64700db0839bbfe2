//! One turn under the lock: plan, take what is due and approved, carry it out, write down what stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr, Target};
use terrarium_core::{
    Cancel, Depth, Event, HeldBack, Judge, Mode, OutputChange, Plan, PlanOptions, Progress,
    RecoverOptions, RunSummary, TimeOptions, Turn,
};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::Action;
use terrarium_state::{Batch, ScheduleChange, Scheduled, State};

use super::decide::{acting, count, gate, missed, split, without_broken};
use super::errors;
use super::patience::Patience;
use super::telling::Teller;
use crate::commands::{carry_out, planning};
use crate::context::{Context, Failed};
use crate::progress;
use crate::setup::session::Session;
use crate::setup::store;

/// What a turn needs beside its session.
pub(super) struct Turning<'a> {
    pub(super) context: &'a Context,
    pub(super) cancel: &'a Cancel,
}

/// What came of a turn.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// Whether anything was carried out, so that more may be possible now.
    pub(super) acted: bool,
    /// How many were added, changed, destroyed.
    pub(super) done: (usize, usize, usize),
    pub(super) failed: Vec<FailedDue>,
    pub(super) held: Vec<HeldBack>,
    pub(super) missed: Vec<Missed>,
    /// When the next scheduled action falls due.
    pub(super) next: Option<Timestamp>,
    /// What keeps a due action waiting, so that it is asked again soon.
    pub(super) gate: Option<Gate>,
    /// Whether it was interrupted before all of it was carried out.
    pub(super) interrupted: bool,
    /// Root outputs, where something was carried out.
    pub(super) outputs: BTreeMap<Name, OutputChange>,
}

/// Why something that could be due waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gate {
    /// Its time has come, and its lender does not lend yet.
    Time,
    /// Nobody knows when its time comes.
    Unknown,
}

/// A due action that failed.
#[derive(Debug)]
pub(super) struct FailedDue {
    pub(super) addr: ResourceAddr,
    pub(super) why: String,
    /// When it is tried again; `None`: it is given up.
    pub(super) again: Option<Timestamp>,
}

/// A scheduled action that can't be carried out any more.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) addr: ResourceAddr,
    pub(super) action: Action,
    pub(super) closed: Timestamp,
}

impl Turning<'_> {
    /// Takes one turn.
    pub(super) async fn take(
        &self,
        session: &mut Session,
        patience: &mut Patience,
        teller: Option<&Teller<'_>>,
    ) -> Result<Came, Failed> {
        let full = self.recovered(session).await?;
        let now = session.inputs.clock.now();
        let resting: BTreeSet<ResourceAddr> = full
            .schedule
            .iter()
            .map(|entry| entry.addr.clone())
            .filter(|addr| patience.rests(addr, now))
            .collect();
        let mut came = Came::default();
        let lock = planning::held(session);
        let planned = self.plan(session, resting, (&mut came, patience));
        let planned = terrarium_core::while_held(lock.as_ref(), planned).await;
        let (plan, aside) = planned.map_err(|error| store::not_written(&error))??;
        let (reduced, kept) = split(&full, &aside);
        came.missed = missed(&plan, &reduced);
        if let Some(teller) = teller {
            teller.speak_in(plan.zone.as_ref());
        }
        // What needs something that rests waits with it, and is not held back.
        let rests =
            (!aside.is_empty()).then(|| terrarium_core::turn(plan.clone(), &full, now).held);
        let Turn { plan, held, mut left, next } = terrarium_core::turn(plan, &reduced, now);
        left.extend(kept);
        came.next = next;
        came.gate = gate(&left, &held, &aside, now);
        came.held = rests.unwrap_or(held);
        came.held.retain(|held| !aside.contains(&held.addr));
        let plan = without_broken(plan, patience, &mut came);
        let given_up = |entry: &&Scheduled| {
            came.failed.iter().any(|failed| failed.addr == entry.addr)
                && !left.iter().any(|kept| kept.addr == entry.addr)
        };
        let kept: Vec<Scheduled> = full.schedule.iter().filter(given_up).cloned().collect();
        left.extend(kept);
        if acting(&plan) {
            let summary = self.carry_out(session, &plan, left).await?;
            let now = session.inputs.clock.now();
            count(&mut came, summary, (&full, patience), now);
        } else if let Some(fence) = &session.fence {
            let schedule = ScheduleChange::between(&full.schedule, &left);
            if !schedule.is_empty() {
                let batch = Batch { schedule, ..Batch::default() };
                store::commit(&session.store, fence, batch).await?;
            }
        }
        if let Some(teller) = teller {
            came.failed.iter().for_each(|failed| teller.failed(failed));
        }
        Ok(came)
    }

    /// Resolves what an earlier command left open.
    async fn recovered(&self, session: &mut Session) -> Result<Arc<State>, Failed> {
        let progress: Arc<dyn Progress> = Arc::new(Quiet(progress::Teller::new(self.context)));
        if let Some(held) = planning::held(session) {
            let (depth, cancel) = (Depth::Resolve, self.cancel);
            let options = RecoverOptions { depth, progress: &progress, cancel };
            let found = terrarium_core::recover(&session.inputs, &held, &options).await;
            session.inputs.prior = found.state;
            if found.diagnostics.has_errors() {
                return Err(found.diagnostics.into());
            }
            self.context.report(&found.diagnostics);
        }
        Ok(session.inputs.prior.clone())
    }

    /// Plans everything; where that has errors, plans what is due and has none. Returns what is left aside.
    async fn plan(
        &self,
        session: &Session,
        mut aside: BTreeSet<ResourceAddr>,
        (came, patience): (&mut Came, &mut Patience),
    ) -> Result<(Plan, BTreeSet<ResourceAddr>), Failed> {
        let state = &session.inputs.prior;
        let (plan, found) = self.planned(session, Vec::new()).await;
        if !plan.errored && !found.has_errors() {
            self.context.report(&found);
            return Ok((plan, aside));
        }
        let now = session.inputs.clock.now();
        let due = |entry: &&Scheduled| entry.schedule.not_before.is_none_or(|at| at <= now);
        for entry in state.schedule.iter().filter(due).filter(|entry| !aside.contains(&entry.addr))
        {
            let named = found
                .iter()
                .find(|one| one.is_error() && one.origin.addr.as_ref() == Some(&entry.addr));
            if let Some(error) = named {
                let again = patience.failed(&entry.addr, now, entry.schedule.not_after);
                let why = error.summary.clone();
                came.failed.push(FailedDue { addr: entry.addr.clone(), why, again });
            }
        }
        aside.extend(came.failed.iter().map(|failed| failed.addr.clone()));
        let good: Vec<Target> = state
            .schedule
            .iter()
            .filter(due)
            .filter(|entry| !aside.contains(&entry.addr))
            .map(|entry| Target::Instance(entry.addr.clone()))
            .collect();
        if good.is_empty() || came.failed.is_empty() {
            return Err(found.into());
        }
        self.context.report(&errors(&found));
        let (plan, found) = self.planned(session, good.clone()).await;
        if plan.errored || found.has_errors() {
            return Err(found.into());
        }
        let planned: BTreeSet<String> = good.iter().map(ToString::to_string).collect();
        let others = state.schedule.iter().map(|entry| &entry.addr);
        let others = others.filter(|addr| !planned.contains(&addr.to_string()));
        aside.extend(others.cloned());
        Ok((plan, aside))
    }

    async fn planned(&self, session: &Session, targets: Vec<Target>) -> (Plan, Diagnostics) {
        let options = PlanOptions {
            mode: Mode::Normal,
            refresh: true,
            targets,
            replace: Vec::new(),
            offline: false,
            imports: Vec::new(),
            time: TimeOptions { judge: Judge::Services, ..TimeOptions::default() },
        };
        let silent: Arc<dyn Progress> = Arc::new(terrarium_core::Silent);
        let planned = terrarium_core::plan(&session.inputs, &options, &silent, self.cancel).await;
        self.context.redactor().learn_plan(&planned.0);
        planned
    }

    async fn carry_out(
        &self,
        session: &mut Session,
        plan: &Plan,
        left: Vec<Scheduled>,
    ) -> Result<RunSummary, Failed> {
        let (summary, diagnostics) =
            carry_out::carry_out(self.context, session, plan, (self.cancel, Some(left))).await?;
        self.context.report(&diagnostics);
        Ok(summary)
    }
}
/// Tells only what is recovered: a run that looks every ten seconds says nothing of what it reads.
struct Quiet(Arc<progress::Teller>);

impl Progress for Quiet {
    fn on(&self, event: Event) {
        if matches!(event, Event::Recovering { .. } | Event::Recovered { .. }) {
            self.0.on(event);
        }
    }
}
