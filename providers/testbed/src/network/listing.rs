//! Lists: filters, paging, sorting and the choice of fields.

use serde_json::{Value, json};

use super::collection::Collection;
use crate::{
    call::Call,
    json::{Body, as_number, parse_flag},
    reply::{Outcome, Reply, refuse},
    store::{Object, Scan},
};

/// Keys of a query that are no filters.
const CONTROLS: &[&str] = &["limit", "marker", "page_reverse", "sort_key", "sort_dir", "fields"];

/// Answers the list of a collection.
///
/// One index serves the most telling filter, so a lookup costs what it finds; a list without an
/// indexed filter visits the collection from the marker on.
pub(super) fn list(collection: &Collection, call: &Call<'_>) -> Outcome<Reply> {
    let limit = call.query.limit().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let sorted = call.query.get("sort_key").is_some();
    let mut found = candidates(collection, call, if sorted { usize::MAX } else { limit })?;
    if let Some(key) = call.query.get("sort_key") {
        found.sort_by_key(|object| sortable(object, key));
        if call.query.get("sort_dir") == Some("desc") {
            found.reverse();
        }
        if let Some(marker) = call.query.get("marker") {
            let beyond = found.iter().position(|object| object.id == marker);
            found.drain(..beyond.map_or(0, |place| place + 1));
        }
        found.truncate(limit);
    }
    let mut shown = Vec::with_capacity(found.len());
    for object in &found {
        shown.push(narrow(call, (collection.hooks.show)(call, object)?));
    }
    let key = collection.list_key();
    let mut body = json!({key.as_str(): shown});
    if found.len() == limit
        && let Some(last) = found.last()
    {
        let query = call.query.with_marker(&last.id);
        let href = format!("{}/v2.0/{}?{query}", call.url, collection.plural);
        body[format!("{key}_links")] = json!([{"rel": "next", "href": href}]);
    }
    Ok(Reply::json(200, body))
}

fn sortable(object: &Object, key: &str) -> String {
    object.body.get(key).map(Value::to_string).unwrap_or_default()
}

/// Returns the visible objects that pass the filters, beyond the marker, at most `limit`.
fn candidates(collection: &Collection, call: &Call<'_>, limit: usize) -> Outcome<Vec<Object>> {
    let filters: Vec<(&str, Vec<&str>)> = call
        .query
        .keys()
        .into_iter()
        .filter(|key| !CONTROLS.contains(key))
        .map(|key| (key, call.query.all(key)))
        .collect();
    let passes = |object: &Object| {
        (collection.hooks.visible)(call, object)
            && filters.iter().all(|(key, values)| matches(object, key, values))
    };
    let mut found = Vec::new();
    if let Some((_, ids)) = filters.iter().find(|(key, _)| *key == "id") {
        for id in ids {
            found.extend(call.cloud.get(collection.kind, id)?.filter(|object| passes(object)));
        }
        return Ok(found);
    }
    let scan = Scan {
        by: filters.iter().find_map(|(key, values)| indexed(collection, key, values)),
        beyond: marker(collection, call)?,
        newest_first: false,
    };
    call.cloud.scan(collection.kind, scan, &mut |object| {
        if passes(&object) {
            found.push(object);
        }
        found.len() < limit
    })?;
    Ok(found)
}

/// Returns the index that a filter can use.
fn indexed<'q>(
    collection: &Collection,
    key: &str,
    values: &[&'q str],
) -> Option<(&'static str, &'q str)> {
    let [value] = values else { return None };
    let (attribute, value) = match (key, value.split_once('=')) {
        ("fixed_ips", Some((member, value))) => (format!("fixed_ips.{member}"), value),
        _ => (key.to_owned(), *value),
    };
    let known = collection.kind.indexed.iter().find(|known| **known == attribute)?;
    (!value.is_empty()).then_some((*known, value))
}

fn marker(collection: &Collection, call: &Call<'_>) -> Outcome<Option<i64>> {
    let Some(marker) = call.query.get("marker") else { return Ok(None) };
    if call.query.get("sort_key").is_some() {
        return Ok(None);
    }
    let object = call.cloud.get(collection.kind, marker)?;
    let object = object.ok_or_else(|| {
        refuse(404, collection.missing.0, collection.missing.1.replace("{}", marker))
    })?;
    Ok(Some(object.seq))
}

/// Tells whether `object` passes a filter; what the object doesn't have is no filter.
fn matches(object: &Object, key: &str, values: &[&str]) -> bool {
    let tags = object.list("tags");
    match key {
        "tags" => values.iter().all(|value| has_all(tags, value)),
        "tags-any" => values.iter().all(|value| has_any(tags, value)),
        "not-tags" => !values.iter().all(|value| has_all(tags, value)),
        "not-tags-any" => !values.iter().any(|value| has_any(tags, value)),
        _ => match object.body.get(key) {
            None => true,
            Some(actual) => values.iter().any(|value| equals(actual, value)),
        },
    }
}

fn has_all(tags: &[Value], wanted: &str) -> bool {
    wanted.split(',').all(|wanted| tags.iter().any(|tag| tag == wanted))
}

fn has_any(tags: &[Value], wanted: &str) -> bool {
    wanted.split(',').any(|wanted| tags.iter().any(|tag| tag == wanted))
}

fn equals(actual: &Value, wanted: &str) -> bool {
    match actual {
        Value::Null => wanted.is_empty() || wanted == "null",
        Value::String(text) => text == wanted,
        Value::Bool(flag) => parse_flag(wanted) == Some(*flag),
        Value::Number(_) => as_number(actual).is_some_and(|number| wanted == number.to_string()),
        Value::Array(list) => list.iter().any(|element| match wanted.split_once('=') {
            Some((member, wanted)) => {
                element.get(member).is_some_and(|actual| equals(actual, wanted))
            }
            None => equals(element, wanted),
        }),
        Value::Object(_) => false,
    }
}

/// Keeps the members that the query's `fields` ask for.
pub(super) fn narrow(call: &Call<'_>, mut body: Body) -> Body {
    let fields = call.query.all("fields");
    if !fields.is_empty() {
        body.retain(|key, _| fields.contains(&key.as_str()));
    }
    body
}
