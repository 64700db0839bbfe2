//! The command line: Terraform's spellings to clap's, then clap.

mod cli;
mod normalise;
mod refuse;
pub(crate) mod refused;
mod split;
mod time;
mod usage;
mod vars;

pub use cli::{Cli, Command, ParallelismArgs, PlanFlags, Shared, StateFlags};
pub use normalise::{normalise, with_environment};
pub use refused::Refused;
pub use split::{Unterminated, split};
pub use time::{ExitCodes, TimeFlags, instant};
pub use usage::{command as clap_command, command_help, usage};
pub use vars::{VariableArg, VariableArgs};

use clap::FromArgMatches;

use crate::env::Env;

/// Why there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Help was asked for.
    Help(String),
    /// No command was given: the usage.
    Usage(String),
    /// A command that has commands, without one: its help.
    Group(String),
    /// No such command; in words, with the nearest name.
    UnknownCommand(String),
    /// The flags make no sense.
    Flags {
        /// What is wrong.
        message: String,
        /// The command whose help tells more: `plan`, `state rm`.
        command: String,
    },
}

/// Parses the arguments after the program's name.
pub fn parse(args: Vec<String>, env: &Env) -> Result<Cli, Refusal> {
    let command = usage::command();
    let args = with_environment(args, env, &command)
        .map_err(|error| Refusal::Flags { message: error.to_string(), command: String::new() })?;
    let args = normalise(args, &command);
    if let Some(unknown) = refuse::unknown_command(&args, &command) {
        return Err(unknown);
    }
    let path = refuse::command_path(&args, &command);
    let matches = command
        .clone()
        .try_get_matches_from(std::iter::once("terrarium".to_owned()).chain(args))
        .map_err(|error| refuse::refusal(&error, &path, &command))?;
    let cli = Cli::from_arg_matches(&matches)
        .map_err(|error| refuse::refusal(&error, &path, &command))?;
    if cli.shared.at.is_some() && !path.is_empty() && !time::takes_at(&path) {
        let message = time::refused_at(&path);
        return Err(Refusal::Flags { message, command: path.join(" ") });
    }
    if cli.command.is_none() && !cli.version {
        return Err(Refusal::Usage(usage::usage(&command)));
    }
    Ok(cli)
}
