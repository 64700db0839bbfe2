//! `providers`, `providers schema -json`

use std::collections::{BTreeMap, BTreeSet};

use clap::Subcommand;
use terrarium_address::ModulePath;
use terrarium_lang::Configuration;
use terrarium_lang::config::Module;

use crate::codes;
use crate::context::{Context, Outcome, Speech, fail};
use crate::exit_codes;
use crate::json::{compact, schema};
use crate::setup::{config, providers, store};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to show.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Accepted; there are no tests
    #[arg(long, value_name = "DIR", hide = true)]
    pub test_directory: Option<String>,
}

/// What to show of the providers.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show schemas for the providers used in the configuration
    Schema(SchemaArgs),
}

/// Flags of `schema`.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Required: JSON is the only form
    #[arg(long)]
    pub json: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let (configuration, diagnostics) = config::load(context);
    if diagnostics.has_errors() {
        return Err(diagnostics.into());
    }
    if let Some(Action::Schema(args)) = &args.action {
        if !args.json {
            return fail(
                codes::FLAGS,
                "Failed to parse command-line flags",
                "The `terrarium providers schema` command requires the `-json` flag.",
            );
        }
        context.speak(Speech::Document);
        let mut sources: BTreeSet<String> = BTreeSet::new();
        for module in configuration.modules.values() {
            sources.extend(used(module).into_keys());
        }
        let sources: Vec<String> = sources.into_iter().collect();
        context.out.line(&compact(&schema::twin(&providers::schemas(context)?, &sources)));
        return Ok(exit_codes::SUCCESS);
    }
    context.out.line("\nProviders required by configuration:");
    context.out.line(".");
    tree(context, &configuration, &ModulePath::root(), "");
    let state = context.block_on(store::read(context))??;
    let recorded: BTreeSet<&str> = state
        .resources
        .values()
        .map(|instance| crate::json::provider_name(&instance.provider))
        .collect();
    if recorded.is_empty() {
        context.out.line("");
    } else {
        context.out.line("\nProviders required by state:\n");
        for source in recorded {
            context.out.line(&format!("    provider[{source}]\n"));
        }
    }
    Ok(exit_codes::SUCCESS)
}

/// Returns the sources of a module's providers (host and path), with their version constraints.
pub(crate) fn used(module: &Module) -> BTreeMap<String, Option<String>> {
    let mut found = BTreeMap::new();
    let mut names: BTreeSet<&str> = module.required_providers.keys().map(|name| &**name).collect();
    for resource in module.resources.values() {
        let implied = resource.block.kind.split('_').next().unwrap_or_default();
        names.insert(resource.provider.as_ref().map_or(implied, |provider| &provider.name));
    }
    names.extend(module.providers.iter().map(|block| &*block.name));
    for name in names {
        let requirement = module.required_providers.get(name);
        let source = requirement.and_then(|one| one.source.as_deref());
        let version = requirement.and_then(|one| one.version.clone());
        found.insert(full_source(name, source), version);
    }
    found
}

/// Returns a source with its host; what Terraform implies where none is given.
pub(crate) fn full_source(name: &str, source: Option<&str>) -> String {
    match source {
        None if name == "terraform" => "terraform.io/builtin/terraform".to_owned(),
        None => format!("registry.terraform.io/hashicorp/{name}"),
        Some(source) => match source.matches('/').count() {
            0 => format!("registry.terraform.io/hashicorp/{source}"),
            1 => format!("registry.terraform.io/{source}"),
            _ => source.to_owned(),
        },
    }
}

fn tree(context: &Context, config: &Configuration, path: &ModulePath, indent: &str) {
    let Some(module) = config.module(path) else { return };
    let providers = used(module);
    let children: Vec<_> = module.calls.keys().collect();
    let count = providers.len() + children.len();
    let branch = |at: usize| if at + 1 == count { "└── " } else { "├── " };
    for (at, (source, version)) in providers.iter().enumerate() {
        let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        context.out.line(&format!("{indent}{}provider[{source}]{version}", branch(at)));
    }
    for (at, name) in children.into_iter().enumerate() {
        let at = at + providers.len();
        context.out.line(&format!("{indent}{}module.{name}", branch(at)));
        let below = path.child(name.clone(), terrarium_address::InstanceKey::None);
        let bar = if at + 1 == count { "    " } else { "│   " };
        tree(context, config, &below, &format!("{indent}{bar}"));
    }
}
