//! [Servers](https://docs.openstack.org/api-ref/compute/#servers-servers).

mod body;
mod check;
mod networks;
mod stages;

use async_trait::async_trait;
use serde_json::{Map as JsonMap, Value as Json, json};
use sha1::{Digest, Sha1};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Accepted, Action, ApplyReply, HeldBy, Pending, PollReply};
use terrarium_value::{Map, Type, Value};

use crate::client::{ApiError, Failure, Service, Verb};
use crate::look::{Look, elements, field, is_zero};
use crate::plan::Draft;
use crate::schema::{
    ALL_TAGS, Attr, Doc, Literal, Longest, MarkerField, Marks, Only, REGION, Resource, Status,
    TAGS, Timeouts, block_set, blocks, flag, int, text, text_map, text_set, texts,
};
use crate::verbs::{Act, Fetched, Hooks, MARKER_KEY, Scope, encoded, fetch, noted, shell};
use crate::wire::{from_json, map_value};

/// The states that `power_state` may show; others are passing.
const POWER_STATES: &[&str] =
    &["active", "shutoff", "error", "migrating", "shelved_offloaded", "shelved", "build", "paused"];

/// Nova's API schema bounds it.
const USER_DATA: Longest =
    Longest { limit: 65_535, count: body::user_data_length, form: "in base64" };

/// What is shown where a server boots from a volume.
const NO_IMAGE: &str = "Attempt to boot from volume - no image supplied";

const NETWORK: &[Attr] = &[
    flag("access_network").or(Literal::Bool(false)),
    text("fixed_ip_v4").optional_computed().force_new(),
    text("fixed_ip_v6").optional_computed().force_new(),
    text("mac").computed(),
    text("name").optional_computed().force_new(),
    text("port").optional_computed().force_new(),
    text("uuid").optional_computed().force_new(),
];

const BLOCK_DEVICE: &[Attr] = &[
    int("boot_index").force_new(),
    flag("delete_on_termination").force_new().or(Literal::Bool(false)),
    text("destination_type").force_new(),
    text("device_type").force_new(),
    text("disk_bus").force_new(),
    text("guest_format").force_new(),
    flag("multiattach").force_new().or(Literal::Bool(false)),
    text("source_type").required().force_new(),
    text("uuid").force_new(),
    int("volume_size").force_new(),
    text("volume_type").force_new(),
];

const HINTS: &[Attr] = &[
    text_map("additional_properties").force_new(),
    text("build_near_host_ip").force_new(),
    texts("different_cell").force_new(),
    texts("different_host").force_new(),
    text("group").force_new(),
    texts("query").force_new(),
    texts("same_host").force_new(),
    text("target_cell").force_new(),
];

const VENDOR_OPTIONS: &[Attr] = &[
    flag("detach_ports_before_destroy").or(Literal::Bool(false)),
    flag("ignore_resize_confirmation").or(Literal::Bool(false)),
];

pub(crate) const INSTANCE: Resource = Resource {
    name: "openstack_compute_instance_v2",
    doc: Doc::of("A server: a virtual machine, or a node of a lease."),
    service: Service::Compute,
    path: "/servers",
    list_path: "/servers/detail",
    envelope: "server",
    collection: "servers",
    // Tags come with the server from here on; nothing else of ours changes.
    microversion: Some("2.26"),
    attributes: &[
        text("access_ip_v4").computed().local(),
        text("access_ip_v6").computed().local(),
        text("admin_pass").sensitive().local(),
        text_map("all_metadata").computed().local(),
        ALL_TAGS,
        text("availability_zone")
            .optional_computed()
            .force_new()
            .wire("OS-EXT-AZ:availability_zone")
            .not_sent()
            .same(same_zone)
            .conflicts(&["availability_zone_hints"]),
        text("availability_zone_hints").force_new().local().conflicts(&["availability_zone"]),
        blocks("block_device", BLOCK_DEVICE).local(),
        flag("config_drive").force_new().local(),
        text("created").computed(),
        text("flavor_id").optional_computed().local(),
        text("flavor_name").optional_computed().local(),
        flag("force_delete").or(Literal::Bool(false)).local(),
        text("hypervisor_hostname")
            .optional_computed()
            .force_new()
            .wire("OS-EXT-SRV-ATTR:hypervisor_hostname")
            .not_sent()
            .conflicts(&["personality"]),
        text("image_id").optional_computed().local(),
        text("image_name").optional_computed().local(),
        text("key_pair").force_new().wire("key_name"),
        text_map("metadata").local(),
        text("name").required(),
        blocks("network", NETWORK).optional_computed().force_new().local(),
        text("network_mode").force_new().local().one_of(&["auto", "none"]).conflicts(&["network"]),
        block_set("personality", &[text("content").required(), text("file").required()])
            .local()
            .conflicts(&["hypervisor_hostname"]),
        text("power_state")
            .or(Literal::Text("active"))
            .one_of(&["active", "shutoff", "shelved_offloaded", "paused"])
            .local()
            .same(str::eq_ignore_ascii_case),
        REGION,
        block_set("scheduler_hints", HINTS).local(),
        text_set("security_groups").optional_computed().local(),
        flag("stop_before_destroy").or(Literal::Bool(false)).local(),
        TAGS,
        text("updated").computed(),
        text("user_data").force_new().stored(sha1_hex).longest(USER_DATA).local(),
        block_set("vendor_options", VENDOR_OPTIONS).at_most(1).local(),
    ],
    timeouts: Timeouts { create: Some(1_800), update: Some(1_800), delete: Some(1_800) },
    status: Status { ready: &["ACTIVE"], failed: &["ERROR"] },
    retry_delete: &[],
    slow_delete: true,
    marker: MarkerField::Metadata,
    tags: false,
    marks: Marks {
        lends: &["id", "network.#.port"],
        occupies: &[
            "flavor_id",
            "flavor_name",
            "scheduler_hints.#.additional_properties[\"reservation\"]",
            "network.#.uuid",
        ],
        exclusive: &[Only::at("network.#.port")],
        // Its ports have the groups.
        holds: &[("security_groups.#", HeldBy::Name), ("security_groups.#", HeldBy::Id)],
        quota: Some("instances"),
        touches: &[
            (Service::Network, "ports"),
            (Service::Network, "floatingips"),
            (Service::Volume, "volumes"),
        ],
        ..Marks::GUEST
    },
    hooks: &InstanceHooks,
};

