//! `validate`

use crate::args::VariableArgs;
use crate::context::{Context, Outcome, Speech};
use crate::exit_codes;
use crate::json::{diagnostic, pretty};
use crate::render::paint::{bold, green};
use crate::setup::{config, validation};
use terrarium_diagnostic::Diagnostics;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
    /// Accepted; there are no tests to check
    #[arg(long, hide = true)]
    pub no_tests: bool,
    /// Accepted; there are no tests to check
    #[arg(long, value_name = "DIR", hide = true)]
    pub test_directory: Option<String>,
    /// Accepted; values are not checked here
    #[command(flatten)]
    pub variables: VariableArgs,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let diagnostics = check(context)?;
    let valid = !diagnostics.has_errors();
    if args.json {
        context.speak(Speech::Document);
        context.out.line(&pretty(&diagnostic::validation(
            &diagnostics,
            &context.sources(),
            context.redactor(),
        )));
    } else {
        context.report(&diagnostics);
        if valid {
            let but = if diagnostics.is_empty() {
                "The configuration is valid."
            } else {
                "The configuration is valid, but there were some validation warnings as shown above."
            };
            context.out.line(&format!("{} {but}\n", bold(&green("Success!"))));
        }
    }
    Ok(if valid { exit_codes::SUCCESS } else { exit_codes::ERROR })
}

/// Checks the configuration with the providers' schemas; needs no state, network or credentials.
pub(crate) fn check(context: &Context) -> Result<Diagnostics, crate::context::Failed> {
    let (configuration, diagnostics) = config::load(context);
    context.block_on(validation::complete(context, configuration, diagnostics))?
}
