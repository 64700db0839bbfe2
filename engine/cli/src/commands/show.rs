//! `show`

use std::path::PathBuf;

use jiff::Timestamp;
use terrarium_address::Mode;
use terrarium_core::{ProviderSet, planfile};
use terrarium_diagnostic::Diagnostics;

use super::{planning, schedule};
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, fail, file_failed};
use crate::exit_codes;
use crate::json::plan::{Listing, View};
use crate::json::{self, Secrets, compact};
use crate::render;
use crate::render::instant::Times;
use crate::setup::{providers, store};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
    /// With -json: print sensitive values in clear
    #[arg(long)]
    pub show_sensitive: bool,
    /// With -json and a saved plan: inline lists deferred changes among `resource_changes`, too
    #[arg(
        long,
        value_name = "apart|inline",
        default_value = "apart",
        hide_possible_values = true,
        value_enum
    )]
    pub deferred: Listing,
    /// A saved plan; the state where none is given
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    if args.json {
        context.speak(Speech::Document);
    }
    let secrets = if args.show_sensitive { Secrets::Show } else { Secrets::Hide };
    let providers = providers::schemas(context)?;
    if let Some(path) = &args.path {
        let path = context.path(path);
        let bytes = std::fs::read(&path).map_err(|error| file_failed("read", &path, &error))?;
        if !planfile::is_plan(&bytes) {
            return fail(
                codes::PLAN_FILE,
                "Failed to read the given file as a state or plan file",
                format!("{} is no saved plan. The state is shown without a path.", path.display()),
            );
        }
        let saved = planfile::read(&bytes, &providers)
            .map_err(|error| Failed(Diagnostics::from(*error)))?;
        context.redactor().learn_plan(&saved.plan);
        let state = context.block_on(store::read(context))??;
        if args.json {
            let timeline = terrarium_core::timeline(&saved.plan, &state);
            let timeline = (!timeline.is_empty()).then(|| json::timeline::value(&timeline));
            let view = View { secrets, deferred: args.deferred, timeline };
            print(context, secrets, &compact(&json::plan::view(&saved.plan, &view)));
        } else {
            planning::write(context, &saved.plan, &state);
        }
        return Ok(exit_codes::SUCCESS);
    }
    let (state, now) = context.block_on(schedule::read(context))??;
    let schema_of = |mode, provider: &str, kind: &str| schema_of(&providers, mode, provider, kind);
    context.redactor().learn_state(&state, &schema_of);
    if args.json {
        print(context, secrets, &compact(&json::state::twin(&state, &schema_of, secrets)));
    } else {
        let times = Times::new(context.env.time_zone(), now.unwrap_or_else(Timestamp::now));
        context.out.line(render::outputs::state(&state, &schema_of, &times).trim_end_matches('\n'));
    }
    Ok(exit_codes::SUCCESS)
}

/// Prints a document: in clear where sensitive values were asked for.
fn print(context: &Context, secrets: Secrets, document: &str) {
    match secrets {
        Secrets::Hide => context.out.line(document),
        Secrets::Show => context.out.clear(&format!("{document}\n")),
    }
}

/// Finds the schema of a recorded resource.
pub(crate) fn schema_of(
    providers: &ProviderSet,
    mode: Mode,
    provider: &str,
    kind: &str,
) -> Option<std::sync::Arc<terrarium_provider::Schema>> {
    let source = provider.split('"').nth(1)?;
    let (found, _) = providers.choose(source, &[])?;
    found.schema(mode, kind)
}