struct InstanceHooks;

#[async_trait]
impl Hooks for InstanceHooks {
    fn validate(&self, config: &Value, diagnostics: &mut Diagnostics) {
        check::validate(config, diagnostics);
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        check::plan(draft);
    }

    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        if let Some(reply) = stages::continued(scope, act).await? {
            return Ok(reply);
        }
        let planned = act.planned();
        let (request, microversion) = body::request(scope, act).await?;
        let call =
            scope.call(Verb::Post, "/servers").body(request).microversion(Some(microversion));
        let reply = scope.session.create(act.step(), &call).await?;
        let id =
            reply.get("server").map(|server| field(server, "id").to_owned()).unwrap_or_default();
        Ok(ApplyReply::accepted(Accepted {
            state: Some(noted(scope, &id, &planned)),
            id: id.into(),
            private: scope.private(&planned),
            poll_after: std::time::Duration::from_secs(5),
            timeout: scope.timeout(Action::Create, act.planned),
        }))
    }

    async fn update(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        match stages::continued(scope, act).await? {
            Some(reply) => Ok(reply),
            None => stages::update(scope, act).await,
        }
    }

    async fn delete(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        stages::delete(scope, act).await
    }

    async fn poll(&self, scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
        stages::poll(scope, pending, object).await
    }

    /// What reads never show: metadata and the configuration drive are taken over once.
    fn imported(&self, scope: &Scope<'_>, object: &Json, id: &str) -> Value {
        let mut values = shell(scope, id).to_map().unwrap_or_default();
        let metadata = object.get("metadata").and_then(Json::as_object).into_iter().flatten();
        let metadata = metadata.filter(|(key, _)| *key != MARKER_KEY);
        let metadata: Vec<_> =
            metadata.map(|(key, value)| (key.as_str(), crate::wire::scalar_text(value))).collect();
        if !metadata.is_empty() {
            values.insert("metadata".into(), map_value(metadata));
        }
        if field(object, "config_drive") == "True" {
            values.insert("config_drive".into(), Value::bool(true));
        }
        Value::object(values)
    }

    /// Reads servers, and the ports of all of them with one more call: they tell which NIC is which.
    async fn fetch(&self, scope: &Scope<'_>, ids: &[String]) -> Vec<Fetched> {
        let mut all = fetch(scope, ids).await;
        for one in &mut all {
            let gone =
                |server: &Json| matches!(field(server, "status"), "DELETED" | "SOFT_DELETED");
            if matches!(one, Ok(Some(server)) if gone(server)) {
                *one = Ok(None);
            }
        }
        let built = |server: &Json| field(server, "status") != "BUILD";
        let servers =
            all.iter().filter_map(|one| one.as_ref().ok()?.as_ref()).filter(|server| built(server));
        let built_ids: Vec<String> = servers.map(|server| field(server, "id").to_owned()).collect();
        let ports = networks::ports_of(scope, &built_ids).await;
        for server in all.iter_mut().filter_map(|one| one.as_mut().ok()?.as_mut()) {
            let id = field(server, "id").to_owned();
            if let (Some(ports), Some(server)) = (ports.get(&id), server.as_object_mut()) {
                server.insert(networks::PORTS.into(), json!(ports));
            }
        }
        all
    }

    async fn enrich(
        &self,
        scope: &Scope<'_>,
        object: &mut Json,
        known: &Value,
    ) -> Result<(), ApiError> {
        let (flavor_id, flavor_name) = flavor_of(scope, object, known).await?;
        let (image_id, image_name) = image_of(scope, object, known).await?;
        if let Some(object) = object.as_object_mut() {
            let names = json!({"flavor_id": flavor_id, "flavor_name": flavor_name,
                "image_id": image_id, "image_name": image_name});
            object.insert(NAMES.into(), names);
        }
        Ok(())
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut Map) {
        if let Some(names) = object.get(NAMES) {
            for name in ["flavor_id", "flavor_name", "image_id", "image_name"] {
                out.insert(name.into(), Value::string(field(names, name)));
            }
        }
        let metadata = object.get("metadata").and_then(Json::as_object);
        let metadata = metadata.into_iter().flatten().filter(|(key, _)| *key != MARKER_KEY);
        let metadata = metadata.map(|(key, value)| (key.as_str(), crate::wire::scalar_text(value)));
        out.insert("all_metadata".into(), map_value(metadata));
        decode_power(object, out);
        decode_groups(object, known, out);
        decode_tags(object, out);
        networks::decode(object, known, out);
    }

    fn at_step(&self, object: &Json) -> Option<&'static str> {
        stages::at_step(object)
    }

    fn fault(&self, object: &Json) -> Option<String> {
        object.pointer("/fault/message").and_then(Json::as_str).map(str::to_owned)
    }
}

