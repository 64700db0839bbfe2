//! `apply`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use terrarium_address::Name;
use terrarium_core::{
    ApplyOptions, Cancel, Depth, Mode, OutputChange, Plan, PlannedAction, Progress, RunSummary,
    planfile,
};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_state::OutputValue;

use super::approve::{Answer, ask, refuse_json};
use super::planning::{self, Made};
use crate::args::PlanFlags;
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, fail};
use crate::exit_codes;
use crate::json::stream;
use crate::progress::{Teller, stop_on_signal};
use crate::render::outputs::{self, output_value};
use crate::render::summary::{self, Run};
use crate::setup::session::{Session, Wish, plan_options};
use crate::setup::variables::Missing;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What every plan takes.
    #[command(flatten)]
    pub plan: PlanFlags,
    /// Carry the plan out without asking
    #[arg(long)]
    pub auto_approve: bool,
    /// A plan that `plan -out=FILE` saved
    #[arg(value_name = "PLAN")]
    pub file: Option<PathBuf>,
    /// Whether the plan and the line at the end are left out, as `refresh` does.
    #[arg(skip)]
    pub(crate) only_outputs: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    planning::speak(context, args.plan.json, args.plan.compact_warnings);
    context.block_on(apply(args, context))?
}

async fn apply(args: &Args, context: &Context) -> Outcome {
    let (options, warnings) = plan_options(&args.plan, false)?;
    if args.file.is_none() && !args.auto_approve {
        refuse_json(context)?;
    }
    if let Some(file) = &args.file {
        let given =
            !args.plan.variables.0.is_empty() || !args.plan.target.is_empty() || args.plan.destroy;
        if given {
            return fail(
                codes::FLAGS,
                "Can't change a saved plan",
                format!(
                    "{} was planned already: -var, -target and -destroy have no effect on it.",
                    file.display()
                ),
            );
        }
    }
    let mut session = Session::open(
        context,
        Wish {
            operation: Some("apply"),
            lock_timeout: args.plan.state.lock_timeout,
            variables: &args.plan.variables,
            missing: if args.file.is_some() {
                Missing::Left
            } else {
                Missing::by_input(args.plan.state.input)
            },
            needs_configuration: (options.mode == Mode::Normal && args.file.is_none())
                .then_some("Apply"),
        },
    )
    .await?;
    let cancel = stop_on_signal(context);
    let run = if let Some(file) = &args.file {
        saved(context, &mut session, file)
    } else {
        let mut made =
            planning::make(context, &mut session, &options, &cancel, Depth::Resolve).await;
        made.diagnostics.extend(warnings);
        approved(args, context, &session, made, &cancel).await
    };
    let outcome = match run {
        Ok(Some(plan)) => carry_out(args, context, &mut session, &plan, &cancel).await,
        Ok(None) => Ok(exit_codes::ERROR),
        Err(failed) => Err(failed),
    };
    let closed = session.close(context).await;
    let code = outcome?;
    closed?;
    Ok(code)
}

/// Shows the plan and asks; `None` where the answer is no.
async fn approved(
    args: &Args,
    context: &Context,
    session: &Session,
    made: Made,
    cancel: &Cancel,
) -> Result<Option<Plan>, Failed> {
    if args.only_outputs && context.speech() == Speech::Text {
        planning::check(context, &made)?;
    } else {
        planning::show(context, &made)?;
    }
    let plan = made.plan;
    let nothing = !plan.has_changes() && plan.deferred.is_empty() && plan.drift.is_empty();
    if nothing || args.auto_approve {
        return Ok(Some(plan));
    }
    let input = args.plan.state.input;
    match ask(context, &plan, &session.inputs.workspace, input, cancel).await? {
        Answer::Yes => Ok(Some(plan)),
        Answer::No => {
            let what = if plan.mode == Mode::Destroy { "Destroy" } else { "Apply" };
            context.out.line(&format!("\n{what} cancelled."));
            Ok(None)
        }
    }
}

