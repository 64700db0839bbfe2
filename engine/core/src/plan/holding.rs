//! Holding: an object that others hold by a reference can't be removed before they let go.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use terrarium_address::{Mode, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Span};
use terrarium_lang::Configuration;
use terrarium_provider::{HeldBy, Schema};
use terrarium_state::{Dep, State};
use terrarium_value::Value;

use super::listed::Listed;
use crate::paths::names_at;
use crate::providers::Providers;
use crate::{Inputs, PlannedAction, ReplaceOrder, ResourceChange, codes, object, words};

/// What an object may be held by, and the value of that.
pub(crate) type Handle = (HeldBy, String);

/// Returns what an object holds.
pub(crate) fn held(schema: &Schema, value: &Value) -> BTreeSet<Handle> {
    let mut found = BTreeSet::new();
    if schema.holds.is_empty() {
        return found;
    }
    let value = value.clone().unmarked_deep();
    for reference in &schema.holds {
        let names = names_at(&value, &reference.path);
        found.extend(names.into_iter().map(|name| (reference.by, name)));
    }
    found
}

/// Objects by what they may be held by.
pub(crate) struct Holdable<T>(HashMap<Handle, Vec<(ResourceAddr, T)>>);

impl<T: Clone> Holdable<T> {
    /// Indexes objects.
    pub(crate) fn of<'o>(objects: impl Iterator<Item = (&'o ResourceAddr, &'o Value, T)>) -> Self {
        let mut index: HashMap<Handle, Vec<(ResourceAddr, T)>> = HashMap::new();
        for (addr, value, what) in objects {
            for by in [HeldBy::Id, HeldBy::Name] {
                let text = value.get(by.attribute()).and_then(Value::as_str);
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    let known = index.entry((by, text.to_owned())).or_default();
                    known.push((addr.clone(), what.clone()));
                }
            }
        }
        Self(index)
    }

    /// Returns what a handle means to a holder with these dependencies. An id names one thing; a name may be
    /// that of others, too, unless the holder reads what it names.
    pub(crate) fn get<'h>(
        &'h self,
        handle: &Handle,
        deps: &'h [&'h [Dep]],
    ) -> impl Iterator<Item = (&'h ResourceAddr, &'h T)> {
        let by_id = handle.0 == HeldBy::Id;
        let all = self.0.get(handle).map(Vec::as_slice).unwrap_or_default();
        all.iter()
            .filter(move |(addr, _)| by_id || deps.iter().any(|deps| read(deps, addr)))
            .map(|(addr, what)| (addr, what))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns whether dependencies name an instance.
fn read(deps: &[Dep], addr: &ResourceAddr) -> bool {
    deps.iter().any(|dep| match dep {
        Dep::Instance(one) => one == addr,
        Dep::Block(block) => block.covers(&addr.block),
        Dep::Set(set) => set.contains(addr),
    })
}

/// Returns what is recorded that a change's object rests on.
pub(crate) fn recorded_deps<'s>(state: &'s State, change: &ResourceChange) -> &'s [Dep] {
    let recorded_at = change.moved_from.as_ref().unwrap_or(&change.addr);
    let object = state.resources.get(recorded_at).and_then(|instance| instance.current.as_ref());
    object.map(|object| object.deps.as_slice()).unwrap_or_default()
}

/// One who holds an object that is to be removed.
struct Holder {
    addr: ResourceAddr,
    keeps: Keeps,
}

/// Why somebody still holds an object when it is to be removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// Its own change lets go of the object, but later.
    TooLong,
    /// It stays as it is.
    For,
    /// The targets leave it out, so that nobody knows what it would do.
    LeftOut,
}

/// What a holder will hold.
enum After {
    Same,
    Changed(BTreeSet<Handle>),
    LeftOut,
}

/// The objects that are to be removed, and those that stay and hold one of them.
struct Stuck<'f> {
    going: Vec<&'f ResourceChange>,
    index: Holdable<usize>,
    holders: BTreeMap<usize, Vec<Holder>>,
}

impl<'f> Stuck<'f> {
    fn of(found: &'f Listed) -> Self {
        let goes = |change: &&ResourceChange| {
            let goes = matches!(change.action, PlannedAction::Delete | PlannedAction::Replace(_));
            goes && !change.keeps_old && change.ended().is_none()
        };
        let going: Vec<&ResourceChange> = found.changes.iter().filter(goes).collect();
        let objects = going.iter().enumerate();
        let index = Holdable::of(objects.map(|(at, it)| (&it.addr, &it.before, at)));
        Self { going, index, holders: BTreeMap::new() }
    }

    /// Notes what somebody who stays holds; `after` is what it will hold, where it changes now.
    fn note(
        &mut self,
        addr: &ResourceAddr,
        (before, after): (BTreeSet<Handle>, After),
        deps: &[&[Dep]],
    ) {
        for handle in before {
            let keeps = match &after {
                After::Changed(after) if !after.contains(&handle) => Keeps::TooLong,
                After::LeftOut => Keeps::LeftOut,
                _ => Keeps::For,
            };
            let all: Vec<usize> = self.index.get(&handle, deps).map(|(_, at)| *at).collect();
            for at in all {
                // Only what is removed before its successor is made needs them to let go so early.
                let first = PlannedAction::Replace(ReplaceOrder::DeleteFirst);
                let waits = keeps == Keeps::TooLong && self.going[at].action != first;
                if !waits && self.going[at].addr != *addr {
                    let holder = Holder { addr: addr.clone(), keeps };
                    self.holders.entry(at).or_default().push(holder);
                }
            }
        }
    }
}