/// Where `enrich` puts the names of flavor and image.
const NAMES: &str = "terrarium:names";

fn decode_power(object: &Json, out: &mut Map) {
    let status = field(object, "status").to_lowercase();
    // Passing states such as RESIZE are no drift.
    if POWER_STATES.contains(&status.as_str()) {
        out.insert("power_state".into(), Value::string(status));
    }
}

fn decode_groups(object: &Json, known: &Value, out: &mut Map) {
    let configured = !known.items("security_groups").is_empty();
    if configured && check::all_by_port(known) {
        return;
    }
    let groups =
        elements(object, "security_groups").iter().map(|group| Value::string(field(group, "name")));
    out.insert("security_groups".into(), Value::set(Type::String, groups.collect()));
}

fn decode_tags(object: &Json, out: &mut Map) {
    let all = from_json(&crate::schema::Shape::TextSet, object.get("tags"));
    if let Some(tags) = out.get("tags").and_then(Value::as_items) {
        let there = all.as_items().unwrap_or_default();
        let kept =
            tags.iter().filter(|tag| there.iter().any(|one| one.as_str() == tag.as_str())).cloned();
        let kept = Value::set(Type::String, kept.collect());
        out.insert("tags".into(), kept);
    }
    out.insert("all_tags".into(), all);
}

/// Returns id and name of a server's flavor; what is gone keeps the name it was known by.
async fn flavor_of(
    scope: &Scope<'_>,
    object: &Json,
    known: &Value,
) -> Result<(String, String), ApiError> {
    let flavor = object.get("flavor").unwrap_or(&Json::Null);
    let id = field(flavor, "id");
    if id.is_empty() {
        let name = field(flavor, "original_name");
        return Ok((known.text("flavor_id").unwrap_or_default().to_owned(), name.to_owned()));
    }
    let call = scope.get(Service::Compute, format!("/flavors/{}", encoded(id)));
    let name = scope.session.name_of(&call, "/flavor/name").await?;
    let same = known.text("flavor_id").is_none_or(|known| known == id);
    let name = name.or_else(|| known.text("flavor_name").filter(|_| same).map(str::to_owned));
    match name {
        Some(name) => Ok((id.to_owned(), name)),
        None if known.text("flavor_id") == Some(id) => Ok((id.to_owned(), String::new())),
        None => Ok((String::new(), String::new())),
    }
}

async fn image_of(
    scope: &Scope<'_>,
    object: &Json,
    known: &Value,
) -> Result<(String, String), ApiError> {
    let id = object.get("image").map(|image| field(image, "id")).unwrap_or_default();
    if id.is_empty() {
        let text = if known.items("block_device").is_empty() { "" } else { NO_IMAGE };
        return Ok((text.to_owned(), known.text("image_name").unwrap_or_default().to_owned()));
    }
    let call = scope.get(Service::Image, format!("/images/{}", encoded(id)));
    let name = scope.session.name_of(&call, "/name").await?;
    let same = known.text("image_id").is_none_or(|known| known == id);
    let name = name.or_else(|| known.text("image_name").filter(|_| same).map(str::to_owned));
    Ok((id.to_owned(), name.unwrap_or_else(|| "Image not found".into())))
}

/// Returns the SHA-1 of a text in hexadecimal, which is what the state holds of user data.
fn sha1_hex(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(40);
    for byte in Sha1::digest(text.as_bytes()) {
        // Writing to a string can't fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Returns whether two zones are one: `az:host:node` asks for a host within `az`.
fn same_zone(a: &str, b: &str) -> bool {
    let zone = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    zone(a) == zone(b)
}

/// Returns the metadata that the user configured.
fn metadata_json(values: &Value) -> JsonMap<String, Json> {
    values.pairs("metadata").into_iter().map(|(key, text)| (key.to_owned(), json!(text))).collect()
}

/// Returns whether a value is set in neither of two.
fn unset(values: &Value, name: &str) -> bool {
    values.get(name).is_none_or(is_zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_is_kept_as_its_hash() {
        assert_eq!(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    #[test]
    fn a_zone_with_a_host_is_that_zone() {
        assert!(same_zone("nova:host:node", "nova") && !same_zone("a", "b"));
    }
}
