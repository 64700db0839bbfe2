//! `state rebind`, `state anew`

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_address::{Name, ResourceAddr, Target};
use terrarium_state::{Batch, ObjectChange, State, rebind};

use super::confirm;
use crate::args::{StateFlags, VariableArgs};
use crate::context::{Context, Failed, Outcome};
use crate::exit_codes;
use crate::failures;
use crate::setup::lowering::{self, Wish};
use crate::setup::session::Session;
use crate::setup::worlds::what_goes;
use crate::setup::{store, testbed};

/// Flags of `rebind`.
#[derive(Debug, clap::Args)]
pub struct Rebind {
    /// Do not ask
    #[arg(long)]
    pub force: bool,
    /// Values of variables.
    #[command(flatten)]
    pub variables: VariableArgs,
    /// The state's flags.
    #[command(flatten)]
    pub flags: StateFlags,
    /// Only these resources, instances or modules; else all
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
}

/// Flags of `anew`.
#[derive(Debug, clap::Args)]
pub struct Anew {
    /// Do not ask
    #[arg(long)]
    pub force: bool,
    /// The state's flags.
    #[command(flatten)]
    pub flags: StateFlags,
}

pub(super) fn rebind(args: &Rebind, context: &Context) -> Outcome {
    let mut targets: Vec<Target> = Vec::new();
    for text in &args.addresses {
        targets.push(lowering::address("The command", text).map_err(|error| Failed::from(*error))?);
    }
    context.block_on(async {
        let wish = Wish {
            operation: Some("state rebind"),
            needs_configuration: Some("State rebind"),
            ..Wish::of_state(&args.flags, &args.variables)
        };
        let session = Session::open(context, wish).await?;
        let done = bind(args, context, &session, &targets).await;
        session.close(context).await?;
        done
    })?
}

async fn bind(args: &Rebind, context: &Context, session: &Session, targets: &[Target]) -> Outcome {
    let (mut realms, diagnostics) = terrarium_core::realms(&session.inputs).await;
    if diagnostics.has_errors() {
        return Err(diagnostics.into());
    }
    context.report(&diagnostics);
    let wanted = |addr: &ResourceAddr| targets.iter().any(|target| target.contains(addr));
    realms.retain(|addr, _| targets.is_empty() || wanted(addr));
    let prior = &session.inputs.prior;
    let changes = rebind::rebind(prior, &realms)
        .map_err(|error| failures::of_edit("Objects can't be bound", &error))?;
    if changes.is_empty() {
        context.out.line("Every object is bound to where the configuration logs in.");
        return Ok(exit_codes::SUCCESS);
    }
    for line in lines(prior, &changes) {
        context.out.line(&line);
    }
    let question = "Do you really want to bind these objects to where the configuration logs in?\n  Nothing is looked \
                    up: what does not exist there will be taken for deleted by the next plan.";
    if !confirm(context, args.force, question)? {
        context.out.line("state rebind cancelled.");
        return Ok(exit_codes::ERROR);
    }
    if let Some(fence) = &session.fence {
        let count = changes.len();
        let batch = Batch { objects: changes, ..Batch::default() };
        store::commit(&session.store, fence, batch).await?;
        context.out.line(&format!("Successfully bound {count} object(s)."));
    }
    Ok(exit_codes::SUCCESS)
}

/// Returns a line for each pair of realms: how many objects go from where to where.
fn lines(prior: &State, changes: &[ObjectChange]) -> Vec<String> {
    let mut pairs: BTreeMap<(Option<Name>, Option<Name>), Vec<&ResourceAddr>> = BTreeMap::new();
    for change in changes {
        let instance = prior.resources.get(&change.addr);
        let before = instance.and_then(|instance| match &change.deposed {
            Some(key) => instance.deposed.get(key),
            None => instance.current.as_ref(),
        });
        let before = before.and_then(|object| object.realm.clone());
        let after = change.object.as_ref().and_then(|object| object.realm.clone());
        pairs.entry((before, after)).or_default().push(&change.addr);
    }
    let name = |realm: &Option<Name>| realm.as_deref().unwrap_or("no place yet").to_owned();
    let line = |((before, after), addrs): (&(Option<Name>, Option<Name>), &Vec<&ResourceAddr>)| {
        let first: Vec<String> = addrs.iter().take(3).map(ToString::to_string).collect();
        let more = if addrs.len() > first.len() { ", ..." } else { "" };
        let (count, first) = (addrs.len(), first.join(", "));
        format!("{count} object(s) from {} to {}: {first}{more}", name(before), name(after))
    };
    pairs.iter().map(line).collect()
}

pub(super) fn anew(args: &Anew, context: &Context) -> Outcome {
    context.block_on(async {
        let store = store::open(context).await?;
        let fence = store::lock(context, &store, "state anew", args.flags.lock_timeout).await?;
        let done = forget_all(args, context, (&store, &fence)).await;
        store::unlock(&store, fence).await?;
        done
    })?
}

async fn forget_all(
    args: &Anew,
    context: &Context,
    (store, fence): (&Arc<dyn terrarium_state::Store>, &terrarium_state::Fence),
) -> Outcome {
    let state = store::load(store).await?;
    let anew = rebind::anew(&state, testbed::is_realm);
    if anew.realms.is_empty() {
        context.out.line("Nothing of a simulated world is recorded.");
        return Ok(exit_codes::SUCCESS);
    }
    let said = what_goes(&anew);
    let question = format!(
        "Do you really want to begin anew?\n  {said} are forgotten. Nothing real is touched."
    );
    if !confirm(context, args.force, &question)? {
        context.out.line("state anew cancelled.");
        return Ok(exit_codes::ERROR);
    }
    store::commit(store, fence, anew.batch).await?;
    context.out.line(&format!("Forgot {said}. The next apply makes everything anew."));
    Ok(exit_codes::SUCCESS)
}