/// What there is around a plan: what it leaves out holds things, too.
pub(super) struct Around<'a, 'p> {
    pub(super) inputs: &'a Inputs,
    pub(super) providers: &'p Providers<'a>,
    /// Whether targets leave anything out.
    pub(super) left_out: bool,
}

/// Refuses a removal that can't be had: who holds the object keeps it, or lets go of it only when its
/// successor is there, and the service refuses to remove what is held.
pub(super) fn check_holders(found: &Listed, around: &Around<'_, '_>) -> Vec<Diagnostic> {
    let deferred = found.deferred.iter().map(|deferred| (&deferred.change, true));
    let holders = found.changes.iter().map(|it| (it, false)).chain(deferred);
    let stays = |(holder, later): &(&ResourceChange, bool)| {
        let stays = matches!(holder.action, PlannedAction::Update | PlannedAction::NoOp);
        !holder.schema.holds.is_empty() && (*later || stays) && holder.ended().is_none()
    };
    let mut holders = holders.filter(stays).peekable();
    if holders.peek().is_none() && !around.left_out {
        return Vec::new();
    }
    let mut stuck = Stuck::of(found);
    if stuck.index.is_empty() {
        return Vec::new();
    }
    for (holder, later) in holders {
        let changes = !later && holder.action == PlannedAction::Update;
        let after =
            if changes { After::Changed(held(&holder.schema, &holder.after)) } else { After::Same };
        let recorded = recorded_deps(&around.inputs.prior, holder);
        let before = held(&holder.schema, &holder.before);
        stuck.note(&holder.addr, (before, after), &[&holder.deps, recorded]);
    }
    if around.left_out {
        note_others(found, around, &mut stuck);
    }
    let Stuck { going, mut holders, .. } = stuck;
    let refused = going.into_iter().enumerate().filter_map(|(at, change)| {
        let span = declared_span(&around.inputs.config, &change.addr);
        Some(refusal(change, &holders.remove(&at)?, span))
    });
    refused.collect()
}

/// Notes what is held by objects that the targets leave out: they stay as they are.
fn note_others(found: &Listed, around: &Around<'_, '_>, stuck: &mut Stuck<'_>) {
    let planned: std::collections::HashSet<&ResourceAddr> = found
        .changes
        .iter()
        .chain(found.deferred.iter().map(|deferred| &deferred.change))
        .map(|change| change.moved_from.as_ref().unwrap_or(&change.addr))
        .collect();
    for (addr, instance) in &around.inputs.prior.resources {
        let Some(object) = instance.current.as_ref().filter(|it| it.ended.is_none()) else {
            continue;
        };
        if planned.contains(addr) || addr.block.mode == Mode::Data {
            continue;
        }
        let kind = around.providers.recorded(&instance.provider);
        let kind = kind.and_then(|addr| around.providers.kind(&addr));
        let schema = kind.and_then(|kind| kind.schema(Mode::Managed, &addr.block.kind));
        let Some(schema) = schema.filter(|schema| !schema.holds.is_empty()) else { continue };
        if let Ok(value) = object::read(object, &schema) {
            stuck.note(addr, (held(&schema, &value), After::LeftOut), &[&object.deps]);
        }
    }
}

/// Returns where the block of an instance is declared.
pub(super) fn declared_span(config: &Configuration, addr: &ResourceAddr) -> Option<Span> {
    config.resource(&addr.block).map(|resource| resource.span)
}

const REPLACED: &str = "What is replaced is held by what stays";

/// Names those that the targets leave out, as options that a shell takes.
fn targets(holders: &[Holder]) -> String {
    let left_out = holders.iter().filter(|holder| holder.keeps == Keeps::LeftOut);
    let option = |holder: &Holder| format!("-target='{}'", holder.addr);
    left_out.map(option).collect::<Vec<_>>().join(" ")
}

fn refusal(change: &ResourceChange, holders: &[Holder], span: Option<Span>) -> Diagnostic {
    let addr = &change.addr;
    let names: Vec<String> = holders.iter().map(|holder| holder.addr.to_string()).collect();
    let who = words::enumerated(&names).unwrap_or_default();
    let first = |keeps| holders.iter().find(|holder| holder.keeps == keeps);
    let (why, help) = match (first(Keeps::LeftOut), first(Keeps::For)) {
        (Some(_), _) => (
            "would keep it, since the targets leave that out",
            format!(
                "add {} to the command, so that what they would do is planned, too",
                targets(holders)
            ),
        ),
        (None, None) => (
            "would let go of it only when its successor is there",
            format!(
                "set `lifecycle {{ create_before_destroy = true }}` in {}: then the new one is made first, what \
                 holds the old one moves over, and the old one goes last",
                addr.block
            ),
        ),
        (None, Some(keeps)) => (
            "would not let go of it",
            format!("let {} name something else first, or replace it too (-replace)", keeps.addr),
        ),
    };
    let (summary, what) = match change.action {
        PlannedAction::Replace(ReplaceOrder::DeleteFirst) => {
            (REPLACED, "must be replaced, and is to be removed first")
        }
        PlannedAction::Replace(ReplaceOrder::CreateFirst) => {
            (REPLACED, "must be replaced, and is to be removed in the end")
        }
        _ => ("What is removed is held by what stays", "is to be removed"),
    };
    let error = Diagnostic::error(codes::HELD, summary)
        .detail(format!(
            "{addr} {what}. It is held by {who}, which {why}: the service refuses to remove what is held."
        ))
        .about(addr.clone())
        .help(help);
    match span {
        Some(span) => error.at(span, ""),
        None => error,
    }
}
