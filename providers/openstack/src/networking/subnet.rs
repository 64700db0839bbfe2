//! [Subnets](https://docs.openstack.org/api-ref/network/v2/#subnets).

use async_trait::async_trait;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_address::AttrPath;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::Tenure;
use terrarium_value::{Map, Value};

use super::address::{contains, network_of};
use crate::client::{ApiError, Failure, Service};
use crate::codes;
use crate::data::PlainData;
use crate::look::{Look, elements, field};
use crate::plan::Draft;
use crate::schema::{
    ALL_TAGS, Attr, DataSource, Doc, Literal, MarkerField, Marks, REGION, Resource, Status, TAGS,
    Timeouts, VALUE_SPECS, block_set, element_type, flag, int, objects, text, text_set, texts,
};
use crate::verbs::{Act, Change, Hooks, Scope};

const MODES: &[&str] = &["slaac", "dhcpv6-stateful", "dhcpv6-stateless"];

pub(crate) const SUBNET: Resource = Resource {
    name: "openstack_networking_subnet_v2",
    doc: Doc::of("A subnet: the addresses of a network."),
    service: Service::Network,
    path: "/subnets",
    list_path: "/subnets",
    envelope: "subnet",
    collection: "subnets",
    microversion: None,
    attributes: &[
        ALL_TAGS,
        block_set("allocation_pool", &[text("end").required(), text("start").required()])
            .optional_computed()
            .wire("allocation_pools"),
        text("cidr").optional_computed().force_new().conflicts(&["prefix_length"]),
        text("description"),
        texts("dns_nameservers"),
        flag("dns_publish_fixed_ip"),
        flag("enable_dhcp").or(Literal::Bool(true)),
        text("gateway_ip").optional_computed().conflicts(&["no_gateway"]),
        int("ip_version").force_new().or(Literal::Int(4)).one_of(&["4", "6"]),
        text("ipv6_address_mode").optional_computed().force_new().one_of(MODES),
        text("ipv6_ra_mode").optional_computed().force_new().one_of(MODES),
        text("name"),
        text("network_id").required().force_new(),
        flag("no_gateway").or(Literal::Bool(false)).conflicts(&["gateway_ip"]).local(),
        int("prefix_length").force_new().wire("prefixlen").conflicts(&["cidr"]).not_read(),
        REGION,
        text("segment_id"),
        texts("service_types").optional_computed(),
        text("subnetpool_id").force_new(),
        TAGS,
        text("tenant_id").optional_computed().force_new(),
        VALUE_SPECS,
    ],
    timeouts: Timeouts::USUAL,
    status: Status::NONE,
    retry_delete: &[409],
    slow_delete: false,
    marker: MarkerField::Description,
    tags: true,
    marks: Marks {
        lends: &["id"],
        occupies: &["network_id"],
        quota: Some("subnet"),
        touches: &[(Service::Network, "networks"), (Service::Network, "ports")],
        ..Marks::GUEST
    },
    hooks: &SubnetHooks,
};

struct SubnetHooks;

#[async_trait]
impl Hooks for SubnetHooks {
    fn validate(&self, config: &Value, diagnostics: &mut Diagnostics) {
        let mut wrong = |name: &str, summary: String, help: String| {
            let diagnostic = Diagnostic::error(codes::INVALID, summary).help(help);
            diagnostics.push(diagnostic.path(AttrPath::attr(name)));
        };
        if let Some(cidr) = config.text("cidr") {
            match network_of(cidr) {
                None => wrong(
                    "cidr",
                    format!("expected \"cidr\" to be a valid IPv4 or IPv6 network, got {cidr}"),
                    "write a network address and a prefix length, such as 10.0.0.0/24".into(),
                ),
                Some(network) if has_host_bits(cidr, &network) => wrong(
                    "cidr",
                    format!(
                        "cidr {cidr} doesn't match subnet address {network} for openstack_networking_subnet_v2"
                    ),
                    format!("write {network}"),
                ),
                Some(network) => {
                    let gateway = config.text("gateway_ip");
                    if let Some(gateway) = gateway.filter(|gateway| !contains(&network, gateway)) {
                        wrong(
                            "gateway_ip",
                            format!("gateway_ip {gateway} does not lie in {network}"),
                            "choose an address of the subnet, or set no_gateway = true".into(),
                        );
                    }
                }
            }
        }
        let servers = config.texts("dns_nameservers");
        let twice = servers
            .iter()
            .enumerate()
            .find(|(at, one)| servers.iter().take(*at).any(|two| two == *one));
        if let Some((_, server)) = twice {
            wrong(
                "dns_nameservers",
                format!("got duplicate nameserver {server} for openstack_networking_subnet_v2"),
                "name each server once".into(),
            );
        }
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        if draft.changes("no_gateway") && !draft.config.has("gateway_ip") {
            draft.forget("gateway_ip");
        }
    }

