//! What ended keeps its last values for evaluation only: something alive that would be written from them is told.

use std::collections::BTreeSet;

use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostic;
use terrarium_state::Dep;

use super::planned::Planned;
use crate::fate::Fate;
use crate::{PlannedAction, codes};

/// Warns where something alive would be written from the last values of something that ended.
pub(crate) fn ended_values(all: &[&Planned]) -> Vec<Diagnostic> {
    let over = all.iter().filter(|planned| matches!(planned.fate(), Fate::Ended(_)));
    let ended: BTreeSet<&ResourceAddr> = over.map(|planned| &planned.change.addr).collect();
    if ended.is_empty() {
        return Vec::new();
    }
    let writes = |planned: &&&Planned| {
        let action = planned.change.action;
        let writes = matches!(action, PlannedAction::Create | PlannedAction::Update);
        // What lets go of what ended is not written from it.
        writes && *planned.fate() == Fate::Now && !planned.beside.lets_go
    };
    let told = all.iter().filter(writes).filter_map(|planned| {
        // One who reads a whole block for its keys need not read what ended of it.
        let mut read = planned.change.deps.iter().flat_map(Dep::instances);
        let read = read.find_map(|addr| ended.get(addr).copied())?;
        let addr = &planned.change.addr;
        let detail = format!(
            "{addr} reads {read}, which ended: its last values are used, and nothing is behind them any more."
        );
        let warning = Diagnostic::warning(codes::ENDED, "Values of something that ended");
        Some(warning.detail(detail).about(addr.clone()))
    });
    told.collect()
}
