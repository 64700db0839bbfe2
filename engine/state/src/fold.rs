//! What a batch does to a state, as a pure function: the meaning that every store has to give it.

use terrarium_provider::Intent;

use crate::{Batch, Instance, IntentProgress, Object, ObjectChange, OpenIntent, State};

impl State {
    /// Carries out a batch; returns how many objects and outputs changed.
    ///
    /// The serial is the caller's affair, except where the batch replaces the whole state.
    pub fn fold(&mut self, batch: &Batch) -> u64 {
        let mut changed = batch.replace.as_deref().map_or(0, |state| self.replace_by(state));
        self.intents.extend(batch.intents.iter().map(open));
        for (id, progress) in &batch.progress {
            let found = self.intents.iter_mut().find(|open| open.intent.id == *id);
            if let Some(open) = found {
                open.progress = progress.clone();
            }
        }
        self.intents.retain(|open| !open.progress.is_final());
        for change in &batch.objects {
            changed += u64::from(self.put(change));
        }
        if let Some(outputs) = &batch.outputs
            && self.outputs != *outputs
        {
            self.outputs.clone_from(outputs);
            changed += 1;
        }
        if let Some(schedule) = &batch.schedule {
            self.schedule.clone_from(schedule);
        }
        if let Some(results) = &batch.check_results {
            self.check_results.clone_from(results);
        }
        if let Some(realm) = &batch.realm {
            self.realm = Some(realm.clone());
        }
        if let Some(adopted) = &batch.adopted {
            self.adopted = Some(adopted.clone());
        }
        changed
    }

    fn put(&mut self, change: &ObjectChange) -> bool {
        if change.object.is_some() {
            self.husks.remove(&change.addr.block);
        }
        if change.object.is_none() && !self.resources.contains_key(&change.addr) {
            return false;
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
        let ended: Vec<_> = std::mem::take(&mut self.resources)
            .into_iter()
            .filter_map(|(addr, instance)| Some((addr, only_ended(instance)?)))
            .collect();
        self.resources = state.resources.clone();
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

fn only_ended(mut instance: Instance) -> Option<Instance> {
    let is_ended = |object: &Object| object.ended.is_some();
    instance.current = instance.current.filter(is_ended);
    instance.deposed.retain(|_, object| is_ended(object));
    (instance.current.is_some() || !instance.deposed.is_empty()).then_some(instance)
}
