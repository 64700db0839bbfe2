//! [Ports](https://docs.openstack.org/api-ref/network/v2/#ports).

use async_trait::async_trait;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_address::AttrPath;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{HeldBy, Tenure};
use terrarium_value::{Map, Type, Value};

use super::addresses;
use crate::client::{Failure, Service};
use crate::codes;
use crate::data::DataHooks;
use crate::look::{Look, elements, field};
use crate::plan::Draft;
use crate::schema::{
    ALL_TAGS, Attr, DataSource, Doc, Literal, MarkerField, Marks, REGION, Resource, Shape, Status,
    TAGS, Timeouts, VALUE_SPECS, block_set, blocks, element_type, flag, int, map_list, object_set,
    objects, text, text_map, text_set, texts,
};
use crate::verbs::{Act, Change, Hooks, Scope};
use crate::wire::{from_json, scalar_text};

const VNIC_TYPES: &[&str] = &[
    "direct",
    "direct-physical",
    "macvtap",
    "normal",
    "baremetal",
    "virtio-forwarder",
    "remote-managed",
];

const BINDING: &[Attr] = &[
    text("host_id").optional_computed().wire("binding:host_id"),
    text("profile").wire("binding:profile").stored(normal_json).same(same_json),
    text_map("vif_details").computed().wire("binding:vif_details"),
    text("vif_type").computed().wire("binding:vif_type"),
    text("vnic_type").or(Literal::Text("normal")).one_of(VNIC_TYPES).wire("binding:vnic_type"),
];

const FIXED_IP: &[Attr] = &[text("ip_address"), text("subnet_id")];

pub(crate) const PORT: Resource = Resource {
    name: "openstack_networking_port_v2",
    doc: Doc::of("A port: an interface on a network, with its addresses."),
    service: Service::Network,
    path: "/ports",
    list_path: "/ports",
    envelope: "port",
    collection: "ports",
    microversion: None,
    attributes: &[
        flag("admin_state_up").optional_computed(),
        texts("all_fixed_ips").computed().local(),
        text_set("all_security_group_ids").computed().wire("security_groups"),
        ALL_TAGS,
        block_set("allowed_address_pairs", &[text("ip_address").required(), text("mac_address")]),
        blocks("binding", BINDING).optional_computed().at_most(1).local(),
        text("description"),
        text("device_id").optional_computed().force_new(),
        text("device_owner").optional_computed().force_new(),
        map_list("dns_assignment").computed(),
        text("dns_name").optional_computed(),
        block_set(
            "extra_dhcp_option",
            &[
                int("ip_version").or(Literal::Int(4)),
                text("name").required().wire("opt_name"),
                text("value").required().wire("opt_value"),
            ],
        )
        .wire("extra_dhcp_opts"),
        blocks("fixed_ip", FIXED_IP).wire("fixed_ips").conflicts(&["no_fixed_ip"]).not_read(),
        text("mac_address").optional_computed().force_new().same(str::eq_ignore_ascii_case),
        text("name"),
        text("network_id").required().force_new(),
        flag("no_fixed_ip").conflicts(&["fixed_ip"]).local(),
        flag("no_security_groups").local(),
        flag("port_security_enabled").optional_computed(),
        text("qos_policy_id").optional_computed(),
        REGION,
        text_set("security_group_ids").wire("security_groups").not_read(),
        TAGS,
        text("tenant_id").optional_computed().force_new(),
        VALUE_SPECS,
    ],
    timeouts: Timeouts::USUAL,
    status: Status { ready: &["ACTIVE", "DOWN"], failed: &["ERROR"] },
    retry_delete: &[],
    slow_delete: false,
    marker: MarkerField::Description,
    tags: true,
    marks: Marks {
        occupies: &["network_id"],
        holds: &[("fixed_ip.#.subnet_id", HeldBy::Id), ("security_group_ids.#", HeldBy::Id)],
        scarce: true,
        quota: Some("port"),
        touches: &[(Service::Network, "floatingips"), (Service::Compute, "servers")],
        ..Marks::GUEST
    },
    hooks: &PortHooks,
};

struct PortHooks;

#[async_trait]
impl Hooks for PortHooks {
    fn validate(&self, config: &Value, diagnostics: &mut Diagnostics) {
        let groups = !config.items("security_group_ids").is_empty();
        if groups && config.flag("no_security_groups") == Some(true) {
            diagnostics.push(
                Diagnostic::error(
                    codes::CONFLICT,
                    "Cannot have both no_security_groups and security_group_ids set",
                )
                .help("remove one of the two")
                .path(AttrPath::attr("no_security_groups")),
            );
        }
        if groups && config.flag("port_security_enabled") == Some(false) {
            diagnostics.push(
                Diagnostic::error(codes::CONFLICT, "A port without port security can have no security groups")
                    .help("remove security_group_ids and set no_security_groups = true, or turn port security on")
                    .path(AttrPath::attr("security_group_ids")),
            );
        }
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        if draft.changes("security_group_ids") || draft.changes("no_security_groups") {
            draft.forget("all_security_group_ids");
        }
        if draft.changes("fixed_ip") || draft.changes("no_fixed_ip") {
            draft.forget("all_fixed_ips");
        }
    }

