//! Plans, runs, states and values as short text.

use std::fmt::Write as _;

use jiff::Timestamp;
use terrarium_core::{
    Blocked, DeferredChange, HeldBack, OutputChange, Overdue, Plan, PlannedAction, ReplaceOrder,
    ResourceChange, RunSummary,
};
use terrarium_diagnostic::{Diagnostics, Severity, Sources};
use terrarium_provider::Window;
use terrarium_state::{Dep, Ended, ObjectStatus, Scheduled, State};
use terrarium_value::{Kind, Marks, Value, When};

/// A value on one line: `?` for unknown, `(sensitive)` for what is marked, null parts left out.
pub(crate) fn value(value: &Value) -> String {
    if value.marks().contains(Marks::SENSITIVE) {
        return "(sensitive)".to_owned();
    }
    let all = |items: &[Value]| items.iter().map(self::value).collect::<Vec<_>>().join(", ");
    match value.kind() {
        Kind::Unknown(_) => "?".to_owned(),
        Kind::Null(_) => "null".to_owned(),
        Kind::Bool(it) => it.to_string(),
        Kind::Number(it) => it.to_string(),
        Kind::String(it) => format!("{it:?}"),
        Kind::List(items) | Kind::Tuple(items) | Kind::Set(items) => format!("[{}]", all(items)),
        Kind::Map(_) | Kind::Object(_) => object(value),
    }
}

pub(crate) fn object(value: &Value) -> String {
    let Some(entries) = value.as_entries() else { return self::value(value) };
    let empty = |it: &Value| it.is_null() || it.as_items().is_some_and(<[Value]>::is_empty);
    let shown = entries.iter().filter(|(_, it)| !empty(it));
    let parts: Vec<String> =
        shown.map(|(name, it)| format!("{name}={}", self::value(it))).collect();
    format!("{{{}}}", parts.join(", "))
}

fn sign(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::NoOp => " ",
        PlannedAction::Read => "<=",
        PlannedAction::Create => "+",
        PlannedAction::Update => "~",
        PlannedAction::Replace(ReplaceOrder::DeleteFirst) => "-/+",
        PlannedAction::Replace(ReplaceOrder::CreateFirst) => "+/-",
        PlannedAction::Delete => "-",
        PlannedAction::Forget => ".",
    }
}

fn word(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::Create => "create",
        PlannedAction::Update => "update",
        PlannedAction::Delete => "delete",
        PlannedAction::Read => "read",
        _ => "other",
    }
}

fn change(change: &ResourceChange) -> String {
    let mut line = format!("{} {}", sign(change.action), change.addr);
    if let Some(from) = &*change.moved_from {
        write!(line, " (was {from})").unwrap();
    }
    if let Some(key) = &change.deposed {
        assert_eq!(key.len(), 8, "a deposed key has 8 digits");
        line += " (deposed)";
    }
    if let Some(id) = &*change.importing {
        write!(line, " (import {id})").unwrap();
    }
    if let Some(reason) = &*change.reason {
        write!(line, " [{reason:?}]").unwrap();
    }
    match change.action {
        PlannedAction::Create | PlannedAction::Read => {
            write!(line, " {}", value(&change.after)).unwrap();
        }
        PlannedAction::Update | PlannedAction::Replace(_) => line += &differences(change),
        PlannedAction::NoOp | PlannedAction::Delete | PlannedAction::Forget => {}
    }
    if change.keeps_old {
        line += " (keeps the old one)";
    }
    let gone = matches!(change.action, PlannedAction::Delete | PlannedAction::Forget);
    if let Some(window) = change.window.as_ref().filter(|_| !gone) {
        write!(line, " {}", self::window(window)).unwrap();
    }
    let on: Vec<String> = change.occupies.lenders.iter().map(ToString::to_string).collect();
    let on = on.iter().chain(&change.occupies.foreign).map(String::as_str).collect::<Vec<_>>();
    if !on.is_empty() && !gone {
        write!(line, " on {}", on.join(", ")).unwrap();
    }
    line
}

fn window(window: &Window) -> String {
    let until = window.until().map(|until| until.to_string()).unwrap_or_default();
    format!("[{}..{until}]", window.from())
}

fn ended(change: &ResourceChange) -> String {
    format!("ended {}{}", change.addr, since(change.ended()))
}

fn since(ended: Option<&Ended>) -> String {
    let Some(ended) = ended else { return String::new() };
    let with = ended.with.as_ref().map(|addr| format!(" with {addr}")).unwrap_or_default();
    format!(" at {}{with}", ended.at)
}

