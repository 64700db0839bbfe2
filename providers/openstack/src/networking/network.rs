//! [Networks](https://docs.openstack.org/api-ref/network/v2/#networks).

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::Tenure;
use terrarium_value::Value;

use crate::client::{ApiError, Service};
use crate::data::{Ask, DataHooks};
use crate::look::{Look, field};
use crate::schema::{
    ALL_TAGS, Attr, DataSource, Doc, MarkerField, Marks, REGION, Resource, Status, TAGS, Timeouts,
    VALUE_SPECS, block_set, flag, int, object_set, text, text_set, texts,
};
use crate::verbs::Hooks;

const SEGMENT: &[Attr] = &[
    text("network_type").wire("provider:network_type"),
    text("physical_network").wire("provider:physical_network"),
    int("segmentation_id").optional_computed().wire("provider:segmentation_id"),
];

pub(crate) const NETWORK: Resource = Resource {
    name: "openstack_networking_network_v2",
    doc: Doc::of("A network."),
    service: Service::Network,
    path: "/networks",
    list_path: "/networks",
    envelope: "network",
    collection: "networks",
    microversion: None,
    attributes: &[
        flag("admin_state_up").optional_computed(),
        ALL_TAGS,
        text_set("availability_zone_hints").optional_computed().force_new(),
        text("description"),
        text("dns_domain").optional_computed(),
        flag("external").optional_computed().wire("router:external").sent_if_non_zero(),
        int("mtu").optional_computed(),
        text("name"),
        flag("port_security_enabled").optional_computed(),
        text("qos_policy_id").optional_computed(),
        REGION,
        block_set("segments", SEGMENT).optional_computed(),
        flag("shared").optional_computed(),
        TAGS,
        text("tenant_id").optional_computed().force_new(),
        flag("transparent_vlan")
            .optional_computed()
            .force_new()
            .wire("vlan_transparent")
            .sent_if_non_zero(),
        VALUE_SPECS,
    ],
    timeouts: Timeouts::USUAL,
    status: Status { ready: &["ACTIVE", "DOWN"], failed: &["ERROR"] },
    retry_delete: &[],
    slow_delete: false,
    marker: MarkerField::Description,
    tags: true,
    marks: Marks {
        quota: Some("network"),
        touches: &[(Service::Network, "subnets"), (Service::Network, "ports")],
        ..Marks::NONE
    },
    hooks: &NetworkHooks,
};

struct NetworkHooks;

impl Hooks for NetworkHooks {
    fn validate(&self, config: &Value, diagnostics: &mut Diagnostics) {
        check_domain(config, diagnostics);
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        error.is_conflict_of_a_removal().then(|| {
            "delete the ports on the network first: `openstack port list --network ID`".into()
        })
    }
}

/// Checks that a DNS domain ends with a dot, as Neutron demands.
pub(super) fn check_domain(config: &Value, diagnostics: &mut Diagnostics) {
    if let Some(domain) = config.text("dns_domain").filter(|domain| !domain.ends_with('.')) {
        diagnostics.push(
            Diagnostic::error(
                crate::codes::INVALID,
                format!("invalid value for dns_domain: {domain:?} must end with a dot"),
            )
            .path(terrarium_address::AttrPath::attr("dns_domain")),
        );
    }
}

pub(crate) const NETWORK_DATA: DataSource = DataSource {
    name: "openstack_networking_network_v2",
    thing: "network",
    service: Service::Network,
    path: "/networks",
    collection: "networks",
    attributes: &[
        text("admin_state_up").computed(),
        ALL_TAGS,
        texts("availability_zone_hints").computed(),
        text("description").filter(),
        text("dns_domain").computed(),
        flag("external").wire("router:external").filter(),
        text("matching_subnet_cidr").not_read(),
        int("mtu").filter(),
        text("name").filter(),
        text("network_id").wire("id").filter(),
        REGION,
        object_set("segments", SEGMENT_DATA),
        text("shared").computed(),
        text("status").filter().not_read(),
        texts("subnets").computed(),
        text_set("tags").filter().not_read(),
        text("tenant_id").filter(),
        flag("transparent_vlan").wire("vlan_transparent").filter(),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &NetworkData,
};

const SEGMENT_DATA: &[Attr] = &[
    text("network_type").computed().wire("provider:network_type"),
    text("physical_network").computed().wire("provider:physical_network"),
    int("segmentation_id").computed().wire("provider:segmentation_id"),
];

struct NetworkData;

#[async_trait]
impl DataHooks for NetworkData {
    /// `matching_subnet_cidr` is a property of the networks' subnets.
    async fn list(&self, ask: &Ask<'_>) -> Result<Vec<Json>, ApiError> {
        let mut networks = ask.list().await?;
        let Some(cidr) = ask.config.text("matching_subnet_cidr") else { return Ok(networks) };
        let call = ask.get("/subnets").query(vec![("cidr", cidr.to_owned())]);
        let subnets = ask.session.list(&call, "subnets").await?;
        let ids: Vec<&str> = subnets.iter().map(|subnet| field(subnet, "network_id")).collect();
        networks.retain(|network| ids.contains(&field(network, "id")));
        Ok(networks)
    }

    async fn enrich(&self, _ask: &Ask<'_>, object: &mut Json) -> Result<(), ApiError> {
        // The original shows Go's text of a bool; strings are what configurations compare with.
        for name in ["admin_state_up", "shared"] {
            let text = object.get(name).and_then(Json::as_bool).unwrap_or_default().to_string();
            if let Some(object) = object.as_object_mut() {
                object.insert(name.into(), json!(text));
            }
        }
        Ok(())
    }
}
