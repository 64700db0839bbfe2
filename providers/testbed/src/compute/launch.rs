//! The making of servers: checks at the door, then what the scheduler will say.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    ALWAYS, Nova, build, devices, flavors, groups, keypairs, known, metadata, nics, quota,
    required, servers::SERVER, since,
};
use crate::{
    image::IMAGE,
    json::{self, Body},
    reply::{Outcome, Reply, no},
    reservation::scheduling::{self, Verdict},
    store::Object,
};

/// Longest user data, in base64 (Nova's schema).
const USER_DATA_LIMIT: usize = 65_535;

/// Members of a create request, with the microversions that know them.
const KNOWN: &[(&str, Range<u32>)] = &[
    ("name", ALWAYS),
    ("flavorRef", ALWAYS),
    ("imageRef", ALWAYS),
    ("networks", ALWAYS),
    ("security_groups", ALWAYS),
    ("key_name", ALWAYS),
    ("user_data", ALWAYS),
    ("metadata", ALWAYS),
    ("availability_zone", ALWAYS),
    ("config_drive", ALWAYS),
    ("block_device_mapping", ALWAYS),
    ("block_device_mapping_v2", ALWAYS),
    ("min_count", ALWAYS),
    ("max_count", ALWAYS),
    ("adminPass", ALWAYS),
    ("accessIPv4", ALWAYS),
    ("accessIPv6", ALWAYS),
    ("OS-DCF:diskConfig", ALWAYS),
    ("os:scheduler_hints", ALWAYS),
    ("return_reservation_id", ALWAYS),
    ("personality", 0..57),
    ("description", since(19)),
    ("tags", since(52)),
    ("trusted_image_certificates", since(63)),
    ("host", since(74)),
    ("hypervisor_hostname", since(74)),
    ("hostname", since(90)),
];

/// Answers `POST /servers`.
pub(super) fn create(nova: &Nova<'_, '_>) -> Outcome<Reply> {
    let given = nova.given("server")?;
    known(nova, "server", &given, KNOWN)?;
    if ["min_count", "max_count"].iter().any(|key| json::number(&given, key).unwrap_or(1) > 1) {
        return Err(no(400, "This testbed makes one server per request."));
    }
    let name = required(&given, "server", "name")?;
    let flavor_id = required(&given, "server", "flavorRef")?;
    let cloud = &nova.cloud;
    let project = &nova.who.project;
    let flavor = flavors::find(cloud, flavor_id, project)?
        .ok_or_else(|| no(400, format!("Flavor {flavor_id} could not be found.")))?;
    let disks = devices::plan(nova, &given)?;
    let image = image(nova, &given, disks.boots())?;
    check_image(&flavor, image.as_ref())?;
    check_key(nova, &given)?;
    if !["", "nova"]
        .contains(&json::text(&given, "availability_zone").split(':').next().unwrap_or(""))
    {
        return Err(no(400, "The requested availability zone is not available"));
    }
    check_user_data(&given)?;
    let tags = json::texts(&given, "tags");
    let nics = nics::plan(nova, &given)?;
    let share = quota::Share { cores: flavor.number("vcpus"), ram: flavor.number("ram") };
    quota::take(cloud, project, share)?;
    let id = cloud.new_id()?;
    let mut body = fresh(nova, &id, &given);
    body.insert("name".to_owned(), json!(name));
    body.insert("_tags".to_owned(), json!(tags));
    body.insert("_flavor".to_owned(), json!(flavor.id));
    body.insert("_shape".to_owned(), shape(&flavor));
    body.insert("_cores".to_owned(), json!(share.cores));
    body.insert("_ram".to_owned(), json!(share.ram));
    body.insert("_image".to_owned(), image.map_or(Value::Null, |image| json!(image.id)));
    let hints = hints(nova, &given);
    if let Some(group) = hints.get("group").and_then(Value::as_str) {
        groups::join(nova, group, &id)?;
        body.insert("_group".to_owned(), json!(group));
    }
    let verdict = scheduling::decide(cloud, project, &flavor, &hints)?;
    body.insert("_hints".to_owned(), Value::Object(hints));
    if let Verdict::Seat(Some(seat)) = &verdict {
        body.insert("_seat".to_owned(), json!(seat));
    }
    let mut server = cloud.insert(&SERVER, project, body)?;
    let doom = match verdict {
        Verdict::NoHost(reason) => Some(reason.to_owned()),
        Verdict::Seat(_) => nics::plug(nova, &mut server, nics)?,
    };
    if let Some(reason) = doom {
        build::fail(cloud, &mut server, &reason)?;
    } else {
        devices::attach(nova, &mut server, disks)?;
        build::start(cloud, &mut server)?;
    }
    Ok(accepted(nova, &server, &given))
}

fn accepted(nova: &Nova<'_, '_>, server: &Object, given: &Body) -> Reply {
    let password = match json::text(given, "adminPass") {
        "" => server.id.replace('-', "").chars().rev().take(12).collect::<String>(),
        text => text.to_owned(),
    };
    let groups = given.get("security_groups").cloned();
    let shown = json!({"server": {
        "id": server.id,
        "links": nova.links(&format!("servers/{}", server.id)),
        "OS-DCF:diskConfig": server.text("OS-DCF:diskConfig"),
        "security_groups": groups.unwrap_or_else(|| json!([{"name": "default"}])),
        "adminPass": password,
    }});
    let location = format!("{}/v2.1/servers/{}", nova.url, server.id);
    Reply::json(202, shown).with("location", location)
}