    async fn create_body(
        &self,
        _scope: &Scope<'_>,
        act: &Act<'_>,
        body: &mut JsonMap<String, Json>,
    ) -> Result<(), Failure> {
        let planned = act.planned();
        if planned.flag("no_gateway") == Some(true) {
            body.insert("gateway_ip".into(), Json::Null);
        }
        if !planned.items(ROUTES).is_empty() {
            body.insert(ROUTES.into(), routes_of(&planned));
        }
        Ok(())
    }

    fn update_body(&self, change: &Change<'_>, body: &mut JsonMap<String, Json>) {
        let no_gateway = change.planned.flag("no_gateway") == Some(true);
        if no_gateway && (change.of("no_gateway") || body.contains_key("gateway_ip")) {
            body.insert("gateway_ip".into(), Json::Null);
        }
        if change.prior.get(ROUTES) != change.planned.get(ROUTES) {
            body.insert(ROUTES.into(), routes_of(change.planned));
        }
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut Map) {
        let none = field(object, "gateway_ip").is_empty();
        out.insert("no_gateway".into(), Value::bool(none));
        // Those of somebody else are theirs.
        if let Some(routes) = known.get(ROUTES).filter(|routes| !routes.is_null()) {
            let there = elements(object, ROUTES);
            let is_there = |route: &&Value| {
                there.iter().any(|one| {
                    route.text("destination_cidr") == Some(field(one, "destination"))
                        && route.text("next_hop") == Some(field(one, "nexthop"))
                })
            };
            let routes: Vec<Value> =
                routes.as_items().unwrap_or_default().iter().filter(is_there).cloned().collect();
            out.insert(ROUTES.into(), Value::list(element_type(ROUTE), routes));
        }
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        (error.status() == Some(409))
            .then(|| "delete the ports that have an address of the subnet first".into())
    }
}

/// Routes that a subnet gives its hosts: an argument of the first major version alone.
const ROUTES: &str = "host_routes";

fn routes_of(values: &Value) -> Json {
    let route = |route: &Value| json!({"destination": route.text("destination_cidr"), "nexthop": route.text("next_hop")});
    values.items(ROUTES).iter().map(route).collect()
}

/// Returns whether an address of the network is written where the network's own is meant; IPv6 has
/// many spellings of one address, so meanings are compared.
fn has_host_bits(cidr: &str, network: &str) -> bool {
    let address =
        |text: &str| text.split('/').next().and_then(|a| a.parse::<std::net::IpAddr>().ok());
    address(cidr) != address(network)
}

const POOL: &[Attr] = &[text("end").computed(), text("start").computed()];
const ROUTE: &[Attr] = &[
    text("destination_cidr").computed().wire("destination"),
    text("next_hop").computed().wire("nexthop"),
];

pub(crate) const SUBNET_DATA: DataSource = DataSource {
    name: "openstack_networking_subnet_v2",
    thing: "subnet",
    service: Service::Network,
    path: "/subnets",
    collection: "subnets",
    attributes: &[
        ALL_TAGS,
        objects("allocation_pools", POOL),
        text("cidr").optional_computed().filter(),
        text("description").optional_computed().filter(),
        flag("dhcp_enabled").wire("enable_dhcp").filter().not_read(),
        text_set("dns_nameservers").computed(),
        flag("dns_publish_fixed_ip").filter(),
        flag("enable_dhcp").computed(),
        text("gateway_ip").optional_computed().filter(),
        objects("host_routes", ROUTE),
        int("ip_version").optional_computed().filter().one_of(&["4", "6"]),
        text("ipv6_address_mode").optional_computed().force_new().filter().one_of(MODES),
        text("ipv6_ra_mode").optional_computed().force_new().filter().one_of(MODES),
        text("name").optional_computed().filter(),
        text("network_id").optional_computed().filter(),
        REGION,
        text("segment_id").optional_computed().filter(),
        text_set("service_types").computed(),
        text("subnet_id").optional_computed().wire("id").filter(),
        text("subnetpool_id").optional_computed().filter(),
        text_set("tags").filter().not_read(),
        text("tenant_id").optional_computed().filter(),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &PlainData,
};
