//! Ports.

use serde_json::{Value, json};

use super::{
    attribute::{Attribute, Check, LONG, fixed, free, required},
    bad,
    collection::{Collection, Hooks},
    floating_ips, forbidden, ipam,
    networks::{self, NETWORK},
    plugs,
    security_groups::{self, SECURITY_GROUP},
    standard,
};
use crate::{
    call::Call,
    cloud::Cloud,
    fault::scramble,
    json::{self, Body},
    reply::{Outcome, Refusal, refuse},
    store::{Kind, Object},
    world,
};

pub(crate) const PORT: Kind = Kind {
    name: "port",
    indexed: &[
        "name",
        "network_id",
        "device_id",
        "mac_address",
        "security_groups",
        "fixed_ips.subnet_id",
        "fixed_ips.ip_address",
    ],
};

const ATTRIBUTES: &[Attribute] = &[
    required("network_id", Check::Id),
    free("name", Check::Text(LONG)),
    free("admin_state_up", Check::Flag),
    free("fixed_ips", Check::Places),
    free("security_groups", Check::Ids),
    free("device_id", Check::Text(LONG)),
    free("device_owner", Check::Text(LONG)),
    free("allowed_address_pairs", Check::List),
    free("extra_dhcp_opts", Check::List),
    free("port_security_enabled", Check::Flag),
    free("dns_name", Check::Text(LONG)),
    free("dns_domain", Check::Text(LONG)),
    free("qos_policy_id", Check::IdOrNull),
    free("binding:host_id", Check::Any),
    free("binding:profile", Check::Any),
    free("binding:vnic_type", Check::Text(LONG)),
    free("mac_address", Check::Mac),
    fixed("propagate_uplink_status", Check::Flag),
    fixed("numa_affinity_policy", Check::Any),
];

/// [API: ports](https://docs.openstack.org/api-ref/network/v2/#ports).
pub(super) const COLLECTION: Collection = Collection {
    plural: "ports",
    singular: "port",
    kind: &PORT,
    attributes: ATTRIBUTES,
    missing: ("PortNotFound", "Port {} could not be found."),
    quota: -1,
    hooks: Hooks {
        create,
        update,
        delete,
        visible: Hooks::own,
        show: Hooks::as_kept,
        action: Hooks::no_action,
    },
};

/// Returns a port with every default but its addresses and groups.
pub(super) fn fresh(cloud: &Cloud<'_>, id: &str, project: &str) -> Body {
    let mut body = standard(cloud, id, project);
    for (key, value) in [
        // A port goes up when something is plugged into it.
        ("status", json!("DOWN")),
        ("admin_state_up", json!(true)),
        ("device_id", json!("")),
        ("device_owner", json!("")),
        ("allowed_address_pairs", json!([])),
        ("extra_dhcp_opts", json!([])),
        ("binding:vnic_type", json!("normal")),
        ("dns_name", json!("")),
        ("dns_domain", json!("")),
        ("dns_assignment", json!([])),
        ("qos_policy_id", Value::Null),
        ("qos_network_policy_id", Value::Null),
        ("port_security_enabled", json!(true)),
        ("security_groups", json!([])),
        ("fixed_ips", json!([])),
    ] {
        body.insert(key.to_owned(), value);
    }
    body
}

fn create(call: &Call<'_>, given: &Body) -> Outcome<Object> {
    privileged(given, "create")?;
    let network = networks::seen(call, json::text(given, "network_id"))?;
    make(&call.cloud, &call.who.project, &network, given)
}

/// Makes a port of `project` on `network` from checked input.
fn make(cloud: &Cloud<'_>, project: &str, network: &Object, given: &Body) -> Outcome<Object> {
    if network.project != project {
        foreign(given, "create")?;
    }
    make_for_service(cloud, project, network, given)
}

/// Makes a port as a service may, which chooses addresses on networks of others too.
pub(crate) fn make_for_service(
    cloud: &Cloud<'_>,
    project: &str,
    network: &Object,
    given: &Body,
) -> Outcome<Object> {
    let id = cloud.new_id()?;
    let mut body = fresh(cloud, &id, project);
    body.insert("network_id".to_owned(), json!(network.id));
    body.extend(given.clone());
    if !given.contains_key("port_security_enabled") {
        let enabled = network.flag("port_security_enabled");
        body.insert("port_security_enabled".to_owned(), json!(enabled));
    }
    let wanted = json::text(given, "mac_address").to_lowercase();
    let mac = if wanted.is_empty() { new_mac(cloud)? } else { free_mac(cloud, network, wanted)? };
    body.insert("mac_address".to_owned(), json!(mac));
    complete_pairs(&mut body, &mac);
    let groups = groups(cloud, project, given, &body)?;
    body.insert("security_groups".to_owned(), json!(groups));
    let asked = given.get("fixed_ips").and_then(Value::as_array).map(Vec::as_slice);
    body.insert("_ipless".to_owned(), json!(asked.is_some_and(<[Value]>::is_empty)));
    let places = ipam::take(cloud, &network.id, asked, &id)?;
    let places: Vec<Value> = places.iter().map(ipam::Place::json).collect();
    body.insert("fixed_ips".to_owned(), places.into());
    Ok(cloud.insert(&PORT, project, body)?)
}

