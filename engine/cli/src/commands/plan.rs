//! `plan`

use std::path::PathBuf;

use terrarium_core::{Depth, Mode, Plan, planfile};
use terrarium_drive::Proposal;

use super::planning;
use crate::args::refused::{self, Refused};
use crate::args::{ExitCodes, PlanFlags};
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, fail, file_failed};
use crate::exit_codes;
use crate::failures;
use crate::private;
use crate::render::plan::rule;
use crate::setup::lowering::{Wish, plan_options};
use crate::setup::session::Session;
use crate::signals::stop_on_signal;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What every plan takes.
    #[command(flatten)]
    pub plan: PlanFlags,
    /// Exit with 0: nothing to do or to approve, 1: error, 2: something; =waiting: 3 where only approved
    /// work waits
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        hide_default_value = true,
        hide_possible_values = true,
        value_name = "waiting",
        value_enum
    )]
    pub detailed_exitcode: ExitCodes,
    /// Save the plan to a file, for `apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Use no network and no credentials: check everything that can be checked without them
    #[arg(long)]
    pub offline: bool,
    /// Refused: configuration is not generated
    #[arg(long, value_name = "FILE", hide = true, value_parser = refused::generate_config_out)]
    pub generate_config_out: Option<Refused>,
}

/// What is said of a plan that `-at` was given for.
const AS_OF: &str = "Note: With -at this is a look at another time: what exists was read now, and the plan was\n\
made as if it were then. It can't be saved or applied.";

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    planning::speak(context, args.plan.json, args.plan.compact_warnings);
    context.block_on(plan(args, context))?
}

async fn plan(args: &Args, context: &Context) -> Outcome {
    if let (Some(_), Some(out)) = (context.at, &args.out) {
        return fail(
            codes::FLAGS,
            "A look at another time can't be saved",
            format!(
                "With -at the plan says what would be done then; applied now, it would do something else. Leave out -at, or \
                 -out={}.",
                out.display()
            ),
        );
    }
    let (options, warnings) = plan_options(&args.plan, args.offline)?;
    let needs = if args.plan.destroy { None } else { Some("Plan") };
    let mut session = Session::open(
        context,
        Wish {
            // A look at another time writes nothing, so that it needs no lock.
            operation: (context.at.is_none() && args.plan.state.lock).then_some("plan"),
            needs_configuration: needs,
            ..Wish::of_plan(&args.plan)
        },
    )
    .await?;
    let cancel = stop_on_signal(context);
    let mut made = planning::make(context, &mut session, &options, &cancel, Depth::Look).await?;
    if session.fence.is_some() {
        // What the look took over is in the plan.
        session.changed =
            session.store.head().await.map_err(|error| failures::of_store(&error))?.changed;
    }
    made.diagnostics.extend(warnings);
    let shown = planning::show(context, &session.inputs.prior, &made)
        .and_then(|()| finish(args, context, &session, &made));
    session.close(context).await?;
    shown?;
    Ok(exit_code(&made.plan, args.detailed_exitcode))
}

/// Returns what `-detailed-exitcode` says of a plan.
fn exit_code(plan: &Plan, wanted: ExitCodes) -> u8 {
    let drifted = plan.mode == Mode::RefreshOnly && !plan.drift.is_empty();
    let todo = plan.has_changes() || plan.has_unapproved() || drifted;
    match wanted {
        ExitCodes::Plain => exit_codes::SUCCESS,
        _ if todo => exit_codes::CHANGES,
        ExitCodes::Waiting if plan.has_waiting() => exit_codes::WAITING,
        ExitCodes::Changes | ExitCodes::Waiting => exit_codes::SUCCESS,
    }
}

/// Saves the plan, or says that it was not saved.
fn finish(
    args: &Args,
    context: &Context,
    session: &Session,
    made: &Proposal,
) -> Result<(), Failed> {
    let plan = &made.plan;
    let advice = context.speech() == Speech::Text && !context.env.in_automation();
    if context.at.is_some() {
        let text = format!("\n{}\n\n{AS_OF}", rule(77));
        context.say(&text);
        return Ok(());
    }
    let Some(out) = &args.out else {
        if advice && (plan.has_changes() || plan.has_unapproved()) {
            context.out.line(&format!(
                "\n{}\n\nNote: You didn't use the -out option to save this plan, so Terrarium can't\nguarantee to take \
                 exactly these actions if you run \"terrarium apply\" now.",
                rule(77)
            ));
        }
        return Ok(());
    };
    let sources = planfile::fingerprint(&context.sources());
    let workspace = &session.inputs.workspace;
    let path = context.path(out);
    let made_in = (&**workspace, session.changed);
    private::write(&path, &mut |out| planfile::write_plan(plan, &sources, made_in, out))
        .map_err(|error| file_failed("write", &path, &error))?;
    context.say(&format!("\n{}\n\nSaved the plan to: {}", rule(77), out.display()));
    if advice {
        context.say(&format!(
            "\nTo perform exactly these actions, run the following command to apply:\n    terrarium apply \"{}\"",
            out.display()
        ));
    }
    Ok(())
}
