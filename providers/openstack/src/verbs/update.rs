//! Changing an object in place.

use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_provider::ApplyReply;
use terrarium_value::Value;

use super::decode::decode;
use super::scope::{Act, Scope, encoded, unwrapped};
use crate::client::{ApiError, Failure, Verb};
use crate::look::Look;
use crate::same::same;
use crate::schema::Resource;
use crate::wire::{to_json, zero_json};

/// What changes.
pub(crate) struct Change<'a> {
    pub(crate) row: &'static Resource,
    pub(crate) prior: &'a Value,
    pub(crate) planned: &'a Value,
    /// What is configured, where that is at hand.
    pub(crate) config: Option<&'a Value>,
}

impl Change<'_> {
    /// Returns whether an attribute changes.
    pub(crate) fn of(&self, name: &str) -> bool {
        match (self.row.attribute(name), self.prior.get(name), self.planned.get(name)) {
            (Some(row), Some(before), Some(after)) => after.is_known() && !same(row, before, after),
            _ => false,
        }
    }

    /// Returns whether an attribute is configured, and not left to the service.
    pub(crate) fn is_configured(&self, name: &str) -> bool {
        self.config.is_some_and(|config| config.has(name))
    }
}

/// Updates an object with one PUT of what changed, and its tags.
pub(crate) async fn update(scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
    let (Some(prior), Some(planned)) = (act.prior, act.planned) else {
        return Err(Failure::other("an update needs values before and after"));
    };
    let change = Change { row: scope.row, prior, planned, config: act.config };
    let id = act.id();
    let body = update_body(&change);
    let mut object = Json::Null;
    if !body.is_empty() {
        let body =
            Json::Object(JsonMap::from_iter([(scope.row.envelope.to_owned(), Json::Object(body))]));
        let call = scope.call(Verb::Put, scope.path(id)).body(body);
        object = unwrapped(scope.session.mutate(&mut act.step(), &call).await?, scope.row.envelope);
    }
    if change.of("tags") && scope.row.tags {
        let old = prior.texts("tags");
        let mut tags = planned.texts("tags");
        tags.extend(prior.texts("all_tags").into_iter().filter(|tag| !old.contains(tag)));
        tags.sort_unstable();
        tags.dedup();
        put_tags(scope, act, id, tags).await?;
        object = Json::Null;
    }
    if object.is_null() {
        let gone = || ApiError::Other(format!("{} {id} is gone", scope.row.name));
        object = scope.fetch_one(id).await?.ok_or_else(gone)?;
    }
    scope.row.hooks.enrich(scope, &mut object, planned).await?;
    let state = decode(scope, &object, planned);
    Ok(ApplyReply::done(Some(state), scope.private(planned)))
}

/// Builds the body from the rows and the hook.
pub(crate) fn update_body(change: &Change<'_>) -> JsonMap<String, Json> {
    let mut body = JsonMap::new();
    for attr in change.row.attributes {
        if attr.update && change.of(attr.name) {
            let after = change.planned.get(attr.name);
            let json = after.and_then(|value| to_json(attr, value));
            body.insert(attr.wire.into(), json.unwrap_or_else(|| zero_json(&attr.shape)));
        }
    }
    change.row.hooks.update_body(change, &mut body);
    body
}

/// Replaces all tags of an object; returns them.
pub(crate) async fn put_tags(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    id: &str,
    tags: Vec<&str>,
) -> Result<Json, Failure> {
    let path = format!("{}/{}/tags", scope.row.path, encoded(id));
    let call = scope.call(Verb::Put, path).body(json!({ "tags": tags }));
    let mut reply = scope.session.mutate(&mut act.step(), &call).await?;
    Ok(reply.get_mut("tags").map_or_else(|| json!(tags), Json::take))
}
