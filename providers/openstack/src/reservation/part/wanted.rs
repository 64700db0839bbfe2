//! What a request says of a part: all of it, or what changes.

use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_value::Value;

use super::{Part, PartKind};

/// Returns the member of `reservations` that asks for a part.
pub(in crate::reservation) fn wanted(part: &Part) -> JsonMap<String, Json> {
    let mut body = JsonMap::new();
    body.insert("resource_type".into(), json!(part.resource_type()));
    let number = |name: &str| json!(part.int(name));
    let text = |name: &str| json!(part.text(name).unwrap_or_default());
    match part.kind {
        PartKind::Host | PartKind::Device => {
            let (least, most) = part.amount();
            body.insert("min".into(), json!(least));
            body.insert("max".into(), json!(most));
            body.insert("resource_properties".into(), text("resource_properties"));
            if part.kind == PartKind::Host {
                body.insert("hypervisor_properties".into(), text("hypervisor_properties"));
            }
        }
        PartKind::Instance => {
            for name in ["amount", "vcpus", "memory_mb", "disk_gb"] {
                body.insert(name.into(), number(name));
            }
            let affinity = part.get("affinity").and_then(Value::as_bool);
            body.insert("affinity".into(), json!(affinity));
            body.insert("resource_properties".into(), text("resource_properties"));
        }
        PartKind::Flavor => {
            body.insert("flavor_id".into(), text("flavor_id"));
            body.insert("amount".into(), number("amount"));
            // The key must be there, and its value must be null.
            body.insert("affinity".into(), Json::Null);
        }
        PartKind::FloatingIp => {
            body.insert("network_id".into(), text("network_id"));
            body.insert("amount".into(), number("amount"));
            let required: Vec<&str> =
                part.items("required_floatingips").iter().filter_map(Value::as_str).collect();
            if !required.is_empty() {
                body.insert("required_floatingips".into(), json!(required));
            }
        }
        PartKind::Network => {
            for name in ["network_name", "resource_properties", "network_properties"] {
                body.insert(name.into(), text(name));
            }
        }
        PartKind::Other => {
            let entries = part.get("parameters").and_then(Value::as_entries);
            for (name, value) in entries.into_iter().flatten() {
                body.insert(name.to_string(), loose(value.as_str().unwrap_or_default()));
            }
        }
    }
    for name in ["before_end", "on_start", "network_description"] {
        if let Some(text) = part.get(name).and_then(Value::as_str) {
            body.insert(name.into(), json!(text));
        }
    }
    body
}

/// Returns what a text of the escape hatch stands for: null, a bool, a whole number, or itself.
fn loose(text: &str) -> Json {
    match text {
        "null" => Json::Null,
        "true" => true.into(),
        "false" => false.into(),
        text => text.parse::<i64>().map_or_else(|_| text.into(), Json::from),
    }
}

/// The arguments that an update may change, in the names of body and row.
fn changeable(kind: PartKind) -> &'static [&'static str] {
    match kind {
        PartKind::Host => &["min", "max", "resource_properties", "hypervisor_properties"],
        PartKind::Device => &["min", "max", "resource_properties"],
        PartKind::Instance => {
            &["amount", "vcpus", "memory_mb", "disk_gb", "affinity", "resource_properties"]
        }
        PartKind::FloatingIp => &["amount", "required_floatingips"],
        PartKind::Network => &["resource_properties", "network_properties"],
        PartKind::Flavor | PartKind::Other => &[],
    }
}

/// Returns the arguments of a part that differ from before and that an update may change.
pub(in crate::reservation) fn changes(before: &Part, after: &Part) -> Vec<&'static str> {
    let differs = |name: &&str| match (before.get(name), after.get(name)) {
        (Some(old), Some(new)) => {
            after.kind.attribute(name).is_some_and(|row| !crate::same::same(row, old, new))
        }
        _ => false,
    };
    changeable(after.kind).iter().copied().filter(|name| differs(name)).collect()
}

/// Returns the member of `reservations` that changes a part; `None` where nothing changes.
pub(in crate::reservation) fn changed(
    before: &Part,
    after: &Part,
) -> Option<JsonMap<String, Json>> {
    let names = changes(before, after);
    if names.is_empty() {
        return None;
    }
    let all = wanted(after);
    let mut body = JsonMap::new();
    body.insert("id".into(), json!(before.text("id").unwrap_or_default()));
    for name in names {
        let value = all.get(name).cloned();
        let value = value.unwrap_or_else(|| match after.get(name) {
            Some(value) if value.as_items().is_some() => json!([]),
            _ => Json::Null,
        });
        body.insert(name.into(), value);
    }
    // Chameleon checks such a member as if it were a new one, so it goes whole.
    if matches!(after.kind, PartKind::Host | PartKind::Device | PartKind::Network) {
        for name in changeable(after.kind) {
            body.insert((*name).into(), all.get(*name).cloned().unwrap_or(Json::Null));
        }
    }
    Some(body)
}
