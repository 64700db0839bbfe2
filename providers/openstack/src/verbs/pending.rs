//! How work that a service took on stands.

use std::time::Duration;

use serde_json::Value as Json;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{Action, Pending, PollOutcome, PollReply};
use terrarium_value::{Type, Value};

use super::decode::decode;
use super::delete::{RETRY_DELETE, failed_before, once_more};
use super::private::Note;
use super::scope::Scope;
use crate::client::ApiError;
use crate::codes;
use crate::look::field;
use crate::schema::Resource;

/// The values that a piece of work goes on from.
pub(crate) trait Known {
    /// Returns the recorded values, else the planned ones; for an update the other way round.
    fn known(&self) -> Value;
}

impl Known for Pending {
    fn known(&self) -> Value {
        let (state, planned) = (self.accepted.state.as_ref(), self.planned.as_ref());
        let known =
            if self.action == Action::Update { planned.or(state) } else { state.or(planned) };
        known.cloned().unwrap_or_else(|| Value::null(Type::Dynamic))
    }
}

/// Says how a create, an update or a delete stands.
pub(crate) async fn poll(scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
    if pending.action == Action::Delete {
        return poll_delete(scope, pending, object);
    }
    let Some(object) = object else {
        return refused(None, vanished(scope, pending));
    };
    if is_failed(scope.row, &object) {
        let state = decode(scope, &object, &pending.known());
        return refused(Some((scope, state)), failed(scope, &object));
    }
    if is_ready(scope.row, &object) {
        return finish(scope, pending, object).await;
    }
    waiting(pending, field(&object, "status"))
}

/// Says how a delete stands.
pub(crate) fn poll_delete(scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
    let Some(object) = object else {
        return outcome(PollOutcome::Done { state: None, private: None, window: None });
    };
    let private = pending.accepted.private.clone();
    if Note::of(&private).next == RETRY_DELETE {
        return outcome(PollOutcome::Continue { state: pending.accepted.state.clone(), private });
    }
    if fails_to_go(scope.row, &object) {
        return again_or_given_up(scope, pending, &object);
    }
    waiting(pending, field(&object, "status"))
}

/// Returns whether a deletion that the service took on has failed.
pub(crate) fn fails_to_go(row: &Resource, object: &Json) -> bool {
    let status = field(object, "status");
    // What was in ERROR before says so while Nova is at work on it, too.
    let at_work = !field(object, "OS-EXT-STS:task_state").is_empty();
    !at_work && (status.eq_ignore_ascii_case("error_deleting") || is_failed(row, object))
}

/// Answers after a deletion that failed inside the service: deleting twice is deleting once, so it is
/// sent again, and given up when that fails, too.
pub(crate) fn again_or_given_up(scope: &Scope<'_>, pending: &Pending, object: &Json) -> PollReply {
    let note = Note::of(&pending.accepted.private);
    // Cinder deletes nothing that is in `error_deleting` before somebody resets it.
    let stuck = field(object, "status").eq_ignore_ascii_case("error_deleting");
    if let Some(next) = once_more(&note).filter(|_| !stuck) {
        let private = scope.private_with(&pending.known(), &next);
        let state = pending.accepted.state.clone();
        return outcome(PollOutcome::Continue { state, private });
    }
    let sent = match failed_before(&note) + 1 {
        1 => "Its deletion was begun and failed.".to_owned(),
        times => format!("Its deletion was sent {times} times and failed each time."),
    };
    let diagnostic = failed(scope, object).detail(sent).help(
        "ask the cloud's operators what keeps it, or reset its state with the cloud's own tools; then run the same \
         command again, which deletes it",
    );
    refused(Some((scope, pending.known())), diagnostic)
}

/// Answers that it is finished.
pub(crate) async fn finish(scope: &Scope<'_>, pending: &Pending, mut object: Json) -> PollReply {
    let known = pending.known();
    if let Err(error) = scope.row.hooks.enrich(scope, &mut object, &known).await {
        // The object is fine, a look beside it failed: ask again rather than taint it.
        return waiting(pending, &error.to_string());
    }
    let state = decode(scope, &object, &known);
    let private = scope.private(&state);
    outcome(PollOutcome::Done { state: Some(state), private, window: None })
}

/// Answers that it goes on.
pub(crate) fn waiting(pending: &Pending, status: &str) -> PollReply {
    outcome(PollOutcome::Waiting {
        poll_after: poll_after(pending.polls),
        status: status.to_owned(),
    })
}

/// Returns the pause before the next look, after so many.
pub(crate) fn poll_after(polls: u32) -> Duration {
    Duration::from_secs(if polls < 6 { 3 } else { 10 })
}

/// Returns the pause before the first look: what is nearly always ready at once is looked at soon.
pub(super) fn first_poll(row: &Resource) -> Duration {
    Duration::from_secs(if row.slow_delete { 3 } else { 1 })
}

/// Returns whether an object is finished.
pub(crate) fn is_ready(row: &Resource, object: &Json) -> bool {
    row.status.ready.is_empty() || row.status.ready.contains(&field(object, "status"))
}

/// Returns whether an object failed.
pub(crate) fn is_failed(row: &Resource, object: &Json) -> bool {
    row.status.failed.contains(&field(object, "status"))
}

/// Says that an object failed, and why, where the service tells.
pub(crate) fn failed(scope: &Scope<'_>, object: &Json) -> Diagnostic {
    let (id, status) = (field(object, "id"), field(object, "status"));
    let why = scope.row.hooks.fault(object).map(|why| format!(": {why}")).unwrap_or_default();
    Diagnostic::error(codes::FAILED, format!("{} {id} is in state {status}{why}", scope.row.name))
}

fn vanished(scope: &Scope<'_>, pending: &Pending) -> Diagnostic {
    ApiError::Other(format!("{} {} is gone", scope.row.name, pending.accepted.id))
        .diagnostic(format!("Error waiting for {}", scope.row.name))
}

fn refused(kept: Option<(&Scope<'_>, Value)>, diagnostic: Diagnostic) -> PollReply {
    let (state, private) = match kept {
        Some((scope, state)) => {
            let private = scope.private(&state);
            (Some(state), private)
        }
        None => (None, None),
    };
    PollReply { outcome: PollOutcome::Refused { state, private }, diagnostics: diagnostic.into() }
}

fn outcome(outcome: PollOutcome) -> PollReply {
    PollReply { outcome, diagnostics: Diagnostics::new() }
}
