//! What a state forgets when the simulated world that it was made in begins anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use terrarium_address::{Mode, Name};
use terrarium_state::{
    Batch, Fence, IntentOutcome, ObjectChange, OutputChange, ScheduleChange, State, Store,
};

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

/// Returns what is forgotten, and its words: the objects of worlds that are gone; where nothing is bound to another
/// place, all of the state, since what has no place of its own (a random name, an output) was made for them.
fn forgotten(state: &State, is_gone: &dyn Fn(&str) -> bool) -> Option<(Batch, String)> {
    let whole = state.realms().into_iter().all(|realm| is_gone(realm));
    let goes = |realm: Option<&Name>| realm.map_or(whole, |realm| is_gone(realm));
    let mut batch = Batch::default();
    for (addr, instance) in &state.resources {
        let objects = instance.objects().filter(|(_, object)| goes(object.realm.as_ref()));
        batch.objects.extend(objects.map(|(deposed, _)| ObjectChange {
            addr: addr.clone(),
            deposed: deposed.cloned(),
            provider: instance.provider.clone(),
            object: None,
        }));
    }
    let intents = state.intents.iter().filter(|open| goes(open.intent.realm.as_ref()));
    batch.outcomes.extend(intents.map(|open| (open.intent.id, IntentOutcome::Nothing)));
    let bound = state.realms().into_iter().any(|realm| is_gone(realm));
    let open = state.intents.iter().filter_map(|open| open.intent.realm.as_ref());
    if !bound && !open.into_iter().any(|realm| is_gone(realm)) {
        return None;
    }
    let gone: BTreeSet<_> = batch.objects.iter().map(|change| &change.addr).collect();
    let managed = gone.iter().filter(|addr| addr.block.mode == Mode::Managed).count();
    let scheduled = state.schedule.iter().filter(|entry| whole || gone.contains(&entry.addr));
    let schedule: Vec<_> = scheduled.map(|entry| ScheduleChange::Remove(entry.key())).collect();
    let told = format!("{managed} resource instance(s) and {} scheduled action(s)", schedule.len());
    batch.schedule = schedule;
    if whole {
        batch.outputs = OutputChange::between(&state.outputs, &BTreeMap::new());
    }
    Some((batch, told))
}
