//! What states forget when the simulated world that they were made in begins anew: all workspaces share it.

use std::sync::Arc;
use std::time::Duration;

use terrarium_state::{Batch, DEFAULT_WORKSPACE, Fence, State, Store, rebind};

use crate::context::{Context, Failed};
use crate::failures;
use crate::setup::store;

/// States, each under its lock, and what they forget.
pub(super) struct Forgetting(Vec<One>);

/// One workspace's state.
struct One {
    workspace: String,
    store: Arc<dyn Store>,
    fence: Fence,
    batch: Batch,
    told: String,
}

/// Looks what the states of all workspaces have of worlds that are gone, and locks those that have something; where
/// one of them can't be locked, none is.
pub(super) async fn prepare(
    context: &Context,
    is_gone: &dyn Fn(&str) -> bool,
) -> Result<Forgetting, Failed> {
    // Who looks after another place than this directory's is told so first.
    drop(store::open(context).await?);
    let backend = store::backend(context);
    let mut all = Forgetting(Vec::new());
    for workspace in backend.workspaces().await.map_err(|error| failures::of_store(&error))? {
        let store = backend.open(&workspace).await.map_err(|error| failures::of_store(&error))?;
        match one(context, (workspace, store), is_gone).await {
            Ok(one) => all.0.extend(one),
            Err(why) => {
                all.leave().await?;
                return Err(why);
            }
        }
    }
    Ok(all)
}

/// Locks a state that has something of worlds that are gone.
async fn one(
    context: &Context,
    (workspace, store): (String, Arc<dyn Store>),
    is_gone: &dyn Fn(&str) -> bool,
) -> Result<Option<One>, Failed> {
    if forgotten(&store::load(&store).await?, is_gone).is_none() {
        return Ok(None);
    }
    let fence = store::lock(context, &store, "testbed reset", Duration::ZERO).await?;
    let found = store::load(&store).await.map(|state| forgotten(&state, is_gone));
    match found {
        Ok(Some((batch, told))) => Ok(Some(One { workspace, store, fence, batch, told })),
        Ok(None) => store::unlock(&store, fence).await.map(|()| None),
        Err(why) => store::unlock(&store, fence).await.and(Err(why)),
    }
}

impl Forgetting {
    /// Returns whether nothing is forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says in words what is forgotten, a line for each workspace.
    pub(super) fn told(&self) -> Vec<String> {
        let line = |one: &One| match &*one.workspace {
            DEFAULT_WORKSPACE if self.0.len() == 1 => one.told.clone(),
            name => format!("workspace {name:?}: {}", one.told),
        };
        self.0.iter().map(line).collect()
    }

    /// Forgets it.
    pub(super) async fn carry_out(self) -> Result<(), Failed> {
        self.each(true).await
    }

    /// Leaves everything as it is.
    pub(super) async fn leave(self) -> Result<(), Failed> {
        self.each(false).await
    }

    /// Releases all locks, whatever fails at one of them, after forgetting where that is wanted.
    async fn each(self, forget: bool) -> Result<(), Failed> {
        let mut outcome = Ok(());
        for One { store, fence, batch, .. } in self.0 {
            let done = if forget { store::commit(&store, &fence, batch).await } else { Ok(()) };
            outcome = outcome.and(done).and(store::unlock(&store, fence).await);
        }
        outcome
    }
}

/// Returns what is forgotten, and its words; `None` where neither an object nor an open intent is of a world that is
/// gone.
fn forgotten(state: &State, is_gone: &dyn Fn(&str) -> bool) -> Option<(Batch, String)> {
    let anew = rebind::anew(state, is_gone);
    let mut begun = state.intents.iter().filter_map(|open| open.intent.realm.as_ref());
    if anew.realms.is_empty() && !begun.any(|realm| is_gone(realm)) {
        return None;
    }
    let (instances, scheduled) = (anew.instances(), anew.batch.schedule.len());
    let told = format!("{instances} resource instance(s) and {scheduled} scheduled action(s)");
    Some((anew.batch, told))
}
