//! The life of a volume in time: made, attached, detached, gone.

use serde_json::json;

use super::{
    kinds::{self, TYPE},
    quota,
    volumes::VOLUME,
};
use crate::{cloud::Cloud, compute, due::What, fault, json, reply::Outcome, store::Object};

/// How long a change of a volume takes.
pub(super) const CHANGE_S: u32 = 3;

/// How long an image takes to become a volume.
const DOWNLOAD_S: u32 = 20;

/// The member that tells a volume's image.
const FACTS: &str = "volume_image_metadata";

/// A volume to make.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) project: String,
    pub(crate) user: String,
    pub(crate) name: Option<String>,
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

/// Makes a volume that becomes available later.
pub(super) fn make(cloud: &Cloud<'_>, wish: Wish) -> Outcome<Object> {
    let seconds = if wish.image.is_some() { DOWNLOAD_S } else { CHANGE_S };
    let mut volume = make_ready(cloud, wish)?;
    volume.set("status", "creating");
    // What an image brings is shown once it is there.
    if let Some(facts) = volume.body.shift_remove(FACTS) {
        volume.set("_facts", facts);
        volume.set("bootable", "false");
    }
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
        body.insert(FACTS.to_owned(), facts);
    }
    Ok(cloud.insert(&VOLUME, &wish.project, body)?)
}

pub(super) fn stamp(cloud: &Cloud<'_>) -> String {
    cloud.now.strftime("%Y-%m-%dT%H:%M:%S.000000").to_string()
}

/// Lets a volume reach `next` in `seconds`.
pub(super) fn change(
    cloud: &Cloud<'_>,
    volume: &mut Object,
    next: &str,
    seconds: u32,
) -> Outcome<()> {
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
    if let Some(facts) = volume.body.shift_remove("_facts") {
        volume.set(FACTS, facts);
        volume.set("bootable", "true");
    }
    volume.set("status", next);
    volume.set("updated_at", stamp(cloud));
    Ok(cloud.put(&VOLUME, &volume)?)
}

/// A deletion comes to its end: the volume is gone, unless it fails inside Cinder.
pub(crate) fn deleted(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut volume) = cloud.get(&VOLUME, id)? else { return Ok(()) };
    if !fault::fails_deletion(cloud.conn, "volume", &volume)? {
        return vanish(cloud, id);
    }
    volume.set("status", "error_deleting");
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

/// Lets a volume go away.
pub(crate) fn begin_deletion(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    cloud.amend(&VOLUME, id, |volume| volume.set("status", "deleting"))?;
    cloud.later(CHANGE_S, What::VolumeGone, id)
}
