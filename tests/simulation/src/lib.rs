//! Simulation: the whole engine and the testbed in one thread, without a socket, a file or a real
//! second.
//!
//! A [`World`] is founded on a seed. Requests, replies and commits are *traffic*: things under way,
//! of which one is drawn and brought forward at each step, so that they overtake each other, are
//! lost, refused or half acknowledged as the [`Weather`] has it. A crash drops the engine between
//! two steps. Same seed, same trace.
//!
//! Start at [`World`], then [`judge`], and [`judge_semester`] where there are leases.

mod desk;
mod dice;
mod files;
mod judge;
mod planted;
mod run;
mod script;
mod semester;
mod story;
mod traffic;
mod weather;
mod wire;
mod world;

pub use dice::Dice;
pub use judge::{Scenario, Verdict, judge};
pub use planted::Plant;
pub use run::{Command, Report, Task};
pub use script::{Act, Semester};
pub use semester::judge_semester;
pub use weather::{Trouble, Weather};
pub use world::{Inventory, World};
