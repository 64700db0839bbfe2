//! Making, changing and ending leases.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value as Json;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    Accepted, Action, ApplyOutcome, ApplyReply, Pending, PollOutcome, PollReply,
};
use terrarium_value::Value;

use super::part::{self, Part, PartKind};
use super::{body, date, errors, refusal, term};
use crate::client::{ApiError, Failure, Verb};
use crate::codes;
use crate::look::{Look, field};
use crate::verbs::{
    Act, Known, Note, Scope, decode, delete_reply, poll_delete, retry_later, unwrapped,
};

/// How often Blazar looks for what is due.
const TICK: Duration = Duration::from_secs(10);

/// A start this near is waited for.
pub(super) const NEAR: SignedDuration = SignedDuration::from_mins(2);

/// The step of an update that came while Blazar was at work.
const RETRY_UPDATE: &str = "update";

/// Makes a lease.
pub(super) async fn create(
    only: Option<PartKind>,
    scope: &Scope<'_>,
    act: &mut Act<'_>,
) -> Result<ApplyReply, Failure> {
    let planned = act.planned();
    let now = date::minute(scope.session.clock().now());
    if let Some(start) = planned.text("start_date").and_then(date::read).filter(|at| *at < now) {
        return Ok(ApplyReply::refused(refusal::started(&planned, start)));
    }
    let parts = body::resolved(scope, part::parts(only, &planned)).await?;
    let request = body::create(&planned, &parts, act.recorded.intent().marker.as_str(), now)?;
    let call = scope
        .call(Verb::Post, scope.row.path)
        .body(Json::Object(request))
        .refused_with(errors::CERTAIN);
    match scope.session.create(act.step(), &call).await {
        Ok(reply) => {
            let known = with_parts(only, &planned, &parts);
            settled(scope, Action::Create, &known, unwrapped(reply, scope.row.envelope)).await
        }
        Err(Failure::Refused(error)) if errors::is_full(&error) => {
            let diagnostics = refusal::full(scope, &planned, &parts, None, &error).await;
            Ok(ApplyReply::refused(diagnostics))
        }
        Err(Failure::Unknown(doubt)) => {
            let suspicion = errors::suspicion(&doubt).map(|why| {
                Diagnostic::warning(codes::CREDENTIALS, "Blazar answered with an error of its own")
                    .detail("That is what it does with a restricted application credential, too.")
                    .help(why)
            });
            let diagnostics = Diagnostics(suspicion.into_iter().collect());
            Ok(ApplyReply { outcome: ApplyOutcome::Unknown(doubt), diagnostics })
        }
        Err(failure) => Err(failure),
    }
}

fn with_parts(only: Option<PartKind>, values: &Value, parts: &[Part]) -> Value {
    let mut out = values.to_map().unwrap_or_default();
    part::put(only, parts, &mut out);
    Value::object(out)
}

/// Changes a lease in place: its identities stay.
pub(super) async fn update(
    only: Option<PartKind>,
    scope: &Scope<'_>,
    act: &mut Act<'_>,
) -> Result<ApplyReply, Failure> {
    let (Some(prior), Some(planned)) = (act.prior, act.planned) else {
        return Err(Failure::other("an update needs values before and after"));
    };
    let request = body::update(only, prior, planned);
    let path = scope.path(act.id());
    let lease = if request.is_empty() {
        // Only what is ours changes.
        scope.fetch_one(act.id()).await?
    } else {
        let call = scope.call(Verb::Put, path).body(Json::Object(request));
        match scope.session.mutate(&mut act.step(), &call).await {
            Ok(reply) => Some(unwrapped(reply, scope.row.envelope)),
            Err(Failure::Refused(error)) if errors::is_busy(&error) => {
                return retry_later(scope, act, RETRY_UPDATE, error);
            }
            Err(Failure::Refused(error)) if errors::is_full(&error) => {
                let parts = part::parts(only, planned);
                let diagnostics =
                    refusal::full(scope, planned, &parts, Some(act.id()), &error).await;
                let outcome = ApplyOutcome::Refused {
                    state: Some(prior.clone()),
                    private: act.private.clone(),
                };
                return Ok(ApplyReply { outcome, diagnostics });
            }
            Err(failure) => return Err(failure),
        }
    };
    match lease {
        Some(lease) => settled(scope, Action::Update, planned, lease).await,
        None => Err(Failure::other(format!("{} {} is gone", scope.row.name, act.id()))),
    }
}

