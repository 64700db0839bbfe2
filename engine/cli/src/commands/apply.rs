//! `apply`

mod saved;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use terrarium_address::Name;
use terrarium_core::{
    Cancel, Inputs, Mode, OutputChange, Plan, PlanOptions, PlannedAction, Progress, RunSummary,
};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_drive::{
    Applied, Audience, Caller, Concluded, DriveError, Notice, Proposal, Request, Work,
};
use terrarium_state::OutputValue;

use super::approve::{Answer, ask, refuse_json};
use super::voice::Voice;
use super::{planning, schedule};
use crate::args::PlanFlags;
use crate::codes;
use crate::context::{Context, Outcome, Speech, fail};
use crate::exit_codes;
use crate::failures;
use crate::json::stream;
use crate::render::instant::Times;
use crate::render::outputs::{self, output_value};
use crate::render::summary::{self, Run};
use crate::setup::lowering::{Unlocked, Wish, plan_options};
use crate::setup::session::Session;
use crate::setup::variables::Missing;
use crate::signals::stop_on_signal;

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
    if let Some(file) = &args.file
        && (!args.plan.target.is_empty() || args.plan.destroy)
    {
        return fail(
            codes::FLAGS,
            "Can't change a saved plan",
            format!(
                "{} was planned already: -target and -destroy have no effect on it.",
                file.display()
            ),
        );
    }
    let lowered = Wish::of_plan(&args.plan);
    let mut session = Session::open(
        context,
        Wish {
            operation: Some("apply"),
            unlocked: Unlocked::Refused,
            missing: if args.file.is_some() { Missing::Left } else { lowered.missing },
            needs_configuration: (options.mode == Mode::Normal && args.file.is_none())
                .then_some("Apply"),
            ..lowered
        },
    )
    .await?;
    let cancel = stop_on_signal(context);
    let outcome = drive(args, context, &mut session, ((options, warnings), &cancel)).await;
    let closed = session.close(context).await;
    let code = outcome?;
    closed?;
    Ok(code)
}

/// Has a plan or what the options say applied, and says what waits then.
async fn drive(
    args: &Args,
    context: &Context,
    session: &mut Session,
    ((options, warnings), cancel): ((PlanOptions, Diagnostics), &Cancel),
) -> Outcome {
    let Some(held) = planning::held(session) else {
        return fail(codes::INTERNAL, "No lock", "An apply was begun without the state's lock.");
    };
    let request = if let Some(file) = &args.file {
        Request::Saved(Box::new(saved::read(context, session, (file, &args.plan.variables))?))
    } else {
        planning::admit(context, session, &options)?;
        Request::Options { options, warnings }
    };
    let caller = Person { args, context, cancel, voice: Voice::new(context) };
    let applied = terrarium_drive::apply(&mut session.inputs, &held, request, (&caller, cancel));
    let good = match applied.await.map_err(|error| failures::of_drive(&error))? {
        Applied::Refused | Applied::Failed => return Ok(exit_codes::ERROR),
        Applied::Good(good) => good,
    };
    let given = args.file.is_none().then_some(&args.plan.variables);
    schedule::afterwards(context, session, (&good.plan, good.credentials_end), given);
    if good.waiting > 0 {
        context.say(&another(good.waiting, good.known));
    }
    let code = good.caught_up.map(|tally| exit_codes::of_run(tally.verdict_of_one_look()));
    Ok(code.unwrap_or(exit_codes::SUCCESS))
}

/// Says that something waits for another plan.
fn another(count: usize, known: bool) -> String {
    let what = if count == 1 { "1 block waits".to_owned() } else { format!("{count} blocks wait") };
    let why =
        if known { "for values that are known now" } else { "for values that are not known yet" };
    format!("\n{what} {why}: run `terrarium apply` again to plan what follows.")
}

/// Who has something applied: sees each plan, agrees, and is told what came of it.
struct Person<'a> {
    args: &'a Args,
    context: &'a Context,
    cancel: &'a Cancel,
    voice: Voice<'a>,
}

impl Audience for Person<'_> {
    fn on(&self, notice: Notice<'_>) {
        self.voice.on(notice);
    }

    fn progress(&self, work: Work) -> Arc<dyn Progress> {
        self.voice.progress(work)
    }

    fn finish(&self) {
        self.voice.finish();
    }
}

#[async_trait(?Send)]
impl Caller for Person<'_> {
    /// Shows the plan and asks.
    async fn agree(
        &self,
        inputs: &Inputs,
        proposal: Proposal,
        round: usize,
    ) -> Result<Option<Plan>, DriveError> {
        let (args, context) = (self.args, self.context);
        let shown = if args.only_outputs && context.speech() == Speech::Text {
            planning::check(context, &proposal)
        } else {
            planning::show(context, &inputs.prior, &proposal)
        };
        shown.map_err(|failed| DriveError::Found(failed.0))?;
        let plan = proposal.plan;
        let nothing = !plan.has_changes() && !plan.has_unapproved() && plan.drift.is_empty();
        // A further round that has nothing to do is no question.
        let nothing = nothing || (round > 1 && !plan.has_changes() && !plan.has_unapproved());
        if nothing || args.auto_approve {
            return Ok(Some(plan));
        }
        let input = args.plan.state.input;
        let answer = ask(context, &plan, &inputs.workspace, input, self.cancel).await;
        match answer.map_err(|failed| DriveError::Found(failed.0))? {
            Answer::Yes => Ok(Some(plan)),
            Answer::No => {
                let what = if plan.mode == Mode::Destroy { "Destroy" } else { "Apply" };
                context.out.line(&format!("\n{what} cancelled."));
                Ok(None)
            }
        }
    }

    fn concluded(&self, round: Concluded<'_>) {
        let (args, context) = (self.args, self.context);
        let Concluded { plan, mut summary, mut diagnostics, before, good } = round;
        for failure in &mut summary.failed {
            failure.why = context.redactor().message(&failure.why);
        }
        if !args.plan.target.is_empty() {
            diagnostics.push(partial());
        }
        context.report(&diagnostics);
        keep_outputs(&mut summary, &before.outputs);
        let run = match plan.mode {
            Mode::Destroy => Run::Destroy,
            _ if args.only_outputs => Run::Refresh,
            _ => Run::Apply,
        };
        let imported = plan.changes.iter().filter(|change| change.importing.is_some()).count();
        // A saved plan is stale now: what is left is planned anew.
        let file = args.file.as_ref().map(|file| file.display().to_string());
        let again = context.command_line(|arg| Some(arg) == file.as_deref());
        let line = if good {
            summary::complete(&summary, run, imported)
        } else {
            summary::incomplete(&summary, run, &again)
        };
        if !good && context.speech() == Speech::Json {
            context.out.line(&stream::incomplete(&summary, &again));
        }
        let times = Times::of_plan(plan, &context.env.time_zone());
        conclude(context, &summary, (run, imported), (&line, good), &times);
    }
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
    times: &Times,
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
                .filter(|(_, output)| output.after.is_wholly_known())
                .map(|(name, output)| (&**name, output.after.clone(), output.sensitive)),
        );
        let later = outputs::later(&summary.outputs, times);
        let shown = format!("{shown}{later}");
        if run != Run::Destroy && !shown.is_empty() {
            context.out.line(&format!("\nOutputs:\n\n{}", shown.trim_end()));
        }
    } else {
        context.out.line(line);
    }
}
