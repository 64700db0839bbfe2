//! Holding: an object that others hold by a reference can't be removed before they let go.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::Schema;
use terrarium_value::Value;

use super::occupancy::pick;
use super::{Found, Planner};
use crate::{PlannedAction, ReplaceOrder, ResourceChange, codes, object, words};

/// Returns the ids of what an object holds.
pub(crate) fn held(schema: &Schema, value: &Value) -> BTreeSet<String> {
    let mut found = Vec::new();
    if !schema.holds.is_empty() {
        let value = value.clone().unmarked_deep();
        for path in &schema.holds {
            pick(&value, &path.0, &mut found);
        }
    }
    found.iter().filter_map(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// One who holds an object that is to be replaced.
struct Holder<'f> {
    addr: &'f ResourceAddr,
    /// Whether its own change lets go of the object.
    lets_go: bool,
}

impl Planner<'_> {
    /// Refuses a replacement whose first half can't be had: who holds the object lets go of it only when
    /// its successor is there, and the service refuses to remove what is held.
    pub(super) fn check_holders(&self) {
        let found = self.found.borrow();
        for (change, holders) in stuck(&found) {
            let error = refusal(change, &holders, self.declared_span(&change.addr));
            self.world.report(error);
        }
    }

    fn declared_span(&self, addr: &ResourceAddr) -> Option<terrarium_diagnostic::Span> {
        let block = &addr.block;
        let module = self.inputs.config.module(&block.module.config())?;
        let declared = terrarium_lang::config::BlockRef {
            mode: block.mode,
            kind: block.kind.clone(),
            name: block.name.clone(),
        };
        module.resources.get(&declared).map(|resource| resource.span)
    }
}

/// Finds the objects that are to be removed before their successors are made, and held by what stays.
fn stuck(found: &Found) -> Vec<(&ResourceChange, Vec<Holder<'_>>)> {
    let first = PlannedAction::Replace(ReplaceOrder::DeleteFirst);
    let replaced: BTreeMap<String, &ResourceChange> = found
        .changes
        .iter()
        .filter(|change| change.action == first && change.ended.is_none())
        .filter_map(|change| Some((object::id_of(&change.before)?, change)))
        .collect();
    if replaced.is_empty() {
        return Vec::new();
    }
    let mut held_by: BTreeMap<&ResourceAddr, Vec<Holder<'_>>> = BTreeMap::new();
    for holder in &found.changes {
        let stays = matches!(holder.action, PlannedAction::Update | PlannedAction::NoOp);
        if !stays || holder.schema.holds.is_empty() || holder.ended.is_some() {
            continue;
        }
        let after = held(&holder.schema, &holder.after);
        for id in held(&holder.schema, &holder.before) {
            if let Some(change) = replaced.get(&id) {
                let lets_go = holder.action == PlannedAction::Update && !after.contains(&id);
                let holders = held_by.entry(&change.addr).or_default();
                holders.push(Holder { addr: &holder.addr, lets_go });
            }
        }
    }
    let replaced = replaced.into_values();
    replaced.filter_map(|change| Some((change, held_by.remove(&change.addr)?))).collect()
}

fn refusal(
    change: &ResourceChange,
    holders: &[Holder<'_>],
    span: Option<terrarium_diagnostic::Span>,
) -> Diagnostic {
    let addr = &change.addr;
    let names: Vec<String> = holders.iter().map(|holder| holder.addr.to_string()).collect();
    let who = words::enumerated(&names).unwrap_or_default();
    let keeps: Vec<&Holder<'_>> = holders.iter().filter(|holder| !holder.lets_go).collect();
    let (why, help) = match keeps.first() {
        None => (
            "would let go of it only when its successor is there",
            format!(
                "set `lifecycle {{ create_before_destroy = true }}` in {}: then the new one is made first, what \
                 holds the old one moves over, and the old one goes last",
                addr.block
            ),
        ),
        Some(keeps) => (
            "would not let go of it",
            format!("let {} name something else first, or replace it too (-replace)", keeps.addr),
        ),
    };
    let error = Diagnostic::error(codes::HELD, "What is replaced is held by what stays")
        .detail(format!(
            "{addr} must be replaced, and is to be removed first. It is held by {who}, which {why}: the service \
             refuses to remove what is held."
        ))
        .about(addr.clone())
        .help(help);
    match span {
        Some(span) => error.at(span, ""),
        None => error,
    }
}
