//! What a batch does to a state, as a pure function: the meaning that every store has to give it.

use std::collections::BTreeMap;

use terrarium_address::Name;
use terrarium_provider::{Intent, IntentId};

use crate::{
    Batch, Dep, Instance, InstanceSet, IntentOutcome, IntentProgress, Object, ObjectChange,
    OpenIntent, OutputChange, ScheduleChange, State,
};

impl State {
    /// Carries out a batch; returns how many objects and outputs changed.
    ///
    /// The serial is the caller's affair, except where the batch replaces the whole state.
    pub fn fold(&mut self, batch: &Batch) -> u64 {
        let mut changed = batch.replace.as_deref().map_or(0, |state| self.replace_by(state));
        for set in &batch.sets {
            self.sets.entry(set.hash().clone()).or_insert_with(|| set.clone());
        }
        // One that is recorded anew takes the place of what was recorded of it.
        let anew = |open: &OpenIntent| batch.intents.iter().any(|one| one.id == open.intent.id);
        if !batch.intents.is_empty() {
            self.intents.retain(|open| !anew(open));
        }
        self.intents.extend(batch.intents.iter().map(open));
        for (id, progress) in &batch.progress {
            let found = self.intents.iter_mut().find(|open| open.intent.id == *id);
            if let Some(open) = found {
                open.progress = progress.clone();
            }
        }
        for (id, outcome) in &batch.outcomes {
            changed += u64::from(self.close(*id, outcome));
        }
        for change in &batch.objects {
            changed += u64::from(self.put(change));
        }
        changed += batch.outputs.iter().map(|change| u64::from(self.output(change))).sum::<u64>();
        for change in &batch.schedule {
            self.reschedule(change);
        }
        if let Some(results) = &batch.check_results {
            self.check_results.clone_from(results);
        }
        if let Some(adopted) = &batch.adopted {
            self.adopted = Some(adopted.clone());
        }
        changed
    }

    fn close(&mut self, id: IntentId, outcome: &IntentOutcome) -> bool {
        if let IntentOutcome::Continued(next) = outcome
            && (*next == id || !self.intents.iter().any(|open| open.intent.id == *next))
        {
            return false;
        }
        let changed = match outcome {
            IntentOutcome::Row(change) => self.put(change),
            IntentOutcome::Nothing | IntentOutcome::Continued(_) => false,
        };
        self.intents.retain(|open| open.intent.id != id);
        changed
    }

    fn output(&mut self, change: &OutputChange) -> bool {
        match &change.value {
            Some(value) => {
                self.outputs.insert(change.name.clone(), value.clone()).as_ref() != Some(value)
            }
            None => self.outputs.remove(&change.name).is_some(),
        }
    }

    fn reschedule(&mut self, change: &ScheduleChange) {
        let key = match change {
            ScheduleChange::Put(entry) => entry.key(),
            ScheduleChange::Remove(key) => key.clone(),
        };
        let place = self.schedule.binary_search_by(|entry| entry.compare(&key));
        match (change, place) {
            (ScheduleChange::Put(entry), Ok(at)) => self.schedule[at] = entry.clone(),
            (ScheduleChange::Put(entry), Err(at)) => self.schedule.insert(at, entry.clone()),
            (ScheduleChange::Remove(_), Ok(at)) => drop(self.schedule.remove(at)),
            (ScheduleChange::Remove(_), Err(_)) => {}
        }
    }

    fn put(&mut self, change: &ObjectChange) -> bool {
        if change.object.is_some() {
            self.husks.remove(&change.addr.block);
        }
        if change.object.is_none() && !self.resources.contains_key(&change.addr) {
            return false;
        }
        if let Some(object) = &change.object {
            note_sets(&mut self.sets, object);
        }
        let instance = self.resources.entry(change.addr.clone()).or_default();
        let before = match &change.deposed {
            None => std::mem::replace(&mut instance.current, change.object.clone()),
            Some(key) => match &change.object {
                Some(object) => instance.deposed.insert(key.clone(), object.clone()),
                None => instance.deposed.remove(key),
            },
        };
        let same = before == change.object
            && (change.object.is_none() || instance.provider == change.provider);
        if change.object.is_some() {
            instance.provider = change.provider.clone();
        }
        if instance.current.is_none() && instance.deposed.is_empty() {
            self.resources.remove(&change.addr);
        }
        !same
    }

    fn replace_by(&mut self, state: &State) -> u64 {
        let before = std::mem::replace(&mut self.resources, state.resources.clone());
        for (addr, instance) in &mut self.resources {
            let known = before.get(addr);
            if let Some(object) = &mut instance.current {
                bind(object, known.and_then(|known| known.current.as_ref()));
            }
            for (key, object) in &mut instance.deposed {
                bind(object, known.and_then(|known| known.deposed.get(key)));
            }
            for object in instance.current.iter().chain(instance.deposed.values()) {
                note_sets(&mut self.sets, object);
            }
        }
        let ended = before.into_iter().filter_map(|(addr, it)| Some((addr, only_ended(it)?)));
        for (addr, kept) in ended {
            let instance = self.resources.entry(addr).or_insert_with(|| Instance {
                provider: kept.provider.clone(),
                ..Instance::default()
            });
            if instance.current.is_none() {
                instance.current = kept.current;
            }
            for (key, object) in kept.deposed {
                instance.deposed.entry(key).or_insert(object);
            }
        }
        self.husks.clone_from(&state.husks);
        self.outputs.clone_from(&state.outputs);
        self.check_results.clone_from(&state.check_results);
        self.lineage.clone_from(&state.lineage);
        self.schedule.clear();
        self.serial = match self.serial {
            0 => state.serial,
            own => state.serial.max(own + 1),
        };
        1
    }
}

fn open(intent: &Intent) -> OpenIntent {
    OpenIntent { intent: intent.clone(), progress: IntentProgress::Recorded }
}

/// Binds an object that comes from elsewhere to the realm of the one that was there: a state file
/// of Terraform has no place for it.
pub(crate) fn bind(object: &mut Object, before: Option<&Object>) {
    if object.realm.is_none() {
        object.realm = before.and_then(|before| before.realm.clone());
    }
}

fn note_sets(sets: &mut BTreeMap<Name, InstanceSet>, object: &Object) {
    for dep in &object.deps {
        if let Dep::Set(set) = dep {
            sets.entry(set.hash().clone()).or_insert_with(|| set.clone());
        }
    }
}

fn only_ended(mut instance: Instance) -> Option<Instance> {
    let is_ended = |object: &Object| object.ended.is_some();
    instance.current = instance.current.filter(is_ended);
    instance.deposed.retain(|_, object| is_ended(object));
    (instance.current.is_some() || !instance.deposed.is_empty()).then_some(instance)
}
