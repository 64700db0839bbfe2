//! The parts of a lease: what one block reserves, wherever its values stand.

mod fill;
mod wanted;

use terrarium_value::{Causes, Map, Value};

use super::rows;
use crate::look::Look;
use crate::schema::{Attr, element_type, type_of};

pub(super) use fill::fill;
pub(super) use wanted::{changed, changes, wanted};

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

    /// Returns what a `resource_type` is.
    pub(super) fn of_type(resource_type: &str) -> Self {
        let known = KINDS.iter().find(|kind| kind.row().1 == resource_type);
        known.copied().unwrap_or(Self::Other)
    }
}

/// Returns the name of the block for a `resource_type`.
pub(super) fn block_of(resource_type: &str) -> &'static str {
    PartKind::of_type(resource_type).block()
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

    /// Makes a value unknown until the apply.
    pub(super) fn forget(&mut self, name: &str) {
        if let Some(row) = self.kind.attribute(name) {
            self.set(name, Value::unknown(type_of(&row.shape), Causes::NONE));
        }
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
            let values = item.to_map().unwrap_or_default();
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
