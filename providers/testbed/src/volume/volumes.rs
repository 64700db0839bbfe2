//! Volumes and their life.

use serde_json::{Value, json};

use super::{given, invalid, kinds, life, not_found, quota, view};
use crate::{
    call::{Call, Microversion},
    cloud::Cloud,
    image::IMAGE,
    json::{self, Body},
    reply::{Outcome, Refusal, Reply, no},
    store::{Kind, Object, Scan},
};

pub(crate) const VOLUME: Kind = Kind { name: "volume", indexed: &["name"] };

/// Answers a call whose path after `volumes` is `rest`.
pub(super) fn answer(call: &Call<'_>, version: Microversion, rest: &[&str]) -> Outcome<Reply> {
    let shown = |status: u16, volume: &Object| {
        let mut shown = view::full(call, version, volume);
        if call.method != "GET"
            && let Some(members) = shown.as_object_mut()
        {
            members.remove("os-vol-tenant-attr:tenant_id");
        }
        Ok(Reply::json(status, json!({"volume": shown})))
    };
    match (call.method.as_str(), rest) {
        ("GET", []) => view::list(call, version, false),
        ("GET", ["detail"]) => view::list(call, version, true),
        ("POST", []) => shown(202, &create(call)?),
        ("GET", [id]) => shown(200, &own(call, id)?),
        ("PUT", [id]) => shown(200, &update(call, own(call, id)?)?),
        ("DELETE", [id]) => {
            delete(call, &own(call, id)?)?;
            Ok(Reply::empty(202))
        }
        ("POST", [id, "action"]) => act(call, version, own(call, id)?),
        (_, [id, "metadata", rest @ ..]) => metadata(call, own(call, id)?, rest),
        _ => Err(not_found()),
    }
}

fn own(call: &Call<'_>, id: &str) -> Outcome<Object> {
    find(&call.cloud, &call.who.project, id)?
        .ok_or_else(|| no(404, format!("Volume {id} could not be found.")))
}

/// Returns a project's volume.
pub(crate) fn find(cloud: &Cloud<'_>, project: &str, id: &str) -> Outcome<Option<Object>> {
    Ok(cloud.get(&VOLUME, id)?.filter(|volume| volume.project == project))
}

/// Returns the volumes of the caller's project.
pub(super) fn of_project(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let mut found = Vec::new();
    call.cloud.scan(&VOLUME, Scan::default(), &mut |volume| {
        if volume.project == call.who.project {
            found.push(volume);
        }
        true
    })?;
    Ok(found)
}

fn create(call: &Call<'_>) -> Outcome<Object> {
    let given = given(call, "volume")?;
    let cloud = &call.cloud;
    let project = &call.who.project;
    let image = match json::text(&given, "imageRef") {
        "" => None,
        id => {
            let image = cloud
                .get(&IMAGE, id)?
                .filter(|image| image.project == *project || image.text("visibility") == "public");
            Some(image.ok_or_else(|| {
                no(400, "Invalid image identifier or unable to access requested image.")
            })?)
        }
    };
    let snapshot = json::text(&given, "snapshot_id");
    if !snapshot.is_empty() {
        return Err(no(404, format!("Snapshot {snapshot} could not be found.")));
    }
    let source = match json::text(&given, "source_volid") {
        "" => None,
        id => Some(own(call, id)?),
    };
    check_size_given(&given)?;
    let size = json::number(&given, "size").or(source.as_ref().map(|source| source.number("size")));
    let size = check_size(size, image.as_ref(), source.as_ref())?;
    let wanted = json::text(&given, "volume_type");
    if !wanted.is_empty() && kinds::find(call, wanted)?.is_none() {
        return Err(no(404, format!("Volume type with name {wanted} could not be found.")));
    }
    let kind = kinds::find(call, wanted)?.map(|kind| kind.text("name").to_owned());
    let zone = json::text(&given, "availability_zone");
    if !["", "nova"].contains(&zone) {
        return Err(no(400, format!("Availability zone '{zone}' is invalid.")));
    }
    let wish = life::Wish {
        project: project.clone(),
        user: call.who.user.clone(),
        name: given.get("name").and_then(Value::as_str).map(str::to_owned),
        size,
        volume_type: kind.unwrap_or_default(),
        image,
    };
    let mut volume = life::make(cloud, wish)?;
    volume.set("updated_at", Value::Null);
    for key in ["description", "metadata", "multiattach"] {
        if let Some(value) = given.get(key).filter(|value| !value.is_null()) {
            volume.set(key, value.clone());
        }
    }
    if let Some(source) = source {
        volume.set("source_volid", source.id.clone());
        volume.set("bootable", source.text("bootable"));
    }
    cloud.put(&VOLUME, &volume)?;
    Ok(volume)
}

/// Refuses what the request's schema does not take for a size.
fn check_size_given(given: &Body) -> Outcome<()> {
    let Some(value) = given.get("size").filter(|value| !value.is_null()) else {
        return Ok(());
    };
    let problem = match (json::as_number(value), value) {
        (Some(number), _) if number < 1 => format!("{number} is less than the minimum of 1"),
        (None, Value::String(text)) => format!("'{text}' does not match '^[0-9]+$'"),
        _ => return Ok(()),
    };
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Err(no(400, format!("Invalid input for field/attribute size. Value: {shown}. {problem}")))
}

