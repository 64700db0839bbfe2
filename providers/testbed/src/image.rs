//! Glance v2: images to read.

use serde_json::{Map, Value, json};

use crate::{
    call::Call,
    json,
    reply::{Outcome, Reply, no},
    store::{Kind, Object, Scan},
};

pub(crate) const IMAGE: Kind = Kind { name: "image", indexed: &["name"] };

/// Keys of a query that are no filters.
const CONTROLS: &[&str] = &["limit", "marker", "sort", "sort_key", "sort_dir", "member_status"];
/// Images in one answer without a limit, and the most there may be.
const PAGE: (usize, usize) = (25, 1000);

/// Answers a call of Glance.
pub(crate) fn answer(call: &Call<'_>) -> Outcome<Reply> {
    match (call.method.as_str(), call.path) {
        ("GET", [] | ["versions"]) => {
            let versions: Vec<Value> = [("v2.16", "CURRENT"), ("v2.9", "SUPPORTED")]
                .iter()
                .map(|(id, status)| {
                    json!({"id": id, "status": status,
                        "links": [{"rel": "self", "href": format!("{}/v2/", call.url)}]})
                })
                .collect();
            Ok(Reply::json(
                if call.path.is_empty() { 300 } else { 200 },
                json!({"versions": versions}),
            ))
        }
        ("GET", ["v2", "images"]) => list(call),
        ("GET", ["v2", "images", id]) => {
            let image = call.cloud.get(&IMAGE, id)?.filter(|image| visible(call, image));
            let image = image.ok_or_else(|| no(404, format!("No image found with ID {id}")))?;
            Ok(Reply::json(200, show(&image)))
        }
        _ => Err(no(404, "The resource could not be found.")),
    }
}

fn visible(call: &Call<'_>, image: &Object) -> bool {
    image.project == call.who.project || ["public", "community"].contains(&image.text("visibility"))
}

fn show(image: &Object) -> Value {
    Value::Object(json::public(&image.body))
}

fn list(call: &Call<'_>) -> Outcome<Reply> {
    let name = call.query.get("name").filter(|name| !name.starts_with("in:"));
    let scan = Scan { by: name.map(|name| ("name", name)), ..Scan::default() };
    let mut found = Vec::new();
    call.cloud.scan(&IMAGE, scan, &mut |image| {
        if visible(call, &image) && passes(call, &image) {
            found.push(image);
        }
        true
    })?;
    sort(call, &mut found);
    if let Some(marker) = call.query.get("marker") {
        let beyond = found.iter().position(|image| image.id == marker).ok_or_else(|| {
            no(400, format!("Invalid marker. Image {marker} could not be found."))
        })?;
        found.drain(..=beyond);
    }
    let limit = call.query.limit().unwrap_or(PAGE.0).min(PAGE.1);
    let more = found.len() > limit;
    found.truncate(limit);
    let mut body = Map::new();
    body.insert("images".to_owned(), found.iter().map(show).collect());
    let first = call.query.without_marker();
    let first = if first.is_empty() { String::new() } else { format!("?{first}") };
    body.insert("first".to_owned(), json!(format!("/v2/images{first}")));
    body.insert("schema".to_owned(), json!("/v2/schemas/images"));
    if let Some(last) = found.last().filter(|_| more) {
        let next = format!("/v2/images?{}", call.query.with_marker(&last.id));
        body.insert("next".to_owned(), json!(next));
    }
    Ok(Reply::json(200, Value::Object(body)))
}

fn passes(call: &Call<'_>, image: &Object) -> bool {
    call.query.keys().into_iter().filter(|key| !CONTROLS.contains(key)).all(|key| {
        let wanted = call.query.get(key).unwrap_or_default();
        match key {
            "tag" => call
                .query
                .all("tag")
                .iter()
                .all(|tag| image.list("tags").iter().any(|held| held == tag)),
            "visibility" if wanted == "all" => true,
            "size_min" => wanted.parse().is_ok_and(|least: i64| image.number("size") >= least),
            "size_max" => wanted.parse().is_ok_and(|most: i64| image.number("size") <= most),
            _ => {
                let wanted: Vec<&str> = match wanted.strip_prefix("in:") {
                    Some(list) => list.split(',').map(|text| text.trim_matches('"')).collect(),
                    None => vec![wanted],
                };
                match image.body.get(key) {
                    Some(Value::String(text)) => wanted.contains(&text.as_str()),
                    Some(Value::Bool(flag)) => {
                        wanted.iter().any(|text| json::parse_flag(text) == Some(*flag))
                    }
                    Some(other) => wanted.contains(&other.to_string().as_str()),
                    None => false,
                }
            }
        }
    })
}

/// Sorts as `sort=key:dir` or `sort_key` and `sort_dir` ask; newest first without either.
fn sort(call: &Call<'_>, images: &mut [Object]) {
    let sort = call.query.get("sort").unwrap_or_default();
    let (key, direction) = match sort.split(',').next().unwrap_or_default() {
        "" => (
            call.query.get("sort_key").unwrap_or("created_at"),
            call.query.get("sort_dir").unwrap_or("desc"),
        ),
        one => one.split_once(':').unwrap_or((one, "desc")),
    };
    images.sort_by(|a, b| {
        let order = a.text(key).cmp(b.text(key)).then(a.seq.cmp(&b.seq));
        if direction == "asc" { order } else { order.reverse() }
    });
}
