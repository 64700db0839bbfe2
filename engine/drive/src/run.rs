//! The run: stays, and carries out what was approved when its time comes. It never approves, repairs no drift,
//! and holds the lock only while it acts.

use terrarium_core::{Cancel, Held, Inputs};

use crate::error::DriveError;
use crate::notice::{Audience, Notice};
use crate::patience::Patience;
use crate::place::{RunOptions, Runner};
use crate::round::{Round, tell};
use crate::rules::Rules;
use crate::tally::{Tally, Verdict};
use crate::watch::Watch;

/// Takes rounds until nothing is left, or somebody says stop.
///
/// # Errors
/// Says what keeps the first round from being planned; what fails later is told and tried again.
pub async fn run(runner: Runner<'_>, options: RunOptions) -> Result<Verdict, DriveError> {
    Watch::new(runner, options).stay().await
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
    let rules = Rules::default();
    let mut patience = Patience::new(rules, false);
    let mut tally = Tally::default();
    loop {
        let patience = &mut patience;
        let came =
            Round { inputs, held, rules, awaits: false, patience, audience, cancel }.take().await?;
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
