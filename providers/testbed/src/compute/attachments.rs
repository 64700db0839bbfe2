//! Volume attachments of servers.

use serde_json::{Value, json};

use super::{ALWAYS, Nova, actions, devices, known, not_found, required, servers::SERVER, since};
use crate::{
    json,
    reply::{Outcome, Refusal, Reply, no},
    store::Object,
    volume::{life, volumes},
};

/// Statuses in which volumes can be attached and detached.
const RUNNING: &[&str] =
    &["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED_OFFLOADED", "RESIZE", "VERIFY_RESIZE"];

/// Answers a call whose path after `os-volume_attachments` is `rest`.
pub(super) fn answer(nova: &Nova<'_, '_>, mut server: Object, rest: &[&str]) -> Outcome<Reply> {
    match (nova.method.as_str(), rest) {
        ("GET", []) => {
            let shown: Vec<Value> =
                server.list("_volumes").iter().map(|held| show(nova, &server, held)).collect();
            Ok(Reply::json(200, json!({"volumeAttachments": shown})))
        }
        ("GET", [id]) => {
            let held = find(&server, id)?;
            Ok(Reply::json(200, json!({"volumeAttachment": show(nova, &server, held)})))
        }
        ("POST", []) => attach(nova, &mut server),
        ("PUT", [id]) => {
            find(&server, id)?;
            Ok(Reply::empty(202))
        }
        ("DELETE", [id]) => {
            volumes::find(&nova.cloud, &nova.who.project, id)?.ok_or_else(|| missing(id))?;
            find(&server, id)?;
            detach(nova, &server, id)
        }
        _ => Err(not_found()),
    }
}

fn find<'s>(server: &'s Object, volume: &str) -> Outcome<&'s Value> {
    let held = server.list("_volumes").iter().find(|held| held["volume_id"] == *volume);
    held.ok_or_else(|| {
        no(404, format!("Instance {} is not attached to volume {volume}", server.id))
    })
}

fn missing(volume: &str) -> Refusal {
    no(404, format!("Volume {volume} could not be found."))
}

fn attach(nova: &Nova<'_, '_>, server: &mut Object) -> Outcome<Reply> {
    let given = nova.given("volumeAttachment")?;
    known(
        nova,
        "volumeAttachment",
        &given,
        &[
            ("volumeId", ALWAYS),
            ("device", ALWAYS),
            ("tag", since(49)),
            ("delete_on_termination", since(79)),
        ],
    )?;
    let id = required(&given, "volumeAttachment", "volumeId")?;
    actions::check(server, "attach_volume", RUNNING)?;
    let volume = volumes::find(&nova.cloud, &nova.who.project, id)?.ok_or_else(|| missing(id))?;
    let holders: Vec<&str> =
        volume.list("attachments").iter().filter_map(|held| held["server_id"].as_str()).collect();
    if find(server, id).is_ok() || (!holders.is_empty() && !volume.flag("multiattach")) {
        let holders = holders.join(" ");
        let message =
            format!("Invalid volume: volume {id} is already attached to instances: {holders}");
        return Err(no(400, message));
    }
    devices::check_free(&volume)?;
    if volume.flag("multiattach") && !nova.since(60) {
        return Err(no(
            400,
            format!(
                "Multiattach volumes are only supported starting with compute API version 2.60. \
                 Volume {id}"
            ),
        ));
    }
    let entry = json!({
        "delete_on_termination": json::flag(&given, "delete_on_termination").unwrap_or(false),
        "tag": given.get("tag").cloned().unwrap_or_default(),
    });
    let entry = devices::hold(nova, server, &volume, entry)?;
    nova.cloud.put(&SERVER, server)?;
    Ok(Reply::json(200, json!({"volumeAttachment": show(nova, server, &entry)})))
}

fn detach(nova: &Nova<'_, '_>, server: &Object, id: &str) -> Outcome<Reply> {
    actions::check(server, "detach_volume", RUNNING)?;
    let volume = volumes::find(&nova.cloud, &nova.who.project, id)?;
    let status = volume.as_ref().map_or("", |volume| volume.text("status"));
    if status != "in-use" {
        return Err(no(
            400,
            format!(
                "Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach. Currently: status: '{status}'"
            ),
        ));
    }
    life::detach(&nova.cloud, id, &server.id)?;
    Ok(Reply::empty(202))
}

fn show(nova: &Nova<'_, '_>, server: &Object, held: &Value) -> Value {
    let mut shown = json!({"volumeId": held["volume_id"], "serverId": server.id,
        "device": held["device"]});
    if nova.since(89) {
        shown["attachment_id"] = held["attachment_id"].clone();
        shown["bdm_uuid"] = held["bdm_uuid"].clone();
    } else {
        shown["id"] = held["volume_id"].clone();
    }
    if nova.since(70) {
        shown["tag"] = held["tag"].clone();
    }
    if nova.since(79) {
        shown["delete_on_termination"] = held["delete_on_termination"].clone();
    }
    shown
}