fn deferred(deferred: &DeferredChange) -> String {
    let change = change(&deferred.change);
    let code = deferred.code();
    let reason = deferred.reason();
    let at = deferred.not_before().map(|at| format!(" until {at}")).unwrap_or_default();
    let closes = deferred.change.schedule.not_after;
    let closes = closes.map(|at| format!(", at the latest {at}")).unwrap_or_default();
    let word = match deferred.closed() {
        Some(at) => format!("can't {change} (closed {at})"),
        _ if deferred.approved => format!("approved {change} ({code})"),
        _ => format!("deferred {change} ({code})"),
    };
    format!("{word}{at}{closes}: {reason}")
}

pub(crate) fn held(held: &HeldBack) -> String {
    let until = held.open_until.map(|at| format!(" (possible until {at})")).unwrap_or_default();
    format!("held back {:?} {}: {}{until}", held.action, held.addr, held.why)
}

pub(crate) fn schedule(state: &State) -> String {
    let lines: Vec<String> = state.schedule.iter().map(entry).collect();
    if lines.is_empty() { "Nothing.".to_owned() } else { lines.join("\n") }
}

fn entry(entry: &Scheduled) -> String {
    let bound = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let window = &entry.schedule;
    let (from, until) = (bound(window.not_before), bound(window.not_after));
    let approved = if entry.approval.is_some() { "" } else { " unapproved" };
    format!("{:?} {} [{from}..{until}]{approved}: {}", entry.action, entry.addr, entry.reason)
}

pub(crate) fn overdue(state: &State, now: Timestamp) -> String {
    let overdue = terrarium_core::overdue(state, now);
    let line = |it: &Overdue| {
        let until = it.open_until.map(|at| format!(", possible until {at}")).unwrap_or_default();
        format!("{:?} {} since {}{until}", it.action, it.addr, it.since)
    };
    let lines: Vec<String> = overdue.iter().map(line).collect();
    if lines.is_empty() { "Nothing.".to_owned() } else { lines.join("\n") }
}

fn differences(change: &ResourceChange) -> String {
    let mut line = String::new();
    for name in change.after.as_entries().into_iter().flat_map(terrarium_value::Entries::keys) {
        let part = |it: &Value| it.get(name).cloned().unwrap_or_else(|| Value::null(it.ty()));
        let (before, after) = (part(&change.before), part(&change.after));
        let marks_differ = before.deep_marks() != after.deep_marks();
        if before.unmarked_deep().same(&after.unmarked_deep()) && !marks_differ {
            continue;
        }
        let forces = change.requires_replace.iter().any(|it| it.to_string() == **name);
        let forces = if forces { " !" } else { "" };
        write!(line, " {name}: {} -> {}{forces}", value(&before), value(&after)).unwrap();
    }
    line
}

fn output(name: &str, output: &OutputChange) -> Option<String> {
    let secret = |it: &Value| if output.sensitive { "(sensitive)".to_owned() } else { value(it) };
    let when = match output.after.causes_deep().when() {
        When::At(at) => format!(" (known after {at})"),
        When::Later => " (known later)".to_owned(),
        When::Never(since) => format!(" (never since {since})"),
        When::Apply => String::new(),
    };
    let until = output.until.map(|at| format!(" until {at}")).unwrap_or_default();
    Some(match output.action {
        PlannedAction::NoOp => return None,
        PlannedAction::Create => format!("output {name}: + {}{when}{until}", secret(&output.after)),
        PlannedAction::Delete => format!("output {name}: - {}", secret(&output.before)),
        _ => {
            let (before, after) = (secret(&output.before), secret(&output.after));
            format!("output {name}: {before} -> {after}{when}{until}")
        }
    })
}

pub(crate) fn plan(plan: &Plan, diagnostics: &Diagnostics, sources: &Sources) -> String {
    let mut lines = Vec::new();
    for drift in &plan.drift {
        lines.push(format!("drift {}", change(drift)));
    }
    for data in &plan.data {
        lines.push(format!("read {} {}", data.addr, value(&data.value)));
    }
    let shown = |it: &&ResourceChange| {
        let stays = it.action == PlannedAction::NoOp;
        !stays || it.moved_from.is_some() || it.importing.is_some() || it.reason.is_some()
    };
    lines.extend(plan.changes.iter().filter(shown).map(change));
    lines.extend(plan.ended().map(ended));
    lines.extend(plan.deferred.iter().map(deferred));
    lines.extend(plan.under_way.iter().map(|it| format!("under way {}: {:?}", it.addr, it.action)));
    lines.extend(plan.leftovers.iter().map(|addr| format!("left over {addr}")));
    lines.extend(plan.outputs.iter().filter_map(|(name, it)| output(name, it)));
    self::diagnostics(&mut lines, diagnostics, sources);
    let (import, add, change, destroy) = plan.counts();
    lines.push(match (plan.errored, plan.has_changes()) {
        (true, _) => "Errors.".to_owned(),
        (false, false) => "No changes.".to_owned(),
        (false, true) if import > 0 => {
            format!("Plan: {import} import, {add} add, {change} change, {destroy} destroy.")
        }
        (false, true) => format!("Plan: {add} add, {change} change, {destroy} destroy."),
    });
    lines.join("\n")
}

