//! `state pull`, `state push`

use std::path::Path;

use terrarium_diagnostic::Diagnostic;
use terrarium_state::{Adopted, State, adopt, edit, v4};

use super::Push;
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, file_failed};
use crate::exit_codes;
use crate::failures;
use crate::setup::{config, store};

pub(super) fn pull(context: &Context) -> Outcome {
    context.speak(Speech::Document);
    let state = context.block_on(store::read(context))??;
    if state.serial > 0 || !state.resources.is_empty() {
        context.out.clear(&v4::write(&state));
    }
    Ok(exit_codes::SUCCESS)
}

pub(super) fn push(args: &Push, context: &Context) -> Outcome {
    let text = if args.path == "-" {
        context.out.read_all().map_err(|error| file_failed("read", Path::new("<stdin>"), &error))?
    } else {
        let path = context.path(&args.path);
        std::fs::read_to_string(&path).map_err(|error| file_failed("read", &path, &error))?
    };
    let pushed = v4::read_within(text.as_bytes(), context.limits.state_file).map_err(|error| {
        let detail = format!("{}: {}", args.path, failures::sentence(&error.to_string()));
        Failed::from(
            Diagnostic::error(codes::STATE, "Failed to read state")
                .detail(detail)
                .help(error.help()),
        )
    })?;
    context.block_on(async {
        let store = store::open(context).await?;
        let fence = store::lock(context, &store, "state push", args.flags.lock_timeout).await?;
        let done = async {
            let own = store::load(&store).await?;
            let adopted = same_file(context, args, &own, text.as_bytes())?;
            let batch = edit::push(&own, pushed, args.force, adopted)
                .map_err(|error| failures::of_edit("Failed to write state", &error))?;
            store::commit(&store, &fence, batch).await
        }
        .await;
        store::unlock(&store, fence).await?;
        done.map(|()| exit_codes::SUCCESS)
    })?
}

/// Tells whether the pushed file is the one that Terraform keeps, so that it is not reported as changed.
fn same_file(
    context: &Context,
    args: &Push,
    own: &State,
    bytes: &[u8],
) -> Result<Option<Adopted>, Failed> {
    let (config, _) = config::load(context);
    let places = store::places(context, &config)?;
    let Ok(file) = adopt::state_file(&places) else { return Ok(None) };
    let same =
        file.canonicalize().ok() == context.path(&args.path).canonicalize().ok() && file.is_file();
    let path = own
        .adopted
        .as_ref()
        .map_or_else(|| file.display().to_string(), |before| before.path.clone());
    Ok(same.then(|| Adopted { path, hash: adopt::hash(bytes) }))
}
