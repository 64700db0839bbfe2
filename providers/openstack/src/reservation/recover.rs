//! Finding a lease that an interrupted create may have made. Names repeat and nothing but the name can
//! carry a marker, so a lease is known by all that was asked for, by whom and when.

use jiff::Timestamp;
use serde_json::Value as Json;
use terrarium_provider::{FindReply, FindRequest};
use terrarium_value::{Type, Value};

use super::date;
use crate::client::ApiError;
use crate::look::{Look, field};
use crate::verbs::{Scope, found, is_young};

/// What stands between a name and its marker, where the configuration asks for one.
const SEPARATOR: char = '~';

/// Characters of a marker.
const MARKER_LENGTH: usize = 16;

/// Returns a lease's name as it is sent.
pub(super) fn sent_name(planned: &Value, marker: &str) -> String {
    let name = planned.text("name").unwrap_or_default();
    match planned.flag("marker_in_name") {
        Some(true) => format!("{name}{SEPARATOR}{marker}"),
        _ => name.to_owned(),
    }
}

/// Returns a lease's name without the marker that it carries on demand.
pub(super) fn bare_name<'n>(name: &'n str, known: &Value) -> &'n str {
    match name.rsplit_once(SEPARATOR) {
        Some((bare, marker))
            if known.flag("marker_in_name") == Some(true) && marker.len() == MARKER_LENGTH =>
        {
            bare
        }
        _ => name,
    }
}

/// Looks for what a create may have made, of which no id is known.
pub(super) async fn find_lease(scope: &Scope<'_>, request: &FindRequest) -> FindReply {
    found(scope, request, created(scope, request).await)
}

async fn created(scope: &Scope<'_>, request: &FindRequest) -> Result<Vec<(Json, bool)>, ApiError> {
    let call = scope.read(scope.row.list_path);
    let all = scope.session.shared_list(&call, scope.row.collection).await?;
    let (project, user) = scope.session.who().await?;
    let nothing = Value::null(Type::Dynamic);
    let planned = request.planned.as_ref().unwrap_or(&nothing);
    let marker = request.intent.marker.as_str();
    let hits = all.iter().filter_map(|lease| {
        let marked = field(lease, "name").ends_with(&format!("{SEPARATOR}{marker}"));
        let ours = |name: &str, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| field(lease, name) == wanted)
        };
        let by_us = ours("project_id", &project) && ours("user_id", &user);
        let young = is_young(scope, request, date::read(field(lease, "created_at")));
        let alike = bare_name(field(lease, "name"), planned)
            == planned.text("name").unwrap_or_default()
            && same_date(lease, planned, "start_date")
            && same_date(lease, planned, "end_date");
        (marked || (by_us && young && alike)).then(|| (lease.clone(), marked))
    });
    Ok(hits.collect())
}

/// Returns whether a lease has the date that was planned; one that was not known yet fits any.
fn same_date(lease: &Json, planned: &Value, name: &str) -> bool {
    let wanted = planned.text(name).and_then(date::read);
    let there: Option<Timestamp> = date::read(field(lease, name)).map(date::minute);
    wanted.is_none() || wanted == there
}
