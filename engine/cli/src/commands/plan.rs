//! `plan`

use std::path::PathBuf;

use terrarium_core::{Depth, planfile};

use super::planning;
use crate::args::PlanFlags;
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, fail, file_failed};
use crate::exit_codes;
use crate::progress::stop_on_signal;
use crate::render::plan::rule;
use crate::setup::session::{Session, Wish, plan_options};
use crate::setup::variables::Missing;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What every plan takes.
    #[command(flatten)]
    pub plan: PlanFlags,
    /// Exit with 0: no changes, 1: error, 2: changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Save the plan to a file, for `apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Use no network and no credentials: check everything that can be checked without them
    #[arg(long)]
    pub offline: bool,
    /// Accepted; configuration is not generated
    #[arg(long, value_name = "FILE", hide = true)]
    pub generate_config_out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    planning::speak(context, args.plan.json, args.plan.compact_warnings);
    context.block_on(plan(args, context))?
}

async fn plan(args: &Args, context: &Context) -> Outcome {
    let (options, warnings) = plan_options(&args.plan, args.offline)?;
    let needs = if args.plan.destroy { None } else { Some("Plan") };
    let mut session = Session::open(
        context,
        Wish {
            operation: Some("plan"),
            lock_timeout: args.plan.state.lock_timeout,
            variables: &args.plan.variables,
            missing: Missing::by_input(args.plan.state.input),
            needs_configuration: needs,
        },
    )
    .await?;
    let cancel = stop_on_signal(context);
    let mut made = planning::make(context, &mut session, &options, &cancel, Depth::Look).await;
    made.diagnostics.extend(warnings);
    let shown =
        planning::show(context, &made).and_then(|()| finish(args, context, &session, &made));
    session.close(context).await?;
    shown?;
    let changes = made.plan.has_changes() || !made.plan.deferred.is_empty();
    let drifted = args.plan.refresh_only && !made.plan.drift.is_empty();
    Ok(if args.detailed_exitcode && (changes || drifted) {
        exit_codes::CHANGES
    } else {
        exit_codes::SUCCESS
    })
}

/// Saves the plan, or says that it was not saved.
fn finish(
    args: &Args,
    context: &Context,
    session: &Session,
    made: &planning::Made,
) -> Result<(), Failed> {
    let plan = &made.plan;
    let advice = context.speech() == Speech::Text && !context.env.in_automation();
    let Some(out) = &args.out else {
        if advice && (plan.has_changes() || !plan.deferred.is_empty()) {
            context.out.line(&format!(
                "\n{}\n\nNote: You didn't use the -out option to save this plan, so Terrarium can't\nguarantee to take \
                 exactly these actions if you run \"terrarium apply\" now.",
                rule(77)
            ));
        }
        return Ok(());
    };
    let saved = planfile::SavedPlan {
        plan: plan.clone(),
        sources: planfile::fingerprint(&context.sources()),
        workspace: session.inputs.workspace.to_string(),
    };
    let path = context.path(out);
    let Ok(bytes) = planfile::write(&saved) else {
        return fail(
            codes::INTERNAL,
            "Plan can't be saved",
            "The plan could not be written as text.",
        );
    };
    std::fs::write(&path, bytes).map_err(|error| file_failed("write", &path, &error))?;
    context.say(&format!("\n{}\n\nSaved the plan to: {}", rule(77), out.display()));
    if advice {
        context.say(&format!(
            "\nTo perform exactly these actions, run the following command to apply:\n    terrarium apply \"{}\"",
            out.display()
        ));
    }
    Ok(())
}
