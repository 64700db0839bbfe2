//! `state list | show | pull | push | rm | mv`

mod edit;
mod exchange;
mod keep;
mod look;
mod realm;

use clap::Subcommand;

use crate::args::StateFlags;
use crate::args::refused::{self, Refused};
use crate::codes;
use crate::context::{Context, Failed, Outcome, fail};
use crate::render::paint::bold;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the state.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List resources in the state
    List(List),
    /// Show a resource in the state
    Show(Show),
    /// Pull current state and output to stdout
    Pull,
    /// Update the state from a file
    Push(Push),
    /// Remove instances from the state
    Rm(Rm),
    /// Move an item in the state
    Mv(Mv),
    /// Bind objects to the cloud that the configuration logs in to
    Rebind(realm::Rebind),
    /// Forget what a simulated world that is gone held, and begin anew
    Anew(realm::Anew),
    /// Write a copy of the state, all workspaces, to a file
    Backup(keep::Backup),
    /// Take the state's file as it is, although a newer one was written here
    Accept(keep::Accept),
}

/// Flags of `list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only the object with this id
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Refused: a state is chosen by directory and workspace
    #[arg(long, hide = true, value_name = "FILE", value_parser = refused::state)]
    pub state: Option<Refused>,
    /// Only these resources or modules
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
}

/// Flags of `show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Refused: a state is chosen by directory and workspace
    #[arg(long, hide = true, value_name = "FILE", value_parser = refused::state)]
    pub state: Option<Refused>,
    /// The resource instance
    #[arg(value_name = "ADDRESS")]
    pub address: String,
}

/// Flags of `push`.
#[derive(Debug, clap::Args)]
pub struct Push {
    /// Write it although it has another lineage or a lower serial
    #[arg(long)]
    pub force: bool,
    /// The state's flags.
    #[command(flatten)]
    pub flags: StateFlags,
    /// The file, in Terraform's format; `-` is stdin
    #[arg(value_name = "PATH", allow_hyphen_values = true)]
    pub path: String,
}

/// Flags of `rm`.
#[derive(Debug, clap::Args)]
pub struct Rm {
    /// Show what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// The state's flags.
    #[command(flatten)]
    pub flags: StateFlags,
    /// Resources, instances or modules
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
}

/// Flags of `mv`.
#[derive(Debug, clap::Args)]
pub struct Mv {
    /// Show what would be moved
    #[arg(long)]
    pub dry_run: bool,
    /// The state's flags.
    #[command(flatten)]
    pub flags: StateFlags,
    /// Where it is
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// Where it goes
    #[arg(value_name = "DESTINATION")]
    pub destination: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.action {
        Action::List(list) => look::list(list, context),
        Action::Show(show) => look::show(show, context),
        Action::Pull => exchange::pull(context),
        Action::Push(push) => exchange::push(push, context),
        Action::Rm(rm) => edit::remove(rm, context),
        Action::Mv(mv) => edit::rename(mv, context),
        Action::Rebind(rebind) => realm::rebind(rebind, context),
        Action::Anew(anew) => realm::anew(anew, context),
        Action::Backup(backup) => keep::backup(backup, context),
        Action::Accept(accept) => keep::accept(accept, context),
    }
}

/// Asks for a `yes`, unless it is forced.
fn confirm(context: &Context, force: bool, question: &str) -> Result<bool, Failed> {
    if force {
        return Ok(true);
    }
    context.out.data(&format!(
        "{}\n  Only 'yes' will be accepted to confirm.\n\n  {} ",
        bold(question),
        bold("Enter a value:")
    ));
    match context.out.ask() {
        Some(answer) => Ok(answer == "yes"),
        None => fail(codes::APPROVAL, "Not approved", "There is nobody to ask; give -force."),
    }
}
