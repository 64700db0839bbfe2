//! The rows of what a lease declares, and of what each of its reservations does.

use crate::reservation::filter;
use crate::schema::{
    Attr, Literal, REGION, blocks, flag, int, objects, text, text_map, text_set, texts,
};

/// A condition of a filter.
const WHERE: &[Attr] = &[
    text("op")
        .about("How it is compared: `=`, `!=`, `<`, `>`, `<=` or `>=`.")
        .or(Literal::Text("="))
        .one_of(filter::OPERATORS),
    text("property").about("The property, such as `node_type`.").required(),
    text("value")
        .about("What it is compared with; all but the host's own numbers are compared as text.")
        .required(),
];

/// What a lease declares, whatever it reserves.
pub(super) const LEASE_ROWS: &[Attr] = &[
    text("before_end_date").about("When the reminder of the end comes; the site's own (48 h before the end) where none is given.").optional_computed().local(),
    text("created_at").about("When the lease was made.").computed().local(),
    flag("degraded").about("Whether something that it reserves failed.").computed().local(),
    text("duration").about("How long it lasts from its start on: `4h`, `7d`, `1d12h`. Instead of `end_date`.").local(),
    text("end_date").about("When it ends: `2027-03-08 17:00`, in `time_zone`; with an offset or a `Z` where it says so itself.").optional_computed().local(),
    blocks("event", &[text("event_type").about("What happens, such as `before_end_lease`.").required(), text("time").about("When it happens.").required()]).about("An event of its own, at an instant.").force_new().local(),
    objects("events", &[text("event_type").about("What happens, such as `before_end_lease`."), text("id"), text("status"), text("time").about("When it happens.")]).about("What happens to the lease when: its start, its reminder, its end.").local(),
    flag("marker_in_name").about("Whether the name carries the mark by which a lost creation is found again.").or(Literal::Bool(false)).local(),
    text("name").about("The lease's name; courses clean up by it.").required().local(),
    text("on_terminated").about("What a lease that has ended means: `keep` leaves it as it is, `recreate` plans another, `error` refuses to plan.").or(Literal::Text("keep")).one_of(&["keep", "recreate", "error"]).local(),
    text("project_id").about("The project that it belongs to.").computed().local(),
    REGION,
    text("start_date").about("When it begins: `now`, or `2027-03-08 09:00` in `time_zone`. What sits on it is made then. `now` where none is given.").optional_computed().local(),
    text("status").about("How it stands: `PENDING`, `ACTIVE`, `TERMINATED`, `ERROR`.").computed().local(),
    text("time_zone").about("The time zone that its dates are in, such as `America/Chicago`; UTC where none is given.").local(),
    text("trust_id").about("The trust by which Blazar acts for the user.").computed().sensitive().local(),
    text("updated_at").about("When it was changed last.").computed().local(),
    text("user_id").about("The user who made it.").computed().local(),
    text("wait_for").about("What a creation waits for where the start is near: `active`, `pending`, or `none`.").or(Literal::Text("active")).one_of(&["active", "pending", "none"]).local(),
];

/// What Blazar tells of any reservation.
pub(super) const TOLD_ROWS: &[Attr] = &[
    flag("missing_resources")
        .about("Whether something reserved failed and nothing took its place.")
        .computed()
        .local(),
    text("resource_id").about("Blazar's number of what is reserved.").computed().local(),
    flag("resources_changed")
        .about("Whether something reserved failed and another took its place.")
        .computed()
        .local(),
];

/// What identifies a reservation within a lease.
pub(super) const OWN_ROWS: &[Attr] = &[
    text("id")
        .about("The reservation's id: what servers and containers name to sit on it.")
        .computed()
        .local(),
    text("status").computed().local(),
];

/// What identifies it where it is all that the lease has.
pub(super) const ONLY_ROWS: &[Attr] = &[text("reservation_id")
    .about("The reservation's id: what servers and containers name to sit on it.")
    .computed()
    .local()];

const FILTER_ROW: Attr = text("resource_properties")
    .about("The filter as Blazar writes it; `where` blocks say the same.")
    .optional_computed()
    .same(filter::same)
    .local();

const WHERE_ROW: Attr = blocks("where", WHERE)
    .about("A condition that each of them meets; several are joined by *and*.")
    .local();

const MAX_ROW: Attr = int("max")
    .about("How many at most; as many as `min` where none is given.")
    .optional_computed()
    .local();

const MIN_ROW: Attr = int("min").about("How many at least.").required().local();

