//! `validate`

use std::sync::Arc;

use crate::args::VariableArgs;
use crate::context::{Context, Outcome, Speech};
use crate::exit_codes;
use crate::json::{diagnostic, pretty};
use crate::render::paint::{bold, green};
use crate::setup::{config, session, workspace};
use terrarium_core::{CallLimits, Inputs, Parallelism};
use terrarium_diagnostic::Diagnostics;
use terrarium_lang::Configuration;

/// How the codes of texts that can't be parsed begin.
const SYNTAX: &str = "T00";

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
    context.block_on(complete(context, configuration, diagnostics))?
}

/// Adds what the providers' schemas say to what the source alone told, unless the source could not
/// even be parsed. What is said of one place is said once.
pub(crate) async fn complete(
    context: &Context,
    configuration: Arc<Configuration>,
    mut diagnostics: Diagnostics,
) -> Result<Diagnostics, crate::context::Failed> {
    if diagnostics.iter().any(|diagnostic| diagnostic.code.0.starts_with(SYNTAX)) {
        return Ok(diagnostics);
    }
    let clock = session::clock(context, None);
    let inputs = Inputs {
        config: configuration,
        variables: std::collections::BTreeMap::new(),
        providers: session::known(context),
        prior: Arc::default(),
        workspace: workspace::selected(context)?.as_str().into(),
        cwd: context.cwd.clone(),
        environment: session::environment(context, &*clock),
        limits: CallLimits::new(Parallelism::default(), clock.clone()),
        clock,
    };
    let (inputs, unfetched) = inputs.fetched().await;
    if unfetched.has_errors() {
        diagnostics.extend(unfetched);
        return Ok(diagnostics);
    }
    let known: Vec<_> =
        diagnostics.iter().filter_map(|said| Some(said.at.as_ref()?.span)).collect();
    let more = terrarium_core::validate(&inputs).await.into_iter();
    diagnostics
        .extend(more.filter(|new| new.at.as_ref().is_none_or(|at| !known.contains(&at.span))));
    Ok(diagnostics)
}
