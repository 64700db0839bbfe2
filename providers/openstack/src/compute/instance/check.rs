//! What can be said about a server's configuration and plan without asking the cloud.

use terrarium_address::{AttrPath, PathStep};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::Value;

use crate::codes;
use crate::look::{Look, is_zero};
use crate::plan::Draft;

/// Returns whether every network of a server is given as a port.
pub(super) fn all_by_port(values: &Value) -> bool {
    let networks = values.items("network");
    let by_port =
        |block: &Value| block.get("port").is_some_and(|port| !port.is_known() || !is_zero(port));
    !networks.is_empty() && networks.iter().all(by_port)
}

/// Checks a configuration.
pub(super) fn validate(config: &Value, diagnostics: &mut Diagnostics) {
    for (at, block) in config.items("network").iter().enumerate() {
        let given =
            |name: &str| block.get(name).is_some_and(|value| !value.is_known() || !is_zero(value));
        if !["uuid", "name", "port"].into_iter().any(given) {
            diagnostics.push(
                Diagnostic::error(
                    codes::CONFLICT,
                    "At least one of network.uuid, network.name, or network.port must be set",
                )
                .path(AttrPath::attr("network").with(PathStep::Index(at as u64))),
            );
        }
    }
    if !config.items("security_groups").is_empty() && all_by_port(config) {
        diagnostics.push(
            Diagnostic::warning(
                codes::NO_EFFECT,
                "security_groups has no effect on networks given as ports",
            )
            .detail("Nova ignores a server's security groups where each of its networks is a port.")
            .help("set security_group_ids of the openstack_networking_port_v2")
            .path(AttrPath::attr("security_groups")),
        );
    }
    let id_and_name =
        |id: &str, name: &str| config.text(id).is_some() && config.text(name).is_some();
    for (id, name) in [("image_id", "image_name"), ("flavor_id", "flavor_name")] {
        if id_and_name(id, name) {
            diagnostics.push(
                Diagnostic::warning(codes::NO_EFFECT, format!("{name} has no effect beside {id}"))
                    .help(format!("remove {name}"))
                    .path(AttrPath::attr(name)),
            );
        }
    }
    for (at, device) in config.items("block_device").iter().enumerate() {
        if let Some(what) = wrong_device(device) {
            let path = AttrPath::attr("block_device").with(PathStep::Index(at as u64));
            diagnostics.push(Diagnostic::error(codes::INVALID, what).path(path));
        }
    }
}

fn wrong_device(device: &Value) -> Option<&'static str> {
    let source = device.text("source_type")?;
    let destination = device.text("destination_type");
    let lacks = |name: &str| device.get(name).is_some_and(is_zero);
    if source != "blank" && lacks("uuid") {
        return Some("You must specify a uuid for this block device: its source is not blank");
    }
    match (source, destination) {
        (_, Some(other)) if other != "local" && other != "volume" => {
            Some("Invalid block device destination type: local and volume are allowed")
        }
        ("image", Some("volume")) if lacks("volume_size") => {
            Some("You must specify a volume_size when creating a volume from an image")
        }
        ("blank", Some("local")) if lacks("volume_size") => {
            Some("You must specify a volume_size when creating a blank block device")
        }
        _ => None,
    }
}

/// Adjusts a plan: what is no difference, what needs a new server, and what will be destroyed.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(prior) = draft.prior else { return };
    match prior.text("power_state") {
        Some("error" | "migrating") => draft.keep("power_state"),
        Some("build") => {
            draft.keep("network");
            draft.keep("security_groups");
        }
        _ => {}
    }
    if draft.changes("security_groups") && all_by_port(draft.config) {
        draft.keep("security_groups");
    }
    pair(draft, "flavor_id", "flavor_name");
    pair(draft, "image_id", "image_name");
    if (draft.changes("flavor_id") || draft.changes("flavor_name"))
        && prior.text("flavor_id").is_none()
        && prior.text("flavor_name").is_none()
    {
        // The old flavor is gone: Nova can't resize away from it.
        draft.force_new("flavor_id");
    }
    if draft.changes("metadata") {
        draft.forget("all_metadata");
    }
    if draft.changes("tags") {
        draft.forget("all_tags");
    }
    let rebuilds =
        ["image_id", "image_name", "personality"].into_iter().find(|name| draft.changes(name));
    if let Some(name) = rebuilds
        && draft.replace.is_empty()
    {
        draft.diagnostics.push(
            Diagnostic::warning(
                codes::DESTRUCTIVE,
                "The server is rebuilt: its root disk will be lost",
            )
            .detail(format!(
                "A change of {name} is made in place by rebuilding the server from the image."
            ))
            .path(AttrPath::attr(name)),
        );
    }
}

/// Makes the computed half of id and name unknown where the configured half changes.
fn pair(draft: &mut Draft<'_>, id: &str, name: &str) {
    let (id_changes, name_changes) = (draft.changes(id), draft.changes(name));
    if name_changes && !id_changes && draft.config.get(id).is_none_or(Value::is_null) {
        draft.forget(id);
    }
    if id_changes && !name_changes && draft.config.get(name).is_none_or(Value::is_null) {
        draft.forget(name);
    }
}
