//! The rows of a lease and of what it reserves. A convenience type is a lease with one block, whose rows
//! stand at the top.

use crate::client::Service;
use crate::schema::{
    Attr, Doc, MarkerField, Marks, Resource, Status, Timeouts, blocks, joined, text_map,
};

use super::arguments::{
    DEVICE_ROWS, FLAVOR_ROWS, FLOATINGIP_ROWS, HOST_ROWS, INSTANCE_ROWS, LEASE_ROWS, NETWORK_ROWS,
    ONLY_ROWS, OTHER_ROWS, OWN_ROWS, TOLD_ROWS,
};
use super::lease::LeaseHooks;
use super::part::PartKind;

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
    blocks("device", DEVICE)
        .about("Devices that are reserved: boards at the edge.")
        .force_new()
        .local(),
    blocks("flavor", FLAVOR).about("Servers of a flavor that are reserved.").force_new().local(),
    blocks("floatingip", FLOATINGIP).about("Floating IPs that are reserved.").force_new().local(),
    blocks("host", HOST).about("Nodes that are reserved whole.").force_new().local(),
    blocks("instance", INSTANCE)
        .about("Servers of a size of their own that are reserved.")
        .force_new()
        .local(),
    blocks("network", NETWORK).about("A network segment that is reserved.").force_new().local(),
    blocks("reservation", OTHER).about("Anything else that the site reserves.").force_new().local(),
    text_map("reservation_ids")
        .about("The ids of all its reservations: `host[0]`, `floatingip[0]`.")
        .computed()
        .local(),
];

const TIMEOUTS: Timeouts =
    Timeouts { create: Some(3_600), update: Some(1_200), delete: Some(1_200) };

const DEFAULT: Resource = Resource {
    name: "",
    doc: Doc::of(""),
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
    doc: Doc::of("A lease: things that are the project's alone from its start to its end. What sits on it ends with it.")
        .example(include_str!("examples/lease.tf")),
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
    ($($name:ident = $kind:literal, $part:ident, $rows:ident, lends $lends:expr, late $late:expr,
       about $about:literal, example $example:literal;)*) => {$(
        pub(crate) const $name: Resource = Resource {
            name: $kind,
            doc: Doc::of($about).example(include_str!(concat!("examples/", $example, ".tf"))),
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
        lends &["reservation_id"], late &[],
        about "A lease of devices: boards at the edge, on which containers run.", example "device";
    ONLY_FLAVOR = "openstack_reservation_flavor_v1", Flavor, FLAVOR_ROWS,
        lends &["reservation_id", "reserved_flavor_id", "reserved_flavor_name"], late &[],
        about "A lease of servers of a flavor; a reserved flavor stands for it.", example "flavor";
    ONLY_FLOATINGIP = "openstack_reservation_floatingip_v1", FloatingIp, FLOATINGIP_ROWS,
        lends &["reservation_id", "addresses.#"], late &["addresses"],
        about "A lease of floating IPs.", example "floatingip";
    ONLY_HOST = "openstack_reservation_host_v1", Host, HOST_ROWS,
        lends &["reservation_id"], late &[],
        about "A lease of whole nodes: bare metal.", example "host";
    ONLY_INSTANCE = "openstack_reservation_instance_v1", Instance, INSTANCE_ROWS,
        lends &["reservation_id", "flavor_id"], late &[],
        about "A lease of servers of a size of their own; a reserved flavor stands for it.", example "instance";
    ONLY_NETWORK = "openstack_reservation_network_v1", Network, NETWORK_ROWS,
        lends &["reservation_id", "network_id"], late &["network_id"],
        about "A lease of a network segment; the network is made when it begins.", example "network";
}
