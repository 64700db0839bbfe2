//! How time passes while a run waits: as it does, as the run moves it, or as somebody else does.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_drive::Pace;
use terrarium_provider::Clock;

use crate::setup::testbed::Testbed;

/// How often the state is looked at while real time passes.
const LOOK: Duration = Duration::from_secs(30);
/// How often a world's clock is looked at.
const FOLLOW: Duration = Duration::from_secs(1);

/// How time passes.
pub(super) enum RunPace {
    /// As it does.
    Real(Arc<dyn Clock>),
    /// The run moves the testbed's clock itself.
    Jumps(Arc<dyn Clock>),
    /// Somebody else moves the testbed's clock, or lets it run.
    Follows(Arc<Testbed>),
}

impl RunPace {
    /// Only the world in this directory is moved, and only where it stands still.
    pub(super) fn of(
        testbed: Option<&Arc<Testbed>>,
        no_jump: bool,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        match testbed {
            None => Self::Real(clock.clone()),
            Some(testbed) if testbed.is_embedded() && !no_jump && testbed.control.rate() <= 0.0 => {
                Self::Jumps(clock.clone())
            }
            Some(testbed) => Self::Follows(testbed.clone()),
        }
    }
}

#[async_trait(?Send)]
impl Pace for RunPace {
    fn jumps(&self) -> bool {
        matches!(self, Self::Jumps(_))
    }

    async fn pass(&self, until: Option<Timestamp>) {
        match (self, until) {
            (Self::Jumps(clock), Some(until)) => clock.wait_until(until).await,
            (Self::Follows(testbed), _) => {
                tokio::time::sleep(FOLLOW).await;
                testbed.control.look().await;
            }
            (Self::Real(clock) | Self::Jumps(clock), until) => {
                let left = until.map(|at| at.duration_since(clock.now()));
                let left = left.and_then(|left| Duration::try_from(left).ok()).unwrap_or(LOOK);
                tokio::time::sleep(left.min(LOOK)).await;
            }
        }
    }
}
