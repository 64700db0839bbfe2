//! The parts of a lease: what one block reserves, wherever its values stand.

use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_value::{Map, Value};

use super::rows;
use crate::look::{Look, elements, field};
use crate::schema::{Attr, element_type, type_of};
use crate::wire::{from_json, scalar_text, to_json};

/// Kinds of things that can be reserved; each is a block type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PartKind {
    Host,
    Instance,
    Flavor,
    FloatingIp,
    Network,
    Device,
    /// Anything else, as the user spells it.
    Other,
}

/// All kinds, in the order in which a create sends them.
pub(super) const KINDS: &[PartKind] = &[
    PartKind::Host,
    PartKind::Instance,
    PartKind::Flavor,
    PartKind::FloatingIp,
    PartKind::Network,
    PartKind::Device,
    PartKind::Other,
];

impl PartKind {
    /// Returns its block's name, its `resource_type`, and the rows of its block.
    fn row(self) -> (&'static str, &'static str, &'static [Attr]) {
        match self {
            Self::Host => ("host", "physical:host", rows::HOST),
            Self::Instance => ("instance", "virtual:instance", rows::INSTANCE),
            Self::Flavor => ("flavor", "flavor:instance", rows::FLAVOR),
            Self::FloatingIp => ("floatingip", "virtual:floatingip", rows::FLOATINGIP),
            Self::Network => ("network", "network", rows::NETWORK),
            Self::Device => ("device", "device", rows::DEVICE),
            Self::Other => ("reservation", "", rows::OTHER),
        }
    }

    /// Returns the name of its block.
    pub(super) fn block(self) -> &'static str {
        self.row().0
    }

    /// Returns the rows of its block.
    pub(super) fn attributes(self) -> &'static [Attr] {
        self.row().2
    }

    /// Returns the row of one of its arguments.
    pub(super) fn attribute(self, name: &str) -> Option<&'static Attr> {
        self.attributes().iter().find(|row| row.name == name)
    }

    fn of_type(resource_type: &str) -> Self {
        let known = KINDS.iter().find(|kind| kind.row().1 == resource_type);
        known.copied().unwrap_or(Self::Other)
    }
}

/// One part of a lease.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// What it reserves.
    pub(super) kind: PartKind,
    /// Its place among the blocks of its kind.
    pub(super) at: usize,
    /// Its values, by the names of the block's rows.
    pub(super) values: Map,
}

impl Part {
    /// Returns a value.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Returns a text that is neither null nor empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns a whole number.
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_number()?.to_i64()
    }

    /// Returns the elements of a list or set.
    pub(super) fn items(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_items).unwrap_or_default()
    }

    /// Sets a value.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.values.insert(name.into(), value);
    }

    /// Returns its `resource_type`.
    pub(super) fn resource_type(&self) -> &str {
        match self.kind {
            PartKind::Other => self.text("resource_type").unwrap_or_default(),
            kind => kind.row().1,
        }
    }

    /// Returns how many things it takes at least and at most.
    pub(super) fn amount(&self) -> (i64, i64) {
        let least = self.int("min").or_else(|| self.int("amount")).unwrap_or(1);
        (least, self.int("max").unwrap_or(least))
    }

    /// Returns its name in `reservation_ids`: `host[0]`.
    pub(super) fn key(&self) -> String {
        format!("{}[{}]", self.kind.block(), self.at)
    }
}

/// Returns the parts of a lease's values; of a convenience type, the one at the top.
pub(super) fn parts(only: Option<PartKind>, values: &Value) -> Vec<Part> {
    if let Some(kind) = only {
        let fields = kind.attributes().iter().map(|row| {
            let name = if row.name == "id" { "reservation_id" } else { row.name };
            let value = values.get(name).filter(|_| row.name != "status").cloned();
            (row.name.into(), value.unwrap_or_else(|| Value::null(type_of(&row.shape))))
        });
        return vec![Part { kind, at: 0, values: fields.collect() }];
    }
    let mut all = Vec::new();
    for kind in KINDS {
        for (at, item) in values.items(kind.block()).iter().enumerate() {
            let values = item.as_entries().cloned().unwrap_or_default();
            all.push(Part { kind: *kind, at, values });
        }
    }
    all
}

