//! Plans, runs, states and values as short text.

use std::fmt::Write as _;

use terrarium_core::{
    Blocked, OutputChange, Plan, PlannedAction, ReplaceOrder, ResourceChange, RunSummary,
};
use terrarium_diagnostic::{Diagnostics, Severity, Sources};
use terrarium_state::{Dep, ObjectStatus, State};
use terrarium_value::{Kind, Marks, Value};

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
    if let Some(from) = &change.moved_from {
        write!(line, " (was {from})").unwrap();
    }
    if let Some(key) = &change.deposed {
        assert_eq!(key.len(), 8, "a deposed key has 8 digits");
        line += " (deposed)";
    }
    if let Some(id) = &change.importing {
        write!(line, " (import {id})").unwrap();
    }
    if let Some(reason) = &change.reason {
        write!(line, " [{reason:?}]").unwrap();
    }
    match change.action {
        PlannedAction::Create | PlannedAction::Read => {
            write!(line, " {}", value(&change.after)).unwrap();
        }
        PlannedAction::Update | PlannedAction::Replace(_) => line += &differences(change),
        PlannedAction::NoOp | PlannedAction::Delete | PlannedAction::Forget => {}
    }
    line
}

fn differences(change: &ResourceChange) -> String {
    let mut line = String::new();
    for name in change.after.as_entries().into_iter().flat_map(|it| it.keys()) {
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
    Some(match output.action {
        PlannedAction::NoOp => return None,
        PlannedAction::Create => format!("output {name}: + {}", secret(&output.after)),
        PlannedAction::Delete => format!("output {name}: - {}", secret(&output.before)),
        _ => format!("output {name}: {} -> {}", secret(&output.before), secret(&output.after)),
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
        it.action != PlannedAction::NoOp || it.moved_from.is_some() || it.importing.is_some()
    };
    lines.extend(plan.changes.iter().filter(shown).map(change));
    for deferred in &plan.deferred {
        let change = change(&deferred.change);
        let (code, reason) = (deferred.waits.reason(), &deferred.deferral.reason);
        lines.push(format!("deferred {change} ({code}): {reason}"));
    }
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
            lines.push(format!("{addr}{role}{tainted} {id}{deps}{secrets}"));
        }
    }
    for (name, it) in &state.outputs {
        let value = if it.sensitive { "(sensitive)" } else { &it.value };
        lines.push(format!("output {name} = {value}"));
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
    }
}

pub(crate) fn found(found: &Diagnostics, sources: &Sources) -> String {
    let mut lines = Vec::new();
    diagnostics(&mut lines, found, sources);
    if lines.is_empty() { "Valid.".to_owned() } else { lines.join("\n") }
}
