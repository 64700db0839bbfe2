//! Bookkeeping: what an apply writes down without any call.

use std::collections::{BTreeSet, HashMap, HashSet};

use terrarium_address::{Mode as BlockMode, Name, ResourceAddr};
use terrarium_state::{Batch, Dep, Durability, Ended, InstanceSet, Object, ObjectChange};

use super::rows::row;
use super::walk::Walk;
use crate::{Mode, PlannedAction, ResourceChange, object};

impl Walk<'_> {
    /// Writes down what needs no call: moves, refreshed values, imports, data that was read, and what
    /// objects read today.
    pub(super) fn bookkeeping(&mut self) {
        let mut batch = Batch { sets: self.sets(), ..Batch::default() };
        for change in &self.plan.changes {
            self.moved(change, &mut batch.objects);
        }
        batch.objects.extend(self.refreshed());
        batch.objects.extend(self.ended_before_their_successors());
        let imported = self.plan.changes.iter().filter(|change| change.importing.is_some());
        let realms = &self.plan.realms;
        batch
            .objects
            .extend(imported.filter_map(|it| imported_row(it, realms.get(&it.provider).cloned())));
        batch.objects.extend(self.reread());
        batch.objects.extend(self.data());
        if !batch.objects.is_empty() || !batch.sets.is_empty() {
            self.lazy.push(self.submit(batch, Durability::Lazy));
        }
    }

    /// Sets of instances that the intents to come name by their hash.
    fn sets(&self) -> Vec<InstanceSet> {
        let acting = self.plan.changes.iter().filter(|it| it.action != PlannedAction::NoOp);
        let sets = acting.flat_map(|change| &change.deps).filter_map(|dep| match dep {
            Dep::Set(set) => Some(set.clone()),
            Dep::Instance(_) | Dep::Block(_) => None,
        });
        sets.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Rows of an instance that moved, deposed objects included.
    fn moved(&self, change: &ResourceChange, rows: &mut Vec<ObjectChange>) {
        let Some(from) = change.moved_from.as_ref().filter(|_| change.deposed.is_none()) else {
            return;
        };
        let Some(instance) = self.inputs.prior.resources.get(from) else { return };
        let old = ResourceChange { addr: from.clone(), ..change.clone() };
        rows.push(row(&old, None, None));
        rows.push(row(change, None, instance.current.clone()));
        for (key, object) in &instance.deposed {
            rows.push(row(&old, Some(key.clone()), None));
            rows.push(row(change, Some(key.clone()), Some(object.clone())));
        }
    }

    /// Rows of objects that the refresh found changed, or gone.
    fn refreshed(&self) -> Vec<ObjectChange> {
        let moved: HashMap<&ResourceAddr, &ResourceAddr> = self
            .plan
            .changes
            .iter()
            .filter_map(|change| Some((&change.addr, change.moved_from.as_ref()?)))
            .collect();
        let mut rows = Vec::new();
        for drift in &self.plan.drift {
            let recorded_at = moved.get(&drift.addr).copied().unwrap_or(&drift.addr);
            let instance = self.inputs.prior.resources.get(recorded_at);
            let recorded = instance.and_then(|instance| instance.current.as_ref());
            if drift.after.is_null() {
                rows.push(row(drift, None, None));
            } else if let (Some(recorded), Ok(object)) =
                (recorded, object::write(&drift.after, &drift.schema, drift.private.clone()))
            {
                let kept = Object {
                    attributes: object.attributes,
                    schema_version: object.schema_version,
                    sensitive: object.sensitive,
                    private: object.private,
                    ..recorded.clone()
                };
                rows.push(row(drift, None, Some(kept)));
            }
        }
        rows
    }

    /// Rows of objects that ended, and whose successors are only made later: until then they are ended.
    fn ended_before_their_successors(&self) -> Vec<ObjectChange> {
        let drifted: HashSet<&ResourceAddr> =
            self.plan.drift.iter().map(|drift| &drift.addr).collect();
        let changed: HashSet<&ResourceAddr> = self
            .plan
            .changes
            .iter()
            .filter(|change| change.deposed.is_none())
            .map(|change| &change.addr)
            .collect();
        let later = self.plan.deferred.iter().map(|deferred| &deferred.change);
        let successors = later.filter(|change| {
            change.action == PlannedAction::Create
                && !drifted.contains(&change.addr)
                && !changed.contains(&change.addr)
        });
        let now = self.plan.at;
        successors
            .filter_map(|change| {
                let recorded = self.recorded(change).filter(|object| object.ended.is_none())?;
                let until = recorded.window.and_then(|window| window.until());
                let at = until.map_or(now, |until| until.min(now));
                let with = recorded.occupies.first().cloned();
                let ended = Some(Box::new(Ended { at, with }));
                Some(row(change, None, Some(Object { ended, ..recorded.clone() })))
            })
            .collect()
    }

    /// Rows of objects to which nothing is done and of which something is not as recorded that no read
    /// tells: what they read and sit on, on which the order at the end depends, their window, their end.
    fn reread(&self) -> Vec<ObjectChange> {
        if self.plan.mode == Mode::Destroy || !self.plan.targets.is_empty() {
            return Vec::new();
        }
        let normal = self.plan.mode == Mode::Normal;
        let unchanged =
            self.plan.changes.iter().filter(|change| {
                change.action == PlannedAction::NoOp && change.importing.is_none()
            });
        unchanged
            .filter_map(|change| {
                let recorded = self.recorded(change)?;
                let object = object::write(&change.after, &change.schema, None).ok()?;
                // Without a plan of it nobody knows what it reads today, nor what it sits on.
                let now = Object {
                    window: *change.window,
                    ended: change.ended().cloned().map(Box::new),
                    ..recorded.clone()
                };
                let object = if normal {
                    Object {
                        attributes: object.attributes,
                        schema_version: object.schema_version,
                        deps: change.deps.clone(),
                        sensitive: object.sensitive,
                        occupies: change.occupies.lenders.clone(),
                        // The plan's reads found it there.
                        realm: recorded
                            .realm
                            .clone()
                            .or_else(|| self.plan.realms.get(&change.provider).cloned()),
                        ..now
                    }
                } else {
                    now
                };
                let same = recorded.deps == object.deps
                    && recorded.sensitive == object.sensitive
                    && recorded.realm == object.realm
                    && recorded.window == object.window
                    && recorded.occupies == object.occupies
                    && recorded.ended == object.ended;
                (!same).then(|| row(change, None, Some(object)))
            })
            .collect()
    }

    /// Rows of data sources that were read.
    fn data(&self) -> Vec<ObjectChange> {
        let mut rows = Vec::new();
        for data in &self.plan.data {
            let Ok(object) = object::write(&data.value, &data.schema, None) else { continue };
            let object = Object { deps: data.deps.clone(), ..object };
            let recorded =
                self.inputs.prior.resources.get(&data.addr).and_then(|i| i.current.as_ref());
            if recorded != Some(&object) {
                let (addr, provider) = (data.addr.clone(), data.provider.clone());
                let object = Some(object);
                rows.push(ObjectChange { addr, deposed: None, provider, object });
            }
        }
        rows
    }

    /// Forgets the data sources that are no longer there, once all is done: until then the order of what is
    /// removed passes through them, also in the next run if this one does not come to its end.
    pub(super) fn forget_data(&mut self) {
        let summary = &self.summary;
        let done = summary.failed.is_empty()
            && summary.skipped.is_empty()
            && summary.pending.is_empty()
            && !summary.interrupted;
        if !done || self.plan.mode == Mode::RefreshOnly || !self.plan.targets.is_empty() {
            return;
        }
        let read = self.plan.data.iter().map(|data| &data.addr);
        let planned = self.plan.changes.iter().map(|change| &change.addr);
        let wanted: HashSet<&ResourceAddr> = read.chain(planned).collect();
        let recorded = self.inputs.prior.resources.iter();
        let stale = recorded
            .filter(|(addr, _)| addr.block.mode == BlockMode::Data && !wanted.contains(addr));
        let objects: Vec<ObjectChange> = stale
            .map(|(addr, instance)| ObjectChange {
                addr: addr.clone(),
                deposed: None,
                provider: instance.provider.clone(),
                object: None,
            })
            .collect();
        if !objects.is_empty() {
            let batch = Batch { objects, ..Batch::default() };
            self.lazy.push(self.submit(batch, Durability::Lazy));
        }
    }
}

/// The row of an imported object, as it was found.
fn imported_row(change: &ResourceChange, realm: Option<Name>) -> Option<ObjectChange> {
    let object = object::write(&change.before, &change.schema, change.private.clone()).ok()?;
    let object = Object { deps: change.deps.clone(), realm, ..object };
    (!change.before.is_null()).then(|| row(change, None, Some(object)))
}
