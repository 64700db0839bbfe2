//! The networks of a new server: what was asked for, and the ports that come of it.

use serde_json::{Value, json};

use super::{Nova, servers::SERVER};
use crate::{
    json::{self, Body},
    network::{
        networks::{self, NETWORK},
        plugs,
        ports::{self, PORT},
        security_groups,
        subnets::SUBNET,
    },
    reply::{Outcome, Refusal, no},
    store::{Object, Scan},
};

/// One interface to come.
pub(super) enum Nic {
    /// A port of the user's.
    Port(Object),
    /// A port that Nova makes on a network, perhaps with a wished address.
    Network { network: Object, address: Option<String>, groups: Vec<String> },
}

/// Words of a build that can't give its ports the groups asked for.
const NO_GROUPS: &str = "Network requires port_security_enabled and subnet associated in order to \
                         apply security groups.";

/// Owner of a server's port.
pub(super) const OWNER: &str = "compute:nova";

/// Checks what a create request asks for.
pub(super) fn plan(nova: &Nova<'_, '_>, given: &Body) -> Outcome<Vec<Nic>> {
    let groups = groups(nova, given)?;
    let asked = match given.get("networks") {
        None if nova.since(37) => {
            return Err(no(
                400,
                "Invalid input for field/attribute server. 'networks' is a required property",
            ));
        }
        Some(Value::String(mode)) if !nova.since(37) => {
            return Err(no(
                400,
                format!(
                    "Invalid input for field/attribute networks. Value: {mode}. '{mode}' is not \
                     of type 'array'"
                ),
            ));
        }
        Some(Value::String(mode)) if mode == "none" => return Ok(Vec::new()),
        Some(Value::Array(list)) if !list.is_empty() => list,
        _ => return only_network(nova, groups),
    };
    let mut nics: Vec<Nic> = Vec::new();
    for wish in asked {
        let text = |key: &str| wish.get(key).and_then(Value::as_str).unwrap_or_default();
        let nic = match (text("port"), text("uuid")) {
            ("", "") => return Err(no(400, "Bad networks format: network uuid is missing")),
            ("", network) => wished_network(nova, network, text("fixed_ip"), &groups)?,
            (port, _) => Nic::Port(wished_port(nova, port)?),
        };
        if let Nic::Port(port) = &nic
            && nics.iter().any(|other| matches!(other, Nic::Port(other) if other.id == port.id))
        {
            return Err(in_use(&port.id));
        }
        nics.push(nic);
    }
    Ok(nics)
}

