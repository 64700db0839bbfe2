//! Telling: what a run says while it is at work, and what it leaves undone at its end.

use std::collections::{BTreeSet, HashSet};

use terrarium_address::ResourceAddr;

use super::tasks::{Step, Task};
use super::walk::{Under, Walk};
use crate::{Blocked, Cancel, Event as Told, Skipped, object};

impl Walk<'_> {
    /// Notes what was not begun, and what a service is still at work on.
    pub(super) fn leave(&mut self, cancel: &Cancel) {
        self.summary.interrupted = cancel.is_raised() || self.lost;
        let doubtful: Vec<usize> =
            self.busy.iter().copied().filter(|node| self.is_in_doubt(*node)).collect();
        for node in doubtful {
            let in_doubt = self.tasks.get_mut(&node).and_then(|under| under.doubt.take());
            if let Some(in_doubt) = in_doubt {
                self.leave_open(node, &in_doubt.doubt);
            }
        }
        let under: Vec<usize> = std::mem::take(&mut self.busy).into_iter().collect();
        for node in under {
            if let Some(under) = self.tasks.get(&node) {
                self.summary.pending.push(self.plan.changes[under.task.change].addr.clone());
            }
        }
        if !self.summary.interrupted {
            return;
        }
        let settled: BTreeSet<_> = self.settled();
        for task in self.order.tasks.clone() {
            let addr = &self.plan.changes[task.change].addr;
            if !settled.contains(&(addr.clone(), task.step)) {
                let skipped = Skipped {
                    addr: addr.clone(),
                    action: task.step.action(),
                    because: Blocked::Interrupted,
                };
                self.summary.skipped.push(skipped);
            }
        }
    }

    fn settled(&self) -> BTreeSet<(ResourceAddr, Step)> {
        let summary = &self.summary;
        let pending: HashSet<&ResourceAddr> = summary.pending.iter().collect();
        let known = summary
            .done
            .iter()
            .map(|done| (&done.addr, done.action))
            .chain(summary.failed.iter().map(|failed| (&failed.addr, failed.action)))
            .chain(summary.skipped.iter().map(|skipped| (&skipped.addr, skipped.action)));
        let mut settled: BTreeSet<_> = self
            .order
            .tasks
            .iter()
            .filter(|task| pending.contains(&self.plan.changes[task.change].addr))
            .map(|task| (self.plan.changes[task.change].addr.clone(), task.step))
            .collect();
        let steps = [Step::Read, Step::Create, Step::Update, Step::Delete, Step::Forget];
        settled.extend(known.filter_map(|(addr, action)| {
            steps.into_iter().find(|step| step.action() == action).map(|step| (addr.clone(), step))
        }));
        settled
    }

    pub(super) fn tell_begun(&self, task: Task) {
        let change = &self.plan.changes[task.change];
        let addr = change.addr.clone();
        if task.step == Step::Read {
            self.progress.on(Told::Reading { addr });
        } else {
            let id = object::id_of(&change.before).filter(|_| task.step != Step::Create);
            self.progress.on(Told::Begun { addr, action: task.step.action(), id });
        }
    }

    pub(super) fn tell_done(&mut self, under: &Under) {
        let change = &self.plan.changes[under.task.change];
        let elapsed = self.inputs.clock.now().duration_since(under.begun).unsigned_abs();
        let addr = change.addr.clone();
        let action = under.task.step.action();
        let id = match under.task.step {
            Step::Delete => None,
            _ => self.world.instance(&addr).as_ref().and_then(object::id_of),
        };
        if under.task.step == Step::Read {
            self.progress.on(Told::Read { addr, elapsed, id });
            return;
        }
        self.summary.done.push(crate::Completed { addr: addr.clone(), action });
        self.progress.on(Told::Done { addr, action, elapsed, id });
    }

    pub(super) fn tell_waiting(&self, node: usize, status: String) {
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        let elapsed = self.inputs.clock.now().duration_since(under.begun).unsigned_abs();
        let id = under.pending.as_ref().map(|pending| pending.accepted.id.to_string());
        self.progress.on(Told::Waiting {
            addr: change.addr.clone(),
            action: under.task.step.action(),
            elapsed,
            status,
            id,
        });
    }
}
