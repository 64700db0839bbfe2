//! Arguments that a later major version removed. A configuration whose constraint selects an older one may use
//! them: a provider around the provider (`around`) translates where requests come in and where answers go out, so
//! nothing else knows them. What no version of ours takes is named with what to write instead.

mod around;

pub(crate) use around::OldVersion;

use std::collections::BTreeMap;

use terrarium_address::{AttrPath, Mode, Name};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{ApplyOutcome, ApplyReply, Block, PollOutcome, PollReply, Schema};
use terrarium_value::{Map, Type, Value};

use crate::codes;
use crate::schema::{Attr, block_of, blocks, flag, text};

/// What a type had before a major version.
struct Legacy {
    mode: Mode,
    kind: &'static str,
    /// The major version without it.
    until: u64,
    old: &'static [Attr],
    /// What becomes of it.
    becomes: Becomes,
    /// Why, and what to do, in words that complete "use …".
    instead: &'static str,
}

/// What becomes of an argument that is no more.
enum Becomes {
    /// Another one, by a function each way.
    Another { new: &'static str, forth: fn(&Map) -> Option<Value>, back: fn(&str, &Value) -> Value },
    /// It stays what it is: the type's hooks know it where it is there.
    Itself,
    /// It does nothing.
    Nothing,
}

const TEXT_POOL: &[Attr] = &[text("end").required(), text("start").required()];

const ROUTE: &[Attr] = &[text("destination_cidr").required(), text("next_hop").required()];

const ROWS: &[Legacy] = &[
    Legacy {
        mode: Mode::Managed,
        kind: "openstack_networking_router_v2",
        until: 2,
        old: &[text("external_gateway").optional_computed()],
        becomes: Becomes::Another {
            new: "external_network_id",
            forth: |old| old.get("external_gateway").cloned(),
            back: |_, new| new.clone(),
        },
        instead: "external_network_id",
    },
    Legacy {
        mode: Mode::Managed,
        kind: "openstack_networking_subnet_v2",
        until: 2,
        old: &[blocks("allocation_pools", TEXT_POOL).optional_computed()],
        becomes: Becomes::Another {
            new: "allocation_pool",
            forth: |old| Some(of_items(old.get("allocation_pools")?, Value::set)),
            back: |_, new| of_items(new, Value::list),
        },
        instead: "allocation_pool",
    },
    Legacy {
        mode: Mode::Managed,
        kind: "openstack_networking_subnet_v2",
        until: 2,
        old: &[blocks("host_routes", ROUTE)],
        becomes: Becomes::Itself,
        instead: "openstack_networking_subnet_route_v2",
    },
    Legacy {
        mode: Mode::Managed,
        kind: "openstack_blockstorage_volume_v3",
        until: 2,
        old: &[flag("multiattach").force_new()],
        becomes: Becomes::Nothing,
        instead: "a volume_type that allows several attachments",
    },
    Legacy {
        mode: Mode::Data,
        kind: "openstack_networking_subnet_v2",
        until: 2,
        old: &[flag("dhcp_disabled")],
        becomes: Becomes::Another {
            new: "dhcp_enabled",
            forth: |old| Some(negated(old.get("dhcp_disabled")?)),
            back: |_, new| negated(new),
        },
        instead: "dhcp_enabled",
    },
    Legacy {
        mode: Mode::Data,
        kind: "openstack_images_image_v2",
        until: 2,
        old: &[text("sort_key").force_new(), text("sort_direction").force_new()],
        becomes: Becomes::Another { new: "sort", forth: sorted, back: sorted_by },
        instead: "sort, such as \"created_at:desc\"",
    },
];

/// Arguments that no version of ours takes, though older versions did: the type, the name, and what to do.
const REFUSED: &[(Mode, &str, &str, &str)] = &[
    (
        Mode::Managed,
        "openstack_compute_instance_v2",
        "floating_ip",
        "give it to a port of the server with openstack_networking_floatingip_associate_v2",
    ),
    (
        Mode::Managed,
        "openstack_compute_instance_v2",
        "volume",
        "attach it with openstack_compute_volume_attach_v2",
    ),
    (Mode::Managed, "openstack_images_image_v2", "update_at", "use updated_at"),
    (Mode::Data, "openstack_blockstorage_volume_v3", "multiattach", "take it out"),
];

/// Types that no version of ours has, though older versions did, each with what to write instead.
const GONE: &[(Mode, &str, &str)] = &[
    (Mode::Managed, "openstack_compute_secgroup_v2", SECGROUP),
    (Mode::Managed, "openstack_blockstorage_volume_v1", VOLUME),
    (Mode::Managed, "openstack_blockstorage_volume_v2", VOLUME),
    (Mode::Data, "openstack_blockstorage_volume_v2", VOLUME),
    (Mode::Data, "openstack_blockstorage_snapshot_v2", "openstack_blockstorage_snapshot_v3"),
    (
        Mode::Managed,
        "openstack_blockstorage_volume_attach_v2",
        "openstack_compute_volume_attach_v2",
    ),
    (Mode::Managed, "openstack_blockstorage_quotaset_v2", "openstack_blockstorage_quotaset_v3"),
    (Mode::Managed, "openstack_fw_firewall_v1", "openstack_fw_group_v2"),
    (Mode::Managed, "openstack_fw_policy_v1", "openstack_fw_policy_v2"),
    (Mode::Data, "openstack_fw_policy_v1", "openstack_fw_policy_v2"),
    (Mode::Managed, "openstack_fw_rule_v1", "openstack_fw_rule_v2"),
    (Mode::Managed, "openstack_lb_member_v1", "openstack_lb_member_v2"),
    (Mode::Managed, "openstack_lb_monitor_v1", "openstack_lb_monitor_v2"),
    (Mode::Managed, "openstack_lb_pool_v1", "openstack_lb_pool_v2"),
    (
        Mode::Managed,
        "openstack_lb_vip_v1",
        "openstack_lb_loadbalancer_v2 with openstack_lb_listener_v2",
    ),
];

const SECGROUP: &str = "openstack_networking_secgroup_v2, with an openstack_networking_secgroup_rule_v2 for each `rule`";
const VOLUME: &str = "openstack_blockstorage_volume_v3, which takes the same arguments";

/// Returns the types that older versions had, each with what to write instead.
pub(crate) fn gone() -> BTreeMap<(Mode, Name), String> {
    let help = |(mode, kind, instead): &(Mode, &str, &str)| {
        ((*mode, Name::from(*kind)), format!("write {instead}"))
    };
    GONE.iter().map(help).collect()
}

/// Returns the order that two arguments meant: by name, upwards, where they say nothing.
fn sorted(old: &Map) -> Option<Value> {
    let text = |name: &str| old.get(name).filter(|value| !value.is_null());
    let (key, direction) = (text("sort_key"), text("sort_direction"));
    if let Some(unknown) = [key, direction].into_iter().flatten().find(|it| !it.is_known()) {
        return Some(unknown.clone());
    }
    let of = |value: Option<&Value>, default: &str| {
        value.and_then(Value::as_str).unwrap_or(default).to_owned()
    };
    key.or(direction)?;
    Some(Value::string(format!("{}:{}", of(key, "name"), of(direction, "asc"))))
}

/// Returns what an order was called by one of two arguments.
fn sorted_by(name: &str, sort: &Value) -> Value {
    let parts = sort.as_str().and_then(|sort| sort.split(',').next()?.split_once(':'));
    let part = parts.map(|(key, direction)| if name == "sort_key" { key } else { direction });
    part.map_or_else(|| Value::null(Type::String), Value::string)
}

fn negated(value: &Value) -> Value {
    value.as_bool().map_or_else(|| value.clone(), |flag| Value::bool(!flag))
}

/// Builds a collection of other nature from the same elements; what has none stays as it is.
fn of_items(value: &Value, build: fn(Type, Vec<Value>) -> Value) -> Value {
    let Some(items) = value.as_items() else { return value.clone() };
    let element = crate::schema::element_type(TEXT_POOL);
    build(element, items.to_vec())
}

/// What a type had in some version and has no more.
pub(crate) struct Old(Vec<&'static Legacy>);

/// Returns what a type had in some version and has no more.
pub(crate) fn of_any(mode: Mode, kind: &str) -> Option<Old> {
    let rows = ROWS.iter().filter(|row| row.mode == mode && row.kind == kind).collect::<Vec<_>>();
    (!rows.is_empty()).then_some(Old(rows))
}

/// Returns what a type had in a major version and has no more.
pub(crate) fn of(major: u64, mode: Mode, kind: &str) -> Option<Old> {
    let Old(rows) = of_any(mode, kind)?;
    let rows: Vec<_> = rows.into_iter().filter(|row| major < row.until).collect();
    (!rows.is_empty()).then_some(Old(rows))
}

/// Returns whether a type's schema differs by the version.
pub(crate) fn differs(mode: Mode, kind: &str) -> bool {
    let is_it = |at: Mode, name: &str| at == mode && name == kind;
    ROWS.iter().any(|row| is_it(row.mode, row.kind))
        || REFUSED.iter().any(|(at, name, ..)| is_it(*at, name))
}

/// Adds to a schema what its type had in a major version, or the names of what it has no more.
pub(crate) fn in_version(major: u64, mode: Mode, kind: &str, schema: &mut Schema) {
    let refused = REFUSED.iter().filter(|(at, name, ..)| *at == mode && *name == kind);
    schema.block.retired.extend(refused.map(|(_, _, name, help)| ((*name).into(), (*help).into())));
    for row in of_any(mode, kind).into_iter().flat_map(|old| old.0) {
        let help = format!("use {}", row.instead);
        if major >= row.until {
            let names = row.old.iter().map(|attr| (Name::from(attr.name), help.clone()));
            schema.block.retired.extend(names);
            continue;
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
}

impl Old {
    /// Translates values into those of today.
    pub(crate) fn modern(&self, value: &Value) -> Value {
        let Some(mut map) = value.to_map() else { return value.clone() };
        for row in &self.0 {
            if let Becomes::Another { new, forth, .. } = row.becomes
                && row.is_given(&map)
                && map.get(new).is_none_or(is_none)
                && let Some(value) = forth(&map)
            {
                map.insert(new.into(), value);
            }
            row.forget(&mut map);
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
        let known = known.and_then(Value::to_map).unwrap_or_default();
        for row in &self.0 {
            row.old(&mut map, &known);
        }
        Value::object(map)
    }

    /// Returns values without what a later version has no more.
    pub(crate) fn without(&self, value: &Value) -> Value {
        let Some(mut map) = value.to_map() else { return value.clone() };
        for row in &self.0 {
            row.forget(&mut map);
        }
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
        self.0.iter().flat_map(|row| row.validate(config)).collect::<Vec<_>>().into_iter().collect()
    }
}

impl Legacy {
    fn is_given(&self, map: &Map) -> bool {
        self.old.iter().any(|attr| map.get(attr.name).is_some_and(|old| !is_none(old)))
    }

    /// Takes out what the provider of today does not know.
    fn forget(&self, map: &mut Map) {
        if !matches!(self.becomes, Becomes::Itself) {
            for attr in self.old {
                map.remove(attr.name);
            }
        }
    }

    fn old(&self, map: &mut Map, known: &Map) {
        let successor = match &self.becomes {
            Becomes::Itself => return,
            Becomes::Another { new, forth, back } => {
                map.get(*new).cloned().map(|new| (forth(known).as_ref() == Some(&new), new, back))
            }
            Becomes::Nothing => None,
        };
        for attr in self.old {
            let kept = known.get(attr.name).filter(|old| !is_none(old));
            let value = match (kept, &successor) {
                (Some(kept), None | Some((true, ..))) => kept.clone(),
                (_, Some((_, new, back))) => back(attr.name, new),
                (None, None) => Value::null(crate::schema::type_of(&attr.shape)),
            };
            map.insert(attr.name.into(), value);
        }
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let given = |name: &str| config.get(name).is_some_and(|value| !is_none(value));
        let new = match self.becomes {
            Becomes::Another { new, .. } => Some(new).filter(|new| given(new)),
            Becomes::Itself | Becomes::Nothing => None,
        };
        let mut diagnostics = Diagnostics::new();
        for attr in self.old.iter().filter(|attr| given(attr.name)) {
            let path = AttrPath::attr(attr.name);
            diagnostics.push(match new {
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
