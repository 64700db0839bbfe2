//! `init`

use std::collections::BTreeMap;
use std::fmt::Write;

use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::Configuration;

use super::providers::used;
use super::{planning, validate};
use crate::args::StateFlags;
use crate::args::refused::{self, Refused};
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, file_failed};
use crate::exit_codes;
use crate::json::stream;
use crate::render::paint::{bold, green};
use crate::render::plain;
use crate::setup::{backend, config, providers as known_providers, store};

/// The lock file's name.
const LOCK_FILE: &str = ".terrarium.lock.hcl";

/// Flags.
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of a command line")]
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Check everything but the backend
    #[arg(long, default_value = "true")]
    pub backend: bool,
    /// Refused: the backend's arguments stand in its block
    #[arg(long, hide = true, value_name = "CONFIG", value_parser = refused::backend_config)]
    pub backend_config: Vec<Refused>,
    /// Accepted; all providers are built in
    #[arg(long)]
    pub upgrade: bool,
    /// Begin with a state of its own where the backend's `path` was changed
    #[arg(long)]
    pub reconfigure: bool,
    /// Accepted; what must be moved is told, and moved by hand
    #[arg(long, hide = true)]
    pub migrate_state: bool,
    /// Accepted; see -migrate-state
    #[arg(long, hide = true)]
    pub force_copy: bool,
    /// Accepted as `true`: modules are read where they are
    #[arg(
        long,
        hide = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = refused::get
    )]
    pub get: Option<String>,
    /// `readonly`: refuse to change the lock file
    #[arg(long, value_name = "MODE", value_parser = ["readonly"])]
    pub lockfile: Option<String>,
    /// Refused: all providers are built in
    #[arg(long, hide = true, value_name = "DIR", value_parser = refused::plugin_dir)]
    pub plugin_dir: Vec<Refused>,
    /// Accepted; no state is remote
    #[arg(long, hide = true)]
    pub ignore_remote_version: bool,
    /// Accepted; there are no tests
    #[arg(long, value_name = "DIR", hide = true)]
    pub test_directory: Option<String>,
    /// Refused: no module is copied
    #[arg(long, value_name = "SOURCE", hide = true, value_parser = refused::from_module)]
    pub from_module: Option<Refused>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    planning::speak(context, args.json, false);
    if !config::exists(&context.dir)? {
        say(
            context,
            "output_init_empty_message",
            &format!(
                "{}\n\nThe directory has no configuration files. You may begin working with Terrarium\nimmediately by \
                 creating configuration files.",
                bold(&green("Terrarium initialized in an empty directory!"))
            ),
        );
        return Ok(exit_codes::SUCCESS);
    }
    say(context, "initializing_backend_message", &bold("Initializing the backend..."));
    let (configuration, mut diagnostics) = config::load(context);
    if args.backend {
        diagnostics.extend(backend::check(&configuration));
    }
    if diagnostics.has_errors() {
        return Err(diagnostics.into());
    }
    if args.backend {
        prepare_state(args, context, &configuration)?;
    }
    say(context, "initializing_provider_plugin_message", &bold("Initializing provider plugins..."));
    let chosen = providers(context, &configuration)?;
    write_lock_file(args, context, &chosen)?;
    let done = bold(&green("Terrarium has been successfully initialized!"));
    say(context, "output_init_success_message", &format!("\n{done}"));
    if !context.env.in_automation() {
        context.say(
            "\nYou may now begin working with Terrarium. Try running \"terrarium plan\" to see\nany changes that are required \
             for your infrastructure. All Terrarium commands\nshould now work.",
        );
    }
    Ok(exit_codes::SUCCESS)
}

/// Says something to people, and to programs with its code.
fn say(context: &Context, code: &str, text: &str) {
    match context.speech() {
        Speech::Json => context.out.line(&stream::init(code, plain(text).trim())),
        _ => context.say(text),
    }
}

/// Makes the state's database, and takes over what Terraform left.
fn prepare_state(
    args: &Args,
    context: &Context,
    configuration: &Configuration,
) -> Result<(), Failed> {
    context.block_on(async {
        let store = if args.reconfigure {
            store::open_anew(context).await?
        } else {
            store::open(context).await?
        };
        let fence = store::lock(context, &store, "init", args.state.lock_timeout).await?;
        let adopted = store::adopt(context, &store, configuration, Some(&fence)).await;
        if args.reconfigure && adopted.is_ok() {
            // From now on the database is there, and is the state of this directory.
            store::commit(&store, &fence, terrarium_state::Batch::default()).await?;
        }
        store::unlock(&store, fence).await?;
        adopted.map(|_state| ())
    })?
}

/// A provider's source, the version of its behaviour, and the constraints that chose it.
type Chosen = (String, String, Vec<String>);

/// Chooses the providers that a configuration uses.
fn providers(context: &Context, configuration: &Configuration) -> Result<Vec<Chosen>, Failed> {
    let found = validate::check(context)?;
    let (provider_errors, rest): (Vec<Diagnostic>, Vec<Diagnostic>) = found
        .into_iter()
        .partition(|one| one.is_error() && ["T0408", "T0409"].contains(&one.code.0));
    let warnings = rest.into_iter().filter(|one| !one.is_error());
    let diagnostics = Diagnostics(provider_errors.into_iter().chain(warnings).collect());
    if diagnostics.has_errors() {
        return Err(diagnostics.into());
    }
    context.report(&diagnostics);
    let mut required = BTreeMap::new();
    for module in configuration.modules.values() {
        for (source, version) in used(module) {
            let all: &mut Vec<String> = required.entry(source).or_default();
            all.extend(version);
        }
    }
    let providers = known_providers::known(context);
    let mut chosen = Vec::new();
    for (source, constraints) in required {
        // What is missing or can't be satisfied was refused above.
        let Some((_, version)) = providers.choose(&source, &constraints) else { continue };
        let version = version.to_owned();
        let text = format!("- {source} is built in to Terrarium");
        say(context, "provider_already_installed_message", &text);
        chosen.push((source, version, constraints));
    }
    Ok(chosen)
}

/// Writes which version of each provider's behaviour was chosen; an unchanged file is left alone.
fn write_lock_file(args: &Args, context: &Context, chosen: &[Chosen]) -> Result<(), Failed> {
    let mut text = String::from(
        "# This file is maintained automatically by \"terrarium init\".\n# Manual edits may be lost in future updates.\n",
    );
    for (source, version, constraints) in chosen {
        let _infallible = writeln!(text, "\nprovider \"{source}\" {{");
        let _infallible = if constraints.is_empty() {
            writeln!(text, "  version = \"{version}\"")
        } else {
            let all = constraints.join(", ");
            writeln!(text, "  version     = \"{version}\"\n  constraints = \"{all}\"")
        };
        text.push_str("}\n");
    }
    let path = context.path(LOCK_FILE);
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if args.lockfile.is_some() {
        return Err(Diagnostic::error(codes::FILE, "Provider dependency changes detected")
            .detail(format!(
                "The providers that this configuration needs are not those of {LOCK_FILE}, and -lockfile=readonly \
                 forbids to change it."
            ))
            .help(
                "Run `terrarium init` without -lockfile=readonly, and keep the changed file with the configuration.",
            )
            .into());
    }
    std::fs::write(&path, text).map_err(|error| file_failed("write", &path, &error))?;
    say(
        context,
        "lock_info",
        &format!(
            "\nTerrarium has written the lock file {LOCK_FILE} to record the provider selections."
        ),
    );
    Ok(())
}
