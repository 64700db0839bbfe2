//! `timeline`

use std::path::{Path, PathBuf};

use terrarium_address::Name;
use terrarium_core::{Depth, Plan, ProviderSet, Timeline, planfile};
use terrarium_diagnostic::Diagnostics;

use super::planning;
use crate::args::PlanFlags;
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, fail, file_failed};
use crate::exit_codes;
use crate::json;
use crate::render::instant::Times;
use crate::render::timeline as render;
use crate::setup::lowering::{Wish, plan_options};
use crate::setup::session::Session;
use crate::setup::{providers, store};
use crate::signals::stop_on_signal;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What every plan takes.
    #[command(flatten)]
    pub plan: PlanFlags,
    /// Write it to a file: a picture (.svg), a page (.html), .json or .txt
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A saved plan; a new plan where none is given
    #[arg(value_name = "PLAN")]
    pub file: Option<PathBuf>,
}

/// A timeline with what is needed to show it.
pub(crate) struct Sight {
    pub(crate) timeline: Timeline,
    pub(crate) times: Times,
    pub(crate) lineage: Name,
    pub(crate) serial: u64,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    context.speak(Speech::Document);
    let form = Form::of(args)?;
    let sight = gather(context, &args.plan, args.file.as_deref())?;
    let text = write(&sight, form, planning::width(context));
    let Some(out) = &args.out else {
        match text.trim_end_matches('\n') {
            "" => {
                context.out.line("Nothing in this configuration waits for a time or ends at one.");
            }
            text => context.out.line(text),
        }
        return Ok(exit_codes::SUCCESS);
    };
    save(context, out, &crate::render::plain(&text))?;
    Ok(exit_codes::SUCCESS)
}

/// In which form the timeline is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Picture,
    Page,
    Json,
}

impl Form {
    fn of(args: &Args) -> Result<Self, Failed> {
        let Some(out) = &args.out else {
            return Ok(if args.plan.json { Self::Json } else { Self::Text });
        };
        let extension = out.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("json") => Ok(Self::Json),
            _ if args.plan.json => fail(
                codes::FLAGS,
                "Two forms of one timeline",
                format!(
                    "-json and -out={} ask for different things: leave one out.",
                    out.display()
                ),
            ),
            Some("txt") => Ok(Self::Text),
            Some("svg") => Ok(Self::Picture),
            Some("html" | "htm") => Ok(Self::Page),
            _ => fail(
                codes::FLAGS,
                "Unknown form of a timeline",
                format!(
                    "{} ends in none of .svg, .html, .json and .txt: the ending says what is written.",
                    out.display()
                ),
            ),
        }
    }
}

fn write(sight: &Sight, form: Form, width: usize) -> String {
    let Sight { timeline, times, .. } = sight;
    match form {
        Form::Text => render::text(timeline, times, width),
        Form::Picture => render::svg(timeline, times),
        Form::Page => render::html(timeline, times),
        Form::Json => format!("{}\n", json::pretty(&json::timeline::twin(timeline))),
    }
}

/// Writes a file, and says so.
pub(crate) fn save(context: &Context, out: &Path, text: &str) -> Result<(), Failed> {
    let path = context.path(out);
    let text = context.redactor().text(text);
    std::fs::write(&path, text.as_bytes()).map_err(|error| file_failed("write", &path, &error))?;
    context.out.talk(&format!("Wrote {}", out.display()));
    Ok(())
}

/// Reads the saved plan, or makes a plan, and lays out its time. No lock is taken: nothing is changed.
pub(crate) fn gather(
    context: &Context,
    flags: &PlanFlags,
    file: Option<&Path>,
) -> Result<Sight, Failed> {
    if flags.compact_warnings {
        context.compact_warnings();
    }
    let user = context.env.time_zone();
    let sight = |plan: &Plan, state: &terrarium_state::State| Sight {
        timeline: terrarium_core::timeline(plan, state),
        times: Times::of_plan(plan, &user),
        lineage: plan.lineage.clone(),
        serial: plan.serial,
    };
    if let Some(file) = file {
        let plan = saved(context, file, &providers::schemas(context)?)?;
        let state = context.block_on(store::read(context))??;
        return Ok(sight(&plan, &state));
    }
    context.block_on(async {
        let (options, warnings) = plan_options(flags, false)?;
        let wish = Wish {
            needs_configuration: (!flags.destroy).then_some("Timeline"),
            ..Wish::of_plan(flags)
        };
        let mut session = Session::open(context, wish).await?;
        let cancel = stop_on_signal(context);
        let mut made =
            planning::make(context, &mut session, &options, &cancel, Depth::Look).await?;
        made.diagnostics.extend(warnings);
        let seen =
            planning::check(context, &made).map(|()| sight(&made.plan, &session.inputs.prior));
        session.close(context).await?;
        seen
    })?
}

/// Reads a saved plan.
fn saved(context: &Context, file: &Path, providers: &ProviderSet) -> Result<Plan, Failed> {
    let path = context.path(file);
    let bytes = std::fs::read(&path).map_err(|error| file_failed("read", &path, &error))?;
    if !planfile::is_plan(&bytes) {
        return fail(
            codes::PLAN_FILE,
            "Failed to read the given file as a plan file",
            format!("{} is no saved plan: \"terrarium plan -out FILE\" saves one.", file.display()),
        );
    }
    let saved = planfile::read(&bytes, providers);
    let learn = |plan: &Plan| context.redactor().learn_plan(plan);
    saved.map(|saved| saved.plan).inspect(learn).map_err(|error| Failed(Diagnostics::from(*error)))
}
