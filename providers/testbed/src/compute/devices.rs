//! The disks of a server: block device mappings at its creation, and device names.

use serde_json::{Value, json};

use super::{Nova, launch, servers::SERVER};
use crate::{
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, Refusal, no},
    store::Object,
    volume::{
        life::{self, Wish},
        volumes,
    },
};

/// A volume that a new server gets.
enum Disk {
    /// One that exists.
    Held(Object),
    /// One that Nova makes.
    New(Wish),
}

/// The volumes of a new server, with what happens to each at its end.
pub(super) struct Disks {
    disks: Vec<(Disk, bool)>,
    boots: bool,
}

impl Disks {
    /// Tells whether one of them is the root disk.
    pub(super) fn boots(&self) -> bool {
        self.boots
    }
}

fn invalid(reason: impl std::fmt::Display) -> Refusal {
    no(400, format!("Block Device Mapping is Invalid: {reason}"))
}

/// Checks the block device mappings of a create request.
pub(super) fn plan(nova: &Nova<'_, '_>, given: &Body) -> Outcome<Disks> {
    let mut plan = Disks { disks: Vec::new(), boots: false };
    let mappings = given.get("block_device_mapping_v2").and_then(Value::as_array);
    for mapping in mappings.into_iter().flatten() {
        let mapping = json::map(mapping.clone());
        let root = json::number(&mapping, "boot_index") == Some(0);
        if json::text(&mapping, "destination_type") == "local" {
            continue;
        }
        let disk = disk(nova, &mapping)?;
        plan.boots |= root;
        let ends = json::flag(&mapping, "delete_on_termination").unwrap_or(false);
        plan.disks.push((disk, ends));
    }
    Ok(plan)
}

fn disk(nova: &Nova<'_, '_>, mapping: &Body) -> Outcome<Disk> {
    if !nova.cloud.site.has_volumes() {
        return Err(invalid("this site has no block storage."));
    }
    let id = json::text(mapping, "uuid");
    let size = json::number(mapping, "volume_size");
    let project = &nova.who.project;
    match json::text(mapping, "source_type") {
        "volume" => {
            let volume = volumes::find(&nova.cloud, project, id)?
                .ok_or_else(|| invalid(format_args!("failed to get volume {id}.")))?;
            check_free(&volume)?;
            Ok(Disk::Held(volume))
        }
        "image" => {
            let image = launch::find_image(nova, id)
                .map_err(|_| invalid(format_args!("failed to get image {id}.")))?;
            let size = size.ok_or_else(|| {
                invalid("Volume size must be specified when booting an image to a volume.")
            })?;
            Ok(Disk::New(Wish { size, image: Some(image), ..wish(nova, mapping) }))
        }
        "blank" => {
            let size = size.ok_or_else(|| invalid("Blank volumes must have a size."))?;
            Ok(Disk::New(Wish { size, ..wish(nova, mapping) }))
        }
        source => Err(invalid(format_args!("failed to get {source} {id}."))),
    }
}

fn wish(nova: &Nova<'_, '_>, mapping: &Body) -> Wish {
    Wish {
        project: nova.who.project.clone(),
        user: nova.who.user.clone(),
        name: Some(String::new()),
        volume_type: json::text(mapping, "volume_type").to_owned(),
        ..Wish::default()
    }
}

/// Refuses a volume that another server has.
pub(super) fn check_free(volume: &Object) -> Outcome<()> {
    let status = volume.text("status");
    let shared = volume.flag("multiattach") && status == "in-use";
    if status == "available" || shared {
        return Ok(());
    }
    Err(no(
        400,
        format!(
            "Invalid input received: Invalid volume: Volume {} status must be available or \
             downloading to reserve, but the current status is {status}. (HTTP 400)",
            volume.id
        ),
    ))
}

/// Gives a new server its volumes; those that are made are ready when it boots.
pub(super) fn attach(nova: &Nova<'_, '_>, server: &mut Object, disks: Disks) -> Outcome<()> {
    for (disk, ends) in disks.disks {
        let volume = match disk {
            Disk::Held(volume) => volume,
            Disk::New(wish) => life::make_ready(&nova.cloud, wish)?,
        };
        let entry = json!({"delete_on_termination": ends, "tag": null});
        hold(nova, server, &volume, entry)?;
    }
    Ok(nova.cloud.put(&SERVER, server)?)
}

/// Attaches a volume to a server under the next device name, and returns the entry kept of it.
pub(super) fn hold(
    nova: &Nova<'_, '_>,
    server: &mut Object,
    volume: &Object,
    mut entry: Value,
) -> Outcome<Value> {
    let device = next_device(server);
    let attachment = nova.cloud.new_id()?;
    entry["volume_id"] = json!(volume.id);
    entry["device"] = json!(device);
    entry["attachment_id"] = json!(attachment);
    entry["bdm_uuid"] = json!(nova.cloud.new_id()?);
    let mut held = server.list("_volumes").to_vec();
    held.push(entry.clone());
    server.set("_volumes", held);
    let link = life::Link { server: &server.id, device: &device, attachment: &attachment };
    life::attach(&nova.cloud, &volume.id, &link)?;
    Ok(entry)
}

/// Returns the next free name; the hypervisor chooses it, whatever was asked for.
fn next_device(server: &Object) -> String {
    let root_is_volume = server.body.get("_image").is_none_or(Value::is_null);
    let first = if root_is_volume { b'a' } else { b'b' };
    let taken = |name: &str| {
        server.list("_volumes").iter().any(|held| held["device"].as_str() == Some(name))
    };
    (first..=b'z')
        .map(|letter| format!("/dev/vd{}", char::from(letter)))
        .find(|name| !taken(name))
        .unwrap_or_else(|| "/dev/vdz".to_owned())
}

/// Frees the volumes of a server that is gone; those that end with it are deleted.
pub(super) fn free(cloud: &Cloud<'_>, server: &Object) -> Outcome<()> {
    for held in server.list("_volumes") {
        let volume = held["volume_id"].as_str().unwrap_or_default();
        life::release(cloud, volume, &server.id)?;
        if held["delete_on_termination"] == json!(true) {
            life::begin_deletion(cloud, volume)?;
        }
    }
    Ok(())
}

/// Forgets a volume that is detached.
pub(crate) fn forget(cloud: &Cloud<'_>, server: &str, volume: &str) -> Outcome<()> {
    cloud.amend(&SERVER, server, |server| {
        let mut held = server.list("_volumes").to_vec();
        held.retain(|entry| entry["volume_id"].as_str() != Some(volume));
        server.set("_volumes", held);
    })
}
