//! What can be done to a server: a row per action, and the few that need more than a row.

use serde_json::{Value, json};

use super::{
    Nova,
    build::{self, Next},
    flavors, launch, nics, quota,
    servers::SERVER,
    view,
};
use crate::{
    json::{self, Body},
    network::ports::PORT,
    reply::{Outcome, Refusal, Reply, no},
    store::Object,
};

/// An action that only moves a server from a status to another.
struct Action {
    name: &'static str,
    /// Nova's name in its refusals.
    verb: &'static str,
    /// Statuses in which it is allowed.
    from: &'static [&'static str],
    task: &'static str,
    /// Status that is shown while it lasts, if not the former one.
    during: Option<&'static str>,
    to: &'static str,
    seconds: u32,
}

const fn action(
    (name, verb): (&'static str, &'static str),
    from: &'static [&'static str],
    task: &'static str,
    to: &'static str,
    seconds: u32,
) -> Action {
    Action { name, verb, from, task, during: None, to, seconds }
}

const ACTIONS: &[Action] = &[
    action(("os-stop", "stop"), &["ACTIVE", "ERROR"], "powering-off", "SHUTOFF", 5),
    action(("os-start", "start"), &["SHUTOFF"], "powering-on", "ACTIVE", 5),
    action(("pause", "pause"), &["ACTIVE"], "pausing", "PAUSED", 2),
    action(("unpause", "unpause"), &["PAUSED"], "unpausing", "ACTIVE", 2),
    action(("suspend", "suspend"), &["ACTIVE"], "suspending", "SUSPENDED", 5),
    action(("resume", "resume"), &["SUSPENDED"], "resuming", "ACTIVE", 5),
    action(
        ("shelve", "shelve"),
        &["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"],
        "shelving",
        "SHELVED_OFFLOADED",
        20,
    ),
    action(("unshelve", "unshelve"), &["SHELVED_OFFLOADED"], "spawning", "ACTIVE", 20),
    Action {
        name: "reboot",
        verb: "reboot",
        from: &["ACTIVE", "SHUTOFF"],
        task: "rebooting",
        during: Some("REBOOT"),
        to: "ACTIVE",
        seconds: 20,
    },
    action(("rescue", "rescue"), &["ACTIVE", "SHUTOFF"], "rescuing", "RESCUE", 20),
    action(("unrescue", "unrescue"), &["RESCUE"], "unrescuing", "ACTIVE", 20),
];

/// Answers `POST /servers/{id}/action`.
pub(super) fn answer(nova: &Nova<'_, '_>, mut server: Object) -> Outcome<Reply> {
    let body = json::map(nova.body.clone());
    let Some((name, arguments)) = body.iter().next() else {
        return Err(no(400, "Malformed request body"));
    };
    let arguments = json::map(arguments.clone());
    if let Some(action) = ACTIONS.iter().find(|action| action.name == name) {
        return perform(nova, server, action);
    }
    match name.as_str() {
        "resize" => resize(nova, server, &arguments),
        "confirmResize" => {
            check(&server, "confirmResize", &["VERIFY_RESIZE"])?;
            finish_resize(nova, server, false)?;
            Ok(Reply::empty(204))
        }
        "revertResize" => {
            check(&server, "revertResize", &["VERIFY_RESIZE"])?;
            finish_resize(nova, server, true)?;
            Ok(Reply::empty(202))
        }
        "rebuild" => rebuild(nova, server, &arguments),
        "addSecurityGroup" | "removeSecurityGroup" => {
            change_groups(nova, &server, json::text(&arguments, "name"), name == "addSecurityGroup")
        }
        "changePassword" => {
            check(&server, "change_password", &["ACTIVE"])?;
            Ok(Reply::empty(202))
        }
        "lock" | "unlock" => {
            server.set("_locked", name == "lock");
            nova.cloud.put(&SERVER, &server)?;
            Ok(Reply::empty(202))
        }
        "forceDelete" => {
            build::delete(&nova.cloud, server)?;
            Ok(Reply::empty(202))
        }
        "os-getConsoleOutput" => Ok(Reply::json(200, json!({"output": console(&server)}))),
        "os-resetState" => Err(no(
            403,
            "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.",
        )),
        _ => Err(no(400, format!("There is no such action: {name}"))),
    }
}

fn console(server: &Object) -> String {
    format!("cloud-init: {} finished\n{} login: ", server.text("created"), server.text("name"))
}

/// Refuses an action in a status or during a task that does not allow it.
pub(super) fn check(server: &Object, verb: &str, from: &[&str]) -> Outcome<()> {
    let task = server.text("OS-EXT-STS:task_state");
    if !task.is_empty() {
        return Err(conflict(server, verb, "task_state", task));
    }
    if !from.contains(&server.text("status")) {
        return Err(conflict(server, verb, "vm_state", server.text("OS-EXT-STS:vm_state")));
    }
    Ok(())
}

