//! Work on a server that takes several calls with waits between them: each call is a stage with an
//! intent of its own, and the note in the private blob says which comes next.

use std::time::Duration;

use serde_json::{Value as Json, json};
use terrarium_provider::{Accepted, Action, ApplyReply, Pending, PollOutcome, PollReply};
use terrarium_value::{Type, Value};

use super::{body, metadata_json};
use crate::client::{ApiError, Failure, Verb};
use crate::look::{Look, elements, field};
use crate::verbs::{
    Act, Change, DELETE_AGAIN, Known, Note, Scope, again_or_given_up, decode, encoded, fails_to_go,
    finish, poll as plain_poll, remembered, settled, waiting,
};

/// A stage of an update, or of a create that ends in another power state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Power,
    Resize,
    Confirm,
    Rebuild,
}

/// The order of the stages that an update chooses from.
const ORDER: [Stage; 3] = [Stage::Power, Stage::Resize, Stage::Rebuild];

/// Prefix of a note whose stage is still to be sent.
const TO_SEND: &str = "send ";

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Resize => "resize",
            Self::Confirm => "confirm",
            Self::Rebuild => "rebuild",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Power, Self::Resize, Self::Confirm, Self::Rebuild]
            .into_iter()
            .find(|stage| stage.name() == name)
    }

    fn is_needed(self, change: &Change<'_>) -> bool {
        match self {
            Self::Power => change.of("power_state"),
            Self::Resize => change.of("flavor_id") || change.of("flavor_name"),
            Self::Rebuild => {
                ["image_id", "image_name", "personality"].iter().any(|name| change.of(name))
            }
            Self::Confirm => false,
        }
    }
}

/// Returns the first stage that is needed, after one that is done.
fn following(change: &Change<'_>, done: Option<Stage>) -> Option<Stage> {
    let done = if done == Some(Stage::Confirm) { Some(Stage::Resize) } else { done };
    let skip =
        done.and_then(|done| ORDER.iter().position(|stage| *stage == done)).map_or(0, |at| at + 1);
    ORDER.into_iter().skip(skip).find(|stage| stage.is_needed(change))
}

/// Returns the stage that a server is at, whoever began it.
pub(super) fn at_step(object: &Json) -> Option<&'static str> {
    let task = field(object, "OS-EXT-STS:task_state");
    let stage = match field(object, "status") {
        // A confirmation that is under way is not sent twice.
        "VERIFY_RESIZE" if !task.is_empty() => Stage::Confirm,
        "RESIZE" | "VERIFY_RESIZE" => Stage::Resize,
        _ if task.starts_with("resize") => Stage::Resize,
        "REBUILD" => Stage::Rebuild,
        _ if task.starts_with("rebuild") => Stage::Rebuild,
        _ => return None,
    };
    Some(stage.name())
}

/// Sends the stage that a note asks for; `None` where it asks for none.
pub(super) async fn continued(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
) -> Result<Option<ApplyReply>, Failure> {
    let note = Note::of(act.private);
    let Some(stage) = note.next.strip_prefix(TO_SEND).and_then(Stage::of) else { return Ok(None) };
    let id = note.with.as_str().unwrap_or_default().to_owned();
    send(scope, act, &id, stage).await.map(Some)
}

/// Starts an update: what is quick at once, then the first stage.
pub(super) async fn update(scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
    let (Some(prior), Some(planned)) = (act.prior, act.planned) else {
        return Err(Failure::other("an update needs values before and after"));
    };
    let change = Change { row: scope.row, prior, planned, config: act.config };
    let id = act.id().to_owned();
    quick_changes(scope, act, &change).await?;
    if let Some(stage) = following(&change, None) {
        return send(scope, act, &id, stage).await;
    }
    let fetched =
        scope.row.hooks.fetch(scope, std::slice::from_ref(&id)).await.pop().unwrap_or(Ok(None))?;
    let mut object = fetched.ok_or_else(|| ApiError::Other(format!("the server {id} is gone")))?;
    scope.row.hooks.enrich(scope, &mut object, planned).await?;
    Ok(ApplyReply::done(Some(decode(scope, &object, planned)), scope.private(planned)))
}