    async fn create_body(
        &self,
        _scope: &Scope<'_>,
        act: &Act<'_>,
        body: &mut JsonMap<String, Json>,
    ) -> Result<(), Failure> {
        let planned = act.planned();
        if planned.flag("no_fixed_ip") == Some(true) {
            body.insert("fixed_ips".into(), json!([]));
        }
        if planned.flag("no_security_groups") == Some(true) {
            body.insert("security_groups".into(), json!([]));
        }
        if let Some(binding) = planned.items("binding").first() {
            body.extend(binding_fields(binding, None));
        }
        Ok(())
    }

    fn update_body(&self, change: &Change<'_>, body: &mut JsonMap<String, Json>) {
        if change.of("no_fixed_ip") && change.planned.flag("no_fixed_ip") == Some(true) {
            body.insert("fixed_ips".into(), json!([]));
        }
        let none = change.planned.flag("no_security_groups") == Some(true);
        if none && (change.of("no_security_groups") || change.of("security_group_ids")) {
            body.insert("security_groups".into(), json!([]));
        }
        if change.of("binding")
            && let Some(binding) = change.planned.items("binding").first()
        {
            body.extend(binding_fields(binding, change.prior.items("binding").first()));
        }
        if body.get("qos_policy_id").is_some_and(|id| id == "") {
            body.insert("qos_policy_id".into(), Json::Null);
        }
        if change.of("extra_dhcp_option") {
            body.insert("extra_dhcp_opts".into(), dhcp_options(change));
        }
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut Map) {
        let all: Vec<Value> = addresses(object).into_iter().map(Value::string).collect();
        out.insert("all_fixed_ips".into(), Value::list(Type::String, all));
        out.insert("binding".into(), Value::list(element_type(BINDING), vec![binding_of(object)]));
        // What was configured is compared with what is there, so that drift shows.
        if !known.items("security_group_ids").is_empty() {
            let there = from_json(&Shape::TextSet, object.get("security_groups"));
            out.insert("security_group_ids".into(), there);
        }
        if !known.items("fixed_ip").is_empty() {
            let kept = known
                .items("fixed_ip")
                .iter()
                .filter(|one| is_there(object, one))
                .map(crate::verbs::settled);
            out.insert("fixed_ip".into(), Value::list(element_type(FIXED_IP), kept.collect()));
        }
        out.insert("allowed_address_pairs".into(), pairs_of(object, known));
    }
}

/// Returns whether a port has a configured address.
fn is_there(object: &Json, wanted: &Value) -> bool {
    elements(object, "fixed_ips").iter().any(|one| {
        let address = wanted.text("ip_address").is_none_or(|ip| ip == field(one, "ip_address"));
        address && wanted.text("subnet_id").is_none_or(|subnet| subnet == field(one, "subnet_id"))
    })
}

/// Returns the pairs; a pair with the port's own MAC was given without one.
fn pairs_of(object: &Json, known: &Value) -> Value {
    const PAIR: &[Attr] = &[text("ip_address").required(), text("mac_address")];
    let own = field(object, "mac_address");
    let element = element_type(PAIR);
    let pairs = elements(object, "allowed_address_pairs").iter().map(|pair| {
        let mac = field(pair, "mac_address");
        let mac = if mac == own { "" } else { mac };
        Value::object_of([
            ("ip_address", Value::string(field(pair, "ip_address"))),
            (
                "mac_address",
                if mac.is_empty() { Value::null(Type::String) } else { Value::string(mac) },
            ),
        ])
    });
    let pairs: Vec<Value> = pairs.collect();
    match known.get("allowed_address_pairs") {
        Some(before) if pairs.is_empty() && before.is_null() => before.clone(),
        _ => Value::set(element, pairs),
    }
}

/// Returns the fields of a binding that differ from what was there; each is sent alone.
fn binding_fields(binding: &Value, before: Option<&Value>) -> Vec<(String, Json)> {
    let mut fields = Vec::new();
    for name in ["host_id", "vnic_type", "profile"] {
        let text = binding.text(name).unwrap_or_default();
        let old = before.and_then(|before| before.text(name)).unwrap_or_default();
        if text == old || (before.is_none() && text.is_empty()) {
            continue;
        }
        let json = match name {
            "profile" => serde_json::from_str(text).unwrap_or_else(|_| json!({})),
            _ => json!(text),
        };
        fields.push((format!("binding:{name}"), json));
    }
    fields
}

fn binding_of(object: &Json) -> Value {
    let profile = match object.get("binding:profile") {
        Some(Json::Object(profile)) if !profile.is_empty() => {
            normal_json(&Json::Object(profile.clone()).to_string())
        }
        _ => String::new(),
    };
    Value::object_of([
        ("host_id", Value::string(field(object, "binding:host_id"))),
        ("profile", Value::string(profile)),
        ("vif_details", from_json(&Shape::TextMap, object.get("binding:vif_details"))),
        ("vif_type", Value::string(field(object, "binding:vif_type"))),
        (
            "vnic_type",
            Value::string(
                object.get("binding:vnic_type").map_or_else(|| "normal".into(), scalar_text),
            ),
        ),
    ])
}

