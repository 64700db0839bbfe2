//! The commands: one file each, with its flags and what it does.

pub(crate) mod apply;
pub(crate) mod approve;
pub(crate) mod calendar;
pub(crate) mod console;
pub(crate) mod destroy;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod force_unlock;
pub(crate) mod graph;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod planning;
pub(crate) mod providers;
pub(crate) mod refresh;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod show;
pub(crate) mod state;
pub(crate) mod taint;
pub(crate) mod testbed;
pub(crate) mod timeline;
pub(crate) mod validate;
pub(crate) mod version;
pub(crate) mod voice;
pub(crate) mod workspace;

use crate::args::Command;
use crate::context::{Context, Outcome};

/// Runs a command.
pub(crate) fn run(command: &Command, context: &Context) -> Outcome {
    match command {
        Command::Init(args) => init::run(args, context),
        Command::Validate(args) => validate::run(args, context),
        Command::Plan(args) => plan::run(args, context),
        Command::Apply(args) => apply::run(args, context),
        Command::Destroy(args) => destroy::run(args, context),
        Command::Calendar(args) => calendar::run(args, context),
        Command::Console(args) => console::run(args, context),
        Command::Explain(args) => explain::run(args, context),
        Command::Fmt(args) => fmt::run(args, context),
        Command::ForceUnlock(args) => force_unlock::run(args, context),
        Command::Graph(args) => graph::run(args, context),
        Command::Import(args) => import::run(args, context),
        Command::Output(args) => output::run(args, context),
        Command::Providers(args) => providers::run(args, context),
        Command::Refresh(args) => refresh::run(args, context),
        Command::Run(args) => self::run::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::State(args) => state::run(args, context),
        Command::Taint(args) => taint::run(args, context, taint::Mark::Tainted),
        Command::Testbed(args) => testbed::run(args, context),
        Command::Timeline(args) => timeline::run(args, context),
        Command::Untaint(args) => taint::run(args, context, taint::Mark::Ready),
        Command::Version(args) => Ok(version::run(args, context)),
        Command::Workspace(args) => workspace::run(args, context),
    }
}
