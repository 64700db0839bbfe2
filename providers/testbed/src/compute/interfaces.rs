//! Interfaces of servers, plugged and unplugged while they run.

use serde_json::{Value, json};

use super::{Nova, actions, build, nics, not_found, servers::SERVER, view};
use crate::{
    json,
    network::ports::{self, PORT},
    reply::{Outcome, Reply, no},
    store::Object,
};

/// Answers a call whose path after `os-interface` is `rest`.
pub(super) fn answer(nova: &Nova<'_, '_>, mut server: Object, rest: &[&str]) -> Outcome<Reply> {
    match (nova.method.as_str(), rest) {
        ("GET", []) => {
            let ports = view::ports(nova, &server)?;
            let shown: Vec<Value> = ports.iter().map(show).collect();
            Ok(Reply::json(200, json!({"interfaceAttachments": shown})))
        }
        ("GET", [id]) => {
            let port = of_server(nova, &server, id)?;
            Ok(Reply::json(200, json!({"interfaceAttachment": show(&port)})))
        }
        ("POST", []) => attach(nova, &mut server),
        ("DELETE", [id]) => {
            let port = of_server(nova, &server, id)?;
            actions::check(&server, "detach_interface", RUNNING)?;
            let own = json::texts(&server.body, "_own_ports").contains(&port.id);
            build::drop_port(&nova.cloud, &port.id, own)?;
            for key in ["_nics", "_own_ports"] {
                let mut list = server.list(key).to_vec();
                list.retain(|held| *held != port.id);
                server.set(key, list);
            }
            nova.cloud.put(&SERVER, &server)?;
            Ok(Reply::empty(202))
        }
        _ => Err(not_found()),
    }
}

/// Statuses in which interfaces can be changed.
const RUNNING: &[&str] = &["ACTIVE", "SHUTOFF", "PAUSED"];

fn of_server(nova: &Nova<'_, '_>, server: &Object, id: &str) -> Outcome<Object> {
    if ports::of_project(&nova.cloud, id, &nova.who.project)?.is_none() {
        return Err(no(404, format!("Port id {id} could not be found.")));
    }
    let port = view::ports(nova, server)?.into_iter().find(|port| port.id == id);
    port.ok_or_else(|| no(404, format!("Instance {} does not have a port with id {id}", server.id)))
}

fn attach(nova: &Nova<'_, '_>, server: &mut Object) -> Outcome<Reply> {
    actions::check(server, "attach_interface", RUNNING)?;
    let given = nova.given("interfaceAttachment")?;
    let address = given
        .get("fixed_ips")
        .and_then(|places| places.get(0)?.get("ip_address")?.as_str())
        .unwrap_or_default();
    let nic = match (json::text(&given, "port_id"), json::text(&given, "net_id")) {
        ("", "") => {
            return Err(no(400, "Failed to attach interface: no network or port was given"));
        }
        ("", network) => nics::wished_network(nova, network, address, &[])?,
        (port, _) => nics::Nic::Port(nics::wished_port(nova, port)?),
    };
    let port = nics::attach(nova, server, nic)?;
    let up = server.text("status") == "ACTIVE";
    nova.cloud.amend(&PORT, &port.id, |port| {
        port.set("status", if up { "ACTIVE" } else { "DOWN" });
    })?;
    nova.cloud.put(&SERVER, server)?;
    let port = of_server(nova, server, &port.id)?;
    Ok(Reply::json(200, json!({"interfaceAttachment": show(&port)})))
}

fn show(port: &Object) -> Value {
    json!({
        "port_id": port.id, "net_id": port.text("network_id"),
        "mac_addr": port.text("mac_address"), "port_state": port.text("status"),
        "fixed_ips": port.list("fixed_ips"),
    })
}