/// Refuses what only the owner of a network may ask of its ports.
fn foreign(given: &Body, verb: &str) -> Outcome<()> {
    let address = given.get("fixed_ips").and_then(Value::as_array).is_some_and(|list| {
        list.iter().any(|place| place.get("ip_address").is_some_and(|ip| !ip.is_null()))
    });
    let rules = [
        (address, "fixed_ips and (rule:{verb}_port:fixed_ips:ip_address)"),
        (!json::text(given, "mac_address").is_empty(), "mac_address"),
        (given.contains_key("port_security_enabled"), "port_security_enabled"),
        (given.contains_key("allowed_address_pairs"), "allowed_address_pairs"),
    ];
    let Some((_, rule)) = rules.iter().find(|(asked, _)| *asked) else { return Ok(()) };
    let rule = rule.replace("{verb}", verb);
    Err(forbidden(&format!("(rule:{verb}_port and (rule:{verb}_port:{rule}))")))
}

/// Refuses what only the site's operators may choose: where a port is bound. Members don't see it either.
fn privileged(given: &Body, verb: &str) -> Outcome<()> {
    let key =
        ["binding:host_id", "binding:profile"].into_iter().find(|key| given.contains_key(*key));
    let Some(key) = key else { return Ok(()) };
    Err(forbidden(&format!("(rule:{verb}_port and rule:{verb}_port:{key})")))
}

/// Completes address pairs: without a hardware address they have the port's own.
fn complete_pairs(body: &mut Body, mac: &str) {
    for pair in
        body.get_mut("allowed_address_pairs").and_then(Value::as_array_mut).into_iter().flatten()
    {
        if let Some(pair) = pair.as_object_mut() {
            pair.entry("mac_address").or_insert_with(|| mac.into());
        }
    }
}

/// Returns the groups of a port: those that were asked for, or the project's default one.
fn groups(cloud: &Cloud<'_>, project: &str, given: &Body, body: &Body) -> Outcome<Vec<String>> {
    let secure = json::flag(body, "port_security_enabled").unwrap_or(true);
    let asked = json::texts(given, "security_groups");
    if !secure {
        if !asked.is_empty() {
            return Err(no_security());
        }
        if !json::texts(body, "allowed_address_pairs").is_empty() {
            return Err(pairs_need_security());
        }
        return Ok(Vec::new());
    }
    if !given.contains_key("security_groups") {
        return Ok(vec![security_groups::default_group(cloud, project)?.id]);
    }
    check_groups(cloud, project, &asked)?;
    Ok(asked)
}

fn check_groups(cloud: &Cloud<'_>, project: &str, ids: &[String]) -> Outcome<()> {
    for id in ids {
        let group = cloud.get(&SECURITY_GROUP, id)?;
        if group.is_none_or(|group| group.project != project) {
            return Err(security_groups::not_found(id));
        }
    }
    Ok(())
}

fn no_security() -> Refusal {
    refuse(
        400,
        "PortSecurityAndIPRequiredForSecurityGroups",
        "Port security must be enabled and port must have an IP address in order to use security \
         groups.",
    )
}

fn pairs_need_security() -> Refusal {
    refuse(
        409,
        "AddressPairAndPortSecurityRequired",
        "Port Security must be enabled in order to have allowed address pairs on a port.",
    )
}

pub(super) fn new_mac(cloud: &Cloud<'_>) -> Outcome<String> {
    let drawn = world::next_id(cloud.conn)?.as_u128();
    let mixed = scramble(u64::try_from(drawn >> 64).unwrap_or_default()).to_be_bytes();
    // Three bytes after OpenStack's own prefix; two ports of one site may meet, as in life.
    Ok(format!("fa:16:3e:{:02x}:{:02x}:{:02x}", mixed[0], mixed[1], mixed[2]))
}

fn free_mac(cloud: &Cloud<'_>, network: &Object, mac: String) -> Outcome<String> {
    let others = cloud.find(&PORT, "mac_address", &mac)?;
    if others.iter().any(|port| port.text("network_id") == network.id) {
        return Err(refuse(
            409,
            "MacAddressInUse",
            format!(
                "Unable to complete operation for network {}. The mac address {mac} is in use.",
                network.id
            ),
        ));
    }
    Ok(mac)
}

