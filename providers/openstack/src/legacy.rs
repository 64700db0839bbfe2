//! Arguments that a later major version removed. A configuration whose constraint selects an older one may use
//! them: they are translated where requests come in and where answers go out, so nothing else knows them.

use terrarium_address::{AttrPath, Mode, Name};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{ApplyOutcome, ApplyReply, Block, PollOutcome, PollReply, Schema};
use terrarium_value::{Type, Value};

use crate::codes;
use crate::schema::{Attr, block_of, blocks, flag, text};

/// What a type had before a major version.
pub(crate) struct Legacy {
    mode: Mode,
    kind: &'static str,
    /// The major version without it.
    until: u64,
    old: &'static [Attr],
    /// What stands in its place.
    new: Option<&'static str>,
    /// Why, and what to do, in words that complete "use …".
    instead: &'static str,
    /// Returns the new value of an old one.
    forth: fn(&Value) -> Value,
    /// Returns the old value of a new one.
    back: fn(&Value) -> Value,
}

const TEXT_POOL: &[Attr] = &[text("end").required(), text("start").required()];

const ROWS: &[Legacy] = &[
    Legacy {
        mode: Mode::Managed,
        kind: "openstack_networking_router_v2",
        until: 2,
        old: &[text("external_gateway").optional_computed()],
        new: Some("external_network_id"),
        instead: "external_network_id",
        forth: Value::clone,
        back: Value::clone,
    },
    Legacy {
        mode: Mode::Managed,
        kind: "openstack_networking_subnet_v2",
        until: 2,
        old: &[blocks("allocation_pools", TEXT_POOL).optional_computed()],
        new: Some("allocation_pool"),
        instead: "allocation_pool",
        forth: |old| of_items(old, Value::set),
        back: |new| of_items(new, Value::list),
    },
    Legacy {
        mode: Mode::Managed,
        kind: "openstack_blockstorage_volume_v3",
        until: 2,
        old: &[flag("multiattach").force_new()],
        new: None,
        instead: "a volume_type that allows several attachments",
        forth: Value::clone,
        back: Value::clone,
    },
    Legacy {
        mode: Mode::Data,
        kind: "openstack_networking_subnet_v2",
        until: 2,
        old: &[flag("dhcp_disabled")],
        new: Some("dhcp_enabled"),
        instead: "dhcp_enabled",
        forth: negated,
        back: negated,
    },
];

fn negated(value: &Value) -> Value {
    value.as_bool().map_or_else(|| value.clone(), |flag| Value::bool(!flag))
}

/// Builds a collection of other nature from the same elements; what has none stays as it is.
fn of_items(value: &Value, build: fn(Type, Vec<Value>) -> Value) -> Value {
    let Some(items) = value.as_items() else { return value.clone() };
    let element = crate::schema::element_type(TEXT_POOL);
    build(element, items.to_vec())
}

/// Returns what a type had in some version and has no more.
pub(crate) fn of_any(mode: Mode, kind: &str) -> Option<&'static Legacy> {
    ROWS.iter().find(|row| row.mode == mode && row.kind == kind)
}

/// Returns what a type had in a major version and has no more.
pub(crate) fn of(major: u64, mode: Mode, kind: &str) -> Option<&'static Legacy> {
    of_any(mode, kind).filter(|row| major < row.until)
}

/// Adds to a schema what its type had in a major version, or the names of what it has no more.
pub(crate) fn in_version(major: u64, mode: Mode, kind: &str, schema: &mut Schema) {
    let Some(row) = of_any(mode, kind) else { return };
    let help = format!("use {}", row.instead);
    if major >= row.until {
        let names = row.old.iter().map(|attr| (Name::from(attr.name), help.clone()));
        schema.block.retired.extend(names);
        return;
    }
    let Block { attributes, blocks, .. } = block_of(row.old);
    for (name, mut attribute) in attributes {
        attribute.deprecated = Some(help.clone());
        schema.block.attributes.insert(name, attribute);
    }
    for (name, mut nested) in blocks {
        nested.block.deprecated = Some(help.clone());
        schema.block.blocks.insert(name, nested);
    }
}