fn check_size(size: Option<i64>, image: Option<&Object>, source: Option<&Object>) -> Outcome<i64> {
    let size = size.filter(|size| *size > 0).ok_or_else(|| {
        no(
            400,
            "The server could not comply with the request since it is either malformed or otherwise \
             incorrect.",
        )
    })?;
    if let Some(image) = image {
        let gib = 1024 * 1024 * 1024;
        let needed = (image.number("size") + gib - 1) / gib;
        if size < needed {
            return Err(invalid(format_args!(
                "Size of specified image {needed}GB is larger than volume size {size}GB."
            )));
        }
    }
    if let Some(source) = source.filter(|source| source.number("size") > size) {
        return Err(invalid(format_args!(
            "Volume size '{size}'GB cannot be smaller than original volume size  {}GB. They must \
             be >= original volume size.",
            source.number("size")
        )));
    }
    Ok(size)
}

fn update(call: &Call<'_>, mut volume: Object) -> Outcome<Object> {
    let given = given(call, "volume")?;
    for (from, to) in [
        ("name", "name"),
        ("display_name", "name"),
        ("description", "description"),
        ("display_description", "description"),
        ("metadata", "metadata"),
    ] {
        if let Some(value) = given.get(from) {
            volume.set(to, value.clone());
        }
    }
    volume.set("updated_at", life::stamp(&call.cloud));
    call.cloud.put(&VOLUME, &volume)?;
    Ok(volume)
}

fn delete(call: &Call<'_>, volume: &Object) -> Outcome<()> {
    let status = volume.text("status");
    if status == "deleting" {
        return Ok(());
    }
    let deletable = ["available", "error", "error_extending"].contains(&status)
        && volume.list("attachments").is_empty();
    if deletable {
        return life::begin_deletion(&call.cloud, &volume.id);
    }
    Err(no(
        400,
        "Invalid volume: Volume status must be available or error or error_restoring or \
         error_extending or error_managing and must not be migrating, attached, belong to a \
         group, have snapshots, awaiting a transfer, or be disassociated from snapshots after \
         volume transfer.",
    ))
}

fn act(call: &Call<'_>, version: Microversion, mut volume: Object) -> Outcome<Reply> {
    let body = json::map(call.body.clone());
    let Some((name, arguments)) = body.iter().next() else {
        return Err(no(400, "Malformed request body"));
    };
    let arguments = json::map(arguments.clone());
    match name.as_str() {
        "os-extend" => extend(call, version, &mut volume, &arguments)?,
        "os-retype" => {
            let wanted = json::text(&arguments, "new_type");
            let kind = kinds::find(call, wanted)?.ok_or_else(|| {
                no(404, format!("Volume type with name {wanted} could not be found."))
            })?;
            let status = settled(&volume, "retype")?.to_owned();
            volume.set("volume_type", kind.text("name"));
            volume.set("status", "retyping");
            life::change(&call.cloud, &mut volume, &status, life::CHANGE_S)?;
        }
        "os-set_bootable" => {
            let bootable = json::flag(&arguments, "bootable").unwrap_or(false);
            volume.set("bootable", bootable.to_string());
            call.cloud.put(&VOLUME, &volume)?;
            return Ok(Reply::empty(200));
        }
        "os-attach"
        | "os-detach"
        | "os-begin_detaching"
        | "os-roll_detaching"
        | "os-reserve"
        | "os-unreserve"
        | "os-terminate_connection" => {}
        _ => return Err(no(400, format!("There is no such action: {name}"))),
    }
    Ok(Reply::empty(202))
}

fn settled<'v>(volume: &'v Object, verb: &str) -> Outcome<&'v str> {
    let status = volume.text("status");
    if ["available", "in-use"].contains(&status) {
        return Ok(status);
    }
    Err(status_refused(volume, verb))
}

fn status_refused(volume: &Object, verb: &str) -> Refusal {
    no(
        400,
        format!(
            "Invalid volume: Volume {} status must be '{{'status': 'available'}}' to {verb}, currently {}.",
            volume.id,
            volume.text("status")
        ),
    )
}

fn extend(
    call: &Call<'_>,
    version: Microversion,
    volume: &mut Object,
    given: &Body,
) -> Outcome<()> {
    let old = volume.number("size");
    let new = json::number(given, "new_size").unwrap_or(0);
    let status = settled(volume, "extend")?.to_owned();
    if status == "in-use" && version < (3, 42) {
        return Err(status_refused(volume, "extend"));
    }
    if new <= old {
        return Err(invalid(format_args!(
            "New size for extend must be greater than current size. (current: {old}, extended: \
             {new})."
        )));
    }
    quota::take(&call.cloud, &volume.project, new - old, false)?;
    volume.set("size", new);
    volume.set("status", "extending");
    life::change(&call.cloud, volume, &status, life::CHANGE_S)
}

fn metadata(call: &Call<'_>, mut volume: Object, rest: &[&str]) -> Outcome<Reply> {
    let mut kept = json::map(volume.body.get("metadata").cloned().unwrap_or_default());
    let missing =
        |key: &str| no(404, format!("Volume {} has no metadata with key {key}.", volume.id));
    let reply = match (call.method.as_str(), rest) {
        ("GET", []) => return Ok(Reply::json(200, json!({"metadata": kept}))),
        ("GET", [key]) => {
            let value: &Value = kept.get(*key).ok_or_else(|| missing(key))?;
            return Ok(Reply::json(200, json!({"meta": {*key: value}})));
        }
        ("POST" | "PUT", []) => {
            if call.method == "PUT" {
                kept.clear();
            }
            kept.extend(given(call, "metadata")?);
            Reply::json(200, json!({"metadata": kept}))
        }
        ("PUT", [_]) => {
            let meta = given(call, "meta")?;
            kept.extend(meta.clone());
            Reply::json(200, json!({"meta": meta}))
        }
        ("DELETE", [key]) => {
            kept.shift_remove(*key).ok_or_else(|| missing(key))?;
            Reply::empty(200)
        }
        _ => return Err(not_found()),
    };
    volume.set("metadata", kept);
    call.cloud.put(&VOLUME, &volume)?;
    Ok(reply)
}