/// Reads a saved plan, whose saving was the approval.
fn saved(context: &Context, session: &mut Session, file: &Path) -> Result<Option<Plan>, Failed> {
    let path = context.path(file);
    if path.is_dir() {
        return fail(
            codes::FLAGS,
            "Too many command line arguments",
            "To work in another directory, use the global option -chdir=DIR.",
        );
    }
    let bytes = std::fs::read(&path).map_err(|error| {
        let summary = format!("Failed to load {:?} as a plan file", file.display().to_string());
        Failed::from(Diagnostic::error(codes::FILE, summary).detail(format!("{error}.")))
    })?;
    let saved = planfile::read(&bytes, &session.inputs.providers)
        .map_err(|error| Failed(Diagnostics::from(*error)))?;
    let sources = planfile::fingerprint(&context.sources());
    planfile::check_fresh(&saved, &session.inputs.prior, &sources, &session.inputs.workspace)
        .map_err(|error| Failed(Diagnostics::from(*error)))?;
    // The plan's own values count; what the environment says today has been planned for nobody.
    session.inputs.variables = saved
        .plan
        .variables
        .iter()
        .map(|(name, value)| {
            (name.clone(), terrarium_core::InputValue { value: value.clone(), span: None })
        })
        .collect();
    Ok(Some(saved.plan))
}

async fn carry_out(
    args: &Args,
    context: &Context,
    session: &mut Session,
    plan: &Plan,
    cancel: &Cancel,
) -> Outcome {
    let Some(held) = planning::held(session) else {
        return fail(codes::INTERNAL, "No lock", "An apply was begun without the state's lock.");
    };
    session.inputs.environment.planning = false;
    let teller = Teller::new(context);
    let progress: Arc<dyn Progress> = teller.clone();
    let options = ApplyOptions {
        parallelism: usize::from(args.plan.parallelism),
        progress: &progress,
        cancel,
        left: None,
    };
    let (mut summary, mut diagnostics) =
        terrarium_core::apply(&session.inputs, plan, &held, &options).await;
    teller.finish();
    if !args.plan.target.is_empty() {
        diagnostics.push(partial());
    }
    context.report(&diagnostics);
    keep_outputs(&mut summary, &session.inputs.prior.outputs);
    let run = match plan.mode {
        Mode::Destroy => Run::Destroy,
        _ if args.only_outputs => Run::Refresh,
        _ => Run::Apply,
    };
    let imported = plan.changes.iter().filter(|change| change.importing.is_some()).count();
    // A saved plan is stale now: what is left is planned anew.
    let file = args.file.as_ref().map(|file| file.display().to_string());
    let again = context.command_line(|arg| Some(arg) == file.as_deref());
    let good = !diagnostics.has_errors() && summary.failed.is_empty() && !summary.interrupted;
    let line = if good {
        summary::complete(&summary, run, imported)
    } else {
        summary::incomplete(&summary, run, &again)
    };
    if !good && context.speech() == Speech::Json {
        context.out.line(&stream::incomplete(&summary, &again));
    }
    conclude(context, &summary, (run, imported), (&line, good));
    Ok(if good { exit_codes::SUCCESS } else { exit_codes::ERROR })
}

/// Adds the outputs that a plan of a part did not touch: they are still there, and still shown.
fn keep_outputs(summary: &mut RunSummary, recorded: &BTreeMap<Name, OutputValue>) {
    for (name, output) in recorded {
        summary.outputs.entry(name.clone()).or_insert_with(|| {
            let value = output_value(output).unmarked();
            OutputChange {
                before: value.clone(),
                after: value,
                sensitive: output.sensitive,
                action: PlannedAction::NoOp,
                until: output.until,
            }
        });
    }
}

/// What is said after an apply of a part.
fn partial() -> Diagnostic {
    Diagnostic::warning(codes::TARGETS, "Applied changes may be incomplete").detail(
        "The plan was created with the -target option in effect, so some changes requested in the configuration may have \
         been ignored and the output values may not be fully updated. Run the following command to verify that no other \
         changes are pending:\n    terrarium plan",
    )
}

/// Says how it ended.
fn conclude(
    context: &Context,
    summary: &RunSummary,
    (run, imported): (Run, usize),
    (line, good): (&str, bool),
) {
    if context.speech() == Speech::Json {
        let operation = if run == Run::Destroy { "destroy" } else { "apply" };
        let last = line.lines().last().unwrap_or_default();
        for line in stream::summary(summary, operation, last, imported, good) {
            context.out.line(&line);
        }
    } else if good {
        if run != Run::Refresh {
            context.out.line(&format!("\n{line}"));
        }
        let shown = outputs::outputs(
            summary
                .outputs
                .iter()
                .filter(|(_, output)| output.action != PlannedAction::Delete)
                .map(|(name, output)| (&**name, output.after.clone(), output.sensitive)),
        );
        if run != Run::Destroy && !shown.is_empty() {
            context.out.line(&format!("\nOutputs:\n\n{}", shown.trim_end()));
        }
    } else {
        context.out.line(line);
    }
}
