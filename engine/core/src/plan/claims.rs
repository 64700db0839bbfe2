//! What planned instances claim, carried from one question to the next, and the judgement of the whole.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Claim, PlannedFact, Window};

use super::group::Group;
use super::listed::Listed;
use crate::providers::Providers;
use crate::{PlannedAction, ResourceChange};

/// The claims of a plan so far, by the source of their provider.
#[derive(Default)]
pub(super) struct Claims {
    /// Held while the provider plans: two blocks that ask at the same time would not see what the other
    /// one takes, and both would be given the same.
    turn: tokio::sync::Mutex<()>,
    made: RefCell<BTreeMap<Name, BTreeMap<ResourceAddr, Vec<Claim>>>>,
}

impl Claims {
    /// Waits for the turn of a block whose instances compete; no other block waits for anything.
    pub(super) async fn turn(&self, group: &Group<'_>) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if group.schema.competes { Some(self.turn.lock().await) } else { None }
    }

    /// Returns what the plan claims so far, through any configuration of the block's provider.
    pub(super) fn so_far(&self, group: &Group<'_>) -> Arc<[Claim]> {
        let made = self.made.borrow();
        match made.get(&group.provider.source).filter(|_| group.schema.competes) {
            Some(made) => made.values().flatten().cloned().collect(),
            None => Arc::default(),
        }
    }

    /// Notes what an instance takes, in place of what it was to take before.
    pub(super) fn note(&self, group: &Group<'_>, addr: &ResourceAddr, claims: Vec<Claim>) {
        let mut made = self.made.borrow_mut();
        if let Some(made) = made.get_mut(&group.provider.source) {
            made.remove(addr);
        }
        if !claims.is_empty() {
            made.entry(group.provider.source.clone()).or_default().insert(addr.clone(), claims);
        }
    }

    fn of(&self, source: &str, addr: &ResourceAddr) -> Vec<Claim> {
        let made = self.made.borrow();
        made.get(source).and_then(|made| made.get(addr)).cloned().unwrap_or_default()
    }
}

/// Has every provider judge a plan as a whole.
pub(super) async fn judged(
    providers: &Providers<'_>,
    claims: &Claims,
    listed: &Listed,
) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    for (source, mut of_source) in providers.by_source() {
        of_source.retain(|provider| provider.judges_plans());
        if of_source.is_empty() {
            continue;
        }
        let facts = facts(claims, listed, &source);
        if facts.is_empty() {
            continue;
        }
        let mut said: Vec<Diagnostic> = Vec::new();
        for provider in of_source {
            for diagnostic in provider.check_plan(&facts).await {
                // Two configurations of one account say the same.
                if !said.contains(&diagnostic) {
                    said.push(diagnostic);
                }
            }
        }
        all.extend(said);
    }
    all
}

fn facts(claims: &Claims, listed: &Listed, source: &str) -> Vec<PlannedFact> {
    let now = listed.changes.iter().map(|change| (change, *change.window));
    let later = listed.deferred.iter().filter_map(|deferred| {
        // What comes at no known time takes nothing that could be judged.
        let window =
            deferred.change.window.or_else(|| Window::new(deferred.not_before()?, None))?;
        Some((&deferred.change, Some(window)))
    });
    let planned = now.chain(later).filter(|(change, _)| {
        let changes = matches!(
            change.action,
            PlannedAction::Create
                | PlannedAction::Update
                | PlannedAction::Replace(_)
                | PlannedAction::Delete
        );
        changes && is_of(change, source)
    });
    let fact = |(change, window): (&ResourceChange, Option<Window>)| PlannedFact {
        kind: change.addr.block.kind.clone(),
        addr: change.addr.clone(),
        prior: (!change.before.is_null()).then(|| change.before.unmarked_deep()),
        planned: change.after.unmarked_deep(),
        window,
        claims: claims.of(source, &change.addr),
    };
    planned.map(fact).collect()
}

/// Returns whether a change goes through a configuration of this provider.
fn is_of(change: &ResourceChange, source: &str) -> bool {
    change.provider.split('"').nth(1) == Some(source)
}
