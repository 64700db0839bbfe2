//! Removing an object: 404 is success, and what is still in use is tried again until its time is over.

use std::time::Duration;

use terrarium_provider::{Accepted, ApplyReply};
use terrarium_value::Value;

use super::private::Note;
use super::scope::{Act, Scope};
use crate::client::{ApiError, Failure, Verb};

/// How long to wait before a refused delete is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The step of a delete that was refused and is tried again.
pub(crate) const RETRY_DELETE: &str = "delete";

/// The step of a delete that failed inside the service and is sent once more.
pub(crate) const DELETE_AGAIN: &str = "delete again";

/// How often a deletion may fail inside the service before it is given up.
const DELETIONS: u64 = 3;

/// Returns how many deletions failed before this one.
pub(crate) fn failed_before(note: &Note) -> u64 {
    note.with.as_u64().unwrap_or_default()
}

/// Returns the note of the next deletion after one that failed; `None` where it is given up.
pub(crate) fn once_more(note: &Note) -> Option<Note> {
    let failed = failed_before(note) + 1;
    (failed < DELETIONS).then(|| Note { with: failed.into(), ..Note::next(DELETE_AGAIN) })
}

/// Returns what a deletion that was just sent has to remember.
pub(crate) fn remembered(act: &Act<'_>) -> Option<Note> {
    let note = Note::of(act.private);
    (failed_before(&note) > 0).then(|| Note { with: note.with, ..Note::default() })
}

/// Deletes an object.
pub(crate) async fn delete(scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
    let call = scope.call(Verb::Delete, scope.path(act.id()));
    let sent = scope.session.mutate(&mut act.step(), &call).await.map(|_| ());
    delete_reply(scope, act, sent).await
}

/// Answers after the call that deletes.
pub(crate) async fn delete_reply(
    scope: &Scope<'_>,
    act: &Act<'_>,
    sent: Result<(), Failure>,
) -> Result<ApplyReply, Failure> {
    match sent {
        Ok(()) => gone_or_pending(scope, act).await,
        Err(Failure::Refused(error)) if error.is_not_found() => Ok(ApplyReply::done(None, None)),
        Err(Failure::Refused(error))
            if error.status().is_some_and(|s| scope.row.retry_delete.contains(&s)) =>
        {
            retry_later(scope, act, RETRY_DELETE, error)
        }
        Err(failure) => Err(failure),
    }
}

/// Answers after a delete that the service took: gone, or on its way.
pub(crate) async fn gone_or_pending(
    scope: &Scope<'_>,
    act: &Act<'_>,
) -> Result<ApplyReply, Failure> {
    if !scope.row.slow_delete {
        let ids = [act.id().to_owned()];
        let fetched = scope.row.hooks.fetch(scope, &ids).await.pop();
        if matches!(fetched, Some(Ok(None))) {
            return Ok(ApplyReply::done(None, None));
        }
    }
    let note = remembered(act);
    Ok(ApplyReply::accepted(accepted(scope, act, note.as_ref(), Duration::from_secs(2))))
}

/// Answers that a refused step is tried again later, until the time-out.
pub(crate) fn retry_later(
    scope: &Scope<'_>,
    act: &Act<'_>,
    step: &str,
    error: ApiError,
) -> Result<ApplyReply, Failure> {
    let now = scope.session.clock().now();
    let noted = Note::of(act.private);
    let until = noted
        .until
        .or_else(|| now.checked_add(scope.timeout(act.action, act.prior)).ok())
        .unwrap_or(now);
    if now >= until {
        return Err(error.into());
    }
    let note = Note { until: Some(until), why: error.message(), ..Note::next(step) };
    Ok(ApplyReply::accepted(accepted(scope, act, Some(&note), RETRY)))
}

fn accepted(
    scope: &Scope<'_>,
    act: &Act<'_>,
    note: Option<&Note>,
    poll_after: Duration,
) -> Accepted {
    let nothing = Value::null(terrarium_value::Type::Dynamic);
    let prior = act.prior.unwrap_or(&nothing);
    let private = match note {
        Some(note) => scope.private_with(prior, note),
        None => scope.private(prior),
    };
    Accepted {
        id: act.id().into(),
        state: act.prior.cloned(),
        private,
        poll_after,
        timeout: scope.timeout(act.action, act.prior),
    }
}