fn conflict(server: &Object, verb: &str, attribute: &str, state: &str) -> Refusal {
    let id = &server.id;
    no(409, format!("Cannot '{verb}' instance {id} while it is in {attribute} {state}"))
}

fn perform(nova: &Nova<'_, '_>, mut server: Object, action: &Action) -> Outcome<Reply> {
    check(&server, action.verb, action.from)?;
    if let Some(status) = action.during {
        server.set("status", status);
    }
    let next = Next { status: action.to, task: action.task, seconds: action.seconds };
    build::change(&nova.cloud, &mut server, &next)?;
    Ok(Reply::empty(202))
}

fn resize(nova: &Nova<'_, '_>, mut server: Object, given: &Body) -> Outcome<Reply> {
    check(&server, "resize", &["ACTIVE", "SHUTOFF"])?;
    let wanted = json::text(given, "flavorRef");
    let project = &nova.who.project;
    let flavor = flavors::find(&nova.cloud, wanted, project)?
        .ok_or_else(|| no(400, format!("Flavor {wanted} could not be found.")))?;
    if flavor.id == server.text("_flavor") {
        return Err(no(400, "When resizing, instances must change flavor!"));
    }
    let old = share(&server);
    let new = quota::Share { cores: flavor.number("vcpus"), ram: flavor.number("ram") };
    quota::resize(&nova.cloud, project, old, new)?;
    let former = json!({"_flavor": server.text("_flavor"), "_seat": server.text("_seat"), "_shape": server.body.get("_shape"),
        "_cores": old.cores, "_ram": old.ram, "status": server.text("status")});
    server.set("_former", former);
    server.set("_flavor", flavor.id.clone());
    server.set("_seat", flavor.id.clone());
    server.set("_shape", launch::shape(&flavor));
    server.set("_cores", new.cores);
    server.set("_ram", new.ram);
    server.set("status", "RESIZE");
    let next = Next { status: "VERIFY_RESIZE", task: "resize_migrating", seconds: 30 };
    build::change(&nova.cloud, &mut server, &next)?;
    Ok(Reply::empty(202))
}

fn share(server: &Object) -> quota::Share {
    quota::Share { cores: server.number("_cores"), ram: server.number("_ram") }
}

fn finish_resize(nova: &Nova<'_, '_>, mut server: Object, revert: bool) -> Outcome<()> {
    let mut former = json::map(server.body.shift_remove("_former").unwrap_or_default());
    let status = former.shift_remove("status").unwrap_or_default();
    if revert {
        let new = share(&server);
        server.body.extend(former);
        quota::resize(&nova.cloud, &server.project, new, share(&server))?;
    }
    let status = if status == "SHUTOFF" { "SHUTOFF" } else { "ACTIVE" };
    let next = Next { status, task: "resize_finish", seconds: 5 };
    build::change(&nova.cloud, &mut server, &next)
}

fn rebuild(nova: &Nova<'_, '_>, mut server: Object, given: &Body) -> Outcome<Reply> {
    check(&server, "rebuild", &["ACTIVE", "SHUTOFF", "ERROR"])?;
    let image = launch::find_image(nova, json::text(given, "imageRef"))?;
    server.set("_image", image.id);
    for (key, kept) in [
        ("name", "name"),
        ("metadata", "metadata"),
        ("key_name", "key_name"),
        ("description", "_description"),
    ] {
        if let Some(value) = given.get(key) {
            server.set(kept, value.clone());
        }
    }
    let status = if server.text("status") == "SHUTOFF" { "SHUTOFF" } else { "ACTIVE" };
    server.body.shift_remove("fault");
    server.set("status", "REBUILD");
    let next = Next { status, task: "rebuilding", seconds: 30 };
    build::change(&nova.cloud, &mut server, &next)?;
    let mut shown = view::changed(nova, &server)?;
    shown["adminPass"] = json!(given.get("adminPass").and_then(Value::as_str).unwrap_or("rebuilt"));
    Ok(Reply::json(202, json!({"server": shown})))
}

fn change_groups(nova: &Nova<'_, '_>, server: &Object, name: &str, add: bool) -> Outcome<Reply> {
    let missing =
        |_| no(404, format!("Security group {name} is not found for project {}", server.project));
    let id = nics::group(nova, name).map_err(missing)?;
    let mut held = false;
    for mut port in view::ports(nova, server)? {
        if !port.flag("port_security_enabled") {
            continue;
        }
        let mut groups = json::texts(&port.body, "security_groups");
        held |= groups.contains(&id);
        groups.retain(|group| *group != id);
        if add {
            groups.push(id.clone());
        }
        port.set("security_groups", json!(groups));
        nova.cloud.put(&PORT, &port)?;
    }
    if !add && !held {
        return Err(no(
            404,
            format!("Security group {name} not associated with the instance {}", server.id),
        ));
    }
    Ok(Reply::empty(202))
}
