//! How long the engine waits for a provider.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use terrarium_provider::Clock;

/// How long the engine waits for a provider. By default for ever: where engine and provider share one
/// simulated clock, time stands still while a call is under way.
#[derive(Clone, Default)]
pub struct Deadlines(Option<Bound>);

#[derive(Clone)]
struct Bound {
    clock: Arc<dyn Clock>,
    schemas: Duration,
    answer: Duration,
}

/// A provider has not answered within this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late(Duration);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_secs() / 60, self.0.as_secs() % 60) {
            (minutes, 0) if minutes > 0 => write!(f, "within {minutes} min"),
            _ => write!(f, "within {} s", self.0.as_secs()),
        }
    }
}

impl Deadlines {
    /// Waits `schemas` long for schemas, and `answer` long for any other answer, by a clock that runs while
    /// a call is under way: the machine's, not that of a simulated world.
    pub fn by(clock: Arc<dyn Clock>, schemas: Duration, answer: Duration) -> Self {
        Self(Some(Bound { clock, schemas, answer }))
    }

    /// Waits for schemas.
    pub(crate) async fn schemas<A>(&self, call: impl Future<Output = A>) -> Result<A, Late> {
        self.within(|bound| bound.schemas, call).await
    }

    /// Waits for any other answer.
    pub(crate) async fn answer<A>(&self, call: impl Future<Output = A>) -> Result<A, Late> {
        self.within(|bound| bound.answer, call).await
    }

    async fn within<A>(
        &self,
        length: fn(&Bound) -> Duration,
        call: impl Future<Output = A>,
    ) -> Result<A, Late> {
        let Some(bound) = &self.0 else { return Ok(call.await) };
        let length = length(bound);
        let until = SignedDuration::try_from(length)
            .ok()
            .and_then(|length| bound.clock.now().checked_add(length).ok())
            .unwrap_or(Timestamp::MAX);
        tokio::select! {
            biased;
            answer = call => Ok(answer),
            () = bound.clock.wait_until(until) => Err(Late(length)),
        }
    }
}
