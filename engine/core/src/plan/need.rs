//! Need: who reads an instance, now, later, or not any more.

use std::collections::HashMap;

use jiff::Timestamp;
use terrarium_address::{ConfigAddr, ResourceAddr};

use super::Found;
use crate::{PlannedAction, ResourceChange, Waits};

/// How a scarce thing is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Now,
    /// By these, the first of them at this instant, where that is known.
    Later(Vec<ResourceAddr>, Option<Timestamp>),
    /// By nobody any more since this instant.
    Over(Timestamp),
}

impl Need {
    pub(super) fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Later(_, at) => *at,
            Self::Now | Self::Over(_) => None,
        }
    }

    pub(super) fn told(self) -> (Waits, String) {
        match self {
            Self::Over(at) => (Waits::Closed(at), "nothing any more: who needed it ended".into()),
            Self::Later(consumers, _) => (Waits::Consumers(consumers), "those who need it".into()),
            Self::Now => (Waits::Consumers(Vec::new()), "those who need it".into()),
        }
    }
}

/// Who needs what.
#[derive(Default)]
pub(super) struct Needs<'f> {
    instances: HashMap<&'f ResourceAddr, Vec<Consumer<'f>>>,
    /// By configuration block: who reads which of its module instances.
    blocks: HashMap<ConfigAddr, Vec<(&'f ConfigAddr, Consumer<'f>)>>,
}

#[derive(Clone, Copy)]
enum Consumer<'f> {
    Now,
    Later(&'f ResourceAddr, Option<Timestamp>),
    Over(Timestamp),
}

impl<'f> Needs<'f> {
    pub(super) fn of(found: &'f Found) -> Self {
        let mut needs = Self::default();
        for change in &found.changes {
            let consumer = match (change.action, &*change.ended) {
                (PlannedAction::Delete | PlannedAction::Forget, _) => continue,
                (_, Some(ended)) => Consumer::Over(ended.at),
                _ => Consumer::Now,
            };
            needs.add(change, consumer);
        }
        for deferred in &found.deferred {
            let consumer = match deferred.waits {
                Waits::Closed(at) => Consumer::Over(at),
                _ => Consumer::Later(&deferred.change.addr, deferred.not_before()),
            };
            needs.add(&deferred.change, consumer);
        }
        needs
    }

    fn add(&mut self, change: &'f ResourceChange, consumer: Consumer<'f>) {
        for dep in &change.deps {
            for addr in dep.instances() {
                self.instances.entry(addr).or_default().push(consumer);
            }
            if let Some(block) = dep.block() {
                self.blocks.entry(block.config()).or_default().push((block, consumer));
            }
        }
    }

    /// Returns how an instance is needed; `None` where nobody ever does.
    pub(super) fn of_instance(&self, addr: &ResourceAddr) -> Option<Need> {
        let exact = self.instances.get(addr).into_iter().flatten();
        let whole = self.blocks.get(&addr.block.config()).into_iter().flatten();
        let whole = whole.filter(|(block, _)| block.covers(&addr.block)).map(|(_, it)| it);
        let all = exact.chain(whole);
        all.fold(None, |need, consumer| {
            Some(match (need, consumer) {
                (Some(Need::Now), _) | (_, Consumer::Now) => Need::Now,
                (Some(Need::Later(mut all, first)), Consumer::Later(addr, at)) => {
                    all.push((*addr).clone());
                    let first = [first, *at].into_iter().flatten().min();
                    Need::Later(all, first)
                }
                (Some(Need::Later(all, first)), Consumer::Over(_)) => Need::Later(all, first),
                (_, Consumer::Later(addr, at)) => Need::Later(vec![(*addr).clone()], *at),
                (Some(Need::Over(last)), Consumer::Over(at)) => Need::Over(last.max(*at)),
                (None, Consumer::Over(at)) => Need::Over(*at),
            })
        })
    }
}
