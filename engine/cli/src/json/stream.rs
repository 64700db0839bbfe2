//! Terraform's machine-readable UI: one JSON object a line while a run is at work.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use terrarium_address::{InstanceKey, ResourceAddr};
use terrarium_core::{
    ActionReason, Event, HeldBack, Plan, PlannedAction, RecoveryOutcome, RunSummary,
};
use terrarium_diagnostic::{Diagnostic, Severity, Sources};
use terrarium_drive::Prospect;
use terrarium_state::Scheduled;

use super::time;
use super::value::{Secrets, text};
use super::{TERRAFORM_VERSION, diagnostic as twins, raw};
use crate::redact::Redactor;
use crate::render::plain;
use crate::render::plan as plan_text;
use crate::render::progress::{self, words};
use crate::render::schedule as schedule_text;
use crate::render::summary as end_text;

/// Builds one line; `rest` holds the keys of its type.
fn message(level: &str, text: &str, kind: &str, rest: Json) -> String {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let mut line = Map::new();
    line.insert("@level".into(), level.into());
    line.insert("@message".into(), text.into());
    line.insert("@module".into(), "terraform.ui".into());
    line.insert("@timestamp".into(), now.into());
    if let Json::Object(rest) = rest {
        line.extend(rest);
    }
    line.insert("type".into(), kind.into());
    Json::Object(line).to_string()
}

/// The first line: versions.
pub fn version() -> String {
    let ours = env!("CARGO_PKG_VERSION");
    let rest = json!({"terraform": TERRAFORM_VERSION, "terrarium": ours, "ui": "1.2"});
    message("info", &format!("Terrarium {ours}"), "version", rest)
}

/// A step of `init`; the codes are Terraform's.
pub fn init(code: &str, text: &str) -> String {
    message("info", text, "init_output", json!({ "message_code": code }))
}

/// A diagnostic.
pub fn diagnostic(of: &Diagnostic, sources: &Sources, redactor: &Redactor) -> String {
    let (level, word) = match of.severity {
        Severity::Error => ("error", "Error"),
        Severity::Warning => ("warn", "Warning"),
    };
    let twin = serde_json::to_value(twins::twin(of, sources, redactor)).unwrap_or_default();
    message(level, &format!("{word}: {}", of.summary), "diagnostic", json!({ "diagnostic": twin }))
}

/// Something that happened.
pub fn event(event: &Event) -> String {
    let text = plain(&progress::line(event));
    let (kind, hook) = match event {
        Event::Refreshing { addr, id } => {
            ("refresh_start", with_id(json!({"resource": resource(addr)}), id.as_deref()))
        }
        Event::Refreshed { addr, id } => {
            ("refresh_complete", with_id(json!({"resource": resource(addr)}), id.as_deref()))
        }
        Event::Reading { addr } => {
            ("apply_start", json!({"resource": resource(addr), "action": "read"}))
        }
        Event::Read { addr, elapsed, id } => {
            let hook = json!({"resource": resource(addr), "action": "read", "elapsed_seconds": elapsed.as_secs()});
            ("apply_complete", with_id(hook, id.as_deref()))
        }
        Event::Begun { addr, action, id } => {
            let hook = json!({"resource": resource(addr), "action": action_word(*action)});
            ("apply_start", with_id(hook, id.as_deref()))
        }
        Event::Waiting { addr, action, elapsed, .. } => {
            let hook = json!({
                "resource": resource(addr),
                "action": action_word(*action),
                "elapsed_seconds": elapsed.as_secs(),
            });
            ("apply_progress", hook)
        }
        Event::Done { addr, action, elapsed, id } => {
            let hook = json!({
                "resource": resource(addr),
                "action": action_word(*action),
                "elapsed_seconds": elapsed.as_secs(),
            });
            ("apply_complete", with_id(hook, id.as_deref()))
        }
        Event::Failed { addr, action } => {
            let hook = json!({"resource": resource(addr), "action": action_word(*action)});
            ("apply_errored", hook)
        }
        Event::Patient(patience) => {
            let hook = json!({
                "call": patience.call,
                "why": patience.why,
                "attempt": patience.attempt,
                "attempts": patience.attempts,
                "until": patience.until.map(|at| at.to_string()),
            });
            ("call_waits", hook)
        }
        Event::Recovering { addr, what, left } => {
            let left = left.map(|left| left.as_secs());
            ("recovering", json!({"resource": resource(addr), "what": what, "seconds_left": left}))
        }
        Event::Recovered { addr, outcome, what } => {
            let outcome = recovery_word(*outcome);
            ("recovered", json!({"resource": resource(addr), "outcome": outcome, "what": what}))
        }
    };
    message("info", &text, kind, json!({ "hook": hook }))
}

