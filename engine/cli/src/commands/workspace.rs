//! `workspace list | new | select | delete | show`

use clap::Subcommand;
use terrarium_diagnostic::Diagnostic;

use crate::codes;
use crate::context::{Context, Failed, Outcome, fail};
use crate::env::TF_WORKSPACE;
use crate::exit_codes;
use crate::failures;
use crate::render::paint::{bold, green};
use crate::setup::{backend, config, store, workspace};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with workspaces.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List workspaces
    List,
    /// Create a new workspace and select it
    New(New),
    /// Select a workspace
    Select(Select),
    /// Delete a workspace
    Delete(Delete),
    /// Show the name of the current workspace
    Show,
}

/// Flags of `new`.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Its name
    pub name: String,
    /// Accepted; nothing is locked
    #[arg(long, default_value = "true")]
    pub lock: bool,
    /// Accepted; nothing is locked
    #[arg(long, value_name = "DURATION")]
    pub lock_timeout: Option<String>,
}

/// Flags of `select`.
#[derive(Debug, clap::Args)]
pub struct Select {
    /// Its name
    pub name: String,
    /// Create it where it does not exist
    #[arg(long)]
    pub or_create: bool,
}

/// Flags of `delete`.
#[derive(Debug, clap::Args)]
pub struct Delete {
    /// Its name
    pub name: String,
    /// Delete it although it tracks objects, which then nobody manages
    #[arg(long)]
    pub force: bool,
    /// Accepted; nothing is locked
    #[arg(long, default_value = "true")]
    pub lock: bool,
    /// Accepted; nothing is locked
    #[arg(long, value_name = "DURATION")]
    pub lock_timeout: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.action {
        Action::List => list(context),
        Action::New(new) => create(context, &new.name),
        Action::Select(select) => choose(context, select),
        Action::Delete(delete) => remove(context, delete),
        Action::Show => {
            context.out.line(&workspace::selected(context)?);
            Ok(exit_codes::SUCCESS)
        }
    }
}

fn names(context: &Context) -> Result<Vec<String>, Failed> {
    let own = context.block_on(store::backend(context).workspaces())?;
    let mut names = own.map_err(|error| failures::of_store(&error))?;
    // Those of which only Terraform has a state are taken over when they are first used.
    let (config, _) = config::load(context);
    let places = store::places(context, &config)?;
    names.extend(terrarium_state::adopt::terraform_workspaces(&places).unwrap_or_default());
    names.sort();
    names.dedup();
    Ok(names)
}

fn list(context: &Context) -> Outcome {
    let selected = workspace::selected(context)?;
    let mut names = names(context)?;
    let overridden = context.env.get(TF_WORKSPACE).is_some();
    if overridden && !names.contains(&selected) {
        names.push(selected.clone());
        names.sort();
    }
    for name in names {
        let mark = if name == selected { "*" } else { " " };
        context.out.line(&format!("{mark} {name}"));
    }
    context.out.line("");
    if overridden {
        context.out.talk(
            "The active workspace is being overridden using the TF_WORKSPACE environment\nvariable.",
        );
    }
    Ok(exit_codes::SUCCESS)
}

fn not_overridden(context: &Context) -> Result<(), Failed> {
    if context.env.get(TF_WORKSPACE).is_none() {
        return Ok(());
    }
    fail(
        codes::WORKSPACE,
        "The selected workspace is overridden",
        "The environment variable TF_WORKSPACE names the workspace; unset it to select another.",
    )
}

fn create(context: &Context, name: &str) -> Outcome {
    not_overridden(context)?;
    backend::settled(context)?;
    let seed = uuid::Uuid::new_v4().to_string();
    let made = context.block_on(store::backend(context).create_workspace(name, &seed))?;
    made.map_err(|error| failures::of_workspace(&error))?;
    workspace::select(context, name)?;
    context.out.line(&format!(
        "{}\n\nYou're now on a new, empty workspace. Workspaces isolate their state,\nso if you run \"terrarium plan\" \
         Terrarium will not see any existing state\nfor this configuration.",
        bold(&green(&format!("Created and switched to workspace \"{name}\"!")))
    ));
    Ok(exit_codes::SUCCESS)
}

fn choose(context: &Context, select: &Select) -> Outcome {
    not_overridden(context)?;
    let name = &select.name;
    if !names(context)?.contains(name) {
        if select.or_create {
            return create(context, name);
        }
        return Err(Diagnostic::error(codes::WORKSPACE, format!("Workspace \"{name}\" doesn't exist"))
            .detail(
                "You can create this workspace with the \"new\" subcommand or include the \"-or-create\" flag with the \
                 \"select\" subcommand.",
            )
            .into());
    }
    if workspace::selected(context)? != *name {
        workspace::select(context, name)?;
        context.out.line(&green(&format!("Switched to workspace \"{name}\".")));
    }
    Ok(exit_codes::SUCCESS)
}

fn remove(context: &Context, delete: &Delete) -> Outcome {
    let name = &delete.name;
    if workspace::selected(context)? == *name {
        return fail(
            codes::WORKSPACE,
            "Workspace is your active workspace",
            format!(
                "You cannot delete the currently active workspace {name:?}. Please switch to another and try again."
            ),
        );
    }
    let backend = store::backend(context);
    context.block_on(async {
        let store = backend.open(name).await.map_err(|error| failures::of_store(&error))?;
        let fence =
            store::lock(context, &store, "workspace delete", std::time::Duration::ZERO).await?;
        let removed = backend.delete_workspace(name, delete.force).await;
        let unlocked = store::unlock(&store, fence).await;
        removed.map_err(|error| failures::of_workspace(&error))?;
        // The row of the lock went with the workspace; only a failure before that counts.
        drop(unlocked);
        Ok::<_, Failed>(())
    })??;
    context.out.line(&green(&format!("Deleted workspace \"{name}\"!")));
    Ok(exit_codes::SUCCESS)
}