async fn quick_changes(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    change: &Change<'_>,
) -> Result<(), Failure> {
    let id = act.id();
    if change.of("name") {
        let body = json!({"server": {"name": change.planned.text("name")}});
        put(scope, act, scope.path(id), body).await?;
    }
    if change.of("metadata") {
        metadata(scope, act, change).await?;
    }
    if change.of("security_groups") {
        groups(scope, act, change).await?;
    }
    if change.of("admin_pass") {
        let body = json!({"changePassword": {"adminPass": change.planned.text("admin_pass")}});
        action(scope, act, id, body).await?;
    }
    if change.of("tags") {
        let old = change.prior.texts("tags");
        let mut tags = change.planned.texts("tags");
        tags.extend(change.prior.texts("all_tags").into_iter().filter(|tag| !old.contains(tag)));
        tags.sort_unstable();
        tags.dedup();
        put(scope, act, format!("{}/tags", scope.path(id)), json!({ "tags": tags })).await?;
    }
    Ok(())
}

async fn put(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    path: String,
    body: Json,
) -> Result<Json, Failure> {
    let call = scope.call(Verb::Put, path).body(body);
    scope.session.mutate(&mut act.step(), &call).await
}

async fn metadata(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    change: &Change<'_>,
) -> Result<(), Failure> {
    let path = format!("{}/metadata", scope.path(act.id()));
    let wanted = metadata_json(change.planned);
    for (key, _) in change.prior.pairs("metadata") {
        if !wanted.contains_key(key) {
            let call = scope.call(Verb::Delete, format!("{path}/{}", encoded(key)));
            match scope.session.mutate(&mut act.step(), &call).await {
                Err(failure) if failure.status() != Some(404) => return Err(failure),
                _ => {}
            }
        }
    }
    // POST adds to what is there, so our own key stays.
    let call = scope.call(Verb::Post, path).body(json!({ "metadata": wanted }));
    scope.session.mutate(&mut act.step(), &call).await.map(|_| ())
}

async fn groups(scope: &Scope<'_>, act: &mut Act<'_>, change: &Change<'_>) -> Result<(), Failure> {
    let (old, new) =
        (change.prior.texts("security_groups"), change.planned.texts("security_groups"));
    for name in old.iter().filter(|name| !new.contains(name)) {
        let sent =
            action(scope, act, act.id(), json!({"removeSecurityGroup": {"name": name}})).await;
        match sent {
            Err(failure) if failure.status() != Some(404) => return Err(failure),
            _ => {}
        }
    }
    for name in new.iter().filter(|name| !old.contains(name)) {
        action(scope, act, act.id(), json!({"addSecurityGroup": {"name": name}})).await?;
    }
    Ok(())
}

/// Sends an action of a server; Nova refuses a second one while the first is at work, so none is
/// repeated in doubt.
async fn action(scope: &Scope<'_>, act: &mut Act<'_>, id: &str, body: Json) -> Result<(), Failure> {
    let call = scope.call(Verb::Post, format!("{}/action", scope.path(id))).body(body);
    scope.session.once(&mut act.step(), &call).await.map(|_| ())
}

/// Sends a stage.
async fn send(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    id: &str,
    stage: Stage,
) -> Result<ApplyReply, Failure> {
    let planned = act.planned();
    let request = match stage {
        Stage::Power => {
            // What was just made is active, whatever its planned values say.
            let prior = act.prior.filter(|_| act.action == Action::Update);
            let from = prior.and_then(|prior| prior.text("power_state")).unwrap_or("active");
            power_action(from, &planned)
        }
        Stage::Resize => Some(
            json!({"resize": {"flavorRef": body::flavor_ref(scope, &wanted(act, "flavor")).await?}}),
        ),
        Stage::Confirm => Some(json!({ "confirmResize": null })),
        Stage::Rebuild => {
            let image = body::image_id(scope, &wanted(act, "image")).await?;
            let files = body::personality(&planned);
            let mut rebuild = json!({ "imageRef": image });
            if let (false, Some(rebuild)) = (files.is_empty(), rebuild.as_object_mut()) {
                rebuild.insert("personality".into(), json!(files));
            }
            Some(json!({ "rebuild": rebuild }))
        }
    };
    if let Some(request) = request {
        action(scope, act, id, request).await?;
    }
    let note = Note { with: json!(id), ..Note::next(stage.name()) };
    let state = act.prior.cloned().unwrap_or_else(|| {
        let mut state = settled(&planned).to_map().unwrap_or_default();
        state.insert("id".into(), Value::string(id));
        Value::object(state)
    });
    Ok(ApplyReply::accepted(Accepted {
        id: id.into(),
        state: Some(state),
        private: scope.private_with(&planned, &note),
        poll_after: Duration::from_secs(3),
        timeout: scope.timeout(act.action, act.planned),
    }))
}

