//! `state backup`, `state accept`

use std::path::PathBuf;

use super::confirm;
use crate::context::{Context, Outcome};
use crate::exit_codes;
use crate::failures;
use crate::setup::{store, workspace};

/// Flags of `backup`.
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The file to write, which must not exist; else terrarium-SERIAL.db.backup beside the state
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
}

/// Flags of `accept`.
#[derive(Debug, clap::Args)]
pub struct Accept {
    /// Do not ask
    #[arg(long)]
    pub force: bool,
}

pub(super) fn backup(args: &Backup, context: &Context) -> Outcome {
    context.block_on(async {
        let backend = store::backend(context);
        let path = if let Some(path) = &args.path {
            context.path(path)
        } else {
            let store = store::open(context).await?;
            let head = store.head().await.map_err(|error| failures::of_store(&error))?;
            context.dir.join(format!("terrarium-{}.db.backup", head.serial))
        };
        backend.backup(&path).await.map_err(|error| failures::of_store(&error))?;
        context
            .out
            .line(&format!("Wrote {}: all workspaces, as they are now.", context.shown(&path)));
        Ok(exit_codes::SUCCESS)
    })?
}

pub(super) fn accept(args: &Accept, context: &Context) -> Outcome {
    let question = "Do you really want to take terrarium.db as it is for the state?\n  What was recorded since it was \
                    written is forgotten: objects made since are nobody's any more,\n  and would be made anew.";
    if !confirm(context, args.force, question)? {
        context.out.line("state accept cancelled.");
        return Ok(exit_codes::ERROR);
    }
    let name = workspace::selected(context)?;
    let accepted = context.block_on(store::backend(context).accept(&name))?;
    accepted.map_err(|error| failures::of_store(&error))?;
    context.out.line("terrarium.db is taken for the state as it is.");
    Ok(exit_codes::SUCCESS)
}
