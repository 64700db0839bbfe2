//! [Routers](https://docs.openstack.org/api-ref/network/v2/#routers-routers).

use async_trait::async_trait;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_provider::{ApplyReply, Tenure};
use terrarium_value::{Map, Value};

use super::is_exhausted;
use crate::client::{ApiError, Failure, Service, Verb};
use crate::data::DataHooks;
use crate::look::{Look, field};
use crate::plan::Draft;
use crate::schema::{
    ALL_TAGS, Attr, DataSource, Doc, Literal, MarkerField, Marks, REGION, Resource, Shape, Status,
    TAGS, Timeouts, VALUE_SPECS, block_set, blocks, flag, objects, text, text_set, texts,
};
use crate::verbs::{Act, Change, Hooks, Scope, create_body, finish_create, unwrapped};
use crate::wire::from_json;

const FIXED_IP: &[Attr] =
    &[text("ip_address").optional_computed(), text("subnet_id").optional_computed()];

pub(crate) const ROUTER: Resource = Resource {
    name: "openstack_networking_router_v2",
    doc: Doc::of("A router between networks, and to the outside."),
    service: Service::Network,
    path: "/routers",
    list_path: "/routers",
    envelope: "router",
    collection: "routers",
    microversion: None,
    attributes: &[
        flag("admin_state_up").optional_computed(),
        ALL_TAGS,
        texts("availability_zone_hints").optional_computed().force_new(),
        text("description"),
        flag("distributed").optional_computed().force_new(),
        flag("enable_snat").optional_computed().local().needs(&["external_network_id"]),
        blocks("external_fixed_ip", FIXED_IP).optional_computed().local(),
        text("external_network_id").optional_computed().local(),
        text("external_qos_policy_id").optional_computed().local().needs(&["external_network_id"]),
        texts("external_subnet_ids")
            .local()
            .conflicts(&["external_fixed_ip"])
            .needs(&["external_network_id"]),
        text("flavor_id").force_new(),
        text("name"),
        REGION,
        TAGS,
        text("tenant_id").optional_computed().force_new(),
        VALUE_SPECS,
        block_set(
            "vendor_options",
            &[flag("set_router_gateway_after_create").or(Literal::Bool(false))],
        )
        .at_most(1)
        .local(),
    ],
    timeouts: Timeouts::USUAL,
    status: Status { ready: &["ACTIVE"], failed: &["ERROR"] },
    retry_delete: &[],
    slow_delete: false,
    marker: MarkerField::Description,
    tags: true,
    marks: Marks {
        turns: &["id"],
        quota: Some("router"),
        touches: &[(Service::Network, "ports"), (Service::Network, "floatingips")],
        ..Marks::NONE
    },
    hooks: &RouterHooks,
};

struct RouterHooks;

#[async_trait]
impl Hooks for RouterHooks {
    fn plan(&self, draft: &mut Draft<'_>) {
        if draft.changes("external_network_id") {
            if draft.config.items("external_fixed_ip").is_empty() {
                draft.forget("external_fixed_ip");
            }
            if !draft.config.has("enable_snat") {
                draft.forget("enable_snat");
            }
        }
    }

    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let planned = act.planned();
        let body = create_body(scope, act);
        // A gateway that comes later is the first of what follows.
        let gateways = match self.follow_ups(&planned) {
            [] => gateways(&planned),
            _ => Vec::new(),
        };
        let object = try_gateways(scope, act, (Verb::Post, "/routers"), &body, gateways).await?;
        finish_create(scope, act, object).await
    }

    fn follow_ups(&self, planned: &Value) -> &'static [&'static str] {
        let later = planned
            .items("vendor_options")
            .iter()
            .any(|one| one.flag("set_router_gateway_after_create") == Some(true));
        if later && planned.text("external_network_id").is_some() { &["gateway"] } else { &[] }
    }

    async fn follow_up(
        &self,
        scope: &Scope<'_>,
        act: &mut Act<'_>,
        object: Json,
    ) -> Result<Json, Failure> {
        let planned = act.planned();
        let there = object.get("external_gateway_info").is_some_and(|gateway| !gateway.is_null());
        if there {
            return Ok(object);
        }
        let path = scope.path(field(&object, "id"));
        let put = (Verb::Put, path.as_str());
        try_gateways(scope, act, put, &JsonMap::new(), gateways(&planned)).await
    }

    fn update_body(&self, change: &Change<'_>, body: &mut JsonMap<String, Json>) {
        let parts =
            ["external_network_id", "enable_snat", "external_fixed_ip", "external_qos_policy_id"];
        if !parts.iter().any(|part| change.of(part)) {
            return;
        }
        body.insert("external_gateway_info".into(), changed_gateway(change));
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut Map) {
        let gateway = object.get("external_gateway_info").unwrap_or(&Json::Null);
        out.insert("external_network_id".into(), Value::string(field(gateway, "network_id")));
        out.insert("enable_snat".into(), from_json(&Shape::Bool, gateway.get("enable_snat")));
        let fixed = Shape::Blocks { set: false, attributes: FIXED_IP, max: None };
        let there = from_json(&fixed, gateway.get("external_fixed_ips"));
        let kept = known
            .get("external_fixed_ip")
            .filter(|known| known.is_null() && there.as_items().is_some_and(<[Value]>::is_empty));
        out.insert("external_fixed_ip".into(), kept.cloned().unwrap_or(there));
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        error
            .is_conflict_of_a_removal()
            .then(|| "remove the router's interfaces and routes first".into())
    }
}

