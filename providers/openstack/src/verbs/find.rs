//! Looking for what an intent without an outcome may have left behind.

use jiff::Timestamp;
use serde_json::Value as Json;
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Accepted, Action, Candidate, FindReply, FindRequest, Marked, Marker};
use terrarium_value::{Type, Value};

use super::decode::{decode, shell};
use super::pending::{first_poll, is_ready};
use super::private::Note;
use super::scope::Scope;
use super::{MARKER_KEY, marker_in};
use crate::client::{ApiError, Service};
use crate::look::{Look, field, is_zero};
use crate::same::same;
use crate::schema::{MarkerField, Sent};

/// How far the clocks within one service may be apart: the one that dates its replies, and the one that
/// dates its objects.
const APART_S: i64 = 1;

/// How far the clocks of engine and service may have moved against each other where nobody noted it.
const SKEW_S: i64 = 60;

/// Looks for what a create may have made, of which no id is known.
pub(crate) async fn find(scope: &Scope<'_>, request: &FindRequest) -> FindReply {
    found(scope, request, created(scope, request).await)
}

/// Answers with the objects found, each with whether it is certain.
pub(crate) fn found(
    scope: &Scope<'_>,
    request: &FindRequest,
    objects: Result<Vec<(Json, bool)>, ApiError>,
) -> FindReply {
    match objects {
        Ok(objects) => {
            let mut candidates: Vec<Candidate> = objects
                .into_iter()
                .map(|(object, marked)| candidate(scope, request, &object, marked))
                .collect();
            candidates.sort_by_key(|one| one.created_at);
            FindReply { candidates: Some(candidates), diagnostics: Diagnostics::new() }
        }
        Err(error) => FindReply {
            candidates: None,
            diagnostics: error.diagnostic(format!("Error looking for {}", scope.row.name)).into(),
        },
    }
}

async fn created(scope: &Scope<'_>, request: &FindRequest) -> Result<Vec<(Json, bool)>, ApiError> {
    let row = scope.row;
    let nothing = Value::null(Type::Dynamic);
    let planned = request.planned.as_ref().unwrap_or(&nothing);
    let mut query = Vec::new();
    // Nova's filter by name is a regular expression, so it is not used; one list of all is for many.
    let filters = row.service != Service::Compute && !scope.among_others;
    if let Some(name) = planned.text("name").filter(|_| filters) {
        query.push(("name", name.to_owned()));
    }
    let call = scope.read(row.list_path).query(query);
    let all = scope.session.shared_list(&call, row.collection).await?;
    let marker = request.intent.marker.as_str();
    let marked: Vec<(Json, bool)> =
        all.iter().filter(|o| carries(row.marker, o, marker)).map(|o| (o.clone(), true)).collect();
    let could_mark = match row.marker {
        MarkerField::Metadata => true,
        MarkerField::Description => planned.text("description").is_none(),
        MarkerField::None => false,
    };
    if could_mark || !marked.is_empty() {
        return Ok(marked);
    }
    let fits = |object: &Json| {
        is_young(scope, request, created_at(object)) && looks_like(scope, object, planned)
    };
    Ok(all.iter().filter(|object| fits(object)).map(|object| (object.clone(), false)).collect())
}

/// Returns whether something that is not marked can be the intent's: it is certainly not older. What has
/// no age is never taken for it.
pub(crate) fn is_young(scope: &Scope<'_>, request: &FindRequest, made: Option<Timestamp>) -> bool {
    let intent = &request.intent;
    let since = if let Some(at) = intent.cloud_at {
        at.as_second() - APART_S
    } else {
        // Recorded before anybody had answered: how far the clocks are apart today says how far they were.
        let (service, region) = (scope.row.service, scope.region.as_str());
        let at = scope.session.cloud_time(service, region, intent.at).unwrap_or(intent.at);
        at.as_second() - SKEW_S
    };
    made.is_some_and(|at| at.as_second() >= since)
}

/// Lists what carries a marker.
pub(crate) async fn marked(scope: &Scope<'_>) -> Vec<Marked> {
    let row = scope.row;
    if row.marker == MarkerField::None || row.list_path.is_empty() {
        return Vec::new();
    }
    // A type that can't be listed is told by whoever reads its objects.
    let all = scope.session.list(&scope.read(row.list_path), row.collection).await;
    let marked = |object: Json| {
        let marker = match row.marker {
            MarkerField::Description => marker_in(field(&object, "description"))?.to_owned(),
            MarkerField::Metadata => field(object.get("metadata")?, MARKER_KEY).to_owned(),
            MarkerField::None => return None,
        };
        Some(Marked {
            kind: row.name.into(),
            id: field(&object, "id").into(),
            name: field(&object, "name").to_owned(),
            marker: Marker::from_text(&marker),
        })
    };
    let marked = all.unwrap_or_default().into_iter().filter_map(marked);
    marked.filter(|one| !one.marker.as_str().is_empty()).collect()
}

fn carries(field_of: MarkerField, object: &Json, marker: &str) -> bool {
    match field_of {
        MarkerField::Description => marker_in(field(object, "description")) == Some(marker),
        MarkerField::Metadata => {
            object.get("metadata").map(|metadata| field(metadata, MARKER_KEY)) == Some(marker)
        }
        MarkerField::None => false,
    }
}

/// Returns whether an object has all that the create asked for.
fn looks_like(scope: &Scope<'_>, object: &Json, planned: &Value) -> bool {
    let state = decode(scope, object, &Value::null(Type::Dynamic));
    scope.row.attributes.iter().filter(|attr| attr.read && attr.create != Sent::Never).all(|attr| {
        match (planned.get(attr.name), state.get(attr.name)) {
            (Some(wanted), Some(there)) => {
                !wanted.is_known() || is_zero(wanted) || same(attr, wanted, there)
            }
            _ => true,
        }
    })
}

fn candidate(scope: &Scope<'_>, request: &FindRequest, object: &Json, marked: bool) -> Candidate {
    let id = field(object, "id").to_owned();
    let state = match &request.planned {
        Some(planned) => decode(scope, object, planned),
        None => decode(scope, object, &shell(scope, &id)),
    };
    let private = scope.private(&state);
    // What has failed is at work too: asking about it tells how it failed.
    let note = match request.intent.action {
        Action::Create if !is_ready(scope.row, object) => Some(private.clone()),
        Action::Update => {
            let step = scope.row.hooks.at_step(object);
            step.map(|step| scope.private_with(&state, &Note::next(step)))
        }
        Action::Create | Action::Delete => None,
    };
    let pending = note.map(|private| Accepted {
        id: id.as_str().into(),
        state: Some(state.clone()),
        private,
        poll_after: first_poll(scope.row),
        timeout: scope.timeout(request.intent.action, Some(&state)),
    });
    let lost = request.intent.action == Action::Create && request.intent.object_id.is_none();
    let lacks = request.planned.as_ref().filter(|_| lost);
    let lacks = lacks.and_then(|planned| scope.row.hooks.lacks(object, planned));
    let created_at = created_at(object);
    Candidate { id: id.into(), marked, created_at, state, private, pending, lacks }
}

/// Returns when the service says that an object was made.
pub(crate) fn created_at(object: &Json) -> Option<Timestamp> {
    ["created_at", "created"].iter().find_map(|key| instant(object, key))
}

/// Reads an instant of an object.
pub(crate) fn instant(object: &Json, key: &str) -> Option<Timestamp> {
    let text = field(object, key);
    // Cinder's and Nova's keypairs' times have no zone: they are UTC.
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}
