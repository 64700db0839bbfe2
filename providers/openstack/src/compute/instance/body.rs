//! The request that creates a server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_value::Value;

use super::{metadata_json, unset};
use crate::client::{Failure, Service};
use crate::look::{Look, field};
use crate::verbs::{Act, MARKER_KEY, Scope};

/// The microversion of a request that needs nothing newer.
const BASE: &str = "2.26";

/// Builds the request, and says which microversion it needs.
pub(super) async fn request(
    scope: &Scope<'_>,
    act: &Act<'_>,
) -> Result<(Json, &'static str), Failure> {
    let planned = act.planned();
    let microversion = microversion(&planned);
    let mut server = JsonMap::new();
    server.insert("name".into(), json!(planned.text("name")));
    server.insert("imageRef".into(), json!(image_ref(scope, &planned).await?));
    server.insert("flavorRef".into(), json!(flavor_ref(scope, &planned).await?));
    server.insert("config_drive".into(), json!(planned.flag("config_drive").unwrap_or(false)));
    let user_data = act.config.and_then(|config| config.text("user_data")).unwrap_or_default();
    if !user_data.is_empty() {
        server.insert("user_data".into(), json!(encoded_once(user_data)));
    }
    for (name, attribute) in [
        ("key_name", "key_pair"),
        ("adminPass", "admin_pass"),
        ("hypervisor_hostname", "hypervisor_hostname"),
    ] {
        if let Some(text) = planned.text(attribute) {
            server.insert(name.into(), json!(text));
        }
    }
    let zone =
        planned.text("availability_zone").or_else(|| planned.text("availability_zone_hints"));
    if let Some(zone) = zone {
        server.insert("availability_zone".into(), json!(zone));
    }
    if let Some(networks) = networks(scope, &planned, microversion).await? {
        server.insert("networks".into(), networks);
    }
    lists(&planned, &mut server);
    let mut metadata = metadata_json(&planned);
    metadata.insert(MARKER_KEY.into(), json!(act.recorded.intent().marker.as_str()));
    server.insert("metadata".into(), Json::Object(metadata));
    let mut request = JsonMap::from_iter([("server".to_owned(), Json::Object(server))]);
    let hints = scheduler_hints(&planned)?;
    if !hints.is_empty() {
        request.insert("os:scheduler_hints".into(), Json::Object(hints));
    }
    Ok((Json::Object(request), microversion))
}

fn lists(planned: &Value, server: &mut JsonMap<String, Json>) {
    let groups = planned.texts("security_groups");
    if !groups.is_empty() {
        server.insert(
            "security_groups".into(),
            groups.into_iter().map(|name| json!({ "name": name })).collect(),
        );
    }
    let devices: Vec<Json> = planned.items("block_device").iter().map(block_device).collect();
    if !devices.is_empty() {
        server.insert("block_device_mapping_v2".into(), Json::Array(devices));
    }
    let files = personality(planned);
    if !files.is_empty() {
        server.insert("personality".into(), Json::Array(files));
    }
    let tags = planned.texts("tags");
    if !tags.is_empty() {
        server.insert("tags".into(), json!(tags));
    }
}

/// Returns the files to put into a server, encoded.
pub(super) fn personality(planned: &Value) -> Vec<Json> {
    let files = planned.items("personality").iter();
    files
        .map(|file| {
            let content = BASE64.encode(file.text("content").unwrap_or_default());
            json!({"path": file.text("file"), "contents": content})
        })
        .collect()
}

/// Returns the newest microversion that an argument needs.
fn microversion(planned: &Value) -> &'static str {
    let devices = planned.items("block_device");
    let needs = [
        (planned.text("hypervisor_hostname").is_some(), "2.74"),
        (devices.iter().any(|device| device.text("volume_type").is_some()), "2.67"),
        (devices.iter().any(|device| device.flag("multiattach") == Some(true)), "2.60"),
        (!planned.texts("tags").is_empty(), "2.52"),
        (planned.text("network_mode").is_some(), "2.37"),
    ];
    needs.into_iter().find(|(needed, _)| *needed).map_or(BASE, |(_, version)| version)
}

/// Returns how many characters a script has as it is sent.
pub(super) fn user_data_length(text: &str) -> usize {
    encoded_once(text).len()
}

/// Returns the text in Base64; text that is Base64 already stays as it is.
fn encoded_once(text: &str) -> String {
    if BASE64.decode(text).is_ok() { text.to_owned() } else { BASE64.encode(text) }
}

async fn networks(
    scope: &Scope<'_>,
    planned: &Value,
    microversion: &str,
) -> Result<Option<Json>, Failure> {
    if let Some(mode) = planned.text("network_mode") {
        return Ok(Some(json!(mode.to_lowercase())));
    }
    let mut all = Vec::new();
    for block in planned.items("network") {
        let mut network = JsonMap::new();
        match (block.text("port"), block.text("uuid"), block.text("name")) {
            (Some(port), ..) => network.insert("port".into(), json!(port)),
            (None, Some(uuid), _) => network.insert("uuid".into(), json!(uuid)),
            (None, None, Some(name)) => {
                network.insert("uuid".into(), json!(network_id(scope, name).await?))
            }
            (None, None, None) => {
                return Err(Failure::other("a network block has no uuid, name or port"));
            }
        };
        if let Some(address) = block.text("fixed_ip_v4") {
            network.insert("fixed_ip".into(), json!(address));
        }
        all.push(Json::Object(network));
    }
    if all.is_empty() {
        // From 2.37 on Nova wants to be told.
        return Ok((microversion != BASE).then(|| json!("auto")));
    }
    Ok(Some(Json::Array(all)))
}

