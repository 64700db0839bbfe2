//! Data sources: leases, what can be reserved, who has it when, and when it is free.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_provider::{Tenure, Term};
use terrarium_value::Value;

use super::calendar::{Calendar, Pool, Thing};
use super::filter::{self, Condition};
use super::part;
use super::{date, term};
use crate::client::{ApiError, Service};
use crate::data::{Ask, DataHooks};
use crate::look::{Look, elements, field};
use crate::schema::{Attr, DataSource, blocks, flag, objects, text, text_map};
use crate::verbs::{encoded, unwrapped};
use crate::wire::scalar_text;

pub(super) const REGION: Attr = text("region").optional_computed().local();

pub(super) const WHERE: Attr = blocks(
    "where",
    &[
        text("op").about("How it is compared: `=`, `!=`, `<`, `>`, `<=` or `>=`."),
        text("property").about("The property, such as `node_type`.").required(),
        text("value")
            .about("What it is compared with; all but the host's own numbers are compared as text.")
            .required(),
    ],
)
.about("A condition that each of them meets; several are joined by *and*.")
.local();

const RESERVATION: &[Attr] = &[
    text("id"),
    text("reserved_flavor_id")
        .about("The id of the reserved flavor, which servers take as their `flavor_id`."),
    text("reserved_flavor_name")
        .about("The name of the reserved flavor, which servers take as their `flavor_name`."),
    text("resource_id").about("The id of the thing."),
    text("resource_type").about("What is reserved, as Blazar calls it."),
    text("status").about("How it stands."),
];

pub(crate) const LEASE_DATA: DataSource = DataSource {
    name: "openstack_reservation_lease_v1",
    thing: "lease",
    service: Service::Reservation,
    path: "/leases",
    collection: "leases",
    attributes: &[
        text("created_at").about("When the lease was made.").computed(),
        flag("degraded").about("Whether something that it reserves failed.").computed(),
        text("end_date").about("When it ends.").computed(),
        text("lease_id").about("The lease's id.").wire("id").conflicts(&["name"]),
        text("name").conflicts(&["lease_id"]),
        text("project_id").about("The project that it belongs to.").computed(),
        REGION,
        text_map("reservation_ids")
            .about("The ids of all its reservations: `host[0]`, `floatingip[0]`.")
            .computed(),
        objects("reservations", RESERVATION).about("Its reservations, each with its span."),
        text("start_date").about("When it begins.").computed(),
        text("status").about("How it stands."),
        text("time_zone")
            .about("The time zone of what is shown and given; UTC where none is given.")
            .local(),
        text("user_id").about("The user who made it.").computed(),
    ],
    shared: false,
    tenure: Tenure::Own,
    lends: &[
        "reservation_ids.#",
        "reservations.#.id",
        "reservations.#.reserved_flavor_id",
        "reservations.#.reserved_flavor_name",
    ],
    hooks: &LeaseData,
};

struct LeaseData;

#[async_trait]
impl DataHooks for LeaseData {
    async fn list(&self, ask: &Ask<'_>) -> Result<Vec<Json>, ApiError> {
        if let Some(id) = ask.config.text("lease_id") {
            let call = ask.get(format!("/leases/{}", encoded(id)));
            let reply = ask.session.find(&call).await?;
            return Ok(reply.into_iter().map(|reply| unwrapped(reply, "lease")).collect());
        }
        let call = ask.get("/leases");
        Ok(ask.session.shared_list(&call, "leases").await?.to_vec())
    }

    fn fits(&self, config: &Value, lease: &Json) -> bool {
        let same = |name: &str| {
            config.text(name).is_none_or(|text| field(lease, name).eq_ignore_ascii_case(text))
        };
        config.text("name").is_none_or(|name| name == field(lease, "name")) && same("status")
    }

    async fn enrich(&self, _ask: &Ask<'_>, lease: &mut Json) -> Result<(), ApiError> {
        let mut ids = JsonMap::new();
        let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        let mut shown = Vec::new();
        for reservation in elements(lease, "reservations") {
            let (id, kind) = (field(reservation, "id"), field(reservation, "resource_type"));
            let block = part::block_of(kind);
            let at = counts.entry(block).or_default();
            ids.insert(format!("{block}[{at}]"), json!(id));
            *at += 1;
            let mut one = reservation.clone();
            if let (true, Some(fields)) = (kind == "flavor:instance", one.as_object_mut()) {
                fields.insert("reserved_flavor_id".into(), json!(id));
                fields.insert("reserved_flavor_name".into(), json!(format!("reservation:{id}")));
            }
            shown.push(one);
        }
        let dates = ["start_date", "end_date"]
            .map(|name| (name, date::read(field(lease, name)).map(date::stored)));
        if let Some(fields) = lease.as_object_mut() {
            fields.insert("reservation_ids".into(), Json::Object(ids));
            fields.insert("reservations".into(), Json::Array(shown));
            for (name, text) in dates {
                fields.insert(name.into(), json!(text));
            }
        }
        Ok(())
    }

    fn term(&self, lease: &Json, config: &Value, now: Timestamp) -> Option<Term> {
        term::term(lease, config.text("time_zone"), now)
    }
}

const THING: &[Attr] = &[
    text_map("capabilities").about("All that its record says."),
    text("id"),
    text("name"),
    flag("reservable").about("Whether it can be reserved."),
    text("type").about("Its type."),
    text("uid").about("Its id at the site."),
];