fn update(call: &Call<'_>, port: &mut Object, given: &Body) -> Outcome<()> {
    let cloud = &call.cloud;
    privileged(given, "update")?;
    let network = cloud.get(&NETWORK, port.text("network_id"))?;
    if network.is_some_and(|network| network.project != call.who.project) {
        foreign(given, "update")?;
    }
    let secure = json::flag(given, "port_security_enabled")
        .unwrap_or_else(|| port.flag("port_security_enabled"));
    let groups = match given.get("security_groups") {
        Some(_) => json::texts(given, "security_groups"),
        None => json::texts(&port.body, "security_groups"),
    };
    check_groups(cloud, &call.who.project, &groups)?;
    if !secure && !groups.is_empty() {
        return Err(if given.contains_key("security_groups") {
            no_security()
        } else {
            refuse(
                409,
                "PortSecurityPortHasSecurityGroup",
                "Port has security group associated. Cannot disable port security or IP address \
                 until security group is removed.",
            )
        });
    }
    let pairs = given.get("allowed_address_pairs").and_then(Value::as_array);
    if !secure && pairs.is_some_and(|pairs| !pairs.is_empty()) {
        return Err(pairs_need_security());
    }
    let mut given = given.clone();
    complete_pairs(&mut given, port.text("mac_address"));
    if let Some(asked) = given.get("fixed_ips").and_then(Value::as_array).cloned() {
        given.insert("fixed_ips".to_owned(), readdress(cloud, port, &asked)?.into());
    }
    if let Some(asked) = given.get("extra_dhcp_opts").and_then(Value::as_array) {
        let options = merge_options(port.list("extra_dhcp_opts"), asked);
        given.insert("extra_dhcp_opts".to_owned(), options.into());
    }
    Hooks::copied(call, port, &given)
}

/// Moves a port to the addresses asked for; those that stay keep their place.
fn readdress(cloud: &Cloud<'_>, port: &Object, asked: &[Value]) -> Outcome<Vec<Value>> {
    let held = port.list("fixed_ips");
    let same = |wish: &Value, place: &Value| {
        ["subnet_id", "ip_address"].iter().all(|key| match wish.get(*key) {
            None | Some(Value::Null) => true,
            Some(value) => place.get(*key) == Some(value),
        })
    };
    let bad = |what: &str| refuse(400, "BadRequest", what);
    let leaving = held.iter().filter(|place| !asked.iter().any(|wish| same(wish, place)));
    for place in leaving {
        let id = &port.id;
        if [plugs::ROUTER_INTERFACE, plugs::ROUTER_GATEWAY].contains(&port.text("device_owner")) {
            return Err(bad(&format!(
                "Bad ports request: IP updates for port {id} are not allowed."
            )));
        }
        if floating_ips::of_port(cloud, id)?.iter().any(|(fixed, _)| place["ip_address"] == *fixed)
        {
            return Err(bad(&format!(
                "Bad port request: Cannot update the fixed_ips of the port {id}, because its original \
                 fixed_ip has been associated to a floating ip."
            )));
        }
        plugs::give_back(cloud, place)?;
    }
    let mut places = Vec::new();
    for wish in asked {
        if let Some(place) = held.iter().find(|place| same(wish, place) && !places.contains(*place))
        {
            places.push(place.clone());
        } else {
            let wish = std::slice::from_ref(wish);
            let taken = ipam::take(cloud, port.text("network_id"), Some(wish), &port.id)?;
            places.extend(taken.iter().map(ipam::Place::json));
        }
    }
    Ok(places)
}

/// An option sent with a null value is removed, others are set.
fn merge_options(held: &[Value], asked: &[Value]) -> Vec<Value> {
    let name = |option: &Value| option.get("opt_name").cloned();
    let mut options: Vec<Value> = held
        .iter()
        .filter(|option| !asked.iter().any(|new| name(new) == name(option)))
        .cloned()
        .collect();
    options.extend(
        asked.iter().filter(|new| new.get("opt_value").is_some_and(|v| !v.is_null())).cloned(),
    );
    options
}

fn delete(call: &Call<'_>, port: &Object) -> Outcome<()> {
    let owner = port.text("device_owner");
    if [plugs::ROUTER_INTERFACE, plugs::ROUTER_GATEWAY].contains(&owner) {
        return Err(refuse(
            409,
            "ServicePortInUse",
            format!(
                "Port {} cannot be deleted directly via the port API: has device owner {owner}.",
                port.id
            ),
        ));
    }
    plugs::vacate(&call.cloud, port)
}

/// Returns the port `id` of `project`.
pub(crate) fn of_project(cloud: &Cloud<'_>, id: &str, project: &str) -> Outcome<Option<Object>> {
    Ok(cloud.get(&PORT, id)?.filter(|port| port.project == project))
}

/// Returns the refusal of a port that nobody has, where another request names it.
pub(super) fn not_found(id: &str) -> Refusal {
    if id.is_empty() {
        return bad("Invalid input for port_id. Reason: '' is not a valid UUID.");
    }
    refuse(404, "PortNotFound", format!("Port {id} could not be found."))
}