/// Returns the options to send: those wanted, and those removed with a null value.
fn dhcp_options(change: &Change<'_>) -> Json {
    let wanted = change.planned.items("extra_dhcp_option");
    let names: Vec<&str> = wanted.iter().filter_map(|option| option.text("name")).collect();
    let kept = wanted.iter().map(|option| {
        json!({
            "opt_name": option.text("name"),
            "opt_value": option.text("value"),
            "ip_version": option.int("ip_version").unwrap_or(4),
        })
    });
    let removed =
        change.prior.items("extra_dhcp_option").iter().filter_map(|option| option.text("name"));
    let removed = removed
        .filter(|name| !names.contains(name))
        .map(|name| json!({"opt_name": name, "opt_value": null}));
    kept.chain(removed).collect()
}

/// Returns JSON in one spelling: keys sorted, no blanks.
fn normal_json(text: &str) -> String {
    fn sorted(json: Json) -> Json {
        match json {
            Json::Object(fields) => {
                let mut fields: Vec<(String, Json)> =
                    fields.into_iter().map(|(k, v)| (k, sorted(v))).collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Json::Object(fields.into_iter().collect())
            }
            Json::Array(items) => items.into_iter().map(sorted).collect(),
            other => other,
        }
    }
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |json| sorted(json).to_string())
}

fn same_json(a: &str, b: &str) -> bool {
    let empty = |text: &str| text.is_empty() || text.trim() == "{}";
    (empty(a) && empty(b)) || normal_json(a) == normal_json(b)
}

const BINDING_DATA: &[Attr] = &[
    text("host_id").computed().wire("binding:host_id"),
    text("profile").computed().wire("binding:profile"),
    text_map("vif_details").computed().wire("binding:vif_details"),
    text("vif_type").computed().wire("binding:vif_type"),
    text("vnic_type").computed().wire("binding:vnic_type"),
];

pub(crate) const PORT_DATA: DataSource = DataSource {
    name: "openstack_networking_port_v2",
    thing: "port",
    service: Service::Network,
    path: "/ports",
    collection: "ports",
    attributes: &[
        flag("admin_state_up").filter(),
        texts("all_fixed_ips").computed().local(),
        text_set("all_security_group_ids").computed().wire("security_groups"),
        ALL_TAGS,
        object_set(
            "allowed_address_pairs",
            &[text("ip_address").computed(), text("mac_address").computed()],
        ),
        objects("binding", BINDING_DATA).local(),
        text("description").filter(),
        text("device_id").filter(),
        text("device_owner").filter(),
        map_list("dns_assignment").computed(),
        text("dns_name").filter(),
        objects(
            "extra_dhcp_option",
            &[
                int("ip_version").computed(),
                text("name").computed().wire("opt_name"),
                text("value").computed().wire("opt_value"),
            ],
        )
        .wire("extra_dhcp_opts"),
        text("fixed_ip").not_read(),
        text("mac_address").filter(),
        text("name").filter(),
        text("network_id").filter(),
        text("port_id").wire("id").filter(),
        text("project_id").filter(),
        text("region").local(),
        text_set("security_group_ids").not_read(),
        text("status").force_new().filter().not_read(),
        text_set("tags").filter().not_read(),
        text("tenant_id").filter(),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &PortData,
};

struct PortData;

impl DataHooks for PortData {
    fn query(&self, config: &Value, query: &mut Vec<(&'static str, String)>) {
        if let Some(address) = config.text("fixed_ip") {
            query.push(("fixed_ips", format!("ip_address={address}")));
        }
    }

    fn fits(&self, config: &Value, object: &Json) -> bool {
        let groups = config.texts("security_group_ids");
        let there = elements(object, "security_groups");
        groups.is_empty() || there.iter().any(|group| groups.iter().any(|wanted| group == wanted))
    }

    fn decode(&self, object: &Json, _config: &Value, out: &mut Map) {
        let all: Vec<Value> = addresses(object).into_iter().map(Value::string).collect();
        out.insert("all_fixed_ips".into(), Value::list(Type::String, all));
        out.insert(
            "binding".into(),
            Value::list(element_type(BINDING_DATA), vec![binding_of(object)]),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_texts_are_compared_by_meaning() {
        assert!(same_json(r#"{"a": 1, "b": {"d": 2, "c": 3}}"#, r#"{"b":{"c":3,"d":2},"a":1}"#));
        assert!(same_json("{}", ""));
        assert!(!same_json(r#"{"a": 1}"#, r#"{"a": 2}"#));
    }

    #[test]
    fn a_missing_address_is_drift() {
        let port = json!({"fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.5"}]});
        let wanted = |ip: &str| {
            Value::object_of([("ip_address", Value::string(ip)), ("subnet_id", Value::string("s"))])
        };
        assert!(is_there(&port, &wanted("10.0.0.5")) && is_there(&port, &wanted("")));
        assert!(!is_there(&port, &wanted("10.0.0.6")));
    }
}