fn fresh(nova: &Nova<'_, '_>, id: &str, given: &Body) -> Body {
    let stamp = nova.cloud.stamp();
    let text = |key: &str| json!(json::text(given, key));
    let drive = json::flag(given, "config_drive") == Some(true);
    let disk_config = match json::text(given, "OS-DCF:diskConfig") {
        "" => "MANUAL",
        text => text,
    };
    json::map(json!({
        "id": id, "name": "", "status": "BUILD", "tenant_id": nova.who.project,
        "user_id": nova.who.user, "hostId": "", "created": stamp, "updated": stamp,
        "accessIPv4": text("accessIPv4"), "accessIPv6": text("accessIPv6"), "progress": 0,
        "metadata": given.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "key_name": given.get("key_name").cloned().unwrap_or_default(),
        "config_drive": if drive { "True" } else { "" },
        "OS-DCF:diskConfig": disk_config,
        "OS-EXT-AZ:availability_zone": text("availability_zone"),
        "OS-EXT-STS:task_state": "scheduling", "OS-EXT-STS:vm_state": "building",
        "OS-EXT-STS:power_state": 0, "OS-SRV-USG:launched_at": null,
        "OS-SRV-USG:terminated_at": null,
        "_description": given.get("description").cloned().unwrap_or_default(),
        "_nics": [], "_own_ports": [], "_volumes": [],
    }))
}

/// Returns the flavor as a server keeps it from microversion 2.47 on.
pub(super) fn shape(flavor: &Object) -> Value {
    json!({
        "original_name": flavor.text("name"), "vcpus": flavor.number("vcpus"),
        "ram": flavor.number("ram"), "disk": flavor.number("disk"), "ephemeral": 0, "swap": 0,
        "extra_specs": flavor.body.get("_extra_specs").cloned().unwrap_or_default(),
    })
}

/// Returns the image that the request names; none is right only where a volume boots.
fn image(nova: &Nova<'_, '_>, given: &Body, volume_boots: bool) -> Outcome<Option<Object>> {
    let reference = json::text(given, "imageRef");
    if reference.is_empty() {
        return if volume_boots { Ok(None) } else { Err(no(400, "Missing imageRef attribute")) };
    }
    find_image(nova, reference).map(Some)
}

/// Returns an image that the project sees, or Nova's refusal.
pub(super) fn find_image(nova: &Nova<'_, '_>, reference: &str) -> Outcome<Object> {
    let id = reference.rsplit('/').next().unwrap_or_default();
    if uuid::Uuid::try_parse(id).is_err() {
        return Err(no(
            400,
            format!(
                "Invalid input for field/attribute imageRef. Value: {reference}. '{reference}' is not \
                 valid under any of the given schemas"
            ),
        ));
    }
    let image = nova
        .cloud
        .get(&IMAGE, id)?
        .filter(|image| image.project == nova.who.project || image.text("visibility") == "public");
    let image = image.ok_or_else(|| no(400, "Can not find requested image"))?;
    if image.text("status") == "active" {
        Ok(image)
    } else {
        Err(no(400, format!("Image {id} is not active.")))
    }
}

fn check_image(flavor: &Object, image: Option<&Object>) -> Outcome<()> {
    let Some(image) = image else { return Ok(()) };
    let gib = 1024 * 1024 * 1024;
    let (disk, size) = (flavor.number("disk") * gib, image.number("size"));
    if disk > 0 && size > disk {
        return Err(no(
            400,
            format!(
                "Flavor's disk is too small for requested image. Flavor disk is {disk} bytes, \
                 image is {size} bytes."
            ),
        ));
    }
    if disk > 0 && image.number("min_disk") * gib > disk {
        return Err(no(
            400,
            format!(
                "Flavor's disk is smaller than the minimum size specified in image metadata. \
                 Flavor disk is {disk} bytes, minimum size is {} bytes.",
                image.number("min_disk") * gib
            ),
        ));
    }
    if image.number("min_ram") > flavor.number("ram") {
        return Err(no(400, "Flavor's memory is too small for requested image."));
    }
    Ok(())
}

fn check_key(nova: &Nova<'_, '_>, given: &Body) -> Outcome<()> {
    if let Some(metadata) = given.get("metadata").and_then(Value::as_object) {
        metadata::checked(metadata)?;
    }
    let name = json::text(given, "key_name");
    let known = name.is_empty()
        || !nova.cloud.settings.strict_keypairs
        || keypairs::find(&nova.cloud, &nova.who.user, name)?.is_some();
    if known { Ok(()) } else { Err(no(400, "Invalid key_name provided.")) }
}

fn check_user_data(given: &Body) -> Outcome<()> {
    let text = json::text(given, "user_data");
    let problem = if text.len() > USER_DATA_LIMIT {
        "is too long"
    } else if STANDARD.decode(text.replace(['\n', '\r'], "")).is_err() {
        "is not a 'base64'"
    } else {
        return Ok(());
    };
    Err(no(
        400,
        format!("Invalid input for field/attribute user_data. Value: {text}. '{text}' {problem}"),
    ))
}

fn hints(nova: &Nova<'_, '_>, given: &Body) -> Body {
    let hints = nova.body.get("os:scheduler_hints").or_else(|| given.get("os:scheduler_hints"));
    json::map(
        hints.or_else(|| nova.body.get("OS-SCH-HNT:scheduler_hints")).cloned().unwrap_or_default(),
    )
}
