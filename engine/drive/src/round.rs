//! One round of a run, under the lock: plan, take what is due and approved, carry it out, write down what stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrarium_address::{ResourceAddr, Target};
use terrarium_core::{
    Cancel, Depth, Held, Inputs, Judge, Mode, Plan, PlanOptions, RecoverOptions, RunSummary,
    TimeOptions, Turn,
};
use terrarium_diagnostic::Diagnostics;
use terrarium_state::{Batch, Durability, ScheduleChange, Scheduled, State};

use crate::came::{Came, FailedDue};
use crate::carry_out::{Outcome, carry_out};
use crate::cause::{setbacks, untold};
use crate::decide::{acting, count, gate, missed, split, without_broken};
use crate::error::DriveError;
use crate::notice::{Audience, Notice, Work};
use crate::patience::Patience;
use crate::propose;
use crate::rules::Rules;
use crate::tally::Tally;

/// One round.
pub(crate) struct Round<'a> {
    pub(crate) inputs: &'a mut Inputs,
    pub(crate) held: &'a Held,
    pub(crate) rules: Rules,
    /// Whether the last round knew of something that waits to be read.
    pub(crate) awaits: bool,
    pub(crate) patience: &'a mut Patience,
    pub(crate) audience: &'a dyn Audience,
    pub(crate) cancel: &'a Cancel,
}

