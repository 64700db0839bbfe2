//! The command line: the commands with their flags, read from the arguments, and what each is carried out by.

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::args::{Refusal, Shared, Tree, command_path, unknown_command};
use crate::args::{normalise, refused_at, takes_at, with_environment};
use crate::commands::{
    apply, calendar, console, destroy, explain, fmt, force_unlock, graph, import, init, output,
    plan, providers, refresh, run, show, state, taint, testbed, timeline, validate, version,
    workspace,
};
use crate::context::{Context, Outcome};
use crate::env::Env;

/// Build course environments from text, now or when their lease begins.
#[derive(Debug, Parser)]
#[command(name = "terrarium", disable_help_subcommand = true, disable_version_flag = true)]
pub struct Cli {
    /// Switch to a different working directory first
    #[arg(long, value_name = "DIR")]
    pub chdir: Option<PathBuf>,
    /// Show the version
    #[arg(long)]
    pub version: bool,
    /// What every command takes.
    #[command(flatten)]
    pub shared: Shared,
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prepare your working directory for other commands
    Init(init::Args),
    /// Check whether the configuration is valid
    Validate(validate::Args),
    /// Show changes required by the current configuration
    Plan(Box<plan::Args>),
    /// Create or update infrastructure
    Apply(Box<apply::Args>),
    /// Destroy previously-created infrastructure
    Destroy(Box<destroy::Args>),
    /// Print leases and what falls due as calendar entries (.ics)
    Calendar(Box<calendar::Args>),
    /// Try expressions at an interactive command prompt
    Console(console::Args),
    /// Say what a diagnostic's code or a type means
    Explain(explain::Args),
    /// Reformat your configuration in the standard style
    Fmt(fmt::Args),
    /// Release a stuck lock on the current workspace
    ForceUnlock(force_unlock::Args),
    /// Generate a Graphviz graph of the configuration
    Graph(graph::Args),
    /// Associate existing infrastructure with a resource
    Import(import::Args),
    /// Show output values from your root module
    Output(output::Args),
    /// Show the providers required for this configuration
    Providers(providers::Args),
    /// Update the state to match remote systems
    Refresh(Box<refresh::Args>),
    /// Carry out what was approved for later, when its time comes
    Run(Box<run::Args>),
    /// Show the current state or a saved plan
    Show(show::Args),
    /// Advanced state management
    State(state::Args),
    /// Mark a resource instance as not fully functional
    Taint(taint::Args),
    /// Look after the embedded testbed: a simulated Chameleon
    Testbed(testbed::Args),
    /// Draw when everything begins and ends: as text, .svg, .html or .json
    Timeline(Box<timeline::Args>),
    /// Remove the 'tainted' state from a resource instance
    Untaint(taint::Args),
    /// Show the current version
    Version(version::Args),
    /// Workspace management
    Workspace(workspace::Args),
}

impl Command {
    /// Carries it out.
    pub(crate) fn run(&self, context: &Context) -> Outcome {
        match self {
            Self::Init(args) => init::run(args, context),
            Self::Validate(args) => validate::run(args, context),
            Self::Plan(args) => plan::run(args, context),
            Self::Apply(args) => apply::run(args, context),
            Self::Destroy(args) => destroy::run(args, context),
            Self::Calendar(args) => calendar::run(args, context),
            Self::Console(args) => console::run(args, context),
            Self::Explain(args) => explain::run(args, context),
            Self::Fmt(args) => fmt::run(args, context),
            Self::ForceUnlock(args) => force_unlock::run(args, context),
            Self::Graph(args) => graph::run(args, context),
            Self::Import(args) => import::run(args, context),
            Self::Output(args) => output::run(args, context),
            Self::Providers(args) => providers::run(args, context),
            Self::Refresh(args) => refresh::run(args, context),
            Self::Run(args) => run::run(args, context),
            Self::Show(args) => show::run(args, context),
            Self::State(args) => state::run(args, context),
            Self::Taint(args) => taint::run(args, context, taint::Mark::Tainted),
            Self::Testbed(args) => testbed::run(args, context),
            Self::Timeline(args) => timeline::run(args, context),
            Self::Untaint(args) => taint::run(args, context, taint::Mark::Ready),
            Self::Version(args) => Ok(version::run(args, context)),
            Self::Workspace(args) => workspace::run(args, context),
        }
    }
}

/// Returns the tree of commands and flags.
pub fn tree() -> Tree {
    Tree::of(Cli::command())
}

/// Parses the arguments after the program's name.
pub fn parse(args: Vec<String>, env: &Env) -> Result<Cli, Refusal> {
    let tree = tree();
    let command = &tree.command;
    let args = with_environment(args, env, command)
        .map_err(|error| Refusal::Flags { message: error.to_string(), command: String::new() })?;
    let args = normalise(args, command);
    if let Some(unknown) = unknown_command(&args, command) {
        return Err(unknown);
    }
    let path = command_path(&args, command);
    let matches = command
        .clone()
        .try_get_matches_from(std::iter::once("terrarium".to_owned()).chain(args))
        .map_err(|error| tree.refusal(&error, &path))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| tree.refusal(&error, &path))?;
    if cli.shared.at.is_some() && !path.is_empty() && !takes_at(&path) {
        let message = refused_at(&path);
        return Err(Refusal::Flags { message, command: path.join(" ") });
    }
    if cli.command.is_none() && !cli.version {
        return Err(Refusal::Usage(tree.usage()));
    }
    Ok(cli)
}
