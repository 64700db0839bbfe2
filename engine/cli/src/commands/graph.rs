//! `graph`

use crate::args::refused::{self, Refused};
use crate::context::{Context, Outcome};
use crate::exit_codes;
use crate::setup::config;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Accepted: `plan`, the graph of what the configuration declares
    #[arg(long = "type", hide = true, value_name = "TYPE", value_parser = ["plan"])]
    pub kind: Option<String>,
    /// Accepted; cycles are errors
    #[arg(long)]
    pub draw_cycles: bool,
    /// Refused: the graph is the configuration's
    #[arg(long, hide = true, value_name = "FILE", value_parser = refused::graph_plan)]
    pub plan: Option<Refused>,
}

pub(crate) fn run(_args: &Args, context: &Context) -> Outcome {
    config::require(context, "Graph")?;
    let (configuration, mut diagnostics) = config::load(context);
    if diagnostics.has_errors() {
        return Err(diagnostics.into());
    }
    let (text, more) = terrarium_core::dot(&configuration);
    diagnostics.extend(more);
    context.report(&diagnostics);
    context.out.data(&text);
    Ok(if diagnostics.has_errors() { exit_codes::ERROR } else { exit_codes::SUCCESS })
}