/// What networks and devices know; of hosts a site can also take a snapshot.
const BEFORE_END_ROW: Attr = text("before_end")
    .about("What the site does before the end: `default`, `email`, `snapshot`, or nothing.")
    .optional_computed()
    .force_new()
    .one_of(&["", "default", "email"])
    .local();

pub(super) const HOST_ROWS: &[Attr] = &[
    text("before_end")
        .about("What the site does before the end: `default`, `email`, `snapshot`, or nothing.")
        .optional_computed()
        .force_new()
        .one_of(&["", "default", "snapshot", "email"])
        .local(),
    text("hypervisor_properties")
        .about("A filter on the host's record, as Blazar writes it.")
        .same(filter::same)
        .local(),
    MAX_ROW,
    MIN_ROW,
    text("on_start")
        .about("What the site does at the start.")
        .optional_computed()
        .force_new()
        .local(),
    FILTER_ROW,
    WHERE_ROW,
];

pub(super) const INSTANCE_ROWS: &[Attr] = &[
    flag("affinity")
        .about("Whether all are on one host (true), or each on another (false).")
        .local(),
    text("aggregate_id").about("The aggregate of hosts that they are on.").computed().local(),
    int("amount").about("How many.").required().local(),
    int("disk_gb").about("Disk of each, in GB.").required().local(),
    text("flavor_id")
        .about("The reserved flavor's id, which servers take as their `flavor_id`.")
        .computed()
        .local(),
    int("memory_mb").about("Memory of each, in MB.").required().local(),
    FILTER_ROW,
    text("server_group_id").about("The server group that places them.").computed().local(),
    int("vcpus").about("Virtual CPUs of each.").required().local(),
    WHERE_ROW,
];

pub(super) const FLAVOR_ROWS: &[Attr] = &[
    flag("affinity")
        .about("Whether all are on one host (true), or each on another (false).")
        .force_new()
        .local(),
    int("amount").about("How many.").or(Literal::Int(1)).force_new().local(),
    int("disk_gb").about("Disk of each, in GB.").computed().local(),
    text("flavor_id")
        .about("The flavor's id; `flavor_name` says the same.")
        .optional_computed()
        .force_new()
        .local(),
    text("flavor_name")
        .about("The flavor's name, instead of `flavor_id`.")
        .optional_computed()
        .force_new()
        .local(),
    int("memory_mb").about("Memory of each, in MB.").computed().local(),
    text("reserved_flavor_id")
        .about("The id of the reserved flavor, which servers take as their `flavor_id`.")
        .computed()
        .local(),
    text("reserved_flavor_name")
        .about("The name of the reserved flavor, which servers take as their `flavor_name`.")
        .computed()
        .local(),
    int("vcpus").about("Virtual CPUs of each.").computed().local(),
];

pub(super) const FLOATINGIP_ROWS: &[Attr] = &[
    texts("addresses")
        .about("The floating IPs; known once the lease has begun.")
        .computed()
        .local(),
    int("amount").about("How many.").or(Literal::Int(1)).local(),
    text("network_id")
        .about("The network that they are of, instead of `pool`.")
        .optional_computed()
        .force_new()
        .local(),
    text("pool")
        .about("The name of the network that they are of, such as `public`.")
        .force_new()
        .local(),
    text_set("required_floatingips").about("Addresses that must be among them.").local(),
];

pub(super) const NETWORK_ROWS: &[Attr] = &[
    BEFORE_END_ROW,
    text("network_description")
        .about("What people should know of the network.")
        .force_new()
        .local(),
    text("network_id")
        .about("The network's id; known once the lease has begun.")
        .computed()
        .local(),
    text("network_name")
        .about("The name that the network gets when the lease begins.")
        .required()
        .force_new()
        .local(),
    text("network_properties")
        .about("Properties of the network, as Blazar takes them.")
        .same(filter::same)
        .local(),
    FILTER_ROW,
    WHERE_ROW,
];

pub(super) const DEVICE_ROWS: &[Attr] = &[BEFORE_END_ROW, MAX_ROW, MIN_ROW, FILTER_ROW, WHERE_ROW];

pub(super) const OTHER_ROWS: &[Attr] = &[
    text_map("parameters")
        .about("Arguments of the reservation by name, as Blazar takes them.")
        .force_new()
        .local(),
    text("resource_type")
        .about("What is reserved, as Blazar calls it.")
        .required()
        .force_new()
        .local(),
];
