//! The rows of a lease and of what it reserves. A convenience type is a lease with one block, whose rows
//! stand at the top.

use crate::client::Service;
use crate::reservation::filter;
use crate::schema::{
    Attr, Literal, MarkerField, Marks, REGION, Resource, Status, Timeouts, blocks, flag, int,
    joined, objects, text, text_map, text_set, texts,
};

use super::lease::LeaseHooks;
use super::part::PartKind;

/// A condition of a filter.
const WHERE: &[Attr] = &[
    text("op").or(Literal::Text("=")).one_of(filter::OPERATORS),
    text("property").required(),
    text("value").required(),
];

/// What a lease declares, whatever it reserves.
const LEASE_ROWS: &[Attr] = &[
    text("before_end_date").optional_computed().local(),
    text("created_at").computed().local(),
    flag("degraded").computed().local(),
    text("duration").local(),
    text("end_date").optional_computed().local(),
    blocks("event", &[text("event_type").required(), text("time").required()]).force_new().local(),
    objects("events", &[text("event_type"), text("id"), text("status"), text("time")]).local(),
    flag("marker_in_name").or(Literal::Bool(false)).local(),
    text("name").required().local(),
    text("on_terminated").or(Literal::Text("keep")).one_of(&["keep", "recreate", "error"]).local(),
    text("project_id").computed().local(),
    REGION,
    text("start_date").optional_computed().local(),
    text("status").computed().local(),
    text("time_zone").local(),
    text("trust_id").computed().sensitive().local(),
    text("updated_at").computed().local(),
    text("user_id").computed().local(),
    text("wait_for").or(Literal::Text("active")).one_of(&["active", "pending", "none"]).local(),
];

/// What Blazar tells of any reservation.
const TOLD_ROWS: &[Attr] = &[
    flag("missing_resources").computed().local(),
    text("resource_id").computed().local(),
    flag("resources_changed").computed().local(),
];

/// What identifies a reservation within a lease.
const OWN_ROWS: &[Attr] = &[text("id").computed().local(), text("status").computed().local()];

/// What identifies it where it is all that the lease has.
const ONLY_ROWS: &[Attr] = &[text("reservation_id").computed().local()];

const FILTER_ROW: Attr = text("resource_properties").optional_computed().same(filter::same).local();

const HOST_ROWS: &[Attr] = &[
    text("before_end")
        .optional_computed()
        .force_new()
        .one_of(&["", "default", "snapshot", "email"])
        .local(),
    text("hypervisor_properties").same(filter::same).local(),
    int("max").optional_computed().local(),
    int("min").required().local(),
    text("on_start").optional_computed().force_new().local(),
    FILTER_ROW,
    blocks("where", WHERE).local(),
];

const INSTANCE_ROWS: &[Attr] = &[
    flag("affinity").local(),
    text("aggregate_id").computed().local(),
    int("amount").required().local(),
    int("disk_gb").required().local(),
    text("flavor_id").computed().local(),
    int("memory_mb").required().local(),
    FILTER_ROW,
    text("server_group_id").computed().local(),
    int("vcpus").required().local(),
    blocks("where", WHERE).local(),
];

const FLAVOR_ROWS: &[Attr] = &[
    flag("affinity").force_new().local(),
    int("amount").or(Literal::Int(1)).force_new().local(),
    int("disk_gb").computed().local(),
    text("flavor_id").optional_computed().force_new().local(),
    text("flavor_name").optional_computed().force_new().local(),
    int("memory_mb").computed().local(),
    text("reserved_flavor_id").computed().local(),
    text("reserved_flavor_name").computed().local(),
    int("vcpus").computed().local(),
];

const FLOATINGIP_ROWS: &[Attr] = &[
    texts("addresses").computed().local(),
    int("amount").or(Literal::Int(1)).local(),
    text("network_id").optional_computed().force_new().local(),
    text("pool").force_new().local(),
    text_set("required_floatingips").local(),
];

const NETWORK_ROWS: &[Attr] = &[
    text("before_end").optional_computed().force_new().one_of(&["", "default", "email"]).local(),
    text("network_description").force_new().local(),
    text("network_id").computed().local(),
    text("network_name").required().force_new().local(),
    text("network_properties").same(filter::same).local(),
    FILTER_ROW,
    blocks("where", WHERE).local(),
];

const DEVICE_ROWS: &[Attr] = &[
    text("before_end").optional_computed().force_new().one_of(&["", "default", "email"]).local(),
    int("max").optional_computed().local(),
    int("min").required().local(),
    FILTER_ROW,
    blocks("where", WHERE).local(),
];

const OTHER_ROWS: &[Attr] = &[
    text_map("parameters").force_new().local(),
    text("resource_type").required().force_new().local(),
];

