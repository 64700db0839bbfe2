//! State files written, byte for byte as Terraform writes them.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use terrarium_address::{AttrPath, ConfigAddr, InstanceKey, Mode, Name, PathStep};

use super::json::{indent, push_string};
use crate::{Dep, Instance, Object, State};

/// The version of Terraform whose files these are.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// A resource's place in the file: module, mode, type, name, each compared as text.
type Place = (String, &'static str, Name, Name);

/// The instances of a resource in a module instance, in the order of their keys.
#[derive(Default)]
struct Group<'s> {
    provider: Name,
    instances: Vec<(&'s InstanceKey, &'s Instance)>,
}

/// Returns the state as the text of a state file.
///
/// Intents, the schedule and what is ended are ours and are left out.
pub fn write(state: &State) -> String {
    let mut out = format!("{{\"version\":4,\"terraform_version\":\"{TERRAFORM_VERSION}\",");
    // Writing to a string can't fail.
    let _ = write!(out, "\"serial\":{},\"lineage\":", state.serial);
    push_string(&mut out, &state.lineage);
    out.push_str(",\"outputs\":{");
    for (index, (name, output)) in state.outputs.iter().enumerate() {
        comma(&mut out, index);
        push_string(&mut out, name);
        let _ = write!(out, ":{{\"value\":{},\"type\":{}", output.value, output.ty);
        if output.sensitive {
            out.push_str(",\"sensitive\":true");
        }
        out.push('}');
    }
    out.push_str("},\"resources\":[");
    for (index, (place, group)) in groups(state).into_iter().enumerate() {
        comma(&mut out, index);
        resource(&mut out, &place, &group);
    }
    let results = state.check_results.as_deref().unwrap_or("null");
    let _ = write!(out, "],\"check_results\":{results}}}");
    let mut text = indent(&out);
    text.push('\n');
    text
}

fn comma(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

fn groups(state: &State) -> BTreeMap<Place, Group<'_>> {
    let mut groups: BTreeMap<Place, Group<'_>> = BTreeMap::new();
    for (block, provider) in &state.husks {
        groups.insert(place(block), Group { provider: provider.clone(), instances: Vec::new() });
    }
    for (addr, instance) in &state.resources {
        if live(instance).next().is_some() {
            let group = groups.entry(place(&addr.block)).or_default();
            group.provider = instance.provider.clone();
            group.instances.push((&addr.key, instance));
        }
    }
    groups
}

fn place(block: &ConfigAddr) -> Place {
    let mode = match block.mode {
        Mode::Data => "data",
        Mode::Managed => "managed",
    };
    (block.module.to_string(), mode, block.kind.clone(), block.name.clone())
}

/// Iterates over the objects that are not ended, the current one first.
fn live(instance: &Instance) -> impl Iterator<Item = (Option<&Name>, &Object)> {
    let current = instance.current.iter().map(|object| (None, object));
    let deposed = instance.deposed.iter().map(|(key, object)| (Some(key), object));
    current.chain(deposed).filter(|(_, object)| object.ended.is_none())
}

fn resource(out: &mut String, (module, mode, kind, name): &Place, group: &Group<'_>) {
    out.push('{');
    if !module.is_empty() {
        field(out, "module", module);
        out.push(',');
    }
    field(out, "mode", mode);
    for (key, value) in [("type", kind), ("name", name), ("provider", &group.provider)] {
        out.push(',');
        field(out, key, value);
    }
    out.push_str(",\"instances\":[");
    let all = group.instances.iter();
    let all = all.flat_map(|(key, instance)| live(instance).map(move |(d, o)| (*key, d, o)));
    for (index, (key, deposed, object)) in all.enumerate() {
        comma(out, index);
        item(out, key, deposed, object);
    }
    out.push_str("]}");
}

fn field(out: &mut String, key: &str, value: &str) {
    push_string(out, key);
    out.push(':');
    push_string(out, value);
}

fn item(out: &mut String, key: &InstanceKey, deposed: Option<&Name>, object: &Object) {
    out.push('{');
    match key {
        InstanceKey::None => {}
        InstanceKey::Int(index) => {
            let _ = write!(out, "\"index_key\":{index},");
        }
        InstanceKey::Str(key) => {
            field(out, "index_key", key);
            out.push(',');
        }
    }
    if object.status.is_broken() {
        out.push_str("\"status\":\"tainted\",");
    }
    if let Some(deposed) = deposed {
        field(out, "deposed", deposed);
        out.push(',');
    }
    let _ = write!(out, "\"schema_version\":{}", object.schema_version);
    if !object.attributes.is_empty() {
        let _ = write!(out, ",\"attributes\":{}", object.attributes);
    }
    out.push_str(",\"sensitive_attributes\":[");
    for (index, path) in object.sensitive.iter().enumerate() {
        comma(out, index);
        push_path(out, path);
    }
    out.push(']');
    if let Some((version, identity)) = &object.identity {
        let _ = write!(out, ",\"identity_schema_version\":{version}");
        if !identity.is_empty() {
            let _ = write!(out, ",\"identity\":{identity}");
        }
    }
    if let Some(private) = object.private.as_deref().filter(|private| !private.is_empty()) {
        out.push(',');
        field(out, "private", &STANDARD.encode(private));
    }
    let dependencies = dependencies(&object.deps);
    if !dependencies.is_empty() {
        out.push_str(",\"dependencies\":[");
        for (index, dependency) in dependencies.iter().enumerate() {
            comma(out, index);
            push_string(out, dependency);
        }
        out.push(']');
    }
    if object.create_before_destroy {
        out.push_str(",\"create_before_destroy\":true");
    }
    out.push('}');
}

/// Writes a path; what stands for every element of a set ends it, which marks the whole set.
fn push_path(out: &mut String, path: &AttrPath) {
    out.push('[');
    let steps = path.0.iter().take_while(|step| **step != PathStep::AnyElement);
    for (index, step) in steps.enumerate() {
        comma(out, index);
        match step {
            PathStep::Attr(name) => {
                out.push_str("{\"type\":\"get_attr\",");
                field(out, "value", name);
                out.push('}');
            }
            PathStep::Index(at) => {
                out.push_str("{\"type\":\"index\",\"value\":{\"value\":");
                let _ = write!(out, "{at},\"type\":\"number\"}}}}");
            }
            PathStep::Key(key) => {
                out.push_str("{\"type\":\"index\",\"value\":{");
                field(out, "value", key);
                out.push_str(",\"type\":\"string\"}}");
            }
            PathStep::AnyElement => {}
        }
    }
    out.push(']');
}

/// Returns the blocks that an object depends on, as Terraform names and sorts them.
///
/// A list that has blocks only came from Terraform, which keeps the order of what it does not touch.
fn dependencies(deps: &[Dep]) -> Vec<String> {
    let theirs = |dep: &Dep| matches!(dep, Dep::Block(block) if block.config() == *block);
    let blocks = deps.iter().flat_map(Dep::blocks).map(|block| block.config().to_string());
    let mut names: Vec<String> = blocks.collect();
    if !deps.iter().all(theirs) {
        names.sort();
        names.dedup();
    }
    names
}
