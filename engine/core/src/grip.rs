//! Grips: what an object holds so that no other one can, and who is in whose way.

use terrarium_provider::{Exclusive, Rival, Schema};
use terrarium_value::{Cause, Kind, Value};

use crate::paths::pick;
use crate::{PlannedAction, ResourceChange};

/// What an object holds alone.
#[derive(Clone, Debug)]
pub(crate) struct Grip<'s> {
    pub(crate) by: &'s Exclusive,
    /// Its id, or the one instance that the value waits for.
    pub(crate) thing: String,
    /// The part that is held, where that is known.
    part: Option<String>,
    /// For what it is held.
    on_behalf: Option<String>,
}

impl Grip<'_> {
    /// Returns whether both can't be had at the same time.
    pub(crate) fn bars(&self, other: &Self) -> bool {
        let differ = |one: &Option<String>, other: &Option<String>| {
            one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one != other)
        };
        let together = self.on_behalf.is_some() && self.on_behalf == other.on_behalf;
        self.is_on(other) && !differ(&self.part, &other.part) && !together
    }

    /// Returns whether both are on the same thing in the same role: a server and an address may share a port,
    /// two servers may not.
    pub(crate) fn is_on(&self, other: &Self) -> bool {
        self.by.path == other.by.path && self.thing == other.thing
    }

    fn is_same(&self, other: &Self) -> bool {
        self.is_on(other) && self.part == other.part
    }
}

/// Lists what an object with these values holds alone.
pub(crate) fn grips<'s>(schema: &'s Schema, value: &Value) -> Vec<Grip<'s>> {
    let mut found = Vec::new();
    for by in &schema.exclusive {
        let shared = by.shared_if.as_ref().and_then(|path| value.at(path)?.as_bool());
        if shared == Some(true) {
            continue;
        }
        let part = by.part.as_ref().and_then(|path| value.at(path)?.as_str().map(str::to_owned));
        let part = part.filter(|part| !part.is_empty());
        let on_behalf = by.on_behalf.as_ref().and_then(|path| name_of(&value.at(path)?));
        let mut values = Vec::new();
        pick(value, &by.path.0, &mut values);
        let things = values.iter().filter_map(name_of);
        found.extend(things.map(|thing| Grip {
            by,
            thing,
            part: part.clone(),
            on_behalf: on_behalf.clone(),
        }));
    }
    found
}

/// Names the thing behind a reference: its id, or the one instance that the value waits for.
fn name_of(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return (!text.is_empty()).then(|| text.to_owned());
    }
    let Kind::Unknown(unknown) = value.kind() else { return None };
    let mut causes = unknown.causes.iter();
    match (causes.next(), causes.next()) {
        (Some(Cause::Instance { addr, .. }), None) => Some(addr.to_string()),
        _ => None,
    }
}

/// Returns something that both halves of a replacement would hold at the same time, and where the second
/// half is refused for it.
pub(crate) fn held_by_both(change: &ResourceChange) -> Option<Grip<'_>> {
    let before = grips(&change.schema, &change.before.unmarked_deep());
    let after = grips(&change.schema, &change.after.unmarked_deep());
    let barred = |grip: &Grip<'_>| {
        grip.by.rival != Rival::TakesOver && before.iter().any(|old| old.bars(grip))
    };
    after.into_iter().find(barred)
}

/// What a change lets go of, and what it takes.
pub(crate) type Passed<'s> = (Vec<Grip<'s>>, Vec<Grip<'s>>);

/// Returns what a change lets go of, and what it takes.
pub(crate) fn passed_on(change: &ResourceChange) -> Passed<'_> {
    if change.schema.exclusive.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let of = |value: &Value| grips(&change.schema, &value.unmarked_deep());
    match change.action {
        PlannedAction::Create => (Vec::new(), of(&change.after)),
        PlannedAction::Delete => (of(&change.before), Vec::new()),
        PlannedAction::Replace(_) => (of(&change.before), of(&change.after)),
        PlannedAction::Update => {
            let (before, after) = (of(&change.before), of(&change.after));
            let new = |one: &Grip<'_>, all: &[Grip<'_>]| !all.iter().any(|it| it.is_same(one));
            let let_go = before.iter().filter(|it| new(it, &after)).cloned().collect();
            (let_go, after.into_iter().filter(|it| new(it, &before)).collect())
        }
        _ => (Vec::new(), Vec::new()),
    }
}

/// Returns whether a change in place only lets go: it takes nothing, and waits for no value of another.
pub(crate) fn only_lets_go(change: &ResourceChange) -> bool {
    if change.action != PlannedAction::Update {
        return false;
    }
    let (let_go, taken) = passed_on(change);
    let of_others =
        |cause: &Cause| !matches!(cause, Cause::Instance { addr, .. } if *addr == change.addr);
    !let_go.is_empty() && taken.is_empty() && !change.after.causes_deep().iter().any(of_others)
}