/// Returns the ids of the groups that a request names by name or id.
fn groups(nova: &Nova<'_, '_>, given: &Body) -> Outcome<Vec<String>> {
    let mut ids = Vec::new();
    for wish in given.get("security_groups").and_then(Value::as_array).into_iter().flatten() {
        let name = wish.get("name").and_then(Value::as_str).unwrap_or_default();
        let id = group(nova, name)?;
        // Neutron adds the default group by itself, so Nova leaves it out.
        if name != "default" || given.get("security_groups").is_some_and(|list| list[1].is_object())
        {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Returns the id of the one group with this name or id.
pub(super) fn group(nova: &Nova<'_, '_>, name: &str) -> Outcome<String> {
    let project = &nova.who.project;
    let found = security_groups::by_name(&nova.cloud, project, name)?;
    if found.len() > 1 {
        return Err(no(
            409,
            format!(
                "Multiple security groups found matching '{name}'. Use an ID to be more specific."
            ),
        ));
    }
    if let Some(group) = found.first() {
        return Ok(group.id.clone());
    }
    let by_id = nova.cloud.get(&security_groups::SECURITY_GROUP, name)?;
    by_id
        .filter(|group| group.project == *project)
        .map(|group| group.id)
        .ok_or_else(|| no(400, format!("Unable to find security_group with name or id '{name}'")))
}

/// Returns the one network that a project without a wish gets; Nova refuses to choose.
fn only_network(nova: &Nova<'_, '_>, groups: Vec<String>) -> Outcome<Vec<Nic>> {
    let project = &nova.who.project;
    let mut found = Vec::new();
    nova.cloud.scan(&NETWORK, Scan::default(), &mut |network| {
        if network.project == *project || network.flag("shared") {
            found.push(network);
        }
        found.len() < 2
    })?;
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(network), None) => Ok(vec![Nic::Network { network, address: None, groups }]),
        (Some(_), Some(_)) => {
            Err(no(409, "Multiple possible networks found, use a Network ID to be more specific."))
        }
        (None, _) => Ok(Vec::new()),
    }
}

/// Checks a network that Nova shall make a port on.
pub(super) fn wished_network(
    nova: &Nova<'_, '_>,
    id: &str,
    address: &str,
    groups: &[String],
) -> Outcome<Nic> {
    if uuid::Uuid::try_parse(id).is_err() {
        let message = format!("Bad networks format: network uuid is not in proper format ({id})");
        return Err(no(400, message));
    }
    let network = nova.cloud.get(&NETWORK, id)?;
    let network = network
        .filter(|network| networks::sees(network, &nova.who.project))
        .ok_or_else(|| no(400, format!("Network {id} could not be found.")))?;
    if network.flag("router:external") && network.project != nova.who.project {
        return Err(no(
            403,
            format!("It is not allowed to create an interface on external network {id}"),
        ));
    }
    if !nova.cloud.any(&SUBNET, "network_id", id)? {
        return Err(no(
            400,
            format!("Network {id} requires a subnet in order to boot instances on."),
        ));
    }
    if !address.is_empty() {
        let holders = nova.cloud.find(&PORT, "fixed_ips.ip_address", address)?;
        if let Some(holder) = holders.iter().find(|port| port.text("network_id") == id) {
            return Err(no(
                400,
                format!(
                    "Fixed IP address {address} is already in use on instance {}.",
                    holder.text("device_id")
                ),
            ));
        }
    }
    let address = (!address.is_empty()).then(|| address.to_owned());
    Ok(Nic::Network { network, address, groups: groups.to_vec() })
}

/// Checks a port that a server shall get.
pub(super) fn wished_port(nova: &Nova<'_, '_>, id: &str) -> Outcome<Object> {
    let port = ports::of_project(&nova.cloud, id, &nova.who.project)?
        .ok_or_else(|| no(400, format!("Port id {id} could not be found.")))?;
    if !port.text("device_id").is_empty() {
        return Err(in_use(id));
    }
    // A port that was made without addresses on purpose is fine.
    if port.list("fixed_ips").is_empty() && !port.flag("_ipless") {
        return Err(no(400, format!("Port {id} requires a FixedIP in order to be used.")));
    }
    Ok(port)
}

fn in_use(port: &str) -> Refusal {
    no(409, format!("Port {port} is still in use."))
}

/// Gives a server its ports; returns why the build will fail, if a network has no address left.
pub(super) fn plug(
    nova: &Nova<'_, '_>,
    server: &mut Object,
    nics: Vec<Nic>,
) -> Outcome<Option<String>> {
    for nic in nics {
        let problem = match &nic {
            Nic::Network { network, groups, .. }
                if !groups.is_empty() && !network.flag("port_security_enabled") =>
            {
                NO_GROUPS.to_owned()
            }
            _ => match attach(nova, server, nic) {
                Ok(_) => continue,
                Err(Refusal::Said { kind: "IpAddressGenerationFailure", message, .. }) => {
                    let network = message.rsplit(' ').next().unwrap_or_default();
                    let network = network.trim_end_matches('.');
                    format!("No fixed IP addresses available for network: {network}")
                }
                Err(refusal) => return Err(refusal),
            },
        };
        release(nova, server)?;
        return Ok(Some(format!("Build of instance {} aborted: {problem}", server.id)));
    }
    nova.cloud.put(&SERVER, server)?;
    Ok(None)
}

/// Adds one interface to a server and returns its port.
pub(super) fn attach(nova: &Nova<'_, '_>, server: &mut Object, nic: Nic) -> Outcome<Object> {
    let cloud = &nova.cloud;
    let port = match nic {
        Nic::Port(port) => port,
        Nic::Network { network, address, groups } => {
            let mut wish = Body::new();
            if let Some(address) = address {
                wish.insert("fixed_ips".to_owned(), json!([{"ip_address": address}]));
            }
            if !groups.is_empty() {
                wish.insert("security_groups".to_owned(), json!(groups));
            }
            let port = ports::make_for_service(cloud, &server.project, &network, &wish)?;
            push(server, "_own_ports", &port.id);
            port
        }
    };
    plugs::bind(cloud, &port.id, &server.id, OWNER)?;
    push(server, "_nics", &port.id);
    Ok(port)
}

fn push(server: &mut Object, key: &str, id: &str) {
    let mut list = server.list(key).to_vec();
    list.push(json!(id));
    server.set(key, list);
}

/// Takes the ports away from a server: its own vanish, the user's are free again.
pub(super) fn release(nova: &Nova<'_, '_>, server: &mut Object) -> Outcome<()> {
    let own = json::texts(&server.body, "_own_ports");
    for id in json::texts(&server.body, "_nics") {
        super::build::drop_port(&nova.cloud, &id, own.contains(&id))?;
    }
    server.set("_nics", json!([]));
    server.set("_own_ports", json!([]));
    Ok(nova.cloud.put(&SERVER, server)?)
}
