//! `output`

use jiff::Timestamp;
use terrarium_diagnostic::Diagnostic;
use terrarium_state::{OutputValue, State};
use terrarium_value::{Kind, Value};

use super::schedule;
use crate::args::refused::{self, Refused};
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, fail};
use crate::exit_codes;
use crate::json::{self, Secrets, pretty};
use crate::render::instant::Times;
use crate::render::outputs::{output_value, outputs};
use crate::render::schedule::waiting;
use crate::setup::config;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON, sensitive values included
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,
    /// Print a string, number or bool as it is, without a line break
    #[arg(long)]
    pub raw: bool,
    /// Refused: a state is chosen by directory and workspace
    #[arg(long, hide = true, value_name = "FILE", value_parser = refused::state)]
    pub state: Option<Refused>,
    /// Print this one only
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    if args.json || args.raw {
        context.speak(Speech::Document);
    }
    let (state, now) = context.block_on(schedule::read(context))??;
    // What an author gave free is told by the configuration alone.
    let (_configuration, _errors) = config::load(context);
    context.redactor().learn_state(&state, &|_, _, _| None);
    let ended = |output: &OutputValue| ended(output, now);
    match &args.name {
        Some(name) => {
            let Some(output) = state.outputs.get(name.as_str()) else {
                return Err(missing(name, &state, context).into());
            };
            if let Some(at) = ended(output) {
                return Err(gone(name, at, context).into());
            }
            one(args, context, name, output)
        }
        None if args.raw => fail(
            codes::FLAGS,
            "Output name required",
            "The -raw option prints one value: give the name of an output.",
        ),
        None if args.json => {
            let mut state = state;
            state.outputs.retain(|_, output| ended(output).is_none());
            let twins = json::outputs::twins(&state, Secrets::Show);
            context.out.clear(&format!("{}\n", pretty(&twins)));
            Ok(exit_codes::SUCCESS)
        }
        None if state.outputs.is_empty() => {
            context.report(
                &Diagnostic::warning(codes::OUTPUT, "No outputs found")
                    .detail(
                        "The state has no outputs. Declare them with `output` blocks in the root module, and run \
                         `terrarium apply` for their values.",
                    )
                    .into(),
            );
            Ok(exit_codes::SUCCESS)
        }
        None => {
            let (over, lasting): (Vec<_>, Vec<_>) =
                state.outputs.iter().partition(|(_, output)| ended(output).is_some());
            let values = lasting
                .into_iter()
                .map(|(name, output)| (&**name, output_value(output).unmarked(), output.sensitive));
            context.out.data(&outputs(values));
            for (name, output) in over {
                if let Some(at) = ended(output) {
                    let since = times(context, at).both(at);
                    context.out.line(&format!("{name} = (ended {since})"));
                }
            }
            Ok(exit_codes::SUCCESS)
        }
    }
}

/// Returns since when an output is ended: what it reads is.
fn ended(output: &OutputValue, now: Option<Timestamp>) -> Option<Timestamp> {
    output.until.filter(|until| now.is_some_and(|now| *until <= now))
}

fn times(context: &Context, at: Timestamp) -> Times {
    Times::new(context.env.time_zone(), at)
}

fn gone(name: &str, at: Timestamp, context: &Context) -> Diagnostic {
    let since = times(context, at).both(at);
    Diagnostic::error(codes::ENDED, format!("Output {name:?} has ended"))
        .detail(format!(
            "What it reads ended {since}, as was to be expected: its last value holds no more."
        ))
        .help(
            "Give the lease a new end date and apply, or take the output out of the configuration.",
        )
}

fn missing(name: &str, state: &State, context: &Context) -> Diagnostic {
    let error = Diagnostic::error(codes::OUTPUT, format!("Output {name:?} not found")).detail(
        "The output variable requested could not be found in the state. If you recently added this to your configuration, \
         be sure to run `terrarium apply`, since the state won't be updated with new output variables until that \
         command is run.",
    );
    let next = state.schedule.iter().filter_map(|entry| entry.schedule.not_before).min();
    let Some(next) = next else { return error };
    error.help(format!(
        "It may be known after what waits for its time: {}, the first for {}.",
        waiting(state.schedule.len()),
        times(context, next).both(next)
    ))
}

fn one(args: &Args, context: &Context, name: &str, output: &OutputValue) -> Outcome {
    let value = output_value(output).unmarked();
    if args.json {
        let text = json::text(&value, Secrets::Show).unwrap_or_else(|| "null".to_owned());
        context.out.clear(&format!("{text}\n"));
    } else if args.raw {
        context.out.clear(&raw(name, &value)?);
    } else {
        // Asked for by name, a sensitive value is shown: Terraform does, and scripts rely on it.
        context.out.clear(&format!("{}\n", terrarium_value::render(&value)));
    }
    Ok(exit_codes::SUCCESS)
}

fn raw(name: &str, value: &Value) -> Result<String, Failed> {
    match value.kind() {
        Kind::String(text) => Ok(text.to_string()),
        Kind::Number(number) => Ok(number.to_string()),
        Kind::Bool(value) => Ok(value.to_string()),
        Kind::Null(_) => fail(
            codes::OUTPUT,
            "Unsupported value for raw output",
            format!("The value for output value {name:?} is null, so -raw mode cannot print it."),
        ),
        _ => fail(
            codes::OUTPUT,
            "Unsupported value for raw output",
            format!(
                "The -raw option only supports strings, numbers, and boolean values, but output value {name:?} is {}.\n\n\
                 Use the -json option for machine-readable representations of output values that have complex types.",
                value.ty().friendly_name()
            ),
        ),
    }
}
