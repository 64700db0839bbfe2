//! Giving a floating IP to a port. Neutron refuses while the port's subnet has no router to the
//! external network, which another resource may be about to make: then it is tried again later.

use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Accepted, Action, ApplyReply, Pending, PollOutcome, PollReply};
use terrarium_value::Value;

use super::is_unreachable;
use crate::client::{ApiError, Failure, Service, Verb};
use crate::look::{Look, is_zero};
use crate::plan::Draft;
use crate::verbs::{Act, Note, Scope, decode, encoded, unwrapped};

/// The step of a floating IP that exists and waits for its port to be reachable.
const ASSOCIATE: &str = "associate";

/// How long to wait before an association is tried again.
const RETRY: std::time::Duration = std::time::Duration::from_secs(5);

/// Returns the id of a floating IP that waits for its association.
pub(super) fn waiting_id(act: &Act<'_>) -> Option<String> {
    let note = Note::of(act.private);
    (note.next == ASSOCIATE).then(|| note.with.as_str().unwrap_or_default().to_owned())
}

/// Plans an address that moves to another port: with it goes the port's own address, unless configured.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let chosen = draft.config.get("fixed_ip").is_some_and(|address| !is_zero(address));
    if !chosen && draft.changes("port_id") {
        draft.forget("fixed_ip");
    }
}

/// Builds the body that names port and address; an empty port is none.
pub(super) fn body(values: &Value) -> JsonMap<String, Json> {
    let mut body = JsonMap::new();
    body.insert("port_id".into(), values.text("port_id").map_or(Json::Null, Json::from));
    if let Some(address) = values.text("fixed_ip") {
        body.insert("fixed_ip_address".into(), json!(address));
    }
    body
}

/// Sends the association.
async fn put(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    id: &str,
    body: JsonMap<String, Json>,
) -> Result<Json, Failure> {
    let call = scope
        .get(Service::Network, format!("/floatingips/{}", encoded(id)))
        .sending(Verb::Put)
        .body(json!({ "floatingip": body }));
    let reply = scope.session.mutate(&mut act.step(), &call).await?;
    Ok(unwrapped(reply, "floatingip"))
}

/// A floating IP as it is now.
#[derive(Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'a Json,
    /// Whether what the resource stands for exists by now: an address that was made, an association
    /// that is to be changed. A new association of somebody's address is nothing before it succeeds.
    pub(super) exists: bool,
}

/// Associates with the first port that can be reached, or answers that it is tried again later.
pub(super) async fn associate(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    address: Address<'_>,
    bodies: Vec<JsonMap<String, Json>>,
) -> Result<ApplyReply, Failure> {
    let mut refusal = ApiError::Other("there is no port to associate with".into());
    for body in bodies {
        match put(scope, act, address.id, body).await {
            Ok(mut object) => {
                let planned = act.planned();
                scope.row.hooks.enrich(scope, &mut object, &planned).await?;
                let state = decode(scope, &object, &planned);
                return Ok(ApplyReply::done(Some(state), scope.private(&planned)));
            }
            Err(Failure::Refused(error)) if is_unreachable(&error) => refusal = error,
            Err(failure) => return Err(failure),
        }
    }
    later(scope, act, address, refusal)
}

/// Answers that the association is tried again later, until the time-out.
pub(super) fn later(
    scope: &Scope<'_>,
    act: &Act<'_>,
    address: Address<'_>,
    error: ApiError,
) -> Result<ApplyReply, Failure> {
    let now = scope.session.clock().now();
    let timeout = scope.timeout(Action::Create, act.planned);
    let until =
        Note::of(act.private).until.or_else(|| now.checked_add(timeout).ok()).unwrap_or(now);
    if now >= until {
        return Err(error.into());
    }
    let Address { id, object, exists } = address;
    let note =
        Note { until: Some(until), why: error.message(), with: json!(id), ..Note::next(ASSOCIATE) };
    let planned = act.planned();
    Ok(ApplyReply::accepted(Accepted {
        id: id.into(),
        state: exists.then(|| decode(scope, object, &planned)),
        private: scope.private_with(&planned, &note),
        poll_after: RETRY,
        timeout,
    }))
}

/// Answers a poll of a floating IP that waits for its association; `None` where it waits for nothing.
pub(super) fn poll(pending: &Pending) -> Option<PollReply> {
    let private = pending.accepted.private.clone();
    if pending.action == Action::Delete || Note::of(&private).next != ASSOCIATE {
        return None;
    }
    let outcome = PollOutcome::Continue { state: pending.accepted.state.clone(), private };
    Some(PollReply { outcome, diagnostics: Diagnostics::new() })
}

/// Says what to do about a floating IP that never reached its port.
pub(super) fn help(error: &ApiError) -> Option<String> {
    is_unreachable(error).then(|| {
        "the port's subnet needs a router with the external network as its gateway, and an \
         openstack_networking_router_interface_v2 on the subnet"
            .into()
    })
}