/// Returns the gateways to try, one per subnet where several are given; none without a network.
fn gateways(planned: &Value) -> Vec<Json> {
    let Some(network) = planned.text("external_network_id") else { return Vec::new() };
    let mut gateway = JsonMap::from_iter([("network_id".to_owned(), json!(network))]);
    if let Some(snat) = planned.flag("enable_snat") {
        gateway.insert("enable_snat".into(), json!(snat));
    }
    if let Some(policy) = planned.text("external_qos_policy_id") {
        gateway.insert("qos_policy_id".into(), json!(policy));
    }
    let fixed: Vec<Json> = planned.items("external_fixed_ip").iter().map(fixed_ip).collect();
    if !fixed.is_empty() {
        gateway.insert("external_fixed_ips".into(), json!(fixed));
    }
    let subnets = planned.texts("external_subnet_ids");
    if subnets.is_empty() {
        return vec![Json::Object(gateway)];
    }
    let with_subnet = |subnet: &str| {
        let mut gateway = gateway.clone();
        gateway.insert("external_fixed_ips".into(), json!([{ "subnet_id": subnet }]));
        Json::Object(gateway)
    };
    subnets.into_iter().map(with_subnet).collect()
}

/// Returns what changes of the gateway; without a network there is none any more.
///
/// Policies keep some of it for administrators, and refuse to members even what is as it was. What is
/// configured other than Neutron would have it is said again: it forgets it with each new gateway.
fn changed_gateway(change: &Change<'_>) -> Json {
    let Some(mut gateway) = gateways(change.planned).into_iter().next() else { return json!({}) };
    let moves = change.of("external_network_id");
    let kept_off =
        change.is_configured("enable_snat") && change.planned.flag("enable_snat") == Some(false);
    let said = |name: &str| change.of(name) || (moves && change.is_configured(name));
    let parts = [
        ("enable_snat", said("enable_snat") || kept_off),
        ("qos_policy_id", said("external_qos_policy_id")),
        ("external_fixed_ips", said("external_fixed_ip") || said("external_subnet_ids")),
    ];
    if let Some(gateway) = gateway.as_object_mut() {
        for (part, is_said) in parts {
            if !is_said {
                gateway.remove(part);
            }
        }
        if change.of("external_qos_policy_id") {
            gateway.entry("qos_policy_id").or_insert(Json::Null);
        }
    }
    gateway
}

fn fixed_ip(block: &Value) -> Json {
    let fields = ["ip_address", "subnet_id"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), json!(block.text(name)?))));
    Json::Object(fields.collect())
}

/// Sends the body with each gateway in turn, until one has an address left.
async fn try_gateways(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    (verb, path): (Verb, &str),
    body: &JsonMap<String, Json>,
    gateways: Vec<Json>,
) -> Result<Json, Failure> {
    let mut bodies: Vec<JsonMap<String, Json>> = gateways
        .into_iter()
        .map(|gateway| {
            let mut body = body.clone();
            body.insert("external_gateway_info".into(), gateway);
            body
        })
        .collect();
    if bodies.is_empty() {
        bodies.push(body.clone());
    }
    let last = bodies.len() - 1;
    for (at, body) in bodies.into_iter().enumerate() {
        let call = scope.call(verb, path).body(json!({ "router": body }));
        let sent = match verb {
            Verb::Post => scope.session.create(act.step(), &call).await,
            _ => scope.session.once(&mut act.step(), &call).await,
        };
        match sent {
            Err(failure) if at < last && is_exhausted(&failure) => {}
            sent => return sent.map(|reply| unwrapped(reply, "router")),
        }
    }
    Err(Failure::other("no subnet of the external network has an address left"))
}

const FIXED_IP_DATA: &[Attr] = &[text("ip_address"), text("subnet_id")];
const ROUTE: &[Attr] = &[
    text("destination_cidr").computed().wire("destination"),
    text("next_hop").computed().wire("nexthop"),
];

pub(crate) const ROUTER_DATA: DataSource = DataSource {
    name: "openstack_networking_router_v2",
    thing: "router",
    service: Service::Network,
    path: "/routers",
    collection: "routers",
    attributes: &[
        flag("admin_state_up").filter(),
        ALL_TAGS,
        texts("availability_zone_hints").computed(),
        text("description").filter(),
        flag("distributed").filter(),
        flag("enable_snat").optional_computed().not_read(),
        objects("external_fixed_ip", FIXED_IP_DATA).local(),
        text("external_network_id").computed().local(),
        text("external_qos_policy_id").computed().local(),
        text("flavor_id").optional_computed().filter(),
        text("name").filter(),
        text("region").local(),
        text("router_id").wire("id").filter(),
        objects("routes", ROUTE),
        text("status").filter(),
        text_set("tags").filter().not_read(),
        text("tenant_id").filter(),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &RouterData,
};

struct RouterData;

impl DataHooks for RouterData {
    fn decode(&self, object: &Json, _config: &Value, out: &mut Map) {
        let gateway = object.get("external_gateway_info").unwrap_or(&Json::Null);
        out.insert("external_network_id".into(), Value::string(field(gateway, "network_id")));
        out.insert("external_qos_policy_id".into(), Value::string(field(gateway, "qos_policy_id")));
        out.insert("enable_snat".into(), from_json(&Shape::Bool, gateway.get("enable_snat")));
        let fixed = Shape::Objects { set: false, attributes: FIXED_IP_DATA };
        out.insert(
            "external_fixed_ip".into(),
            from_json(&fixed, gateway.get("external_fixed_ips")),
        );
    }
}
