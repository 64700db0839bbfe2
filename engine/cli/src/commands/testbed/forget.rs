//! What a state forgets when the simulated world that it was made in begins anew.

use std::sync::Arc;
use std::time::Duration;

use terrarium_state::{Batch, Fence, State, Store, rebind};

use crate::context::{Context, Failed};
use crate::setup::store;

/// A state, under its lock, and what it forgets.
pub(super) struct Forgetting {
    store: Arc<dyn Store>,
    fence: Fence,
    batch: Batch,
    told: String,
}

/// Looks what the selected workspace's state has of worlds that are gone, and locks it; `None`: nothing.
pub(super) async fn prepare(
    context: &Context,
    is_gone: &dyn Fn(&str) -> bool,
) -> Result<Option<Forgetting>, Failed> {
    let store = store::open(context)?;
    if forgotten(&store::load(&store).await?, is_gone).is_none() {
        return Ok(None);
    }
    let fence = store::lock(context, &store, "testbed reset", Duration::ZERO).await?;
    match forgotten(&store::load(&store).await?, is_gone) {
        Some((batch, told)) => Ok(Some(Forgetting { store, fence, batch, told })),
        None => store::unlock(&store, fence).await.map(|()| None),
    }
}

impl Forgetting {
    /// Says in words what is forgotten.
    pub(super) fn told(&self) -> &str {
        &self.told
    }

    /// Forgets it.
    pub(super) async fn carry_out(self) -> Result<(), Failed> {
        let done = store::commit(&self.store, &self.fence, self.batch).await;
        store::unlock(&self.store, self.fence).await?;
        done
    }

    /// Leaves everything as it is.
    pub(super) async fn leave(self) -> Result<(), Failed> {
        store::unlock(&self.store, self.fence).await
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
