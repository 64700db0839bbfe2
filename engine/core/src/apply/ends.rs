//! Ends: what sits on a lease does not keep it, and goes with it.

use std::collections::{BTreeMap, HashSet};

use terrarium_address::{Name, ResourceAddr};
use terrarium_provider::{ReadOutcome, ReadRequest};
use terrarium_state::{Batch, Durability};

use super::rows::row;
use super::tasks::{Step, Task};
use super::walk::Walk;
use crate::{Completed, Event as Told, PlannedAction, ResourceChange, object};

impl Walk<'_> {
    /// Returns whether a task may go on although this one failed: a server that refuses to be deleted
    /// does not keep its lease, which takes the server along.
    pub(super) fn releases(&self, failed: Task, next: Task) -> bool {
        let (failed_change, change) =
            (&self.plan.changes[failed.change], &self.plan.changes[next.change]);
        failed.step == Step::Delete
            && next.step == Step::Delete
            && (failed_change.occupies.lenders.contains(&change.addr)
                || self
                    .recorded(failed_change)
                    .is_some_and(|object| object.occupies.contains(&change.addr)))
    }

    /// Looks whether what refused to be removed went with what it sat on.
    pub(super) async fn confirm_ends(&mut self) {
        let is_delete = |action: &PlannedAction| *action == PlannedAction::Delete;
        let failed = self.summary.failed.iter().filter(|failed| is_delete(&failed.action));
        let failed: HashSet<&ResourceAddr> = failed.map(|failed| &failed.addr).collect();
        if failed.is_empty() {
            return;
        }
        let done = self.summary.done.iter().filter(|done| is_delete(&done.action));
        let deleted: HashSet<&ResourceAddr> = done.map(|done| &done.addr).collect();
        let mut seen: HashSet<&ResourceAddr> = HashSet::new();
        let refused: Vec<&ResourceChange> = self
            .plan
            .changes
            .iter()
            .filter(|change| failed.contains(&change.addr) && seen.insert(&change.addr))
            .filter(|change| {
                let recorded = self.recorded(change).map(|object| object.occupies.as_slice());
                let lenders = change.occupies.lenders.iter().chain(recorded.unwrap_or_default());
                lenders.into_iter().any(|lender| deleted.contains(lender))
            })
            .collect();
        let mut by_provider: BTreeMap<Name, Vec<&ResourceChange>> = BTreeMap::new();
        for change in refused {
            by_provider.entry(change.provider.clone()).or_default().push(change);
        }
        let mut gone: Vec<ResourceAddr> = Vec::new();
        for (provider, changes) in by_provider {
            let Some(addr) = self.providers.recorded(&provider) else { continue };
            let Some(provider) = self.providers.configured(self.world, &addr).await else {
                continue;
            };
            let requests = changes
                .iter()
                .map(|change| ReadRequest {
                    kind: change.addr.block.kind.clone(),
                    addr: change.addr.clone(),
                    state: change.before.unmarked_deep(),
                    private: change.private.clone(),
                })
                .collect();
            let replies = provider.read_many(requests).await;
            let mut batch = Batch::default();
            for (change, reply) in changes.iter().zip(replies) {
                if matches!(reply.outcome, ReadOutcome::Gone) {
                    batch.objects.push(row(change, change.deposed.clone(), None));
                    gone.push(change.addr.clone());
                }
            }
            self.lazy.push(self.submit(batch, Durability::Now));
        }
        if gone.is_empty() {
            return;
        }
        let went: HashSet<&ResourceAddr> = gone.iter().collect();
        self.summary.failed.retain(|it| !is_delete(&it.action) || !went.contains(&it.addr));
        self.world.forgive(|addr| went.contains(addr));
        for addr in gone {
            let id = self.world.instance(&addr).as_ref().and_then(object::id_of);
            let action = PlannedAction::Delete;
            self.summary.done.push(Completed { addr: addr.clone(), action });
            self.progress.on(Told::Done { addr, action, elapsed: std::time::Duration::ZERO, id });
        }
    }
}
