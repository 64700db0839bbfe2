//! Rivals: who holds a thing that only one may hold, and can't pass it on in the order that a plan has.

use std::collections::HashMap;

use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::Configuration;

use super::holding::declared_span;
use super::listed::Listed;
use crate::grip::{Grip, Passed, held_by_both, passed_on};
use crate::{PlannedAction, ReplaceOrder, ResourceChange, codes, words};

/// Refuses a replacement whose first half can't be had: the successor would hold what its predecessor still
/// holds, and the service refuses that.
pub(super) fn check_successors(found: &Listed, config: &Configuration) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    for change in found.all() {
        let first = change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst);
        if !first || change.schema.exclusive.is_empty() {
            continue;
        }
        if let Some(grip) = held_by_both(change) {
            wrong.push(both(change, &grip, config));
        }
    }
    wrong
}

/// Refuses changes in place that would take from each other in turn what only one may hold: none can be the
/// first.
pub(super) fn check_swaps(found: &Listed, config: &Configuration) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    let updates = found.changes.iter().filter(|it| it.action == PlannedAction::Update);
    let passed: Vec<(&ResourceChange, Passed<'_>)> =
        updates.map(|it| (it, passed_on(it))).filter(|(_, it)| !it.0.is_empty()).collect();
    let mut holder: HashMap<(&AttrPath, &str), usize> = HashMap::new();
    for (at, (_, (let_go, _))) in passed.iter().enumerate() {
        holder.extend(let_go.iter().map(|grip| ((&grip.by.path, &*grip.thing), at)));
    }
    let waits_for = |at: usize| -> Option<usize> {
        let taken = passed[at].1.1.iter();
        let mut from = taken.filter_map(|it| holder.get(&(&it.by.path, &*it.thing)).copied());
        from.find(|from| *from != at)
    };
    let mut seen = vec![false; passed.len()];
    for start in 0..passed.len() {
        let mut circle = vec![start];
        let mut at = waits_for(start);
        while let Some(next) = at.filter(|next| !seen[*next] && !circle.contains(next)) {
            circle.push(next);
            at = waits_for(next);
        }
        for one in &circle {
            seen[*one] = true;
        }
        if at == Some(start) && circle.len() > 1 {
            let circle: Vec<&ResourceChange> = circle.iter().map(|at| passed[*at].0).collect();
            wrong.push(swap(&circle, config));
        }
    }
    wrong
}

fn swap(circle: &[&ResourceChange], config: &Configuration) -> Diagnostic {
    let names: Vec<String> = circle.iter().map(|change| change.addr.to_string()).collect();
    let who = words::enumerated(&names).unwrap_or_default();
    let addr = &circle[0].addr;
    let error = Diagnostic::error(codes::HELD, "Nobody can let go first")
        .detail(format!(
            "{who} are to be changed in place, and each would take what another one of them still holds: the \
             service lets only one at a time hold it, and refuses the first."
        ))
        .about(addr.clone())
        .help(format!("make one of them anew, so that it lets go first: -replace='{addr}'"));
    match declared_span(config, addr) {
        Some(span) => error.at(span, ""),
        None => error,
    }
}

fn both(change: &ResourceChange, grip: &Grip<'_>, config: &Configuration) -> Diagnostic {
    let addr = &change.addr;
    let (thing, path) = (&grip.thing, &grip.by.path);
    let error = Diagnostic::error(codes::HELD, "A successor can't be made before its predecessor goes")
        .detail(format!(
            "{addr} must be replaced, and with create_before_destroy the new one would be made while the old one \
             still holds {thing} ({path}): the service lets only one at a time hold it, and refuses the new one."
        ))
        .about(addr.clone())
        .help(format!(
            "take create_before_destroy out of {} and of what needs it, or give the new one another {path}",
            addr.block
        ));
    match declared_span(config, addr) {
        Some(span) => error.at(span, ""),
        None => error,
    }
}
