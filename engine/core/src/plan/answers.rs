//! What was planned so far, by block: a block's answer is one value, and is replaced whole where it is planned again.

use std::collections::{BTreeMap, HashMap, HashSet};

use terrarium_address::{ConfigAddr, InstanceKey, ResourceAddr};
use terrarium_state::Dep;

use super::time::Planned;
use crate::model::DataResult;
use crate::places::Places;
use crate::{PlannedAction, ResourceChange};

/// What planning one block came to.
#[derive(Default)]
pub(super) struct Answer {
    /// What becomes of its instances, in the order of addresses.
    pub(super) planned: Vec<Planned>,
    /// The removals of what goes down now and comes back later.
    pub(super) falls: Vec<ResourceChange>,
    /// Data sources that were read.
    pub(super) data: Vec<DataResult>,
}

/// What was planned so far.
#[derive(Default)]
pub(super) struct Answers {
    /// By configuration block.
    wanted: HashMap<ConfigAddr, Answer>,
    /// What becomes of what the configuration no longer wants, by instance: its current object, and deposed ones.
    going: BTreeMap<ResourceAddr, Vec<Planned>>,
    /// Instances with something to do, for data sources that depend on them; `None` where there are none.
    pending: Option<Places<()>>,
}

impl Answers {
    /// Starts with room for so many blocks: what grows by doubling is for a moment there twice, which is the most that a
    /// plan takes.
    pub(super) fn with_capacity(blocks: usize, reads: bool) -> Self {
        Self {
            wanted: HashMap::with_capacity(blocks),
            pending: reads.then(Places::default),
            ..Self::default()
        }
    }

    /// Takes a block's answer, in place of an earlier one.
    pub(super) fn put(&mut self, block: ConfigAddr, mut answer: Answer) {
        for planned in &answer.planned {
            self.note_pending(planned);
        }
        answer.planned.sort_unstable_by(|a, b| a.change.addr.cmp(&b.change.addr));
        answer.planned.shrink_to_fit();
        self.wanted.insert(block, answer);
    }

    /// Forgets a block's answer: it is planned again.
    pub(super) fn forget(&mut self, block: &ConfigAddr) {
        self.wanted.remove(block);
    }

    /// Takes what becomes of an object that the configuration no longer wants.
    pub(super) fn add_going(&mut self, planned: Planned) {
        self.note_pending(&planned);
        self.going.entry(planned.change.addr.clone()).or_default().push(planned);
    }

    fn note_pending(&mut self, planned: &Planned) {
        let over = planned.fate().over().is_some();
        if let Some(pending) = &mut self.pending
            && planned.change.action != PlannedAction::NoOp
            && !over
        {
            pending.add(&planned.change.addr, &(), |(), ()| ());
        }
    }

    /// Returns whether anything that a dependency names has something to do.
    pub(super) fn waits_for(&self, dep: &Dep) -> bool {
        self.pending.as_ref().is_some_and(|pending| !pending.of(dep).is_empty())
    }

    /// Returns what becomes of the current object of an instance.
    pub(super) fn find(&self, addr: &ResourceAddr) -> Option<&Planned> {
        let wanted = self.wanted.get(&addr.block.config()).and_then(|answer| {
            let at = answer.planned.binary_search_by(|it| it.change.addr.cmp(addr)).ok()?;
            answer.planned.get(at)
        });
        wanted.or_else(|| self.going.get(addr)?.iter().find(|it| it.is_current()))
    }

    /// Returns what becomes of a block's current objects within a module instance.
    pub(super) fn of_block(&self, block: &ConfigAddr) -> impl Iterator<Item = &Planned> {
        let all = self.wanted.get(&block.config()).map(|answer| answer.planned.as_slice());
        let all = all.unwrap_or_default();
        let from = all.partition_point(|it| it.change.addr.block < *block);
        let wanted = all.get(from..).unwrap_or_default().iter();
        let wanted = wanted.take_while(|it| it.change.addr.block == *block);
        let going = self.going.range(block.instance(InstanceKey::None)..);
        let going = going.take_while(|(addr, _)| addr.block == *block).flat_map(|(_, it)| it);
        wanted.chain(going.filter(|it| it.is_current()))
    }

    /// Returns the data sources of a block that were read.
    pub(super) fn data_of(&self, block: &ConfigAddr) -> &[DataResult] {
        self.wanted.get(&block.config()).map(|answer| answer.data.as_slice()).unwrap_or_default()
    }

    /// Lists what was planned, but for the instances that some blocks want.
    pub(super) fn but_for<'b>(
        &'b self,
        blocks: &'b HashSet<ConfigAddr>,
    ) -> impl Iterator<Item = &'b Planned> {
        let wanted = self.wanted.iter().filter(|(block, _)| !blocks.contains(*block));
        wanted.flat_map(|(_, answer)| &answer.planned).chain(self.going.values().flatten())
    }

    /// Returns what one block wants.
    pub(super) fn wanted_of(&self, block: &ConfigAddr) -> &[Planned] {
        self.wanted.get(block).map(|answer| answer.planned.as_slice()).unwrap_or_default()
    }

    /// Lists what was planned.
    pub(super) fn all(&self) -> impl Iterator<Item = &Planned> {
        let wanted = self.wanted.values().flat_map(|answer| &answer.planned);
        wanted.chain(self.going.values().flatten())
    }

    /// Takes everything apart: what was planned, the removals that come before a return, and what was read.
    pub(super) fn into_parts(self) -> (Vec<Planned>, Vec<ResourceChange>, Vec<DataResult>) {
        let count = self.wanted.values().map(|answer| answer.planned.len()).sum::<usize>();
        let mut planned = Vec::with_capacity(count + self.going.len());
        let (mut falls, mut data) = (Vec::new(), Vec::new());
        for answer in self.wanted.into_values() {
            planned.extend(answer.planned);
            falls.extend(answer.falls);
            data.extend(answer.data);
        }
        planned.extend(self.going.into_values().flatten());
        (planned, falls, data)
    }
}

/// What was found changed outside since the last apply.
#[derive(Default)]
pub(super) struct Drift {
    found: Vec<ResourceChange>,
    /// Instances whose drift turned out to be none.
    none: HashSet<ResourceAddr>,
}

impl Drift {
    pub(super) fn add(&mut self, change: ResourceChange) {
        self.found.push(change);
    }

    /// Notes that what was found of an instance had to be expected.
    pub(super) fn expect(&mut self, addr: ResourceAddr) {
        self.none.insert(addr);
    }

    /// Lists what was found, in the order of addresses.
    pub(super) fn into_list(mut self) -> Vec<ResourceChange> {
        self.found.retain(|drift| !self.none.contains(&drift.addr));
        self.found.sort_by(|a, b| a.addr.cmp(&b.addr));
        self.found
    }
}