/// Writes parts back to where they stand.
pub(super) fn put(only: Option<PartKind>, parts: &[Part], out: &mut Map) {
    if let Some(kind) = only {
        for part in parts.iter().take(1) {
            for row in kind.attributes().iter().filter(|row| row.name != "status") {
                let name = if row.name == "id" { "reservation_id" } else { row.name };
                if let Some(value) = part.get(row.name) {
                    out.insert(name.into(), value.clone());
                }
            }
        }
        return;
    }
    for kind in KINDS {
        // Blocks that are not known yet stay as they are.
        if out.get(kind.block()).is_some_and(|blocks| !blocks.is_known()) {
            continue;
        }
        let blocks = parts.iter().filter(|part| part.kind == *kind);
        let blocks = blocks.map(|part| Value::object(part.values.clone())).collect();
        out.insert(kind.block().into(), Value::list(element_type(kind.attributes()), blocks));
    }
}

/// Returns the path of a part's argument.
pub(super) fn path(only: Option<PartKind>, part: &Part, name: &str) -> terrarium_address::AttrPath {
    use terrarium_address::{AttrPath, PathStep};
    if only.is_some() {
        return AttrPath::attr(name);
    }
    AttrPath::attr(part.kind.block())
        .with(PathStep::Index(part.at as u64))
        .with(PathStep::Attr(name.into()))
}

/// Returns the member of `reservations` that asks for a part.
pub(super) fn wanted(part: &Part) -> JsonMap<String, Json> {
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
pub(super) fn changes(before: &Part, after: &Part) -> Vec<&'static str> {
    let differs = |name: &&str| match (before.get(name), after.get(name)) {
        (Some(old), Some(new)) => {
            after.kind.attribute(name).is_some_and(|row| !crate::same::same(row, old, new))
        }
        _ => false,
    };
    changeable(after.kind).iter().copied().filter(|name| differs(name)).collect()
}

/// Returns the member of `reservations` that changes a part; `None` where nothing changes.
pub(super) fn changed(before: &Part, after: &Part) -> Option<JsonMap<String, Json>> {
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
    // Blazar compares the two with each other, so they go together.
    for name in ["min", "max"] {
        if body.contains_key("min") || body.contains_key("max") {
            body.insert(name.into(), all.get(name).cloned().unwrap_or(Json::Null));
        }
    }
    Some(body)
}

/// Fills parts in from a lease's reservations. Where nothing is known of the lease's blocks (an import),
/// they are made from what is there.
pub(super) fn fill(only: Option<PartKind>, known: Vec<Part>, lease: &Json) -> Vec<Part> {
    let all = elements(lease, "reservations");
    let imported = known.iter().all(|part| part.text("id").is_none() && is_blank(part));
    let mut parts = if imported { made(only, all) } else { known };
    let mut taken = vec![false; all.len()];
    // Those whose id is known first, so that nobody else takes theirs.
    for exact in [true, false] {
        for part in parts.iter_mut().filter(|part| part.text("id").is_some() == exact) {
            let fits = |(at, one): &(usize, &Json)| {
                !taken.get(*at).copied().unwrap_or(true)
                    && match part.text("id") {
                        Some(id) => field(one, "id") == id,
                        None => field(one, "resource_type") == part.resource_type(),
                    }
            };
            let alike = all.iter().enumerate().filter(fits).max_by_key(|(at, one)| {
                // Of several of one type the most alike, the first of those.
                (likeness(part, one), std::cmp::Reverse(*at))
            });
            if let Some((at, reservation)) = alike {
                if let Some(slot) = taken.get_mut(at) {
                    *slot = true;
                }
                read(part, reservation);
            }
        }
    }
    parts
}

