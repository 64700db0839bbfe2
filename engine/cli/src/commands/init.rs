//! `init`

use std::collections::BTreeMap;
use std::fmt::Write;

use terrarium_diagnostic::{Diagnostic, Diagnostics};

use super::providers::used;
use super::validate;
use crate::args::StateFlags;
use crate::context::{Context, Failed, Outcome, file_failed};
use crate::exit_codes;
use crate::render::paint::{bold, green};
use crate::setup::{config, session, store};

/// The lock file's name.
const LOCK_FILE: &str = ".terrarium.lock.hcl";

/// Flags.
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of a command line")]
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Check everything but the backend
    #[arg(long, default_value = "true")]
    pub backend: bool,
    /// Accepted; the state is local
    #[arg(long, value_name = "CONFIG")]
    pub backend_config: Vec<String>,
    /// Accepted; all providers are built in
    #[arg(long)]
    pub upgrade: bool,
    /// Accepted; there is nothing to migrate
    #[arg(long)]
    pub reconfigure: bool,
    /// Accepted; there is nothing to migrate
    #[arg(long)]
    pub migrate_state: bool,
    /// Accepted; there is nothing to copy
    #[arg(long)]
    pub force_copy: bool,
    /// Accepted; modules are local
    #[arg(long, default_value = "true")]
    pub get: bool,
    /// Accepted: `readonly` does not write the lock file
    #[arg(long, value_name = "MODE")]
    pub lockfile: Option<String>,
    /// Accepted; all providers are built in
    #[arg(long, value_name = "DIR")]
    pub plugin_dir: Vec<String>,
    /// Accepted
    #[arg(long)]
    pub ignore_remote_version: bool,
    /// Accepted
    #[arg(long, value_name = "DIR", hide = true)]
    pub test_directory: Option<String>,
    /// Accepted
    #[arg(long, value_name = "SOURCE", hide = true)]
    pub from_module: Option<String>,
    /// Accepted
    #[arg(long, hide = true)]
    pub json: bool,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    if !config::exists(&context.dir)? {
        context.say(&format!(
            "{}\n\nThe directory has no configuration files. You may begin working with Terrarium\nimmediately by creating \
             configuration files.",
            bold(&green("Terrarium initialized in an empty directory!"))
        ));
        return Ok(exit_codes::SUCCESS);
    }
    context.say(&bold("Initializing the backend..."));
    let (configuration, mut diagnostics) = config::load(context);
    if args.backend {
        diagnostics.extend(config::check_backend(&configuration));
    }
    if diagnostics.has_errors() {
        return Err(diagnostics.into());
    }
    if args.backend {
        context.block_on(async {
            let store = store::open(context)?;
            let fence = store::lock(context, &store, "init", args.state.lock_timeout).await?;
            let adopted = store::adopt(context, &store, &configuration, Some(&fence)).await;
            store::unlock(&store, fence).await?;
            adopted
        })??;
    }
    context.say(&bold("Initializing provider plugins..."));
    let found = validate::check(context)?;
    let (provider_errors, rest): (Vec<Diagnostic>, Vec<Diagnostic>) = found
        .into_iter()
        .partition(|one| one.is_error() && ["T0408", "T0409"].contains(&one.code.0));
    let warnings = rest.into_iter().filter(|one| !one.is_error());
    diagnostics = Diagnostics(provider_errors.into_iter().chain(warnings).collect());
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
    let providers = session::schemas(context);
    let mut chosen = Vec::new();
    for (source, constraints) in required {
        // What is missing or can't be satisfied was refused above.
        let Some((_, version)) = providers.choose(&source, &constraints) else { continue };
        let version = version.to_owned();
        context.say(&format!("- {source} is built in to Terrarium"));
        chosen.push((source, version, constraints));
    }
    if args.lockfile.as_deref() != Some("readonly") {
        write_lock_file(context, &chosen)?;
    }
    context.say(&format!("\n{}", bold(&green("Terrarium has been successfully initialized!"))));
    if !context.env.in_automation() {
        context.say(
            "\nYou may now begin working with Terrarium. Try running \"terrarium plan\" to see\nany changes that are required \
             for your infrastructure. All Terrarium commands\nshould now work.",
        );
    }
    Ok(exit_codes::SUCCESS)
}

/// Writes which version of each provider's behaviour was chosen; an unchanged file is left alone.
fn write_lock_file(
    context: &Context,
    chosen: &[(String, String, Vec<String>)],
) -> Result<(), Failed> {
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
    std::fs::write(&path, text).map_err(|error| file_failed("write", &path, &error))?;
    context.say(&format!(
        "\nTerrarium has written the lock file {LOCK_FILE} to record the provider selections."
    ));
    Ok(())
}