/// Ends and removes a lease. While Blazar is at work on it, that is tried again.
pub(super) async fn delete(scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
    let call = scope.call(Verb::Delete, scope.path(act.id()));
    let sent = scope.session.mutate(&mut act.step(), &call).await.map(|_| ());
    match sent {
        Err(Failure::Refused(error)) if errors::is_busy(&error) => {
            retry_later(scope, act, crate::verbs::RETRY_DELETE, error)
        }
        sent => delete_reply(scope, act, sent).await,
    }
}

/// Answers after a call that Blazar took: done, or to be waited for.
async fn settled(
    scope: &Scope<'_>,
    action: Action,
    known: &Value,
    mut lease: Json,
) -> Result<ApplyReply, Failure> {
    let waits = waits(scope, action, known, &lease);
    let failed = field(&lease, "status") == "ERROR";
    if !waits && !failed {
        // It exists: what can't be looked up beside it is read by the next refresh.
        let _ = scope.row.hooks.enrich(scope, &mut lease, known).await;
    }
    let state = decode(scope, &lease, known);
    let private = scope.private(known);
    if waits {
        return Ok(ApplyReply::accepted(Accepted {
            id: field(&lease, "id").into(),
            state: Some(state),
            private,
            poll_after: TICK,
            timeout: scope.timeout(action, Some(known)),
        }));
    }
    if failed {
        let diagnostics = refusal::failed(scope, &lease).into();
        let outcome = ApplyOutcome::Refused { state: Some(state), private };
        return Ok(ApplyReply { outcome, diagnostics });
    }
    let window = term::window(&lease);
    let outcome = ApplyOutcome::Done { state: Some(state), private, window };
    Ok(ApplyReply { outcome, diagnostics: Diagnostics::new() })
}

/// Returns whether a lease is on its way to what the configuration waits for.
fn waits(scope: &Scope<'_>, action: Action, known: &Value, lease: &Json) -> bool {
    let status = field(lease, "status");
    if matches!(status, "CREATING" | "UPDATING") {
        return known.text("wait_for") != Some("none");
    }
    if action != Action::Create || !matches!(status, "PENDING" | "STARTING") {
        return false;
    }
    let soon = date::later(scope.session.clock().now(), NEAR);
    let near = term::dates(lease).is_none_or(|(start, _)| start <= soon);
    near && known.text("wait_for").unwrap_or("active") == "active"
}

/// Says how a lease stands that is being made, changed or removed.
pub(super) async fn poll(scope: &Scope<'_>, pending: &Pending, lease: Option<Json>) -> PollReply {
    if pending.action == Action::Delete {
        return poll_delete(scope, pending, lease);
    }
    let known = pending.known();
    let Some(mut lease) = lease else {
        let id = &pending.accepted.id;
        let gone = ApiError::Other(format!("The lease {id} was deleted while it was waited for."));
        return reply(
            PollOutcome::Refused { state: None, private: None },
            gone.diagnostic(format!("Error waiting for {}", scope.row.name)).into(),
        );
    };
    let status = field(&lease, "status").to_owned();
    let private = pending.accepted.private.clone();
    if Note::of(&private).next == RETRY_UPDATE && !is_passing(&status) {
        let state = pending.accepted.state.clone();
        return reply(PollOutcome::Continue { state, private }, Diagnostics::new());
    }
    if is_passing(&status) || waits(scope, pending.action, &known, &lease) {
        return reply(PollOutcome::Waiting { poll_after: TICK, status }, Diagnostics::new());
    }
    if matches!(status.as_str(), "ERROR" | "TERMINATED") {
        let state = decode(scope, &lease, &known);
        let private = scope.private(&state);
        let diagnostics = refusal::failed(scope, &lease).into();
        return reply(PollOutcome::Refused { state: Some(state), private }, diagnostics);
    }
    if let Err(error) = scope.row.hooks.enrich(scope, &mut lease, &known).await {
        // The lease is fine, a look beside it failed: ask again.
        let status = error.to_string();
        return reply(PollOutcome::Waiting { poll_after: TICK, status }, Diagnostics::new());
    }
    let state = decode(scope, &lease, &known);
    let private = scope.private(&state);
    let window = term::window(&lease);
    reply(PollOutcome::Done { state: Some(state), private, window }, Diagnostics::new())
}

fn is_passing(status: &str) -> bool {
    matches!(status, "CREATING" | "STARTING" | "UPDATING" | "TERMINATING" | "DELETING")
}

fn reply(outcome: PollOutcome, diagnostics: Diagnostics) -> PollReply {
    PollReply { outcome, diagnostics }
}
