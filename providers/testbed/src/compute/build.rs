//! The life of a server in time: building, settling, failing, going away.

use serde_json::{Value, json};

use super::{devices, quota, servers::SERVER};
use crate::{
    cloud::Cloud,
    due::What,
    fault::{self, scramble},
    json,
    network::{plugs, ports::PORT},
    reply::Outcome,
    reservation::scheduling,
    site::Hardware,
    store::Object,
};

/// How long a virtual machine boots.
const VIRTUAL_BOOT_S: u32 = 60;
/// How long a bare-metal node boots: from ten to fifteen minutes.
const BARE_BOOT_S: std::ops::Range<u32> = 600..900;
/// How long a node boots whose devices hang on a composable fabric.
const SLOW_BOOT_S: std::ops::Range<u32> = 1_200..1_800;
/// How long the scheduler looks for a host before it gives up.
const FAILURE_S: u32 = 5;
/// How long a deletion takes: a virtual machine, a node that is cleaned.
const DELETION_S: (u32, u32) = (5, 60);

/// What a server will be when a change has settled.
pub(super) struct Next<'n> {
    pub(super) status: &'n str,
    /// The task that is shown until then.
    pub(super) task: &'n str,
    pub(super) seconds: u32,
}

/// Returns the internal states that a status stands for.
fn states(status: &str) -> (&'static str, i64) {
    match status {
        "ACTIVE" => ("active", 1),
        "SHUTOFF" => ("stopped", 4),
        "PAUSED" => ("paused", 3),
        "SUSPENDED" => ("suspended", 4),
        "SHELVED_OFFLOADED" => ("shelved_offloaded", 0),
        "VERIFY_RESIZE" => ("resized", 1),
        "RESCUE" => ("rescued", 1),
        "ERROR" => ("error", 0),
        _ => ("building", 0),
    }
}

/// Begins the boot of a new server.
pub(super) fn start(cloud: &Cloud<'_>, server: &mut Object) -> Outcome<()> {
    let seconds = match cloud.site.hardware {
        Hardware::BareMetal => {
            let range =
                if scheduling::boots_slowly(cloud, server) { SLOW_BOOT_S } else { BARE_BOOT_S };
            let span = u64::from(range.end - range.start);
            let drawn = scramble(u64::try_from(server.seq).unwrap_or_default()) % span;
            range.start + u32::try_from(drawn).unwrap_or_default()
        }
        Hardware::Virtual | Hardware::Edge => VIRTUAL_BOOT_S,
    };
    change(cloud, server, &Next { status: "ACTIVE", task: "spawning", seconds })
}

/// Lets the build of a new server fail as `reason` says.
pub(super) fn fail(cloud: &Cloud<'_>, server: &mut Object, reason: &str) -> Outcome<()> {
    server.set("_doom", reason);
    server.body.shift_remove("_seat");
    change(cloud, server, &Next { status: "ERROR", task: "scheduling", seconds: FAILURE_S })
}

/// Begins a change that settles later.
pub(super) fn change(cloud: &Cloud<'_>, server: &mut Object, next: &Next<'_>) -> Outcome<()> {
    server.set("OS-EXT-STS:task_state", next.task);
    server.set("_next", next.status);
    server.set("updated", cloud.stamp());
    cloud.put(&SERVER, server)?;
    cloud.later(next.seconds, What::ServerSettles, &server.id)
}

/// Puts a server into a status at once.
pub(super) fn become_now(cloud: &Cloud<'_>, server: &mut Object, status: &str) {
    let (vm_state, power) = states(status);
    server.set("status", status);
    server.set("OS-EXT-STS:vm_state", vm_state);
    server.set("OS-EXT-STS:power_state", power);
    server.set("OS-EXT-STS:task_state", Value::Null);
    server.set("updated", cloud.stamp());
}