fn recovery_word(outcome: RecoveryOutcome) -> &'static str {
    match outcome {
        RecoveryOutcome::Adopted => "adopted",
        RecoveryOutcome::Finished => "finished",
        RecoveryOutcome::Removed => "removed",
        RecoveryOutcome::Nothing => "nothing",
    }
}

fn with_id(mut hook: Json, id: Option<&str>) -> Json {
    if let (Json::Object(hook), Some(id)) = (&mut hook, id) {
        hook.insert("id_key".into(), "id".into());
        hook.insert("id_value".into(), id.into());
    }
    hook
}

fn resource(addr: &ResourceAddr) -> Json {
    let block = &addr.block;
    let own = ResourceAddr {
        block: terrarium_address::ConfigAddr {
            module: terrarium_address::ModulePath::root(),
            ..block.clone()
        },
        key: addr.key.clone(),
    };
    let key = match &addr.key {
        InstanceKey::None => Json::Null,
        InstanceKey::Int(at) => (*at).into(),
        InstanceKey::Str(key) => (&**key).into(),
    };
    json!({
        "addr": addr.to_string(),
        "module": block.module.to_string(),
        "resource": own.to_string(),
        "implied_provider": block.kind.split('_').next().unwrap_or_default(),
        "resource_type": &*block.kind,
        "resource_name": &*block.name,
        "resource_key": key,
    })
}

fn action_word(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::NoOp => "noop",
        PlannedAction::Read => "read",
        PlannedAction::Create => "create",
        PlannedAction::Update => "update",
        PlannedAction::Replace(_) => "replace",
        PlannedAction::Delete => "delete",
        PlannedAction::Forget => "remove",
    }
}