macro_rules! pools {
    ($($name:ident = $kind:literal, $thing:literal, $pool:ident, $key:literal, $rows:expr;)*) => {$(
        pub(crate) const $name: DataSource = DataSource {
            name: $kind,
            thing: $thing,
            service: Service::Reservation,
            path: "",
            collection: $key,
            attributes: $rows,
            shared: false,
            tenure: Tenure::None,
            lends: &[],
            hooks: &PoolData(Pool::$pool),
        };
    )*};
}

pools! {
    HOSTS_DATA = "openstack_reservation_hosts_v1", "host", Hosts, "hosts",
        &[objects("hosts", THING).about("The nodes that fit."), text("name").local(), REGION, flag("reservable").about("Whether it can be reserved.").local(), WHERE];
    NETWORKS_DATA = "openstack_reservation_networks_v1", "network segment", Networks, "networks",
        &[text("name").local(), objects("networks", THING).about("The network segments that fit."), REGION, flag("reservable").about("Whether it can be reserved.").local(), WHERE];
    DEVICES_DATA = "openstack_reservation_devices_v1", "device", Devices, "devices",
        &[objects("devices", THING).about("The devices that fit."), text("name").local(), REGION, flag("reservable").about("Whether it can be reserved.").local(), WHERE];
}

/// Lists a pool.
struct PoolData(Pool);

#[async_trait]
impl DataHooks for PoolData {
    async fn list(&self, ask: &Ask<'_>) -> Result<Vec<Json>, ApiError> {
        let conditions = conditions(ask.config);
        let call = ask.get(self.0.path());
        let all = ask.session.shared_list(&call, self.0.things()).await?;
        let (name, reservable) = (ask.config.text("name"), ask.config.flag("reservable"));
        let things = all.iter().map(Thing::of).filter(|thing| {
            filter::meets(&thing.properties, &conditions)
                && name.is_none_or(|name| name == thing.name)
                && reservable.is_none_or(|wanted| wanted == thing.reservable)
        });
        let things: Vec<Json> = things.map(|thing| thing_json(self.0, &thing)).collect();
        Ok(vec![json!({"id": ask.place(), self.0.things(): things})])
    }
}

fn thing_json(pool: Pool, thing: &Thing) -> Json {
    let texts =
        thing.properties.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
    let texts: JsonMap<String, Json> = texts
        .filter(|(_, v)| !v.is_null())
        .map(|(k, v)| (k.clone(), json!(scalar_text(v))))
        .collect();
    let uid = ["uid", "hypervisor_hostname"]
        .iter()
        .map(|key| thing.property(key))
        .find(|t| !t.is_empty());
    json!({
        "id": thing.id, "name": thing.name, "reservable": thing.reservable, "capabilities": texts,
        "type": thing.property(pool.type_property()), "uid": uid.unwrap_or_default(),
    })
}

/// Returns the conditions of a data source's `where` blocks.
pub(super) fn conditions(config: &Value) -> Vec<Condition> {
    filter::of_blocks(config.items("where")).unwrap_or_default()
}

pub(super) const POOL: Attr = text("pool")
    .about("What to look at: `hosts`, `networks` or `devices`.")
    .one_of(&["hosts", "networks", "devices"])
    .local();

pub(crate) const ALLOCATIONS_DATA: DataSource = DataSource {
    name: "openstack_reservation_allocations_v1",
    thing: "allocation",
    service: Service::Reservation,
    path: "",
    collection: "allocations",
    attributes: &[
        objects(
            "allocations",
            &[
                objects(
                    "reservations",
                    &[
                        text("end_date").about("When it ends."),
                        text("id"),
                        text("lease_id").about("The lease's id."),
                        text("start_date").about("When it begins."),
                        text("user_name").about("Whose lease it is, where the site tells."),
                    ],
                )
                .about("Its reservations, each with its span."),
                text("resource_id").about("The id of the thing."),
                text("resource_name").about("What people call the thing."),
            ],
        )
        .about("What is taken when, by thing."),
        text("lease_id").about("The lease's id.").local(),
        POOL,
        REGION,
        text("resource_id").about("The id of the thing.").local(),
        WHERE,
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &AllocationData,
};

struct AllocationData;

#[async_trait]
impl DataHooks for AllocationData {
    async fn list(&self, ask: &Ask<'_>) -> Result<Vec<Json>, ApiError> {
        let pool = Pool::named(ask.config.text("pool").unwrap_or_default());
        let calendar = Calendar::read(ask.session, ask.region, pool).await?;
        let (lease, resource) = (ask.config.text("lease_id"), ask.config.text("resource_id"));
        let conditions = conditions(ask.config);
        let all = calendar.things.iter().filter(|thing| {
            resource.is_none_or(|id| id == thing.id)
                && filter::meets(&thing.properties, &conditions)
        });
        let all = all.filter_map(|thing| {
            let taken: Vec<Json> = thing
                .taken
                .iter()
                .filter(|taken| lease.is_none_or(|id| id == taken.lease))
                .map(|taken| {
                    json!({
                        "id": taken.reservation, "lease_id": taken.lease, "user_name": taken.user,
                        "start_date": date::stored(taken.from), "end_date": date::stored(taken.until),
                    })
                })
                .collect();
            let some = !taken.is_empty();
            some.then(|| json!({"resource_id": thing.id, "resource_name": thing.name, "reservations": taken}))
        });
        let all: Vec<Json> = all.collect();
        Ok(vec![json!({"id": format!("{} {}", ask.place(), pool.things()), "allocations": all})])
    }
}
