//! Volumes and their life.

use serde_json::{Value, json};

use super::{
    given, invalid,
    kinds::{self, TYPE},
    not_found, quota, view,
};
use crate::{
    call::{Call, Microversion},
    cloud::Cloud,
    compute,
    due::What,
    image::IMAGE,
    json::{self, Body},
    reply::{Outcome, Refusal, Reply, no},
    store::{Kind, Object, Scan},
};

pub(crate) const VOLUME: Kind = Kind { name: "volume", indexed: &["name"] };

/// How long a change of a volume takes.
const CHANGE_S: u32 = 3;
/// How long an image takes to become a volume.
const DOWNLOAD_S: u32 = 20;

/// A volume to make.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) project: String,
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) size: i64,
    pub(crate) volume_type: String,
    pub(crate) image: Option<Object>,
}

/// Where a volume is attached.
pub(crate) struct Link<'l> {
    pub(crate) server: &'l str,
    pub(crate) device: &'l str,
    pub(crate) attachment: &'l str,
}

/// Answers a call whose path after `volumes` is `rest`.
pub(super) fn answer(call: &Call<'_>, version: Microversion, rest: &[&str]) -> Outcome<Reply> {
    let shown = |status: u16, volume: &Object| {
        Ok(Reply::json(status, json!({"volume": view::full(call, version, volume)})))
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
                invalid("Invalid image identifier or unable to access requested image.")
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
    let size = json::number(&given, "size").or(source.as_ref().map(|source| source.number("size")));
    let size = check_size(size, image.as_ref(), source.as_ref())?;
    let wanted = json::text(&given, "volume_type");
    if !wanted.is_empty() && kinds::find(call, wanted)?.is_none() {
        return Err(no(404, format!("Volume type with name {wanted} could not be found.")));
    }
    let kind = kinds::find(call, wanted)?.map(|kind| kind.text("name").to_owned());
    let zone = json::text(&given, "availability_zone");
    if !["", "nova"].contains(&zone) {
        return Err(invalid(format_args!("Availability zone '{zone}' is invalid.")));
    }
    let wish = Wish {
        project: project.clone(),
        user: call.who.user.clone(),
        name: json::text(&given, "name").to_owned(),
        size,
        volume_type: kind.unwrap_or_default(),
        image,
    };
    let mut volume = make(cloud, wish)?;
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

fn check_size(size: Option<i64>, image: Option<&Object>, source: Option<&Object>) -> Outcome<i64> {
    let size = size.filter(|size| *size > 0).ok_or_else(|| {
        let shown = size.map_or("None".to_owned(), |size| size.to_string());
        invalid(format_args!(
            "Invalid volume size provided for create request: {shown} (size argument must be an \
             integer (or string representation of an integer) and greater than zero)."
        ))
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

/// Makes a volume that becomes available later.
fn make(cloud: &Cloud<'_>, wish: Wish) -> Outcome<Object> {
    let seconds = if wish.image.is_some() { DOWNLOAD_S } else { CHANGE_S };
    let mut volume = make_ready(cloud, wish)?;
    let status = if seconds == DOWNLOAD_S { "downloading" } else { "creating" };
    volume.set("status", status);
    change(cloud, &mut volume, "available", seconds)?;
    Ok(volume)
}

/// Makes a volume that is available at once, as Nova waits for its own before it boots.
pub(crate) fn make_ready(cloud: &Cloud<'_>, wish: Wish) -> Outcome<Object> {
    quota::take(cloud, &wish.project, wish.size, true)?;
    let kind = match wish.volume_type.as_str() {
        "" => kinds::DEFAULT.to_owned(),
        reference => cloud
            .get(&TYPE, reference)?
            .map_or_else(|| reference.to_owned(), |kind| kind.text("name").to_owned()),
    };
    let stamp = stamp(cloud);
    let mut body = json::map(json!({
        "id": cloud.new_id()?, "name": wish.name, "description": null, "size": wish.size,
        "status": "available", "availability_zone": "nova", "volume_type": kind,
        "bootable": "false", "encrypted": false, "multiattach": false, "snapshot_id": null,
        "source_volid": null, "consistencygroup_id": null, "replication_status": null,
        "metadata": {}, "attachments": [], "user_id": wish.user, "created_at": stamp,
        "updated_at": stamp, "os-vol-tenant-attr:tenant_id": wish.project,
    }));
    if let Some(image) = wish.image {
        body.insert("bootable".to_owned(), json!("true"));
        let facts = json!({
            "image_id": image.id, "image_name": image.text("name"),
            "container_format": image.text("container_format"),
            "disk_format": image.text("disk_format"), "checksum": image.text("checksum"),
            "min_disk": image.number("min_disk").to_string(),
            "min_ram": image.number("min_ram").to_string(),
            "size": image.number("size").to_string(),
        });
        body.insert("volume_image_metadata".to_owned(), facts);
    }
    Ok(cloud.insert(&VOLUME, &wish.project, body)?)
}

fn stamp(cloud: &Cloud<'_>) -> String {
    cloud.now.strftime("%Y-%m-%dT%H:%M:%S.000000").to_string()
}

/// Lets a volume reach `next` in `seconds`.
fn change(cloud: &Cloud<'_>, volume: &mut Object, next: &str, seconds: u32) -> Outcome<()> {
    volume.set("_next", next);
    volume.set("updated_at", stamp(cloud));
    cloud.put(&VOLUME, volume)?;
    cloud.cancel(What::VolumeSettles, &volume.id)?;
    cloud.later(seconds, What::VolumeSettles, &volume.id)
}

/// A change of a volume settles.
pub(crate) fn settle(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut volume) = cloud.get(&VOLUME, id)? else { return Ok(()) };
    let Some(next) = volume.body.shift_remove("_next") else { return Ok(()) };
    if let Some(server) = volume.body.shift_remove("_leaves") {
        let server = server.as_str().unwrap_or_default().to_owned();
        unlink(&mut volume, &server);
        compute::forget_volume(cloud, &server, id)?;
    }
    volume.set("status", next);
    volume.set("updated_at", stamp(cloud));
    Ok(cloud.put(&VOLUME, &volume)?)
}

/// A volume is gone.
pub(crate) fn vanish(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    if let Some(volume) = cloud.get(&VOLUME, id)? {
        cloud.charge(&volume.project, "gigabytes", -volume.number("size"))?;
        cloud.remove(&VOLUME, &volume)?;
    }
    Ok(())
}

/// Begins to attach a volume to a server.
pub(crate) fn attach(cloud: &Cloud<'_>, id: &str, link: &Link<'_>) -> Outcome<()> {
    let Some(mut volume) = cloud.get(&VOLUME, id)? else { return Ok(()) };
    let mut attachments = volume.list("attachments").to_vec();
    attachments.push(json!({
        "id": id, "attachment_id": link.attachment, "volume_id": id, "server_id": link.server,
        "host_name": null, "device": link.device, "attached_at": stamp(cloud),
    }));
    volume.set("attachments", attachments);
    volume.set("status", "attaching");
    change(cloud, &mut volume, "in-use", CHANGE_S)
}

/// Begins to detach a volume from a server.
pub(crate) fn detach(cloud: &Cloud<'_>, id: &str, server: &str) -> Outcome<()> {
    let Some(mut volume) = cloud.get(&VOLUME, id)? else { return Ok(()) };
    let others = volume.list("attachments").len() > 1;
    volume.set("status", "detaching");
    volume.set("_leaves", server);
    change(cloud, &mut volume, if others { "in-use" } else { "available" }, CHANGE_S)
}

/// Frees a volume of a server that is gone.
pub(crate) fn release(cloud: &Cloud<'_>, id: &str, server: &str) -> Outcome<()> {
    let Some(mut volume) = cloud.get(&VOLUME, id)? else { return Ok(()) };
    cloud.cancel(What::VolumeSettles, id)?;
    volume.body.shift_remove("_next");
    volume.body.shift_remove("_leaves");
    unlink(&mut volume, server);
    let held = !volume.list("attachments").is_empty();
    volume.set("status", if held { "in-use" } else { "available" });
    Ok(cloud.put(&VOLUME, &volume)?)
}

fn unlink(volume: &mut Object, server: &str) {
    let mut attachments = volume.list("attachments").to_vec();
    attachments.retain(|held| held["server_id"].as_str() != Some(server));
    volume.set("attachments", attachments);
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
    volume.set("updated_at", stamp(&call.cloud));
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
        return begin_deletion(&call.cloud, &volume.id);
    }
    Err(no(
        400,
        "Invalid volume: Volume status must be available or error or error_restoring or \
         error_extending or error_managing and must not be migrating, attached, belong to a \
         group, have snapshots, awaiting a transfer, or be disassociated from snapshots after \
         volume transfer.",
    ))
}

/// Lets a volume go away.
pub(crate) fn begin_deletion(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    cloud.amend(&VOLUME, id, |volume| volume.set("status", "deleting"))?;
    cloud.later(CHANGE_S, What::VolumeGone, id)
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
            let kind = kinds::find(call, wanted)?
                .ok_or_else(|| no(404, format!("Volume type {wanted} could not be found.")))?;
            let status = settled(&volume, "retype")?.to_owned();
            volume.set("volume_type", kind.text("name"));
            volume.set("status", "retyping");
            change(&call.cloud, &mut volume, &status, CHANGE_S)?;
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
            "Invalid volume: Volume {} status must be 'available' to {verb}, currently {}.",
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
    change(&call.cloud, volume, &status, CHANGE_S)
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
