//! The run: stays, and carries out what was approved when its time comes. It never approves, repairs no drift,
//! and holds the lock only while it acts.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use terrarium_core::{Cancel, Held, Inputs};
use terrarium_provider::Clock;
use terrarium_state::Store;

use crate::came::{Came, Gate};
use crate::error::DriveError;
use crate::notice::{Audience, Notice};
use crate::patience::Patience;
use crate::round::Round;
use crate::seen::LastSeen;
use crate::tally::{Tally, Verdict};
use crate::wait::{Pace, Ring, Waiting};

/// The first rest after a round that could not be planned: a lock that somebody else holds, errors of the
/// configuration, a cloud that does not answer. Each further one is twice as long.
const LATER: SignedDuration = SignedDuration::from_secs(30);
/// The longest such rest.
const LATEST: SignedDuration = SignedDuration::from_mins(10);
/// How often a clock that jumps is moved on for it.
const TROUBLES: u32 = 12;

/// What a round rests on, with the state's lock.
pub struct Ground {
    /// All that the engine may know.
    pub inputs: Inputs,
    /// The store under its lock.
    pub held: Held,
}

/// Where a run works: brings together what each round rests on.
#[async_trait(?Send)]
pub trait Workplace {
    /// Returns the store, without its lock.
    fn store(&self) -> &Arc<dyn Store>;

    /// Takes the lock and reads configuration, variables and state anew.
    async fn open(&self, seen: &LastSeen) -> Result<Ground, DriveError>;
}

/// How a run goes about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Whether it takes what is due and does not stay.
    pub once: bool,
    /// Until when it stays at most.
    pub until: Option<Timestamp>,
}

/// What a run is given.
pub struct Runner<'a> {
    /// Where it works.
    pub place: &'a dyn Workplace,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// How time passes while it waits.
    pub pace: &'a dyn Pace,
    /// Who is told.
    pub audience: &'a dyn Audience,
    /// Asks to stop.
    pub cancel: &'a Cancel,
}

/// Takes rounds until nothing is left, or somebody says stop.
///
/// # Errors
/// Says what keeps the first round from being planned; what fails later is told and tried again.
pub async fn run(runner: Runner<'_>, options: RunOptions) -> Result<Verdict, DriveError> {
    let watch = Watch {
        patience: Patience::counting(runner.pace.jumps()),
        tally: Tally::default(),
        troubles: 0,
        runner,
        options,
    };
    watch.stay().await
}

/// Carries out what is due by now under a lock that is held already: what a saved plan deferred and what has fallen
/// due since.
///
/// # Errors
/// Says what keeps a round from being planned.
pub async fn catch_up(
    inputs: &mut Inputs,
    held: &Held,
    (audience, cancel): (&dyn Audience, &Cancel),
) -> Result<Tally, DriveError> {
    let mut patience = Patience::default();
    let mut tally = Tally::default();
    loop {
        let patience = &mut patience;
        let came = Round { inputs, held, patience, audience, cancel }.take().await?;
        let goes_on = came.acted && came.failed.is_empty() && !cancel.is_raised();
        tell(&mut tally, came, audience);
        if !goes_on {
            if tally.done != (0, 0, 0) {
                audience.on(Notice::Complete { tally: &tally, at_once: false });
            }
            return Ok(tally);
        }
    }
}

/// Tells what is new about a round, and counts it.
fn tell(tally: &mut Tally, came: Came, audience: &dyn Audience) {
    let new = tally.newly_held(&came);
    if !new.is_empty() {
        audience.on(Notice::HeldBack(&new));
    }
    if !came.missed.is_empty() {
        audience.on(Notice::Missed(&came.missed));
    }
    tally.add(came);
}

/// A run that stays.
struct Watch<'a> {
    runner: Runner<'a>,
    options: RunOptions,
    patience: Patience,
    tally: Tally,
    /// How many rounds in a row could not be planned.
    troubles: u32,
}

