//! `run`: stays, and carries out what was approved when its time comes.

mod pace;
pub(crate) mod telling;
mod unit;

use std::sync::Arc;

use async_trait::async_trait;
use terrarium_core::Cancel;
use terrarium_drive::{DriveError, Ground, LastSeen, Rules, RunOptions, Runner, Workplace};
use terrarium_state::Store;

use self::pace::RunPace;
use super::planning;
use super::voice::Voice;
use crate::args::{ParallelismArgs, StateFlags, VariableArgs, instant};
use crate::codes;
use crate::context::{Context, Failed, Outcome, fail};
use crate::exit_codes;
use crate::failures;
use crate::setup::lowering::Wish;
use crate::setup::session::{Session, Standing};
use crate::setup::testbed::{self, Testbed};
use crate::setup::variables::Missing;
use crate::setup::{clock, store};
use crate::signals::stop_on_signal;

/// Flags.
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of a command line")]
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0, all that was due is done; 1, something failed or was missed; 2, with -once: something that \
is due is held back, because the configuration or a variable is not the one that was approved: `terrarium apply` approves \
it."
)]
pub struct Args {
    /// Carry out what is due, and do not stay: for cron and CI
    #[arg(long)]
    pub once: bool,
    /// Stay until this instant at most: 2025-03-01T09:00-05:00, or 2025-03-01 09:00 for local time
    #[arg(long, value_name = "INSTANT", conflicts_with = "once")]
    pub until: Option<String>,
    /// On the embedded testbed: wait for `testbed advance` instead of moving its clock
    #[arg(long)]
    pub no_jump: bool,
    /// Print the systemd unit that keeps this run going, with where to put it, and do nothing else
    #[arg(long, conflicts_with_all = ["once", "until"])]
    pub unit: bool,
    /// Variables.
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Calls and operations.
    #[command(flatten)]
    pub parallelism: ParallelismArgs,
    /// Show only the summaries of warnings that come without errors
    #[arg(long)]
    pub compact_warnings: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    if args.unit {
        return unit::print(context);
    }
    planning::speak(context, args.json, args.compact_warnings);
    context.block_on(async {
        let until = match args.until.as_deref().map(|text| instant(text, &context.env.time_zone()))
        {
            None => None,
            Some(Ok(at)) => Some(at),
            Some(Err(why)) => {
                return fail(codes::FLAGS, "Invalid instant", format!("-until: {why}."));
            }
        };
        let testbed = testbed::start(context).await?.map(Arc::new);
        let options = RunOptions { once: args.once, until };
        let outcome = stay(args, context, testbed.clone(), options).await;
        if let Some(testbed) = &testbed {
            testbed.finish(context);
        }
        outcome
    })?
}

async fn stay(
    args: &Args,
    context: &Context,
    testbed: Option<Arc<Testbed>>,
    options: RunOptions,
) -> Outcome {
    let clock = clock::of(context, testbed.as_deref());
    let pace = RunPace::of(testbed.as_ref(), args.no_jump, &clock);
    let cancel: Cancel = stop_on_signal(context);
    let place = Place { args, context, testbed, store: store::open(context).await? };
    let runner = Runner {
        place: &place,
        rules: Rules::default(),
        clock: &*clock,
        pace: &pace,
        audience: &Voice::new(context),
        cancel: &cancel,
    };
    let verdict =
        terrarium_drive::run(runner, options).await.map_err(|error| failures::of_drive(&error))?;
    Ok(exit_codes::of_run(verdict))
}

/// Where a run works: the configuration is read anew for each round, and the testbed outlives them.
struct Place<'a> {
    args: &'a Args,
    context: &'a Context,
    testbed: Option<Arc<Testbed>>,
    store: Arc<dyn Store>,
}

#[async_trait(?Send)]
impl Workplace for Place<'_> {
    fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    async fn open(&self, seen: &LastSeen) -> Result<Ground, DriveError> {
        let wish = Wish {
            operation: Some("run"),
            parallelism: self.args.parallelism.into(),
            missing: Missing::Refused,
            needs_configuration: Some("Run"),
            ..Wish::of_state(&self.args.state, &self.args.variables)
        };
        let outlives = Standing { testbed: self.testbed.clone(), seen: Some(seen) };
        let opened = Session::open_on(self.context, wish, outlives).await;
        let session = opened.map_err(|failed: Failed| DriveError::Found(failed.0))?;
        let Some(held) = planning::held(&session) else {
            let wrong: Outcome = fail(codes::INTERNAL, "No lock", "A round has no lock.");
            return Err(DriveError::Found(wrong.err().map(|failed| failed.0).unwrap_or_default()));
        };
        Ok(Ground { inputs: session.inputs, held })
    }
}