impl Legacy {
    /// Translates values into those of today.
    pub(crate) fn modern(&self, value: &Value) -> Value {
        let Some(mut map) = value.to_map() else { return value.clone() };
        for attr in self.old {
            let Some(old) = map.remove(attr.name).filter(|old| !is_none(old)) else { continue };
            if let Some(new) = self.new
                && map.get(new).is_none_or(is_none)
            {
                map.insert(new.into(), (self.forth)(&old));
            }
        }
        Value::object(map)
    }

    /// Puts values of today in the place of a configuration; returns that.
    pub(crate) fn modernise(&self, config: &mut Value) -> Value {
        let today = self.modern(config);
        std::mem::replace(config, today)
    }

    /// Translates values of today back; `known` are those that were asked about or configured, and stay as they
    /// were written where they mean the same.
    pub(crate) fn old(&self, value: &Value, known: Option<&Value>) -> Value {
        let Some(mut map) = value.to_map() else { return value.clone() };
        for attr in self.old {
            let kept = known.and_then(|known| known.get(attr.name)).filter(|old| !is_none(old));
            let new = self.new.and_then(|new| map.get(new));
            let value = match (kept, new) {
                (Some(kept), None) => kept.clone(),
                (Some(kept), Some(new)) if (self.forth)(kept) == *new => kept.clone(),
                (_, Some(new)) => (self.back)(new),
                (None, None) => Value::null(crate::schema::type_of(&attr.shape)),
            };
            map.insert(attr.name.into(), value);
        }
        Value::object(map)
    }

    /// Returns values without what a later version has no more.
    pub(crate) fn without(&self, value: &Value) -> Value {
        let Some(mut map) = value.to_map() else { return value.clone() };
        map.retain(|name, _| self.old.iter().all(|attr| attr.name != &**name));
        Value::object(map)
    }

    /// Translates what an answer to an action says of the object.
    pub(crate) fn applied(&self, reply: &mut ApplyReply, known: Option<&Value>) {
        let state = match &mut reply.outcome {
            ApplyOutcome::Done { state, .. } | ApplyOutcome::Refused { state, .. } => state,
            ApplyOutcome::Accepted(accepted) => &mut accepted.state,
            ApplyOutcome::Unknown(_) => return,
        };
        *state = state.as_ref().map(|state| self.old(state, known));
    }

    /// Translates what an answer about accepted work says of the object.
    pub(crate) fn polled(&self, reply: &mut PollReply, known: Option<&Value>) {
        let state = match &mut reply.outcome {
            PollOutcome::Done { state, .. }
            | PollOutcome::Refused { state, .. }
            | PollOutcome::Continue { state, .. } => state,
            PollOutcome::Waiting { .. } => return,
        };
        *state = state.as_ref().map(|state| self.old(state, known));
    }

    /// Warns of what is going away, and refuses it beside its successor.
    pub(crate) fn validate(&self, config: &Value) -> Diagnostics {
        let given = |name: &str| config.get(name).is_some_and(|value| !is_none(value));
        let mut diagnostics = Diagnostics::new();
        for attr in self.old.iter().filter(|attr| given(attr.name)) {
            let path = AttrPath::attr(attr.name);
            diagnostics.push(match self.new.filter(|new| given(new)) {
                Some(new) => {
                    Diagnostic::error(codes::CONFLICT, "Conflicting configuration arguments")
                        .detail(format!("{:?}: conflicts with {new}", attr.name))
                        .path(path)
                }
                None => Diagnostic::warning(codes::NO_EFFECT, "Argument is deprecated")
                    .detail(format!(
                        "Version {}.0.0 of the provider removed {}.",
                        self.until, attr.name
                    ))
                    .help(format!("use {}", self.instead))
                    .path(path),
            });
        }
        diagnostics
    }
}

/// Returns whether nothing is given: null, or no block.
fn is_none(value: &Value) -> bool {
    value.is_null() || value.as_items().is_some_and(<[Value]>::is_empty)
}