/// Returns the planned values without the half of id and name that did not change.
fn wanted(act: &Act<'_>, what: &str) -> Value {
    let planned = act.planned();
    let (Some(prior), Some(entries)) = (act.prior, planned.as_entries()) else { return planned };
    let (id, name) = (format!("{what}_id"), format!("{what}_name"));
    let mut entries = entries.to_map();
    if prior.text(&id) == planned.text(&id)
        && prior.text(&name) != planned.text(&name)
        && planned.text(&name).is_some()
    {
        entries.insert(id.as_str().into(), Value::null(Type::String));
    }
    Value::object(entries)
}

/// Returns the action that leads from one power state to another; `None` where none is needed.
fn power_action(from: &str, planned: &Value) -> Option<Json> {
    let to = planned.text("power_state").unwrap_or("active").to_lowercase();
    Some(match (from, to.as_str()) {
        (from, to) if from == to => return None,
        (_, "shelved_offloaded") => json!({ "shelve": null }),
        (_, "paused") => json!({ "pause": null }),
        (_, "shutoff") => json!({ "os-stop": null }),
        ("shelved" | "shelved_offloaded", _) => {
            let zone = planned.text("availability_zone");
            json!({"unshelve": zone.map(|zone| json!({ "availability_zone": zone }))})
        }
        ("paused", _) => json!({ "unpause": null }),
        ("build", _) => return None,
        _ => json!({ "os-start": null }),
    })
}

/// Says how work on a server stands.
pub(super) async fn poll(scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
    let note = Note::of(&pending.accepted.private);
    let status =
        object.as_ref().map(|object| field(object, "status").to_owned()).unwrap_or_default();
    if pending.action == Action::Delete {
        return poll_delete(scope, pending, object, &note).await;
    }
    let (Some(object), true) = (object.clone(), status != "ERROR") else {
        return plain_poll(scope, pending, object).await;
    };
    let planned = pending.planned.clone().unwrap_or_else(|| pending.known());
    let nothing = Value::null(Type::Dynamic);
    let prior = pending.accepted.state.as_ref().unwrap_or(&nothing);
    let change = Change { row: scope.row, prior, planned: &planned, config: None };
    let Some(stage) = Stage::of(&note.next) else {
        return poll_boot(scope, pending, object, &planned).await;
    };
    let settled_down = matches!(status.as_str(), "ACTIVE" | "SHUTOFF");
    let done = match stage {
        Stage::Power => {
            status.eq_ignore_ascii_case(planned.text("power_state").unwrap_or("active"))
        }
        Stage::Resize if status == "VERIFY_RESIZE" && !ignores_confirmation(&planned) => {
            return send_next(scope, pending, Stage::Confirm);
        }
        Stage::Resize => settled_down || status == "VERIFY_RESIZE",
        Stage::Confirm | Stage::Rebuild => settled_down,
    };
    if !done {
        return waiting(pending, &status);
    }
    match following(&change, Some(stage)).filter(|_| pending.action == Action::Update) {
        Some(next) => send_next(scope, pending, next),
        None => finish(scope, pending, object).await,
    }
}

async fn poll_boot(
    scope: &Scope<'_>,
    pending: &Pending,
    object: Json,
    planned: &Value,
) -> PollReply {
    let (wanted, status) =
        (planned.text("power_state").unwrap_or("active"), field(&object, "status"));
    if status == "ACTIVE" && !wanted.eq_ignore_ascii_case("active") {
        return send_next(scope, pending, Stage::Power);
    }
    // Found again after a lost answer, it may be where it was to come already.
    if status.eq_ignore_ascii_case(wanted) {
        return finish(scope, pending, object).await;
    }
    plain_poll(scope, pending, Some(object)).await
}

async fn poll_delete(
    scope: &Scope<'_>,
    pending: &Pending,
    object: Option<Json>,
    note: &Note,
) -> PollReply {
    let Some(server) = &object else { return plain_poll(scope, pending, None).await };
    let status = field(server, "status");
    if note.next == STOPPING {
        if status == "ACTIVE" && pending.polls < STOP_POLLS {
            return waiting(pending, status);
        }
        let note = Note::next(&format!("{TO_SEND}{DELETE}"));
        return go_on(scope, pending, &note);
    }
    if fails_to_go(scope.row, server) {
        return again_or_given_up(scope, pending, server);
    }
    waiting(pending, status)
}