fn is_blank(part: &Part) -> bool {
    part.values.values().all(crate::look::is_zero)
}

/// Makes empty parts for reservations of which only the service knows.
fn made(only: Option<PartKind>, reservations: &[Json]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for one in reservations {
        let resource_type = field(one, "resource_type");
        let kind = PartKind::of_type(resource_type);
        if only.is_some_and(|only| only != kind || !parts.is_empty()) {
            continue;
        }
        let fields = kind.attributes().iter().map(|row| {
            let value = match row.nested() {
                Some(_) => from_json(&row.shape, None),
                None => Value::null(type_of(&row.shape)),
            };
            (row.name.into(), value)
        });
        let at = parts.iter().filter(|part| part.kind == kind).count();
        let mut part = Part { kind, at, values: fields.collect() };
        part.set("id", Value::string(field(one, "id")));
        if kind == PartKind::Other {
            part.set("resource_type", Value::string(resource_type));
        }
        parts.push(part);
    }
    parts
}

/// Counts the arguments that a reservation shows as they were asked for.
fn likeness(part: &Part, reservation: &Json) -> usize {
    let wanted = wanted(part);
    let same = wanted.iter().filter(|(name, value)| {
        let there = reservation.get(name.as_str()).map(scalar_text).unwrap_or_default();
        let there = if name.ends_with("_properties") {
            super::filter::normal(&there)
        } else {
            there
        };
        there == scalar_text(value)
    });
    same.count()
}

/// Reads what a reservation shows into a part.
fn read(part: &mut Part, reservation: &Json) {
    for row in part.kind.attributes() {
        let Some(json) = reservation.get(row.name).filter(|json| !json.is_null()) else { continue };
        let configured = match (part.kind, row.name) {
            // Of a flavor's reservation this is the reserved one, or its own copy of the source.
            (PartKind::Flavor, "flavor_id" | "resource_properties") => continue,
            (PartKind::Other, "parameters" | "resource_type") => continue,
            (_, "required_floatingips") => continue,
            _ => part.get(row.name),
        };
        let mut value = from_json(&row.shape, Some(json));
        if let Some(text) = value.as_str().filter(|_| row.name.ends_with("_properties")) {
            value = Value::string(super::filter::normal(text));
        }
        let keep = configured.is_some_and(|old| crate::same::same(row, old, &value));
        if !keep {
            part.set(row.name, value);
        }
    }
    let id = field(reservation, "id");
    part.set("id", Value::string(id));
    if part.kind == PartKind::Flavor {
        read_flavor(part, reservation);
    }
    let names: Vec<&'static Attr> = part.kind.attributes().iter().collect();
    for row in names {
        let unknown = part.get(row.name).is_none_or(|value| !value.is_known());
        if unknown {
            part.set(row.name, Value::null(type_of(&row.shape)));
        }
    }
}

fn read_flavor(part: &mut Part, reservation: &Json) {
    let id = field(reservation, "id").to_owned();
    part.set("reserved_flavor_name", Value::string(format!("reservation:{id}")));
    part.set("reserved_flavor_id", Value::string(id));
    // The source flavor stands in here as JSON.
    let source = field(reservation, "resource_properties");
    let source: Json = serde_json::from_str(source).unwrap_or(Json::Null);
    for (name, key) in [("flavor_id", "id"), ("flavor_name", "name")] {
        if part.text(name).is_none()
            && let Some(text) = source.get(key).map(scalar_text).filter(|text| !text.is_empty())
        {
            part.set(name, Value::string(text));
        }
    }
}

/// Returns a value as it would be sent, for messages.
pub(super) fn told(part: &Part, name: &str) -> String {
    let row = part.kind.attribute(name);
    let value = part.get(name);
    let json = row.zip(value).and_then(|(row, value)| to_json(row, value));
    json.map(|json| scalar_text(&json)).unwrap_or_default()
}
