//! The rounds of an apply: plan, ask, carry out, and again while that made values known which something waits for.

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_core::{Cancel, Depth, Held, Inputs, Plan, PlanOptions, RunSummary, overdue};
use terrarium_diagnostic::Diagnostics;
use terrarium_state::State;

use crate::carry_out::{Outcome, carry_out};
use crate::error::DriveError;
use crate::notice::{Audience, Notice};
use crate::propose::{Drafting, Proposal, propose};
use crate::run::catch_up;
use crate::tally::Tally;

/// Most plans of one apply: each makes values known that the next one needs.
const ROUNDS: usize = 8;

/// What is to be applied.
pub enum Request {
    /// Whatever these options plan, once somebody agrees to it.
    Options {
        /// The options.
        options: PlanOptions,
        /// What there is to say about them.
        warnings: Diagnostics,
    },
    /// A plan that was agreed to when it was saved.
    Saved(Box<Plan>),
}

/// Whoever has something applied.
#[async_trait(?Send)]
pub trait Caller: Audience {
    /// Returns the plan where somebody agrees to it; `None` where the answer is no.
    async fn agree(
        &self,
        inputs: &Inputs,
        proposal: Proposal,
        round: usize,
    ) -> Result<Option<Plan>, DriveError>;

    /// Is told how a round ended.
    fn concluded(&self, round: Concluded<'_>);
}

/// How a round ended.
pub struct Concluded<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What came of it.
    pub summary: RunSummary,
    /// What was found on the way, not told yet.
    pub diagnostics: Diagnostics,
    /// What was recorded before.
    pub before: &'a State,
    /// Whether nothing failed, and nothing was left because of an interrupt.
    pub good: bool,
}

/// How an apply ended.
pub enum Applied {
    /// The answer was no.
    Refused,
    /// Something failed or was interrupted, and was told.
    Failed,
    /// It was carried out.
    Good(Box<Good>),
}

/// What a good apply left.
pub struct Good {
    /// The last plan.
    pub plan: Plan,
    /// When the first of the credentials ends that were used.
    pub credentials_end: Option<Timestamp>,
    /// How many blocks wait for values.
    pub waiting: usize,
    /// Whether the values that they wait for may be known now.
    pub known: bool,
    /// What came of what had fallen due since a saved plan was made.
    pub caught_up: Option<Tally>,
}

/// Plans and applies, and goes on while that made values known which something waits for.
///
/// # Errors
/// Says what kept it from planning or from reading what is recorded then.
pub async fn apply(
    inputs: &mut Inputs,
    held: &Held,
    request: Request,
    (caller, cancel): (&dyn Caller, &Cancel),
) -> Result<Applied, DriveError> {
    let mut applying = Applying { inputs, held, caller, cancel, taken_over: Vec::new() };
    match request {
        Request::Saved(plan) => applying.saved(*plan).await,
        Request::Options { options, warnings } => applying.rounds(&options, warnings).await,
    }
}

/// An apply under way.
struct Applying<'a> {
    inputs: &'a mut Inputs,
    held: &'a Held,
    caller: &'a dyn Caller,
    cancel: &'a Cancel,
    taken_over: Vec<ResourceAddr>,
}

/// How a round ended, for the next one.
struct End {
    good: bool,
    /// Whether anything was changed.
    changed: bool,
    credentials_until: Option<Timestamp>,
}

impl Applying<'_> {
    async fn rounds(
        &mut self,
        options: &PlanOptions,
        mut warnings: Diagnostics,
    ) -> Result<Applied, DriveError> {
        let mut round = 1;
        loop {
            let audience: &dyn Audience = self.caller;
            let drafting =
                Drafting { options, depth: Depth::Resolve, cancel: self.cancel, audience };
            let mut proposal = propose(self.inputs, Some(self.held), &drafting).await?;
            self.taken_over.append(&mut proposal.taken_over);
            proposal.diagnostics.extend(std::mem::take(&mut warnings));
            let Some(plan) = self.caller.agree(self.inputs, proposal, round).await? else {
                return Ok(Applied::Refused);
            };
            let end = self.round(&plan).await?;
            if !end.good {
                return Ok(Applied::Failed);
            }
            let waiting = waiting_for_values(&plan);
            let known = waiting > 0 && end.changed && round < ROUNDS;
            if known {
                self.caller.on(Notice::PlansAgain(waiting));
                round += 1;
                continue;
            }
            let credentials_end = end.credentials_until;
            let good = Good { plan, credentials_end, waiting, known, caught_up: None };
            return Ok(Applied::Good(Box::new(good)));
        }
    }

    /// A saved plan has one round; what it deferred and what has fallen due since follows.
    async fn saved(&mut self, plan: Plan) -> Result<Applied, DriveError> {
        let end = self.round(&plan).await?;
        if !end.good {
            return Ok(Applied::Failed);
        }
        let waiting = waiting_for_values(&plan);
        let due = overdue(&self.inputs.prior, self.inputs.clock.now());
        let caught_up = if due.is_empty() {
            None
        } else {
            self.caller.on(Notice::FellDue);
            Some(catch_up(self.inputs, self.held, (self.caller, self.cancel)).await?)
        };
        Ok(Applied::Good(Box::new(Good {
            plan,
            credentials_end: end.credentials_until,
            waiting,
            known: waiting > 0 && end.changed,
            caught_up,
        })))
    }

    /// Carries a plan out, and says how that ended.
    async fn round(&mut self, plan: &Plan) -> Result<End, DriveError> {
        let (caller, before) = (self.caller, self.inputs.prior.clone());
        let (held, cancel) = (self.held, self.cancel);
        let outcome = carry_out(self.inputs, held, (plan, None), (cancel, caller)).await;
        let Outcome { mut summary, diagnostics, state } = outcome;
        summary.taken_over = std::mem::take(&mut self.taken_over);
        let good = !diagnostics.has_errors() && summary.failed.is_empty() && !summary.interrupted;
        let end = End {
            good,
            changed: !summary.done.is_empty(),
            credentials_until: summary.credentials_end,
        };
        caller.concluded(Concluded { plan, summary, diagnostics, before: &before, good });
        match state {
            Ok(state) => self.inputs.prior = state,
            Err(error) if good => return Err(error),
            Err(_) => {}
        }
        Ok(end)
    }
}

/// Counts what waits for values that the plan does not know.
fn waiting_for_values(plan: &Plan) -> usize {
    plan.deferred.iter().filter(|one| one.waits_for_values()).count()
}
