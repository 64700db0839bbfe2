//! What arguments are made of: Terraform's spellings to clap's, the flags that commands share, refusals and help. Which
//! commands there are is no matter of this folder.

mod normalise;
mod refuse;
pub(crate) mod refused;
mod shared;
mod split;
mod time;
mod usage;
mod vars;

pub use normalise::{normalise, with_environment};
pub use refuse::Refusal;
pub(crate) use refuse::{command_path, unknown_command};
pub use refused::Refused;
pub use shared::{ParallelismArgs, PlanFlags, Shared, StateFlags};
pub use split::{Unterminated, split};
pub use time::{ExitCodes, TimeFlags, instant};
pub(crate) use time::{refused_at, takes_at};
pub use usage::Tree;
pub use vars::{VariableArg, VariableArgs};
