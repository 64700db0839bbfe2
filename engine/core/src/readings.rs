//! What is only read when its time comes: outputs and data sources that wait for a lease alone. Nobody has to approve
//! a reading, so nothing of it is scheduled.

use jiff::Timestamp;
use terrarium_address::Mode;
use terrarium_value::When;

use crate::{Inputs, OutputChange, Plan, PlannedAction};

impl Plan {
    /// Returns when the first output or data source can be read that waits now; `None` where none does, or where
    /// something waits that nobody has approved: what is read may rest on it, and `apply` comes first.
    pub fn next_reading(&self) -> Option<Timestamp> {
        let is_read = |action| action == PlannedAction::Read;
        let coming = self.deferred.iter().filter(|one| one.can_come());
        let (data, changes): (Vec<_>, Vec<_>) = coming.partition(|one| is_read(one.change.action));
        if changes.iter().any(|one| !one.approved) {
            return None;
        }
        let data = data.into_iter().filter_map(crate::DeferredChange::not_before);
        data.chain(self.outputs.values().filter_map(OutputChange::known_at)).min()
    }

    /// Returns whether an output can be told by now that was never recorded, since it waited for a time.
    pub fn has_readings(&self) -> bool {
        self.outputs.values().any(|output| {
            output.action == PlannedAction::Create
                && output.until.is_some()
                && output.after.is_wholly_known()
                && !output.after.is_null()
        })
    }
}

impl OutputChange {
    /// Returns when its value can be known, where that is no matter of this apply.
    fn known_at(&self) -> Option<Timestamp> {
        match self.after.causes_deep().when() {
            When::At(at) if !self.after.is_wholly_known() => Some(at),
            _ => None,
        }
    }
}

impl Inputs {
    /// Returns whether an output or a data source is declared of which nothing is recorded: it may wait for its time.
    pub fn has_unread(&self) -> bool {
        let outputs = self.config.root().is_some_and(|root| {
            let mut kept = root.outputs.values().filter(|output| !output.ephemeral);
            kept.any(|output| !self.prior.outputs.contains_key(&output.name))
        });
        let is_recorded = |kind: &str, name: &str| {
            self.prior.resources.keys().map(|addr| &addr.block).any(|block| {
                block.mode == Mode::Data && *block.kind == *kind && *block.name == *name
            })
        };
        outputs
            || self
                .config
                .modules
                .values()
                .flat_map(|module| module.resources.keys())
                .any(|block| block.mode == Mode::Data && !is_recorded(&block.kind, &block.name))
    }
}
