//! `graph`

use crate::context::{Context, Outcome};
use crate::exit_codes;
use crate::setup::config;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Accepted; the graph is the configuration's
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Accepted; cycles are errors
    #[arg(long)]
    pub draw_cycles: bool,
    /// Accepted; the graph is the configuration's
    #[arg(long, value_name = "FILE")]
    pub plan: Option<String>,
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