impl Round<'_> {
    /// Takes the round; what is recorded then is the prior state of its inputs.
    pub(crate) async fn take(mut self) -> Result<Came, DriveError> {
        let full = self.recovered().await?;
        let now = self.inputs.clock.now();
        self.patience.learn(&full.schedule);
        let resting = full.schedule.iter().filter(|entry| self.patience.rests(entry, now));
        let resting: BTreeSet<ResourceAddr> = resting.map(|entry| entry.addr.clone()).collect();
        let mut came = Came::default();
        let (plan, aside) = self.plan(resting, &mut came).await?;
        let (reduced, kept) = split(&full, &aside);
        came.missed = missed(&plan, &reduced);
        came.reading = plan.next_reading();
        let reads = plan.has_readings() || (self.awaits && came.reading.is_none());
        // What needs something that rests waits with it, and is not held back.
        let rests = (!aside.is_empty()).then(|| (self.rules.split)(plan.clone(), &full, now).held);
        let Turn { plan, held, mut left, next } = (self.rules.split)(plan, &reduced, now);
        left.extend(kept);
        came.next = next;
        came.gate = gate(&left, &held, &aside, now);
        came.held = rests.unwrap_or(held);
        came.held.retain(|held| !aside.contains(&held.addr));
        came.left_alone = full.schedule.iter().any(|entry| self.patience.is_given_up(&entry.addr));
        let plan = without_broken(plan, self.patience, &mut came);
        // What is made anew is counted before it is, as an action is recorded before it is sent.
        self.remember().await?;
        left.extend(given_up(&full, &came, &left));
        if acting(&plan) || reads {
            let summary = self.carry_out(&plan, left).await?;
            let now = self.inputs.clock.now();
            count(&mut came, summary, (&full, self.patience), now);
        } else {
            self.write(&full, &left).await?;
        }
        self.remember().await?;
        if !came.failed.is_empty() {
            self.audience.on(Notice::Failed(&setbacks(&came.failed)));
        }
        Ok(came)
    }

    /// Has the store remember how often what was tried in vain.
    async fn remember(&mut self) -> Result<(), DriveError> {
        let news = self.patience.news(&self.inputs.prior.schedule);
        if news.is_empty() {
            return Ok(());
        }
        let Held { store, fence } = self.held;
        let schedule = news.iter().cloned().map(ScheduleChange::Put).collect();
        let batch = Batch { schedule, ..Batch::default() };
        store.submit(fence, batch, Durability::Now).durable().await?;
        let prior = Arc::make_mut(&mut self.inputs.prior);
        for new in news {
            let key = new.key();
            if let Some(entry) = prior.schedule.iter_mut().find(|entry| entry.key() == key) {
                *entry = new;
            }
        }
        Ok(())
    }

    /// Resolves what an earlier command left open.
    async fn recovered(&mut self) -> Result<Arc<State>, DriveError> {
        let progress = self.audience.progress(Work::Looking);
        let options =
            RecoverOptions { depth: Depth::Resolve, progress: &progress, cancel: self.cancel };
        let found = terrarium_core::recover(self.inputs, self.held, &options).await;
        self.audience.finish();
        self.inputs.prior = found.state;
        if found.diagnostics.has_errors() {
            return Err(found.diagnostics.into());
        }
        self.audience.on(Notice::Found(&found.diagnostics));
        Ok(self.inputs.prior.clone())
    }

    /// Plans everything; where that has errors, plans what is due and has none. Returns what is left aside.
    async fn plan(
        &mut self,
        mut aside: BTreeSet<ResourceAddr>,
        came: &mut Came,
    ) -> Result<(Plan, BTreeSet<ResourceAddr>), DriveError> {
        let (plan, found) = self.planned(Vec::new()).await?;
        if !plan.errored && !found.has_errors() {
            self.audience.on(Notice::Found(&found));
            return Ok((plan, aside));
        }
        let state = self.inputs.prior.clone();
        let now = self.inputs.clock.now();
        let due = |entry: &&Scheduled| entry.schedule.not_before.is_none_or(|at| at <= now);
        for entry in state.schedule.iter().filter(due).filter(|entry| !aside.contains(&entry.addr))
        {
            let named = found
                .iter()
                .find(|one| one.is_error() && one.origin.addr.as_ref() == Some(&entry.addr));
            if let Some(error) = named {
                let prospect = self.patience.failed(&entry.addr, now, entry.schedule.not_after);
                let why = error.summary.clone();
                came.failed.push(FailedDue { addr: entry.addr.clone(), why, prospect });
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
        let failed: Vec<&ResourceAddr> = came.failed.iter().map(|one| &one.addr).collect();
        self.audience.on(Notice::Found(&untold(&errors(&found), &failed)));
        let (plan, found) = self.planned(good.clone()).await?;
        if plan.errored || found.has_errors() {
            return Err(found.into());
        }
        let planned: BTreeSet<String> = good.iter().map(ToString::to_string).collect();
        let others = state.schedule.iter().map(|entry| &entry.addr);
        let others = others.filter(|addr| !planned.contains(&addr.to_string()));
        aside.extend(others.cloned());
        Ok((plan, aside))
    }

    async fn planned(&self, targets: Vec<Target>) -> Result<(Plan, Diagnostics), DriveError> {
        let options = PlanOptions {
            mode: Mode::Normal,
            refresh: true,
            targets,
            replace: Vec::new(),
            offline: false,
            imports: Vec::new(),
            time: TimeOptions { judge: Judge::Services, ..TimeOptions::default() },
        };
        let progress = self.audience.progress(Work::Looking);
        let planned =
            propose::planned(self.inputs, Some(self.held), &options, (&progress, self.cancel))
                .await;
        self.audience.finish();
        let (plan, found) = planned?;
        self.audience.on(Notice::Planned(&plan));
        Ok((plan, found))
    }

    async fn carry_out(
        &mut self,
        plan: &Plan,
        left: Vec<Scheduled>,
    ) -> Result<RunSummary, DriveError> {
        let acting = (plan, Some(left));
        let outcome = carry_out(self.inputs, self.held, acting, (self.cancel, self.audience)).await;
        let Outcome { summary, diagnostics, state } = outcome;
        let failed: Vec<&ResourceAddr> = summary.failed.iter().map(|one| &one.addr).collect();
        self.audience.on(Notice::Found(&untold(&diagnostics, &failed)));
        self.inputs.prior = state?;
        Ok(summary)
    }

    /// Writes down what stays scheduled, where nothing was carried out.
    async fn write(&mut self, full: &State, left: &[Scheduled]) -> Result<(), DriveError> {
        let schedule = ScheduleChange::between(&full.schedule, left);
        if schedule.is_empty() {
            return Ok(());
        }
        let Held { store, fence } = self.held;
        let batch = Batch { schedule, ..Batch::default() };
        store.submit(fence, batch, Durability::Now).durable().await?;
        self.inputs.prior = Arc::new(store.load().await?);
        Ok(())
    }
}

/// Tells what is new about a round, and counts it.
pub(crate) fn tell(tally: &mut Tally, came: Came, audience: &dyn Audience) {
    let new = tally.newly_held(&came);
    if !new.is_empty() {
        audience.on(Notice::HeldBack(&new));
    }
    if !came.missed.is_empty() {
        audience.on(Notice::Missed(&came.missed));
    }
    tally.add(came);
}

/// Lists what stays scheduled although it failed before anything was done.
fn given_up(full: &State, came: &Came, left: &[Scheduled]) -> Vec<Scheduled> {
    let failed = |entry: &&Scheduled| came.failed.iter().any(|failed| failed.addr == entry.addr);
    let missing = |entry: &&Scheduled| !left.iter().any(|kept| kept.addr == entry.addr);
    full.schedule.iter().filter(failed).filter(missing).cloned().collect()
}

/// Returns the errors alone.
fn errors(diagnostics: &Diagnostics) -> Diagnostics {
    Diagnostics(diagnostics.iter().filter(|one| one.is_error()).cloned().collect())
}