/// Rows of a block within a lease: what is its own, and what Blazar tells.
macro_rules! block_rows {
    ($($name:ident = $rows:ident;)*) => {$(
        pub(super) const $name: &[Attr] =
            &joined::<{ $rows.len() + TOLD_ROWS.len() + OWN_ROWS.len() }>(&[$rows, TOLD_ROWS, OWN_ROWS]);
    )*};
}

block_rows! {
    HOST = HOST_ROWS;
    INSTANCE = INSTANCE_ROWS;
    FLAVOR = FLAVOR_ROWS;
    FLOATINGIP = FLOATINGIP_ROWS;
    NETWORK = NETWORK_ROWS;
    DEVICE = DEVICE_ROWS;
    OTHER = OTHER_ROWS;
}

const BLOCKS: &[Attr] = &[
    blocks("device", DEVICE).force_new().local(),
    blocks("flavor", FLAVOR).force_new().local(),
    blocks("floatingip", FLOATINGIP).force_new().local(),
    blocks("host", HOST).force_new().local(),
    blocks("instance", INSTANCE).force_new().local(),
    blocks("network", NETWORK).force_new().local(),
    blocks("reservation", OTHER).force_new().local(),
    text_map("reservation_ids").computed().local(),
];

const TIMEOUTS: Timeouts =
    Timeouts { create: Some(3_600), update: Some(1_200), delete: Some(1_200) };

const DEFAULT: Resource = Resource {
    name: "",
    service: Service::Reservation,
    path: "/leases",
    list_path: "/leases",
    envelope: "lease",
    collection: "leases",
    microversion: None,
    attributes: &[],
    timeouts: TIMEOUTS,
    status: Status { ready: &["ACTIVE"], failed: &["ERROR"] },
    retry_delete: &[],
    slow_delete: false,
    // A lease has nothing but its name that could carry one, and courses clean up by name.
    marker: MarkerField::None,
    tags: false,
    marks: Marks::NONE,
    hooks: &LeaseHooks { only: None },
};

pub(crate) const LEASE: Resource = Resource {
    name: "openstack_reservation_lease_v1",
    attributes: &joined::<{ LEASE_ROWS.len() + BLOCKS.len() }>(&[LEASE_ROWS, BLOCKS]),
    marks: Marks {
        lends: &[
            "reservation_ids.#",
            "host.#.id",
            "instance.#.id",
            "instance.#.flavor_id",
            "flavor.#.id",
            "flavor.#.reserved_flavor_id",
            "flavor.#.reserved_flavor_name",
            "floatingip.#.id",
            "floatingip.#.addresses.#",
            "network.#.id",
            "network.#.network_id",
            "device.#.id",
            "reservation.#.id",
        ],
        late: &["floatingip.#.addresses", "network.#.network_id"],
        ..Marks::LEASE
    },
    ..DEFAULT
};

/// A convenience type: a lease that reserves one thing.
macro_rules! only {
    ($($name:ident = $kind:literal, $part:ident, $rows:ident, lends $lends:expr, late $late:expr;)*) => {$(
        pub(crate) const $name: Resource = Resource {
            name: $kind,
            attributes: &joined::<{ LEASE_ROWS.len() + $rows.len() + TOLD_ROWS.len() + ONLY_ROWS.len() }>(&[
                LEASE_ROWS, $rows, TOLD_ROWS, ONLY_ROWS,
            ]),
            marks: Marks { lends: $lends, late: $late, ..Marks::LEASE },
            hooks: &LeaseHooks { only: Some(PartKind::$part) },
            ..DEFAULT
        };
    )*};
}

only! {
    ONLY_DEVICE = "openstack_reservation_device_v1", Device, DEVICE_ROWS,
        lends &["reservation_id"], late &[];
    ONLY_FLAVOR = "openstack_reservation_flavor_v1", Flavor, FLAVOR_ROWS,
        lends &["reservation_id", "reserved_flavor_id", "reserved_flavor_name"], late &[];
    ONLY_FLOATINGIP = "openstack_reservation_floatingip_v1", FloatingIp, FLOATINGIP_ROWS,
        lends &["reservation_id", "addresses.#"], late &["addresses"];
    ONLY_HOST = "openstack_reservation_host_v1", Host, HOST_ROWS,
        lends &["reservation_id"], late &[];
    ONLY_INSTANCE = "openstack_reservation_instance_v1", Instance, INSTANCE_ROWS,
        lends &["reservation_id", "flavor_id"], late &[];
    ONLY_NETWORK = "openstack_reservation_network_v1", Network, NETWORK_ROWS,
        lends &["reservation_id", "network_id"], late &["network_id"];
}
