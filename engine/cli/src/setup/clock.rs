//! The clocks: the machine's, and a testbed world's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use terrarium_provider::{Clock, FixedClock};
use terrarium_state::State;

use super::testbed::{self, Control, Testbed};
use crate::context::Context;

/// Longest single sleep: laptops sleep too, and their timers do not count that.
const SLICE: Duration = Duration::from_mins(1);

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn wait_until(&self, at: Timestamp) {
        loop {
            let left = at.duration_since(Timestamp::now());
            let Ok(left) = Duration::try_from(left) else { return };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(SLICE)).await;
        }
    }
}

/// A testbed world's clock: standing still, it is moved; running, it is waited for.
pub(crate) struct WorldClock(pub(crate) Arc<Control>);

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn wait_until(&self, at: Timestamp) {
        loop {
            let now = self.0.now();
            if at <= now {
                return;
            }
            let rate = self.0.rate();
            if rate <= 0.0 {
                self.0.move_to(at).await;
                return;
            }
            let left = at.duration_since(now).as_secs_f64() / rate;
            let left = Duration::try_from_secs_f64(left).unwrap_or(SLICE);
            tokio::time::sleep(left.min(SLICE).max(Duration::from_millis(1))).await;
        }
    }

    fn jumps(&self) -> bool {
        self.0.rate() <= 0.0
    }
}

/// Returns the clock: the one that `-at` holds still, the testbed's, else the machine's.
pub(crate) fn of(context: &Context, testbed: Option<&Testbed>) -> Arc<dyn Clock> {
    match (context.at, testbed) {
        (Some(at), _) => Arc::new(FixedClock(at)),
        (None, Some(testbed)) => Arc::new(WorldClock(testbed.control.clone())),
        (None, None) => Arc::new(SystemClock),
    }
}

/// Returns the time in the world that a state belongs to; `None` where that world is not at hand, or the
/// command looks at another one.
pub(crate) async fn of_state(context: &Context, state: &State) -> Option<Timestamp> {
    if context.at.is_some() {
        return context.at;
    }
    let realms = state.realms();
    let realm = realms.iter().find(|realm| testbed::is_realm(realm)).or(realms.first());
    let realm = realm.map(|realm| &***realm);
    if context.testbed.is_none() && realm.is_none_or(|realm| !testbed::is_realm(realm)) {
        return Some(Timestamp::now());
    }
    let control = testbed::reach(context).await.ok()??;
    let same = realm.is_none_or(|realm| realm == testbed::realm(control.world()));
    same.then(|| control.now())
}

/// What a clock showed, and how fast it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The instant it showed.
    pub(crate) shown: Timestamp,
    /// Seconds of the world per second.
    pub(crate) rate: f64,
    /// When it was read, by the machine's clock.
    pub(crate) read: Timestamp,
}

impl Reading {
    /// Returns what the clock shows now, if nobody moved it.
    pub(crate) fn now(&self) -> Timestamp {
        let passed = Timestamp::now().duration_since(self.read).as_secs_f64().max(0.0) * self.rate;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::ZERO);
        self.shown.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}
