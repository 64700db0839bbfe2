//! Turns: what a service changes for one caller at a time is changed by one task at a time. Who waits for a
//! turn has not begun, and takes no room.

use std::collections::{BTreeMap, HashMap, VecDeque};

use terrarium_address::Name;
use terrarium_provider::{Effect, Turn, Until};
use terrarium_value::Value;

use super::begin::Ready;
use super::tasks::Task;
use super::walk::Walk;
use crate::paths::names_at;

/// Something that a service changes for one caller at a time: whose it is, and the value that names it.
pub(super) type Thing = (Name, Name);

/// Who has a turn at what, and who waits for one.
#[derive(Default)]
pub(super) struct Turns {
    /// Those who wait for it, for each thing that somebody has a turn at.
    queues: HashMap<Thing, VecDeque<usize>>,
    held: HashMap<usize, Vec<(Thing, Until)>>,
    /// What is ready to be sent, and waits for its turn.
    parked: BTreeMap<usize, Ready>,
}

impl Turns {
    /// Takes turns at all these things, or waits for the first that somebody else has one at.
    fn take(&mut self, node: usize, things: Vec<(Thing, Until)>) -> bool {
        let own = self.held.get(&node);
        let has = |thing: &Thing| own.is_some_and(|held| held.iter().any(|(one, _)| one == thing));
        for (thing, _) in &things {
            if !has(thing)
                && let Some(queue) = self.queues.get_mut(thing)
            {
                queue.push_back(node);
                return false;
            }
        }
        for (thing, _) in &things {
            self.queues.entry(thing.clone()).or_default();
        }
        if !things.is_empty() {
            self.held.insert(node, things);
        }
        true
    }

    /// Gives turns back, all or those that last until a call is answered; returns who may try now.
    fn give_back(&mut self, node: usize, all: bool) -> Vec<usize> {
        let Some(held) = self.held.remove(&node) else { return Vec::new() };
        let mut free = Vec::new();
        let mut kept = Vec::new();
        for (thing, until) in held {
            if all || until == Until::Answered {
                // All of them: where one waits for something else by now, the next goes on.
                free.extend(self.queues.remove(&thing).unwrap_or_default());
            } else {
                kept.push((thing, until));
            }
        }
        if !kept.is_empty() {
            self.held.insert(node, kept);
        }
        free
    }
}

impl Walk<'_> {
    /// Takes what was made ready before, and had to wait.
    pub(super) fn unparked(&mut self, node: usize) -> Option<Ready> {
        self.turns.parked.remove(&node)
    }

    /// Takes a task's turns, or parks it until it may try again.
    pub(super) fn has_turn(&mut self, node: usize, task: Task, ready: Ready) -> Option<Ready> {
        let things = self.things(task, &ready);
        if self.turns.take(node, things) {
            return Some(ready);
        }
        self.turns.parked.insert(node, ready);
        None
    }

    /// Takes the turns of a task that goes on; it waits in the place of one that is resumed.
    pub(super) fn has_turn_again(&mut self, node: usize) -> bool {
        let Some(under) = self.tasks.get(&node) else { return true };
        let Some(ready) = &under.ready else { return true };
        let things = self.things(under.task, ready);
        self.turns.take(node, things)
    }

    /// The call of a task was answered.
    pub(super) fn answered(&mut self, node: usize) {
        self.calling.remove(&node);
        let free = self.turns.give_back(node, false);
        self.try_again(free);
    }

    /// Nothing of a task is under way any more.
    pub(super) fn rest(&mut self, node: usize) {
        self.busy.remove(&node);
        self.calling.remove(&node);
        let free = self.turns.give_back(node, true);
        self.try_again(free);
    }

    fn try_again(&mut self, free: Vec<usize>) {
        for node in free.into_iter().rev() {
            if self.tasks.contains_key(&node) {
                self.resumed.push_front(node);
            } else {
                self.ready.push_front(node);
            }
        }
    }

    fn things(&self, task: Task, ready: &Ready) -> Vec<(Thing, Until)> {
        let change = &self.plan.changes[task.change];
        if change.schema.effect == Effect::Local {
            return Vec::new();
        }
        let values = ready.planned.as_ref().or(ready.prior.as_ref());
        values
            .map(|values| named(&change.schema.turns, &change.provider, values))
            .unwrap_or_default()
    }
}

/// Returns what an instance with these values needs turns at, each thing once and in order.
fn named(turns: &[Turn], provider: &Name, values: &Value) -> Vec<(Thing, Until)> {
    let mut things: BTreeMap<Thing, Until> = BTreeMap::new();
    for turn in turns {
        for name in names_at(values, &turn.path) {
            let until = things.entry((provider.clone(), name.into())).or_insert(turn.until);
            if turn.until == Until::Settled {
                *until = Until::Settled;
            }
        }
    }
    things.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn things(names: &[(&str, Until)]) -> Vec<(Thing, Until)> {
        names.iter().map(|(name, until)| (("p".into(), (*name).into()), *until)).collect()
    }

    #[test]
    fn one_has_a_turn_and_the_others_come_in_their_order() {
        let mut turns = Turns::default();
        let router = || things(&[("router", Until::Answered)]);
        assert!(turns.take(1, router()));
        assert!(!turns.take(2, router()) && !turns.take(3, router()));
        assert!(turns.take(4, things(&[("other", Until::Answered)])));
        assert_eq!(turns.give_back(1, false), [2, 3]);
        assert!(turns.take(2, router()));
        assert!(!turns.take(3, router()));
        assert_eq!(turns.give_back(2, true), [3]);
        assert!(turns.take(3, router()));
    }

    #[test]
    fn a_turn_until_settled_outlasts_the_answer() {
        let mut turns = Turns::default();
        assert!(turns.take(1, things(&[("server", Until::Settled), ("volume", Until::Answered)])));
        assert!(!turns.take(2, things(&[("server", Until::Answered)])));
        assert!(!turns.take(3, things(&[("volume", Until::Answered)])));
        assert_eq!(turns.give_back(1, false), [3]);
        assert!(turns.take(3, things(&[("volume", Until::Answered)])));
        // Its own turn stands in nobody's way.
        assert!(turns.take(1, things(&[("server", Until::Settled)])));
        assert_eq!(turns.give_back(1, true), [2]);
    }

    #[test]
    fn whoever_waits_for_one_of_two_things_holds_neither() {
        let mut turns = Turns::default();
        assert!(turns.take(1, things(&[("b", Until::Answered)])));
        assert!(!turns.take(2, things(&[("a", Until::Answered), ("b", Until::Answered)])));
        assert!(turns.take(3, things(&[("a", Until::Answered)])));
        // It was woken for the one, and waits for the other now.
        assert_eq!(turns.give_back(1, true), [2]);
        assert!(!turns.take(2, things(&[("a", Until::Answered), ("b", Until::Answered)])));
        assert_eq!(turns.give_back(3, true), [2]);
        assert!(turns.take(2, things(&[("a", Until::Answered), ("b", Until::Answered)])));
    }
}