/// Says the lines of a plan: drift, changes, summary, outputs.
pub fn plan(plan: &Plan, say: &mut dyn FnMut(String)) {
    for change in &plan.drift {
        let rest = json!({"change": {"resource": resource(&change.addr), "action": action_word(change.action)}});
        let text = format!("{}: Drift detected ({})", change.addr, words(change.action).verb);
        say(message("info", &text, "resource_drift", rest));
    }
    for change in plan.changes.iter().filter(|change| change.action != PlannedAction::NoOp) {
        let mut body =
            json!({"resource": resource(&change.addr), "action": action_word(change.action)});
        if let (Json::Object(body), Some(reason)) =
            (&mut body, change.reason.as_ref().and_then(reason))
        {
            body.insert("reason".into(), reason.into());
        }
        let text = format!("{}: Plan to {}", change.addr, plan_word(change.action));
        say(message("info", &text, "planned_change", json!({ "change": body })));
    }
    for deferred in &plan.deferred {
        let change = &deferred.change;
        let body =
            json!({"resource": resource(&change.addr), "action": action_word(change.action)});
        let until = match deferred.not_before() {
            Some(at) if deferred.can_come() => format!("deferred until {at}"),
            _ if deferred.can_come() => "deferred".to_owned(),
            _ => "can't be carried out".to_owned(),
        };
        let text = format!("{}: Plan to {}: {until}", change.addr, plan_word(change.action));
        let rest = json!({"change": body, "reason": deferred.code(), "terrarium": time::deferred_line(deferred)});
        say(message("info", &text, "deferred_change", rest));
    }
    for one in &plan.under_way {
        let action = action_word(one.action);
        let text =
            format!("{}: Under way ({}), since {}", one.addr, words(one.action).verb, one.since);
        let rest = json!({"resource": resource(&one.addr), "action": action, "terrarium": time::begun(one)});
        say(message("info", &text, "under_way", rest));
    }
    for change in plan.ended() {
        let Some(ending) = time::ended_line(change) else { continue };
        let text = format!("{}: Ended", change.addr);
        let rest = json!({"resource": resource(&change.addr), "terrarium": ending});
        say(message("info", &text, "ended", rest));
    }
    let (import, add, change, remove) = plan.counts();
    let changes = json!({"add": add, "change": change, "import": import, "remove": remove, "operation": "plan"});
    let summary = plain(&plan_text::summary(plan));
    say(message("info", &summary, "change_summary", json!({ "changes": changes })));
    if !plan.outputs.is_empty() {
        let outputs: BTreeMap<&str, Json> = plan
            .outputs
            .iter()
            .map(|(name, output)| {
                (
                    &**name,
                    json!({"sensitive": output.sensitive, "action": action_word(output.action)}),
                )
            })
            .collect();
        let text = format!("Outputs: {}", plan.outputs.len());
        say(message("info", &text, "outputs", json!({ "outputs": outputs })));
    }
}

fn plan_word(action: PlannedAction) -> &'static str {
    if action == PlannedAction::Delete { "delete" } else { words(action).verb }
}

fn reason(reason: &ActionReason) -> Option<&'static str> {
    Some(match reason {
        ActionReason::Tainted => "tainted",
        ActionReason::Requested => "requested",
        ActionReason::TriggeredBy(_) => "replace_triggered_by",
        ActionReason::CannotUpdate => "cannot_update",
        ActionReason::LenderEnds => "lender_ends",
        ActionReason::NoBlock => "delete_because_no_resource_config",
        ActionReason::NoModule(_) => "delete_because_no_module",
        ActionReason::WrongRepetition => "delete_because_wrong_repetition",
        ActionReason::CountIndex => "delete_because_count_index",
        ActionReason::EachKey => "delete_because_each_key",
        ActionReason::Deposed => return None,
        ActionReason::ConfigUnknown => "read_because_config_unknown",
        ActionReason::DependencyPending => "read_because_dependency_pending",
    })
}

/// What waits for its time, with the command that carries it out, where there is one to name.
pub fn waiting(entries: &[Scheduled], command: &str) -> String {
    let list: Vec<Json> = entries.iter().map(time::scheduled).collect();
    let mut rest = json!({"scheduled": list});
    if let (Json::Object(rest), false) = (&mut rest, command.is_empty()) {
        rest.insert("run".into(), command.into());
    }
    message("info", &schedule_text::waiting(entries.len()), "scheduled", rest)
}

/// Until when a run waits.
pub fn run_waiting(count: usize, next: Option<Timestamp>, text: &str) -> String {
    let next = next.map(|at| at.to_string());
    message("info", text, "run_waiting", json!({"count": count, "next": next}))
}

/// Something that is due and held back.
pub fn held_back(held: &HeldBack) -> String {
    let body = json!({
        "resource": resource(&held.addr),
        "action": schedule_text::verb(held.action),
        "why": held.why,
        "open_until": held.open_until.map(|at| at.to_string()),
    });
    message(
        "warn",
        &format!("{}: Held back: {}", held.addr, held.why),
        "held_back",
        json!({"held_back": body}),
    )
}

