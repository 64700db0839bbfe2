//! Keeping the lock: a store that lends it for a time is asked to lend it for longer while work goes on.
//!
//! Time passes by the clock of the store, never by the run's own, which may jump: a renewal is no timer of the
//! run. A lock that lasts as long as its holder lives needs none of this.

use std::pin::pin;

use jiff::SignedDuration;
use terrarium_state::{CommitError, Lease};

use crate::held::Held;

/// Carries work out while the lock is held; where the lock is lost, the work ends there.
pub async fn while_held<T>(
    held: Option<&Held>,
    work: impl Future<Output = T>,
) -> Result<T, CommitError> {
    let Some(held) = held else { return Ok(work.await) };
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => Ok(done),
        why = lost(held) => Err(why),
    }
}

/// Renews the lock at intervals; returns once it is lost.
///
/// # Cancel safety
/// A dropped renewal may have been carried out, which is harmless.
pub(crate) async fn lost(held: &Held) -> CommitError {
    let Some(lease) = held.store.lease() else { return std::future::pending().await };
    let Lease { lasts, every, clock } = lease;
    let (lasts, every) = (signed(lasts), signed(every));
    // It was lent when it was taken, which is not longer ago than the store was asked last.
    let mut until = clock.now().saturating_add(lasts).unwrap_or(jiff::Timestamp::MAX);
    loop {
        let asked = clock.now();
        match held.store.renew(&held.fence).await {
            Ok(()) => until = asked.saturating_add(lasts).unwrap_or(until),
            // Who can't be asked may be there again before the time is over.
            Err(CommitError::Unknown(_) | CommitError::Busy(_) | CommitError::Full(_))
                if clock.now() < until => {}
            Err(why) => return why,
        }
        clock.wait_until(asked.saturating_add(every).unwrap_or(asked).min(until)).await;
    }
}

fn signed(span: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}