/// A change of a server settles.
pub(crate) fn settle(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut server) = cloud.get(&SERVER, id)? else { return Ok(()) };
    let Some(next) = server.body.shift_remove("_next") else { return Ok(()) };
    let next = next.as_str().unwrap_or("ACTIVE").to_owned();
    become_now(cloud, &mut server, &next);
    if let Some(reason) = server.body.shift_remove("_doom") {
        server.set("fault", json!({"code": 500, "created": cloud.stamp(), "message": reason}));
    }
    if next == "ACTIVE" && server.text("OS-SRV-USG:launched_at").is_empty() {
        let launched = cloud.now.strftime("%Y-%m-%dT%H:%M:%S.000000").to_string();
        server.set("OS-SRV-USG:launched_at", launched);
        server.set("hostId", crate::seed::plain_id("host", id).repeat(2)[..56].to_owned());
        server.set("progress", 0);
        if server.text("OS-EXT-AZ:availability_zone").is_empty() {
            let zone = scheduling::zone(&server);
            server.set("OS-EXT-AZ:availability_zone", zone);
        }
    }
    if ["ACTIVE", "SHUTOFF"].contains(&next.as_str()) {
        let up = if next == "ACTIVE" { "ACTIVE" } else { "DOWN" };
        for port in json::texts(&server.body, "_nics") {
            cloud.amend(&PORT, &port, |port| port.set("status", up))?;
        }
    }
    Ok(cloud.put(&SERVER, &server)?)
}

/// Begins the deletion of a server; a second request changes nothing.
pub(crate) fn delete(cloud: &Cloud<'_>, mut server: Object) -> Outcome<()> {
    if server.text("OS-EXT-STS:task_state") == "deleting" {
        return Ok(());
    }
    cloud.cancel(What::ServerSettles, &server.id)?;
    server.body.shift_remove("_next");
    server.set("OS-EXT-STS:task_state", "deleting");
    server.set("updated", cloud.stamp());
    cloud.put(&SERVER, &server)?;
    let seconds = match cloud.site.hardware {
        Hardware::BareMetal => DELETION_S.1,
        Hardware::Virtual | Hardware::Edge => DELETION_S.0,
    };
    cloud.later(seconds, What::ServerGone, &server.id)
}

/// Begins the deletion of the servers that have a seat by a reservation that ends.
pub(crate) fn evict(cloud: &Cloud<'_>, seat: &str, reservation: &str) -> Outcome<()> {
    for server in cloud.find(&SERVER, "_seat", seat)? {
        if server.body.get("_hints").is_some_and(|hints| hints["reservation"] == reservation) {
            delete(cloud, server)?;
        }
    }
    Ok(())
}

/// Tells whether a server has a seat.
pub(crate) fn is_occupied(cloud: &Cloud<'_>, seat: &str) -> Outcome<bool> {
    Ok(cloud.any(&SERVER, "_seat", seat)?)
}

/// Removes all servers of a flavor: whoever lent it waits until they are gone.
pub(crate) fn expel(cloud: &Cloud<'_>, flavor: &str) -> Outcome<()> {
    for server in cloud.find(&SERVER, "_flavor", flavor)? {
        cloud.cancel(What::ServerSettles, &server.id)?;
        cloud.cancel(What::ServerGone, &server.id)?;
        vanish(cloud, &server.id)?;
    }
    Ok(())
}

/// A deletion comes to its end: the server is gone, unless it fails inside Nova.
pub(crate) fn deleted(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut server) = cloud.get(&SERVER, id)? else { return Ok(()) };
    if !fault::fails_deletion(cloud.conn, "server", &server)? {
        return vanish(cloud, id);
    }
    become_now(cloud, &mut server, "ERROR");
    let message = "Failed to terminate the instance: its host does not answer.";
    server.set("fault", json!({"code": 500, "created": cloud.stamp(), "message": message}));
    Ok(cloud.put(&SERVER, &server)?)
}

/// A server is gone: its quota, ports and volumes are free.
pub(crate) fn vanish(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(server) = cloud.get(&SERVER, id)? else { return Ok(()) };
    let own = json::texts(&server.body, "_own_ports");
    for port in json::texts(&server.body, "_nics") {
        drop_port(cloud, &port, own.contains(&port))?;
    }
    devices::free(cloud, &server)?;
    let share = quota::Share { cores: server.number("_cores"), ram: server.number("_ram") };
    quota::give_back(cloud, &server.project, share)?;
    Ok(cloud.remove(&SERVER, &server)?)
}

/// Takes a port away from its server: one that Nova made vanishes, the user's is free again.
pub(super) fn drop_port(cloud: &Cloud<'_>, id: &str, own: bool) -> Outcome<()> {
    if !own {
        return plugs::bind(cloud, id, "", "");
    }
    match cloud.get(&PORT, id)? {
        Some(port) => plugs::unplug(cloud, &port),
        None => Ok(()),
    }
}