fn diagnostics(lines: &mut Vec<String>, diagnostics: &Diagnostics, sources: &Sources) {
    for one in diagnostics {
        let severity = if one.severity == Severity::Error { "Error" } else { "Warning" };
        let place = one.at.as_ref().map(|label| {
            let source = sources.get(label.span.file).map_or("?", |source| &source.name);
            let (line, _) = sources.line_column(label.span.file, label.span.start);
            format!(" ({source}:{line})")
        });
        let about =
            one.origin.addr.as_ref().filter(|_| place.is_none()).map(|addr| format!(" ({addr})"));
        let place = place.or(about).unwrap_or_default();
        lines.push(format!("{severity} {}{place}: {}: {}", one.code, one.summary, one.detail));
    }
}

pub(crate) fn run(summary: &RunSummary, found: &Diagnostics, sources: &Sources) -> String {
    let mut lines = Vec::new();
    for failed in &summary.failed {
        lines.push(format!("failed to {} {}: {}", word(failed.action), failed.addr, failed.why));
    }
    let mut skipped: Vec<String> = summary
        .skipped
        .iter()
        .map(|it| {
            let because = match &it.because {
                Blocked::By(addr) => format!("because of {addr}"),
                Blocked::Interrupted => "interrupted".to_owned(),
                Blocked::Store(why) => why.clone(),
            };
            format!("not begun: {} {}, {because}", word(it.action), it.addr)
        })
        .collect();
    skipped.sort();
    lines.extend(skipped);
    lines.extend(summary.pending.iter().map(|addr| format!("pending {addr}")));
    lines.extend(summary.outputs.iter().filter_map(|(name, it)| output(name, it)));
    diagnostics(&mut lines, found, sources);
    if summary.interrupted {
        lines.push("Interrupted.".to_owned());
    }
    let done = |action| summary.done.iter().filter(|it| it.action == action).count();
    let (add, change, destroy) =
        (done(PlannedAction::Create), done(PlannedAction::Update), done(PlannedAction::Delete));
    lines.push(format!("Applied: {add} added, {change} changed, {destroy} destroyed."));
    lines.join("\n")
}

pub(crate) fn state(state: &State) -> String {
    let mut lines = vec![format!("serial {}", state.serial)];
    for (addr, instance) in &state.resources {
        let objects = instance.current.iter().map(|it| (it, ""));
        let deposed = instance.deposed.values().map(|it| (it, " deposed"));
        for (object, role) in objects.chain(deposed) {
            let tainted = if object.status == ObjectStatus::Tainted { " tainted" } else { "" };
            let deps: Vec<String> = object.deps.iter().map(dep).collect();
            let deps =
                if deps.is_empty() { String::new() } else { format!(" <- {}", deps.join(", ")) };
            let secrets: Vec<String> = object.sensitive.iter().map(ToString::to_string).collect();
            let secrets = if secrets.is_empty() {
                String::new()
            } else {
                format!(" sensitive {}", secrets.join(", "))
            };
            let found = terrarium_value::json::decode(&object.attributes).unwrap();
            let id = found.get("id").map(value).unwrap_or_default();
            let on: Vec<String> = object.occupies.iter().map(ToString::to_string).collect();
            let on = if on.is_empty() { String::new() } else { format!(" on {}", on.join(", ")) };
            let window = object.window.as_ref().map(|it| format!(" {}", self::window(it)));
            let window = window.unwrap_or_default();
            let over = object.ended.as_ref().map(|it| format!(" ended{}", since(Some(it))));
            let over = over.unwrap_or_default();
            lines.push(format!("{addr}{role}{tainted} {id}{deps}{secrets}{on}{window}{over}"));
        }
    }
    for (name, it) in &state.outputs {
        let value = if it.sensitive { "(sensitive)" } else { &it.value };
        let until = it.until.map(|at| format!(" until {at}")).unwrap_or_default();
        lines.push(format!("output {name} = {value}{until}"));
    }
    for open in &state.intents {
        lines.push(format!("open intent: {:?} {}", open.intent.action, open.intent.addr));
    }
    lines.join("\n")
}

fn dep(dep: &Dep) -> String {
    match dep {
        Dep::Instance(addr) => addr.to_string(),
        Dep::Block(block) => format!("{block}[*]"),
        Dep::Set(set) => format!("{} of {}", set.addrs().len(), set.addrs()[0].block),
    }
}

pub(crate) fn found(found: &Diagnostics, sources: &Sources) -> String {
    let mut lines = Vec::new();
    diagnostics(&mut lines, found, sources);
    if lines.is_empty() { "Valid.".to_owned() } else { lines.join("\n") }
}