impl Watch<'_> {
    async fn stay(mut self) -> Result<Verdict, DriveError> {
        let mut seen = LastSeen::read(&**self.runner.place.store()).await?;
        let mut first = true;
        loop {
            seen = seen.again(&**self.runner.place.store()).await?;
            let now = self.runner.clock.now();
            if seen.state.schedule.is_empty() {
                self.tell(Notice::Complete { tally: &self.tally, at_once: first });
                return Ok(self.tally.verdict(true));
            }
            if self.options.until.is_some_and(|until| until <= now) {
                self.tell(Notice::Stopped { schedule: &seen.state.schedule, now });
                return Ok(self.tally.verdict(false));
            }
            let begins = std::mem::take(&mut first) && !self.options.once;
            let next = match self.round(&mut seen, begins).await {
                Ok((true, _)) if !self.runner.cancel.is_raised() => continue,
                Ok((_, next)) => next,
                // What is wrong from the beginning is the caller's to mend.
                Err(error) if begins || self.options.once || self.is_hopeless() => {
                    return Err(error);
                }
                Err(error) => self.later(&error),
            };
            if self.options.once || self.runner.cancel.is_raised() {
                return self.leave(seen).await;
            }
            if self.rest(next, &seen).await?.is_break() {
                return self.leave(seen).await;
            }
        }
    }

    fn tell(&self, notice: Notice<'_>) {
        self.runner.audience.on(notice);
    }

    /// Takes a round; returns whether more may be possible now, and when to look again.
    async fn round(
        &mut self,
        seen: &mut LastSeen,
        begins: bool,
    ) -> Result<(bool, Option<Timestamp>), DriveError> {
        let Ground { mut inputs, held } = self.runner.place.open(seen).await?;
        let (schedule, now) = (inputs.prior.clone(), inputs.clock.now());
        let Runner { audience, cancel, .. } = self.runner;
        let patience = &mut self.patience;
        let round = Round { inputs: &mut inputs, held: &held, patience, audience, cancel };
        let came = round.take().await;
        // Nobody else has written while the lock was held.
        let head = held.store.head().await;
        held.store.unlock(held.fence).await?;
        let came = came?;
        *seen = LastSeen { head: head?, state: inputs.prior };
        if begins {
            self.tell(Notice::Begins { schedule: &schedule.schedule, now });
        }
        self.troubles = 0;
        self.tell(Notice::Well);
        let (acted, next) = (came.acted, self.next(&came));
        tell(&mut self.tally, came, audience);
        Ok((acted, next))
    }

    /// Chooses when to look again: at the next due time, after a failure's rest, or soon where a gate is closed.
    fn next(&self, came: &Came) -> Option<Timestamp> {
        let now = self.runner.clock.now();
        let poll = came.gate.map(|gate| match gate {
            Gate::Time => SignedDuration::from_secs(10),
            Gate::Unknown => SignedDuration::from_secs(60),
        });
        let poll = poll.and_then(|wait| now.saturating_add(wait).ok());
        [came.next, self.patience.next(now), poll].into_iter().flatten().min()
    }

    /// Returns whether a clock that jumps has run on long enough.
    fn is_hopeless(&self) -> bool {
        self.runner.pace.jumps() && self.troubles >= TROUBLES
    }

    /// Says what kept a round from being planned at all, and when it is tried again.
    fn later(&mut self, error: &DriveError) -> Option<Timestamp> {
        let rest = LATER.checked_mul(1 << self.troubles.min(16)).unwrap_or(LATEST).min(LATEST);
        self.troubles += 1;
        let again = self.runner.clock.now().saturating_add(rest).ok();
        self.tell(Notice::Trouble { error, again });
        again
    }

    /// Waits; breaks where the run is to end.
    async fn rest(
        &mut self,
        next: Option<Timestamp>,
        seen: &LastSeen,
    ) -> Result<ControlFlow<()>, DriveError> {
        let schedule = &seen.state.schedule;
        if schedule.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let Runner { place, clock, pace, cancel, .. } = self.runner;
        // What is left was given up, or only a person can go on, whom a clock that jumps would never meet.
        if next.is_none() && (pace.jumps() || self.tally.held.is_empty()) {
            return Ok(ControlFlow::Break(()));
        }
        self.tell(Notice::Waits { schedule, next, now: clock.now() });
        let at = [next, self.options.until].into_iter().flatten().min();
        let waiting = Waiting { pace, clock, store: &**place.store(), cancel };
        Ok(match waiting.until(at, seen).await? {
            Ring::Stopped => ControlFlow::Break(()),
            Ring::Due | Ring::Changed => ControlFlow::Continue(()),
        })
    }

    /// Says how it ends before everything is done.
    async fn leave(&self, seen: LastSeen) -> Result<Verdict, DriveError> {
        let seen = seen.again(&**self.runner.place.store()).await?;
        let now = self.runner.clock.now();
        self.tell(Notice::Stopped { schedule: &seen.state.schedule, now });
        Ok(self.tally.verdict(self.options.once || self.runner.pace.jumps()))
    }
}
