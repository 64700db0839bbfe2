//! Servers: list, show, change, delete.

use regex::RegexBuilder;
use serde_json::{Value, json};

use super::{Nova, actions, attachments, build, interfaces, launch, metadata, not_found, view};
use crate::{
    json,
    reply::{Outcome, Reply, no},
    store::{Kind, Object, Scan},
};

pub(crate) const SERVER: Kind = Kind { name: "server", indexed: &["name", "_flavor", "_seat"] };

/// Most servers in one answer (`api.max_limit`).
const PAGE: usize = 1000;

/// Answers a call whose path after `servers` is `rest`.
pub(super) fn answer(nova: &Nova<'_, '_>, rest: &[&str]) -> Outcome<Reply> {
    match (nova.method.as_str(), rest) {
        ("GET", []) => list(nova, false),
        ("GET", ["detail"]) => list(nova, true),
        ("POST", []) => launch::create(nova),
        ("GET", [id]) => {
            let server = find(nova, id)?;
            Ok(Reply::json(200, json!({"server": view::full(nova, &server)?})))
        }
        ("PUT", [id]) => update(nova, find(nova, id)?),
        ("DELETE", [id]) => {
            build::delete(&nova.cloud, find(nova, id)?)?;
            Ok(Reply::empty(204))
        }
        ("POST", [id, "action"]) => actions::answer(nova, find(nova, id)?),
        (_, [id, "metadata", rest @ ..]) => metadata::metadata(nova, find(nova, id)?, rest),
        (_, [id, "tags", rest @ ..]) => metadata::tags(nova, find(nova, id)?, rest),
        (_, [id, "os-interface", rest @ ..]) => interfaces::answer(nova, find(nova, id)?, rest),
        (_, [id, "os-volume_attachments", rest @ ..]) => {
            attachments::answer(nova, find(nova, id)?, rest)
        }
        ("GET", [id, "ips"]) => {
            let addresses = view::addresses(nova, &find(nova, id)?)?;
            Ok(Reply::json(200, json!({"addresses": addresses})))
        }
        ("GET", [id, "os-security-groups"]) => {
            let groups = view::security_groups(nova, &find(nova, id)?)?;
            Ok(Reply::json(200, json!({"security_groups": groups})))
        }
        _ => Err(not_found()),
    }
}

/// Returns the project's server `id`, or Nova's 404.
pub(super) fn find(nova: &Nova<'_, '_>, id: &str) -> Outcome<Object> {
    let server = nova.cloud.get(&SERVER, id)?;
    server
        .filter(|server| server.project == nova.who.project)
        .ok_or_else(|| no(404, format!("Instance {id} could not be found.")))
}

fn update(nova: &Nova<'_, '_>, mut server: Object) -> Outcome<Reply> {
    let given = nova.given("server")?;
    for (key, value) in &given {
        let kept = match key.as_str() {
            "name" if !value.as_str().unwrap_or_default().is_empty() => "name",
            "description" if nova.since(19) => "_description",
            "accessIPv4" => "accessIPv4",
            "accessIPv6" => "accessIPv6",
            "hostname" if nova.since(90) => "_hostname",
            "OS-DCF:diskConfig" => "OS-DCF:diskConfig",
            _ => {
                return Err(no(
                    400,
                    format!(
                        "Invalid input for field/attribute server. Additional properties are not \
                         allowed ('{key}' was unexpected)"
                    ),
                ));
            }
        };
        server.set(kept, value.clone());
    }
    server.set("updated", nova.cloud.stamp());
    nova.cloud.put(&SERVER, &server)?;
    Ok(Reply::json(200, json!({"server": view::changed(nova, &server)?})))
}

/// Lists servers, newest first, a page at a time.
fn list(nova: &Nova<'_, '_>, detail: bool) -> Outcome<Reply> {
    let limit = nova.query.limit().unwrap_or(PAGE).min(PAGE);
    let beyond = match nova.query.get("marker") {
        None => None,
        Some(marker) => Some(
            nova.cloud
                .get(&SERVER, marker)?
                .ok_or_else(|| no(400, format!("marker [{marker}] not found")))?
                .seq,
        ),
    };
    let filter = Filter::parse(nova)?;
    let mut found = Vec::new();
    let scan = Scan { by: None, beyond, newest_first: true };
    nova.cloud.scan(&SERVER, scan, &mut |server| {
        if server.project == nova.who.project && filter.passes(&server) {
            found.push(server);
        }
        found.len() < limit
    })?;
    let mut shown = Vec::with_capacity(found.len());
    for server in &found {
        shown.push(if detail {
            view::full(nova, server)?
        } else {
            json!({"id": server.id, "name": server.text("name"),
                "links": nova.links(&format!("servers/{}", server.id))})
        });
    }
    let mut body = json!({"servers": shown});
    if found.len() == limit
        && let Some(last) = found.last()
    {
        let query = nova.query.with_marker(&last.id);
        let path = if detail { "servers/detail" } else { "servers" };
        let href = format!("{}/v2.1/{path}?{query}", nova.url);
        body["servers_links"] = json!([{"rel": "next", "href": href}]);
    }
    Ok(Reply::json(200, body))
}

/// What a list asks for; Nova takes the name as a regular expression.
struct Filter {
    name: Option<regex::Regex>,
    status: Vec<String>,
    flavor: Option<String>,
    image: Option<String>,
    since: Option<String>,
    tags: Vec<String>,
}

impl Filter {
    fn parse(nova: &Nova<'_, '_>) -> Outcome<Filter> {
        let text = |key: &str| nova.query.get(key).map(str::to_owned);
        let name = match nova.query.get("name") {
            None | Some("") => None,
            Some(pattern) => {
                let built = RegexBuilder::new(pattern).case_insensitive(true).build();
                Some(built.map_err(|_| no(400, "Invalid filter by name"))?)
            }
        };
        Ok(Filter {
            name,
            status: nova.query.all("status").iter().map(|s| s.to_uppercase()).collect(),
            flavor: text("flavor"),
            image: text("image"),
            since: text("changes-since"),
            tags: text("tags")
                .map(|tags| tags.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
        })
    }

    fn passes(&self, server: &Object) -> bool {
        let tags = json::texts(&server.body, "_tags");
        let image = server.body.get("_image").and_then(Value::as_str);
        self.name.as_ref().is_none_or(|name| name.is_match(server.text("name")))
            && (self.status.is_empty() || self.status.iter().any(|s| s == server.text("status")))
            && self.flavor.as_ref().is_none_or(|flavor| flavor == server.text("_flavor"))
            && self.image.as_ref().is_none_or(|wanted| image == Some(wanted.as_str()))
            && self.since.as_ref().is_none_or(|since| server.text("updated") >= since.as_str())
            && self.tags.iter().all(|tag| tags.contains(tag))
    }
}