/// Due actions that failed for one cause, and when they are tried again or can't be any more; the first of them by
/// itself, too.
pub(crate) fn run_retry(
    addrs: &[ResourceAddr],
    why: &str,
    prospect: Prospect,
    text: &str,
) -> String {
    let (again, closes) = match prospect {
        Prospect::Again(at) => (Some(at.to_string()), None),
        Prospect::Closes(at) => (None, Some(at.to_string())),
        Prospect::GivenUp => (None, None),
    };
    let resources: Vec<Json> = addrs.iter().map(resource).collect();
    let first = resources.first().cloned();
    let body = json!({"resource": first, "resources": resources, "why": why, "again": again, "closes": closes});
    message("warn", text, "run_retry", json!({"retry": body}))
}

/// The end of a run.
pub fn run_complete((add, change, remove): (usize, usize, usize), text: &str) -> String {
    let changes =
        json!({"add": add, "change": change, "import": 0, "remove": remove, "operation": "run"});
    message("info", text, "change_summary", json!({"changes": changes}))
}

/// The line before the last of a run that failed or was interrupted: what was done, what failed, what was
/// left because of what, and the command that continues.
pub fn incomplete(summary: &RunSummary, command: &str) -> String {
    let entry = |addr: &ResourceAddr, action, key: &str, why: &str| {
        let mut entry = json!({"addr": addr.to_string(), "action": action_word(action)});
        if let (Json::Object(entry), false) = (&mut entry, key.is_empty()) {
            entry.insert(key.into(), why.into());
        }
        entry
    };
    let done = summary.done.iter().map(|done| entry(&done.addr, done.action, "", ""));
    let failed = summary.failed.iter();
    let failed = failed.map(|failure| entry(&failure.addr, failure.action, "why", &failure.why));
    let skipped = summary.skipped.iter();
    let skipped = skipped
        .map(|left| entry(&left.addr, left.action, "because", &end_text::because(&left.because)));
    let pending = summary.pending.iter().map(ToString::to_string);
    let rest = json!({
        "done": done.collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "pending": pending.collect::<Vec<_>>(),
        "interrupted": summary.interrupted,
        "continue": command,
    });
    message("info", &format!("To continue, run: {command}"), "run_incomplete", rest)
}

/// The last lines of a run: what was done, and the outputs, where it was complete.
pub fn summary(
    summary: &RunSummary,
    operation: &str,
    text_line: &str,
    imported: usize,
    complete: bool,
) -> Vec<String> {
    let count = |action| summary.done.iter().filter(|done| done.action == action).count();
    let mut changes = json!({
        "add": count(PlannedAction::Create),
        "change": count(PlannedAction::Update),
        "import": imported,
        "remove": count(PlannedAction::Delete),
        "operation": operation,
    });
    if let (Json::Object(changes), false) = (&mut changes, summary.taken_over.is_empty()) {
        changes.insert("taken_over".into(), summary.taken_over.len().into());
    }
    let mut lines =
        vec![message("info", &plain(text_line), "change_summary", json!({ "changes": changes }))];
    if operation == "apply" && complete {
        let outputs: BTreeMap<&str, Json> = summary
            .outputs
            .iter()
            .filter(|(_, output)| output.action != PlannedAction::Delete)
            // What is known only later has no value yet.
            .filter(|(_, output)| output.after.is_wholly_known())
            .map(|(name, output)| (&**name, output_json(output)))
            .collect();
        let text = format!("Outputs: {}", outputs.len());
        lines.push(message("info", &text, "outputs", json!({ "outputs": outputs })));
    }
    lines
}

fn output_json(output: &terrarium_core::OutputChange) -> Json {
    let ty = raw(terrarium_value::json::type_to_json(&output.after.ty()));
    let mut twin = json!({"sensitive": output.sensitive, "type": serde_json::from_str::<Json>(ty.get()).unwrap_or_default()});
    if let (Json::Object(twin), false) = (&mut twin, output.sensitive) {
        let value = text(&output.after, Secrets::Hide).unwrap_or_else(|| "null".to_owned());
        twin.insert("value".into(), serde_json::from_str(&value).unwrap_or_default());
    }
    twin
}
