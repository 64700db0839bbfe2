//! A server's `network` blocks, read back from its addresses and its ports.

use std::collections::HashMap;

use serde_json::Value as Json;
use terrarium_value::{Map, Value};

use super::NETWORK;
use crate::client::Service;
use crate::look::{Look, elements, field};
use crate::schema::element_type;
use crate::verbs::Scope;

/// Where a server's JSON holds its ports.
pub(super) const PORTS: &str = "terrarium:ports";

/// Servers whose ports one query asks for.
const SERVERS_PER_CALL: usize = 40;

/// One network interface of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Nic {
    name: String,
    mac: String,
    v4: String,
    v6: String,
    port: String,
    network: String,
}

/// Reads the ports of servers; an empty map where the network service doesn't tell.
pub(super) async fn ports_of(scope: &Scope<'_>, servers: &[String]) -> HashMap<String, Vec<Json>> {
    let mut ports: HashMap<String, Vec<Json>> = HashMap::new();
    for chunk in servers.chunks(SERVERS_PER_CALL) {
        let query = chunk.iter().map(|id| ("device_id", id.clone())).collect();
        let call = scope.get(Service::Network, "/ports").query(query);
        // Without its ports a server is still readable: its addresses tell nearly as much.
        for port in scope.session.list(&call, "ports").await.unwrap_or_default() {
            ports.entry(field(&port, "device_id").to_owned()).or_default().push(port);
        }
    }
    ports
}

/// Fills in `network`, `access_ip_v4` and `access_ip_v6`.
pub(super) fn decode(object: &Json, known: &Value, out: &mut Map) {
    let nics = nics(object);
    let blocks = known.items("network");
    let networks: Vec<Value> = if blocks.is_empty() {
        nics.iter().map(|nic| network(&Value::null(element_type(NETWORK)), nic)).collect()
    } else {
        matched(blocks, nics.clone()).iter().map(|(block, nic)| network(block, nic)).collect()
    };
    let (v4, v6) = access(object, &networks);
    out.insert("network".into(), Value::list(element_type(NETWORK), networks));
    out.insert("access_ip_v4".into(), Value::string(v4));
    out.insert("access_ip_v6".into(), Value::string(v6));
}

/// Lists the interfaces, in the order of the addresses.
fn nics(object: &Json) -> Vec<Nic> {
    let by_mac = by_mac(object);
    let ports = elements(object, PORTS);
    if ports.is_empty() {
        return by_mac;
    }
    let nic = |port: &Json| {
        let mac = field(port, "mac_address");
        let found = by_mac.iter().find(|nic| nic.mac == mac).cloned().unwrap_or_default();
        let mut nic = Nic {
            mac: mac.to_owned(),
            port: field(port, "id").to_owned(),
            network: field(port, "network_id").to_owned(),
            ..found
        };
        for fixed in elements(port, "fixed_ips") {
            let address = field(fixed, "ip_address");
            if address.contains(':') && nic.v6.is_empty() {
                nic.v6 = format!("[{address}]");
            } else if !address.contains(':') && nic.v4.is_empty() {
                address.clone_into(&mut nic.v4);
            }
        }
        nic
    };
    // The addresses stand in the order in which the server got its interfaces, the ports do not.
    let mut nics: Vec<Nic> = ports.iter().map(nic).collect();
    nics.sort_by_key(|nic| by_mac.iter().position(|one| one.mac == nic.mac).unwrap_or(usize::MAX));
    nics
}

fn by_mac(object: &Json) -> Vec<Nic> {
    let mut nics: Vec<Nic> = Vec::new();
    for (name, addresses) in object.get("addresses").and_then(Json::as_object).into_iter().flatten()
    {
        for address in addresses.as_array().into_iter().flatten() {
            if field(address, "OS-EXT-IPS:type") == "floating" {
                continue;
            }
            let mac = field(address, "OS-EXT-IPS-MAC:mac_addr");
            let at = nics.iter().position(|nic| nic.mac == mac && nic.name == *name);
            let at = at.unwrap_or_else(|| {
                nics.push(Nic { name: name.clone(), mac: mac.to_owned(), ..Nic::default() });
                nics.len() - 1
            });
            let Some(nic) = nics.get_mut(at) else { continue };
            let text = field(address, "addr");
            if address.get("version").and_then(Json::as_i64) == Some(6) {
                nic.v6 = format!("[{text}]");
            } else if nic.v4.is_empty() {
                text.clone_into(&mut nic.v4);
            }
        }
    }
    nics
}

/// Finds the interface of each configured block: by its port, else the first unused one of its network.
fn matched(blocks: &[Value], mut nics: Vec<Nic>) -> Vec<(&Value, Nic)> {
    let mut all = Vec::with_capacity(blocks.len());
    for block in blocks {
        let fits = |nic: &Nic| match (block.text("port"), block.text("uuid"), block.text("name")) {
            (Some(port), ..) if !nic.port.is_empty() => nic.port == port,
            (_, Some(uuid), _) if !nic.network.is_empty() => nic.network == uuid,
            (_, _, Some(name)) => nic.name == name,
            _ => true,
        };
        let nic = nics.iter().position(fits).map(|at| nics.remove(at)).unwrap_or_default();
        all.push((block, nic));
    }
    all
}

fn network(block: &Value, nic: &Nic) -> Value {
    let text = |name: &str, there: &str| {
        let known = block.text(name).unwrap_or_default();
        // An interface that was not found keeps what was configured.
        Value::string(if there.is_empty() { known } else { there })
    };
    Value::object_of([
        ("access_network", Value::bool(block.flag("access_network").unwrap_or(false))),
        ("fixed_ip_v4", text("fixed_ip_v4", &nic.v4)),
        ("fixed_ip_v6", text("fixed_ip_v6", &nic.v6)),
        ("mac", text("mac", &nic.mac)),
        ("name", text("name", &nic.name)),
        ("port", text("port", &nic.port)),
        ("uuid", text("uuid", &nic.network)),
    ])
}

/// Returns the addresses to reach a server by: the last block marked so, else the first with one.
fn access(object: &Json, networks: &[Value]) -> (String, String) {
    let pick = |name: &str| {
        let marked = networks.iter().rev().filter(|one| one.flag("access_network") == Some(true));
        let found = marked.chain(networks).find_map(|one| one.text(name)).unwrap_or_default();
        found.to_owned()
    };
    let (v4, v6) = (pick("fixed_ip_v4"), pick("fixed_ip_v6"));
    let or = |found: String, key: &str| {
        if found.is_empty() { field(object, key).to_owned() } else { found }
    };
    (or(v4, "accessIPv4"), or(v6, "accessIPv6"))
}
