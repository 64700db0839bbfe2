//! `state rm`, `state mv`

use terrarium_address::{ResourceAddr, Target};
use terrarium_state::edit;

use super::{Mv, Rm};
use crate::context::{Context, Failed, Outcome};
use crate::exit_codes;
use crate::failures;
use crate::setup::{lowering, store};

pub(super) fn remove(args: &Rm, context: &Context) -> Outcome {
    let mut targets: Vec<Target> = Vec::new();
    for text in &args.addresses {
        targets.push(lowering::address("The command", text).map_err(|error| Failed::from(*error))?);
    }
    context.block_on(async {
        let store = store::open(context).await?;
        let fence = store::lock(context, &store, "state rm", args.flags.lock_timeout).await?;
        let done = async {
            let state = store::load(&store).await?;
            let removed = edit::remove(&state, &targets)
                .map_err(|error| failures::of_edit("Invalid target address", &error))?;
            for addr in &removed.removed {
                let verb = if args.dry_run { "Would remove" } else { "Removed" };
                context.out.line(&format!("{verb} {addr}"));
            }
            if !args.dry_run {
                store::commit(&store, &fence, removed.batch).await?;
                let count = removed.removed.len();
                context.out.line(&format!("Successfully removed {count} resource instance(s)."));
            }
            Ok::<_, Failed>(exit_codes::SUCCESS)
        }
        .await;
        store::unlock(&store, fence).await?;
        done
    })?
}

pub(super) fn rename(args: &Mv, context: &Context) -> Outcome {
    let parse = |text: &str| -> Result<Target, Failed> {
        lowering::address("The command", text).map_err(|error| Failed::from(*error))
    };
    let (from, to) = (parse(&args.source)?, parse(&args.destination)?);
    context.block_on(async {
        let store = store::open(context).await?;
        let fence = store::lock(context, &store, "state mv", args.flags.lock_timeout).await?;
        let done = async {
            let state = store::load(&store).await?;
            let renamed = edit::rename(&state, &from, &to)
                .map_err(|error| failures::of_edit("Invalid target address", &error))?;
            let verb = if args.dry_run { "Would move" } else { "Move" };
            let lines = said(&from, &to, &renamed.moves);
            for (old, new) in &lines {
                context.out.line(&format!("{verb} {old:?} to {new:?}"));
            }
            if !args.dry_run {
                let count = lines.len();
                store::commit(&store, &fence, renamed.batch).await?;
                context.out.line(&format!("Successfully moved {count} object(s)."));
            }
            Ok::<_, Failed>(exit_codes::SUCCESS)
        }
        .await;
        store::unlock(&store, fence).await?;
        done
    })?
}

/// Returns the moves to name: one for a whole resource or module, as Terraform counts them.
fn said(
    from: &Target,
    to: &Target,
    moves: &[(ResourceAddr, ResourceAddr)],
) -> Vec<(String, String)> {
    let whole = moves.first().is_some_and(|(old, _)| old.to_string() != from.to_string());
    if whole {
        return vec![(from.to_string(), to.to_string())];
    }
    moves.iter().map(|(old, new)| (old.to_string(), new.to_string())).collect()
}