fn ignores_confirmation(planned: &Value) -> bool {
    planned
        .items("vendor_options")
        .iter()
        .any(|one| one.flag("ignore_resize_confirmation") == Some(true))
}

fn send_next(scope: &Scope<'_>, pending: &Pending, stage: Stage) -> PollReply {
    let with = json!(&*pending.accepted.id);
    go_on(scope, pending, &Note { with, ..Note::next(&format!("{TO_SEND}{}", stage.name())) })
}

fn go_on(scope: &Scope<'_>, pending: &Pending, note: &Note) -> PollReply {
    let state = pending.accepted.state.clone();
    let private = scope.private_with(&pending.known(), note);
    PollReply {
        outcome: PollOutcome::Continue { state, private },
        diagnostics: terrarium_diagnostic::Diagnostics::new(),
    }
}

/// The note of a server that is stopped before it is deleted.
const STOPPING: &str = "stop";

/// The stage of a delete that follows a stop.
const DELETE: &str = "delete";

/// How often a stopping server is looked at before it is deleted all the same.
const STOP_POLLS: u32 = 40;

/// Deletes a server, stopping it and freeing its ports first where that is asked for.
pub(super) async fn delete(scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
    let nothing = Value::null(Type::Dynamic);
    let (prior, id) = (act.prior.unwrap_or(&nothing), act.id());
    let next = Note::of(act.private).next;
    let stopped = next == format!("{TO_SEND}{DELETE}") || next == DELETE_AGAIN;
    if prior.flag("stop_before_destroy") == Some(true) && !stopped {
        // A server that can't be stopped is deleted without.
        if action(scope, act, id, json!({ "os-stop": null })).await.is_ok() {
            let note = Note::next(STOPPING);
            return Ok(ApplyReply::accepted(accepted_delete(scope, act, prior, Some(&note))));
        }
    }
    let vendor = prior.items("vendor_options");
    if vendor.iter().any(|one| one.flag("detach_ports_before_destroy") == Some(true)) {
        detach_ports(scope, act, id).await?;
    }
    let sent = if prior.flag("force_delete") == Some(true) {
        action(scope, act, id, json!({ "forceDelete": null })).await
    } else {
        let call = scope.call(Verb::Delete, scope.path(id));
        scope.session.mutate(&mut act.step(), &call).await.map(|_| ())
    };
    match sent {
        Ok(()) => {
            let note = remembered(act);
            Ok(ApplyReply::accepted(accepted_delete(scope, act, prior, note.as_ref())))
        }
        Err(failure) if failure.status() == Some(404) => Ok(ApplyReply::done(None, None)),
        Err(failure) => Err(failure),
    }
}

fn accepted_delete(
    scope: &Scope<'_>,
    act: &Act<'_>,
    prior: &Value,
    note: Option<&Note>,
) -> Accepted {
    Accepted {
        id: act.id().into(),
        state: act.prior.cloned(),
        private: match note {
            Some(note) => scope.private_with(prior, note),
            None => scope.private(prior),
        },
        poll_after: Duration::from_secs(2),
        timeout: scope.timeout(Action::Delete, act.prior),
    }
}

async fn detach_ports(scope: &Scope<'_>, act: &mut Act<'_>, id: &str) -> Result<(), Failure> {
    let path = format!("{}/os-interface", scope.path(id));
    let Some(reply) = scope.session.find(&scope.read(path.clone())).await? else {
        return Ok(());
    };
    for port in elements(&reply, "interfaceAttachments") {
        let call = scope.call(Verb::Delete, format!("{path}/{}", encoded(field(port, "port_id"))));
        match scope.session.mutate(&mut act.step(), &call).await {
            Err(failure) if failure.status() != Some(404) => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_states_have_their_actions() {
        let to = |state: &str| Value::object_of([("power_state", Value::string(state))]);
        for (from, state, expected) in [
            ("active", "shutoff", Some("os-stop")),
            ("shutoff", "active", Some("os-start")),
            ("paused", "active", Some("unpause")),
            ("shelved_offloaded", "active", Some("unshelve")),
            ("active", "paused", Some("pause")),
            ("active", "shelved_offloaded", Some("shelve")),
            ("active", "active", None),
            ("build", "active", None),
        ] {
            let sent = power_action(from, &to(state));
            let name = sent.as_ref().and_then(|body| body.as_object()?.keys().next().cloned());
            assert_eq!(name.as_deref(), expected, "{from} to {state}");
        }
    }
}
