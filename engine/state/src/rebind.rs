//! Binding objects to another realm, and forgetting those of a realm that is gone.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::{Mode, Name, ResourceAddr};

use crate::edit::EditError;
use crate::{Batch, IntentOutcome, Object, ObjectChange, OutputChange, ScheduleChange, State};

/// Binds the objects of instances to the realms that are given for them; those that are bound so already
/// are left as they are.
pub fn rebind(
    state: &State,
    realms: &BTreeMap<ResourceAddr, Name>,
) -> Result<Vec<ObjectChange>, EditError> {
    let mut changes = Vec::new();
    for (addr, instance) in &state.resources {
        let Some(realm) = realms.get(addr) else { continue };
        for (deposed, object) in instance.objects() {
            if object.realm.as_ref() == Some(realm) || object.ended.is_some() {
                continue;
            }
            crate::edit::settled(state, addr)?;
            changes.push(ObjectChange {
                addr: addr.clone(),
                deposed: deposed.cloned(),
                provider: instance.provider.clone(),
                object: Some(Object { realm: Some(realm.clone()), ..object.clone() }),
            });
        }
    }
    Ok(changes)
}

/// What begins anew, and what that forgets.
#[derive(Clone, Debug, Default)]
pub struct Anew {
    /// Carries it out.
    pub batch: Batch,
    /// The realms that are gone.
    pub realms: Vec<Name>,
}

impl Anew {
    /// Returns how many instances of managed resources are forgotten.
    pub fn instances(&self) -> usize {
        let managed = self.batch.objects.iter().map(|change| &change.addr);
        let managed: BTreeSet<&ResourceAddr> =
            managed.filter(|addr| addr.block.mode == Mode::Managed).collect();
        managed.len()
    }
}

/// Forgets the objects whose realm is gone, with the intents and the schedule that belong to them; where
/// nothing is bound to another realm, everything, since what has no place of its own (a random name, an
/// output) was made for them.
pub fn anew(state: &State, is_gone: impl Fn(&str) -> bool) -> Anew {
    let realms = state.realms();
    let (gone, others): (Vec<&Name>, Vec<&Name>) =
        realms.into_iter().partition(|realm| is_gone(realm));
    let whole = others.is_empty();
    let goes = |realm: Option<&Name>| match realm {
        Some(realm) => is_gone(realm),
        None => whole,
    };
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
    let forgotten: BTreeSet<&ResourceAddr> =
        batch.objects.iter().map(|change| &change.addr).collect();
    let scheduled = state.schedule.iter().filter(|entry| whole || forgotten.contains(&entry.addr));
    batch.schedule = scheduled.map(|entry| ScheduleChange::Remove(entry.key())).collect();
    if whole {
        batch.outputs = OutputChange::between(&state.outputs, &BTreeMap::new());
    }
    Anew { batch, realms: gone.into_iter().cloned().collect() }
}
