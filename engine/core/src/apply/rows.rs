//! Rows: how outcomes are written to the store.

use terrarium_address::Name;
use terrarium_provider::{Private, Window};
use terrarium_state::{
    Batch, Durability, IntentOutcome, IntentProgress, Object, ObjectChange, ObjectStatus,
};
use terrarium_value::{Marks, Value};

use super::tasks::{Step, Task};
use super::walk::Walk;
use crate::object::nulled;
use crate::{PlannedAction, ReplaceOrder, ResourceChange, object};

/// What became of a task's object.
pub(super) enum Became {
    /// It is as planned.
    Whole(Value),
    /// It exists, and must be replaced.
    Broken(Value),
    /// It is gone.
    Gone,
    /// Nothing changed.
    Untouched,
}

/// What a provider's answer says beside the values.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) private: Private,
    pub(super) window: Option<Window>,
}

impl Walk<'_> {
    pub(super) fn marked(&self, node: usize, value: &Value) -> Value {
        let Some(under) = self.tasks.get(&node) else { return value.clone() };
        let change = &self.plan.changes[under.task.change];
        let sensitive =
            under.ready.as_ref().map(|ready| ready.sensitive.as_slice()).unwrap_or_default();
        object::mark_sensitive(
            value.clone().mark_paths(sensitive, Marks::SENSITIVE),
            &change.schema.block,
        )
    }

    /// The batch that records an outcome: the intent closes with its row, and stays open where there is
    /// none to be written.
    pub(super) fn outcome(&self, node: usize, became: &Became, kept: Kept) -> Batch {
        let mut batch = Batch::default();
        let Some(under) = self.tasks.get(&node) else { return batch };
        let change = &self.plan.changes[under.task.change];
        let written = match became {
            Became::Whole(value) => self.object_row(node, value, kept, ObjectStatus::Ready),
            Became::Broken(value) => self.object_row(node, value, kept, ObjectStatus::Tainted),
            Became::Gone => Some(row(change, self.deposed_key(under.task), None)),
            Became::Untouched => None,
        };
        match (under.intent, written) {
            (Some(intent), Some(row)) => batch.outcomes.push((intent, IntentOutcome::Row(row))),
            (Some(intent), None) if matches!(became, Became::Untouched) => {
                batch.outcomes.push((intent, IntentOutcome::Nothing));
            }
            (Some(intent), None) => {
                let why = "what became of it could not be written down".to_owned();
                batch.progress.push((intent, IntentProgress::Doubtful(why)));
            }
            (None, written) => batch.objects.extend(written),
        }
        batch
    }

    pub(super) fn object_row(
        &self,
        node: usize,
        value: &Value,
        kept: Kept,
        status: ObjectStatus,
    ) -> Option<ObjectChange> {
        let under = self.tasks.get(&node)?;
        let change = &self.plan.changes[under.task.change];
        let known = if value.is_wholly_known() { value.clone() } else { nulled(value) };
        match object::write(&self.marked(node, &known), &change.schema, kept.private) {
            Ok(object) => {
                let ends = under.task.step == Step::Delete;
                let object = match self.recorded(change).filter(|_| ends) {
                    // What could not be removed is what it was: tainted, if it was.
                    Some(old) => Object {
                        status: old.status,
                        deps: old.deps.clone(),
                        create_before_destroy: old.create_before_destroy,
                        realm: old.realm.clone(),
                        window: old.window,
                        occupies: old.occupies.clone(),
                        identity: old.identity.clone(),
                        ..object
                    },
                    None => Object {
                        status,
                        deps: change.deps.clone(),
                        create_before_destroy: change.create_first,
                        realm: self.realm_of(change),
                        window: kept.window.or(*change.window),
                        occupies: change.occupies.lenders.clone(),
                        ..object
                    },
                };
                let deposed = if under.task.step == Step::Delete {
                    self.deposed_key(under.task)
                } else {
                    None
                };
                Some(row(change, deposed, Some(object)))
            }
            Err(why) => {
                self.internal(change, &why);
                None
            }
        }
    }

    /// Returns where a change's object exists.
    pub(super) fn realm_of(&self, change: &ResourceChange) -> Option<Name> {
        let named = self.providers.realm_of(&change.provider);
        let named = named.or_else(|| self.plan.realms.get(&change.provider).cloned());
        named.or_else(|| self.recorded(change)?.realm.clone())
    }

    /// Returns the deposed key of the object that a task removes.
    pub(super) fn deposed_key(&self, task: Task) -> Option<Name> {
        let change = &self.plan.changes[task.change];
        if change.deposed.is_some() {
            return change.deposed.clone();
        }
        let after_create = change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst);
        (after_create && task.step == Step::Delete).then(|| self.new_deposed_key(change))
    }

    /// The key under which a replaced object waits for its end: the same however often it is asked.
    fn new_deposed_key(&self, change: &ResourceChange) -> Name {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.plan.lineage.as_bytes());
        hasher.update(change.addr.to_string().as_bytes());
        hasher.update(&self.plan.serial.to_le_bytes());
        let hex = hasher.finalize().to_hex();
        hex.as_str().get(..8).unwrap_or_default().into()
    }

    /// Moves the current object aside before its successor is created.
    pub(super) fn make_room(&mut self, task: Task) {
        let change = &self.plan.changes[task.change];
        if task.step != Step::Create
            || change.action != PlannedAction::Replace(ReplaceOrder::CreateFirst)
        {
            return;
        }
        let current = self.recorded(change).cloned();
        let key = self.new_deposed_key(change);
        let objects = vec![row(change, Some(key), current), row(change, None, None)];
        self.lazy.push(self.submit(Batch { objects, ..Batch::default() }, Durability::Lazy));
    }

    /// Moves the object back whose successor could not be created.
    pub(super) fn restore(&self, node: usize, became: &Became, batch: &mut Batch) {
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        let create_first = change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst);
        if under.task.step != Step::Create || !create_first || !matches!(became, Became::Gone) {
            return;
        }
        let current = self.recorded(change).cloned();
        batch.objects.push(row(change, Some(self.new_deposed_key(change)), None));
        batch.objects.push(row(change, None, current));
    }
}

pub(super) fn row(
    change: &ResourceChange,
    deposed: Option<Name>,
    object: Option<Object>,
) -> ObjectChange {
    ObjectChange { addr: change.addr.clone(), deposed, provider: change.provider.clone(), object }
}