async fn network_id(scope: &Scope<'_>, name: &str) -> Result<String, Failure> {
    let query = vec![("name", name.to_owned()), ("status", "ACTIVE".to_owned())];
    let call = scope.get(Service::Network, "/networks").query(query);
    let network = scope.only_named(&call, "networks", &format!("network named {name:?}")).await?;
    Ok(field(&network, "id").to_owned())
}

/// Returns the image to boot from; empty where it boots from a volume.
async fn image_ref(scope: &Scope<'_>, planned: &Value) -> Result<String, Failure> {
    let devices = planned.items("block_device");
    let local_image = devices.iter().any(|device| {
        device.text("source_type") == Some("image")
            && device.text("destination_type") == Some("local")
    });
    if !devices.is_empty() && !local_image {
        return Ok(String::new());
    }
    image_id(scope, planned).await
}

/// Returns the id of the configured image.
pub(super) async fn image_id(scope: &Scope<'_>, planned: &Value) -> Result<String, Failure> {
    let env = |name: &str| scope.env.get(name).map(String::as_str).filter(|text| !text.is_empty());
    if let Some(id) = planned
        .text("image_id")
        .or_else(|| env("OS_IMAGE_ID").filter(|_| unset(planned, "image_name")))
    {
        return Ok(id.to_owned());
    }
    let name = planned.text("image_name").or_else(|| env("OS_IMAGE_NAME")).ok_or_else(|| {
        Failure::other("Neither a boot device, image ID, or image name were able to be determined.")
    })?;
    let call = scope.get(Service::Image, "/images").query(vec![("name", name.to_owned())]);
    let images = scope.session.named(&call, "images").await?;
    match images.as_slice() {
        [one] => Ok(field(one, "id").to_owned()),
        [] => Err(Failure::other(format!("Unable to find image with name {name}"))),
        several => Err(Failure::other(format!(
            "Found {} images matching {name}: give image_id instead",
            several.len()
        ))),
    }
}

/// Returns the id of the configured flavor.
pub(super) async fn flavor_ref(scope: &Scope<'_>, planned: &Value) -> Result<String, Failure> {
    let env = |name: &str| scope.env.get(name).map(String::as_str).filter(|text| !text.is_empty());
    if let Some(id) = planned
        .text("flavor_id")
        .or_else(|| env("OS_FLAVOR_ID").filter(|_| unset(planned, "flavor_name")))
    {
        return Ok(id.to_owned());
    }
    let name = planned
        .text("flavor_name")
        .or_else(|| env("OS_FLAVOR_NAME"))
        .ok_or_else(|| Failure::other("A flavor_id or flavor_name must be specified"))?;
    let call = scope.get(Service::Compute, "/flavors/detail");
    let flavors = scope.session.named(&call, "flavors").await?;
    let fitting: Vec<&Json> =
        flavors.iter().filter(|flavor| field(flavor, "name") == name).collect();
    match fitting.as_slice() {
        [one] => Ok(field(one, "id").to_owned()),
        [] => Err(Failure::other(format!("Unable to find flavor with name {name}"))),
        several => Err(Failure::other(format!(
            "Found {} flavors matching {name}: give flavor_id instead",
            several.len()
        ))),
    }
}

fn block_device(device: &Value) -> Json {
    let mut json = JsonMap::new();
    json.insert("boot_index".into(), json!(device.int("boot_index").unwrap_or(0)));
    let keep = device.flag("delete_on_termination").unwrap_or(false);
    json.insert("delete_on_termination".into(), json!(keep));
    for name in [
        "source_type",
        "destination_type",
        "uuid",
        "device_type",
        "disk_bus",
        "guest_format",
        "volume_type",
    ] {
        if let Some(text) = device.text(name) {
            json.insert(name.into(), json!(text));
        }
    }
    if let Some(size) = device.int("volume_size").filter(|size| *size > 0) {
        json.insert("volume_size".into(), json!(size));
    }
    Json::Object(json)
}

/// Returns the scheduler's hints, the additional ones flat among them: `reservation` is one.
fn scheduler_hints(planned: &Value) -> Result<JsonMap<String, Json>, Failure> {
    let mut hints = JsonMap::new();
    let Some(block) = planned.items("scheduler_hints").first() else { return Ok(hints) };
    for name in ["group", "target_cell"] {
        if let Some(text) = block.text(name) {
            hints.insert(name.into(), json!(text));
        }
    }
    for name in ["different_host", "same_host", "different_cell"] {
        let texts = block.texts(name);
        if !texts.is_empty() {
            hints.insert(name.into(), json!(texts));
        }
    }
    let query = block.texts("query");
    if !query.is_empty() {
        if query.len() < 3 {
            return Err(Failure::other("scheduler_hints.query must have at least 3 elements"));
        }
        hints.insert("query".into(), json!(json!(query).to_string()));
    }
    if let Some((host, prefix)) =
        block.text("build_near_host_ip").and_then(|cidr| cidr.split_once('/'))
    {
        hints.insert("build_near_host_ip".into(), json!(host));
        hints.insert("cidr".into(), json!(format!("/{prefix}")));
    }
    for (name, text) in block.pairs("additional_properties") {
        hints.insert(name.into(), json!(text));
    }
    Ok(hints)
}

#[cfg(test)]
mod tests {
    use super::encoded_once;

    #[test]
    fn base64_is_not_encoded_twice() {
        assert_eq!(encoded_once("#!/bin/sh"), "IyEvYmluL3No");
        assert_eq!(encoded_once("IyEvYmluL3No"), "IyEvYmluL3No");
    }
}
