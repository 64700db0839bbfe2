//! What a run is given by whoever has it run.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_core::{Cancel, Held, Inputs};
use terrarium_provider::Clock;
use terrarium_state::Store;

use crate::error::DriveError;
use crate::notice::Audience;
use crate::rules::Rules;
use crate::seen::LastSeen;
use crate::wait::Pace;

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
    ///
    /// # Cancel safety
    /// Is dropped where somebody says stop: a lock that it took by then must be free again.
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
    /// What it decides by.
    pub rules: Rules,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// How time passes while it waits.
    pub pace: &'a dyn Pace,
    /// Who is told.
    pub audience: &'a dyn Audience,
    /// Asks to stop.
    pub cancel: &'a Cancel,
}
