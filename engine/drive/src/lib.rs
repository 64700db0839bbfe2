//! What drives the engine: the rounds of an apply, and the run that stays until all that was approved is done.
//!
//! Start at [`run()`] and [`apply()`]. A caller brings a [`Workplace`] (what each round rests on, the lock
//! included), a [`Pace`] (how time passes while nothing is done) and an [`Audience`]; what happens goes there as
//! [`Notice`]s. Nothing here prints, reads the environment, or knows how a command line looks.

mod apply;
mod came;
mod carry_out;
mod cause;
mod decide;
mod error;
mod notice;
mod patience;
mod place;
mod propose;
mod round;
mod rules;
mod run;
mod seen;
mod stop;
mod tally;
mod wait;
mod watch;

pub use apply::{Applied, Caller, Concluded, Request, apply};
pub use came::{MissedDue, Prospect};
pub use cause::Setback;
pub use error::DriveError;
pub use notice::{Audience, Notice, Work};
pub use place::{Ground, RunOptions, Runner, Workplace};
pub use propose::{Drafting, Proposal, propose};
pub use rules::{LONGEST_REST, Rules};
pub use run::{catch_up, run};
pub use seen::LastSeen;
pub use stop::{Manner, Signal, Stop};
pub use tally::{Tally, Verdict};
pub use wait::Pace;
