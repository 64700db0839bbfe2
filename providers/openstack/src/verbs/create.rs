//! Creating an object: body, marker, call, and what is known right after it.

use serde_json::{Map as JsonMap, Value as Json};
use terrarium_address::Name;
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Accepted, Action, ApplyOutcome, ApplyReply};
use terrarium_value::Value;

use super::decode::decode;
use super::pending::{first_poll, is_failed, is_ready};
use super::scope::{Act, Scope, unwrapped};
use super::update::put_tags;
use super::{MARKER_KEY, MARKER_PREFIX};
use crate::client::{ApiError, Failure, Verb};
use crate::look::{Look, field, is_zero};
use crate::schema::{MarkerField, Resource, Sent};
use crate::wire::to_json;

/// Creates an object.
pub(crate) async fn create(scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
    let mut body = create_body(scope, act);
    scope.row.hooks.create_body(scope, act, &mut body).await?;
    let body =
        Json::Object(JsonMap::from_iter([(scope.row.envelope.to_owned(), Json::Object(body))]));
    let call = scope.call(Verb::Post, scope.row.path).body(body);
    let reply = scope.session.create(act.step(), &call).await?;
    finish_create(scope, act, unwrapped(reply, scope.row.envelope)).await
}

/// Builds the body from the rows: planned values, the marker, and `value_specs`.
pub(crate) fn create_body(scope: &Scope<'_>, act: &Act<'_>) -> JsonMap<String, Json> {
    let planned = act.planned();
    let mut body = JsonMap::new();
    for attr in scope.row.attributes {
        let Some(value) = planned.get(attr.name) else { continue };
        let sent = match attr.create {
            Sent::Never => false,
            Sent::NonZero => !is_zero(value),
            Sent::Configured => {
                attr.default.is_some() || act.config.is_some_and(|config| config.has(attr.name))
            }
        };
        if sent && let Some(json) = to_json(attr, value) {
            body.insert(attr.wire.into(), json);
        }
    }
    mark(scope.row, act, &mut body);
    for (name, text) in planned.pairs("value_specs") {
        let json = match text {
            "true" => true.into(),
            "false" => false.into(),
            text => text.into(),
        };
        body.insert(name.into(), json);
    }
    body
}

fn mark(row: &Resource, act: &Act<'_>, body: &mut JsonMap<String, Json>) {
    let marker = act.recorded.intent().marker.as_str();
    match row.marker {
        MarkerField::None => {}
        MarkerField::Description => {
            body.entry("description").or_insert_with(|| format!("{MARKER_PREFIX}{marker}").into());
        }
        MarkerField::Metadata => {
            let metadata = body.entry("metadata").or_insert_with(|| Json::Object(JsonMap::new()));
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.insert(MARKER_KEY.into(), marker.into());
            }
        }
    }
}

/// The follow-up that every type with tags has.
const TAGS: &str = "tags";

/// Names what follows the call that makes an object.
pub(crate) fn follow_ups(row: &Resource, planned: &Value) -> Vec<Name> {
    let tags = row.tags && !planned.texts(TAGS).is_empty();
    let own = row.hooks.follow_ups(planned).iter().copied();
    own.chain(tags.then_some(TAGS)).map(Name::from).collect()
}

/// Goes on with an object that exists, from wherever an interrupted run left it.
pub(crate) async fn provision(scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
    let gone = || ApiError::Other(format!("{} {} is gone", scope.row.name, act.id()));
    let object = scope.fetch_one(act.id()).await?.ok_or_else(gone)?;
    finish_create(scope, act, object).await
}

/// Sends what follows a create, and answers: finished, or accepted, or there but not as it should be.
pub(crate) async fn finish_create(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    mut object: Json,
) -> Result<ApplyReply, Failure> {
    let planned = act.planned();
    if !scope.row.hooks.follow_ups(&planned).is_empty() {
        match scope.row.hooks.follow_up(scope, act, object.clone()).await {
            Ok(followed) => object = followed,
            Err(Failure::Refused(error)) => {
                return Ok(incomplete(scope, &object, &planned, &error));
            }
            Err(doubt) => return Err(doubt),
        }
    }
    if scope.row.tags && !planned.texts(TAGS).is_empty() {
        let id = field(&object, "id").to_owned();
        match put_tags(scope, act, &id, planned.texts(TAGS)).await {
            Ok(tags) => {
                if let Some(object) = object.as_object_mut() {
                    object.insert(TAGS.into(), tags);
                }
            }
            Err(Failure::Refused(error)) => {
                return Ok(incomplete(scope, &object, &planned, &error));
            }
            Err(doubt) => return Err(doubt),
        }
    }
    made(scope, act, object).await
}

/// Answers for an object that was just made.
pub(crate) async fn made(
    scope: &Scope<'_>,
    act: &Act<'_>,
    mut object: Json,
) -> Result<ApplyReply, Failure> {
    let planned = act.planned();
    if !is_ready(scope.row, &object) && !is_failed(scope.row, &object) {
        let state = decode(scope, &object, &planned);
        let id = state.text("id").unwrap_or_default().into();
        return Ok(ApplyReply::accepted(Accepted {
            id,
            private: scope.private(&planned),
            state: Some(state),
            poll_after: first_poll(scope.row),
            timeout: scope.timeout(Action::Create, act.planned),
        }));
    }
    // It exists: what can't be looked up beside it is no reason to lose it.
    if let Err(error) = scope.row.hooks.enrich(scope, &mut object, &planned).await {
        return Ok(incomplete(scope, &object, &planned, &error));
    }
    let state = decode(scope, &object, &planned);
    let private = scope.private(&planned);
    if is_failed(scope.row, &object) {
        let diagnostics = Diagnostics::from(super::pending::failed(scope, &object));
        return Ok(ApplyReply {
            outcome: ApplyOutcome::Refused { state: Some(state), private },
            diagnostics,
        });
    }
    Ok(ApplyReply::done(Some(state), private))
}

/// Answers that an object exists but is not what it should be: it is kept, to be replaced.
fn incomplete(scope: &Scope<'_>, object: &Json, planned: &Value, error: &ApiError) -> ApplyReply {
    let state = decode(scope, object, planned);
    let outcome = ApplyOutcome::Refused { state: Some(state), private: scope.private(planned) };
    let summary = format!("Error creating {}: it exists, but is not complete", scope.row.name);
    ApplyReply { outcome, diagnostics: error.diagnostic(summary).into() }
}
