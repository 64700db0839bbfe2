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

pub(super) const WHERE: Attr =
    blocks("where", &[text("op"), text("property").required(), text("value").required()]).local();

const RESERVATION: &[Attr] = &[
    text("id"),
    text("reserved_flavor_id"),
    text("reserved_flavor_name"),
    text("resource_id"),
    text("resource_type"),
    text("status"),
];

pub(crate) const LEASE_DATA: DataSource = DataSource {
    name: "openstack_reservation_lease_v1",
    thing: "lease",
    service: Service::Reservation,
    path: "/leases",
    collection: "leases",
    attributes: &[
        text("created_at").computed(),
        flag("degraded").computed(),
        text("end_date").computed(),
        text("lease_id").wire("id").conflicts(&["name"]),
        text("name").conflicts(&["lease_id"]),
        text("project_id").computed(),
        REGION,
        text_map("reservation_ids").computed(),
        objects("reservations", RESERVATION),
        text("start_date").computed(),
        text("status"),
        text("time_zone").local(),
        text("user_id").computed(),
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
    text_map("capabilities"),
    text("id"),
    text("name"),
    flag("reservable"),
    text("type"),
    text("uid"),
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
        &[objects("hosts", THING), text("name").local(), REGION, flag("reservable").local(), WHERE];
    NETWORKS_DATA = "openstack_reservation_networks_v1", "network segment", Networks, "networks",
        &[text("name").local(), objects("networks", THING), REGION, flag("reservable").local(), WHERE];
    DEVICES_DATA = "openstack_reservation_devices_v1", "device", Devices, "devices",
        &[objects("devices", THING), text("name").local(), REGION, flag("reservable").local(), WHERE];
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

pub(super) const POOL: Attr = text("pool").one_of(&["hosts", "networks", "devices"]).local();

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
                        text("end_date"),
                        text("id"),
                        text("lease_id"),
                        text("start_date"),
                        text("user_name"),
                    ],
                ),
                text("resource_id"),
                text("resource_name"),
            ],
        ),
        text("lease_id").local(),
        POOL,
        REGION,
        text("resource_id").local(),
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
