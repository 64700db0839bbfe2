//! What every world begins with: images, flavors, networks and the course's security groups.

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cloud::Cloud,
    compute::flavors::FLAVOR,
    image::IMAGE,
    json::{Body, map},
    network::{self, networks::NETWORK, plugs, subnets::SUBNET},
    reply::{Outcome, Refusal},
    reservation::{addresses, course_lease, reserved_flavors},
    settings::Settings,
    site::{Hardware, SITES, Site, SiteNetwork},
    store::{Kind, Object, Store},
    volume::kinds::TYPE as VOLUME_TYPE,
};

/// The student's project, shared by all sites.
pub(crate) const PROJECT_NAME: &str = "CHI-231095";
/// The user that credentials without a name mean.
pub(crate) const USER_NAME: &str = "student";
/// Id of the reserved flavor that runs at KVM@TACC from the start; its reservation has the same.
pub const RESERVED_FLAVOR: &str = "b3f5c1de-8a5e-4b0c-9d4e-6f1a2c7e9183";
/// How many servers that reservation holds.
pub(crate) const RESERVED_AMOUNT: i64 = 10;
/// Name of the project of the site's operators, who own what is shared.
const OPERATORS: &str = "admin";

const FLAVORS: &str = include_str!("../data/flavors.csv");
const IMAGES: &str = include_str!("../data/images.csv");

/// Returns the id of a seeded thing: the same in every world, as a real site's would be.
pub(crate) fn seeded_id(site: &Site, kind: &str, name: &str) -> String {
    let key = format!("{}/{kind}/{name}", site.slug);
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes());
    uuid::Builder::from_random_bytes(hash.into_bytes()).into_uuid().to_string()
}

/// Returns the 32 hexadecimal digits of Keystone's ids for a thing of this name.
pub(crate) fn plain_id(kind: &str, name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("{kind}/{name}").as_bytes()).simple().to_string()
}

/// Returns the id of the student's project.
pub(crate) fn project_id() -> String {
    plain_id("project", PROJECT_NAME)
}

/// Returns the id of the operators' project.
pub(crate) fn operators_id() -> String {
    plain_id("project", OPERATORS)
}

/// Writes everything that a new world has.
pub(crate) fn plant(conn: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    for name in [PROJECT_NAME, OPERATORS] {
        let id = plain_id("project", name);
        conn.execute("INSERT INTO project VALUES (?, ?)", [id.as_str(), name])?;
    }
    let user = plain_id("account", USER_NAME);
    conn.execute("INSERT INTO account VALUES (?, ?)", [user.as_str(), USER_NAME])?;
    let settings = Settings::default();
    for site in SITES {
        let store = Store { conn, site: site.region };
        let cloud = Cloud { store, site, now, settings: &settings };
        match plant_site(&cloud) {
            Ok(()) => {}
            Err(Refusal::Broken(error)) => return Err(error),
            Err(Refusal::Said { message, .. }) => {
                debug_assert!(false, "{}: {message}", site.region);
            }
        }
    }
    Ok(())
}

fn plant_site(cloud: &Cloud<'_>) -> Outcome<()> {
    if cloud.site.hardware != Hardware::Edge {
        plant_flavors(cloud)?;
        plant_images(cloud)?;
    }
    if cloud.site.has_volumes() {
        for (name, description) in
            [("ceph-ssd", "Replicated solid-state storage"), ("__DEFAULT__", "Default Volume Type")]
        {
            let body = json!({"id": seeded_id(cloud.site, "volume_type", name), "name": name,
                "description": description, "is_public": true, "qos_specs_id": null,
                "os-volume-type-access:is_public": true, "extra_specs": {}});
            add(cloud, &VOLUME_TYPE, "", body)?;
        }
    }
    for network in cloud.site.networks {
        plant_network(cloud, network)?;
    }
    plant_router(cloud)
}

/// Adds a seeded object.
pub(crate) fn add(
    cloud: &Cloud<'_>,
    kind: &'static Kind,
    project: &str,
    body: Value,
) -> Outcome<Object> {
    let body = map(body);
    let id = crate::json::text(&body, "id").to_owned();
    let object = Object { seq: 0, id, project: project.to_owned(), seeded: true, body };
    Ok(cloud.store.add(kind, object)?)
}

fn plant_flavors(cloud: &Cloud<'_>) -> Outcome<()> {
    let bare = cloud.site.hardware == Hardware::BareMetal;
    for row in rows(FLAVORS) {
        let [name, id, vcpus, ram, disk, hardware, hosts] = row.as_slice() else { continue };
        if bare != (*hardware == "bare metal") {
            continue;
        }
        let id =
            if id.is_empty() { seeded_id(cloud.site, "flavor", name) } else { (*id).to_owned() };
        let numbers = [vcpus, ram, disk].map(|text| text.parse::<i64>().unwrap_or(0));
        let mut body = flavor(&id, name, numbers);
        // What fits at once, where that is known: the rest of the hypervisors is not published.
        let amount = if bare { Some(nodes(cloud.site)) } else { hosts.parse().ok() };
        body["_amount"] = json!(amount);
        add(cloud, &FLAVOR, "", body.clone())?;
        if *name == "m1.medium" {
            let mut reserved =
                flavor(RESERVED_FLAVOR, &format!("reservation:{RESERVED_FLAVOR}"), numbers);
            reserved["os-flavor-access:is_public"] = json!(false);
            // Whatever project the credentials name, it is the course's and holds the lease.
            reserved["_for_all"] = json!(true);
            reserved["_amount"] = json!(RESERVED_AMOUNT);
            reserved["_extra_specs"] = Value::Object(reserved_flavors::specs(RESERVED_FLAVOR));
            let source = Object {
                seq: 0,
                id: id.clone(),
                project: String::new(),
                seeded: true,
                body: map(body.clone()),
            };
            course_lease::plant(cloud, &source)?;
            add(cloud, &FLAVOR, &project_id(), reserved)?;
        }
    }
    Ok(())
}

fn flavor(id: &str, name: &str, [vcpus, ram, disk]: [i64; 3]) -> Value {
    json!({
        "id": id, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk, "swap": "",
        "OS-FLV-EXT-DATA:ephemeral": 0, "OS-FLV-DISABLED:disabled": false,
        "os-flavor-access:is_public": true, "rxtx_factor": 1.0, "description": null,
        "_extra_specs": {},
    })
}

fn plant_images(cloud: &Cloud<'_>) -> Outcome<()> {
    let bare = cloud.site.hardware == Hardware::BareMetal;
    for row in rows(IMAGES) {
        let [name, size_mib, min_disk, hardware, distro] = row.as_slice() else { continue };
        if *hardware != "both" && bare != (*hardware == "bare metal") {
            continue;
        }
        let id = seeded_id(cloud.site, "image", name);
        let size = size_mib.parse::<i64>().unwrap_or(0) * 1024 * 1024;
        let stamp = cloud.stamp();
        let sum = plain_id("checksum", &id);
        add(
            cloud,
            &IMAGE,
            &operators_id(),
            json!({
                "id": id, "name": name, "status": "active", "visibility": "public",
                "protected": false, "os_hidden": false, "container_format": "bare",
                "disk_format": "qcow2", "size": size, "virtual_size": size * 2,
                "min_disk": min_disk.parse::<i64>().unwrap_or(0), "min_ram": 0,
                "checksum": sum, "os_hash_algo": "sha512", "os_hash_value": sum.repeat(4),
                "owner": operators_id(), "created_at": stamp, "updated_at": stamp, "tags": [],
                "self": format!("/v2/images/{id}"), "file": format!("/v2/images/{id}/file"),
                "schema": "/v2/schemas/image", "build-distro": distro, "architecture": "x86_64",
            }),
        )?;
    }
    Ok(())
}

fn plant_network(cloud: &Cloud<'_>, network: &SiteNetwork) -> Outcome<()> {
    let id = seeded_id(cloud.site, "network", network.name);
    let mut body = network::networks::fresh(cloud, &id, &operators_id());
    body.insert("name".into(), json!(network.name));
    body.insert("shared".into(), json!(!network.external));
    body.insert("router:external".into(), json!(network.external));
    add(cloud, &NETWORK, &operators_id(), Value::Object(body))?;
    let name = format!("{}-subnet", network.name);
    let mut given = Body::new();
    for (key, value) in [
        ("network_id", json!(id)),
        ("name", json!(name)),
        ("cidr", json!(network.cidr)),
        ("ip_version", json!(4)),
        ("enable_dhcp", json!(!network.external)),
        ("dns_nameservers", json!(["8.8.8.8", "8.8.4.4"])),
    ] {
        given.insert(key.into(), value);
    }
    // The rest of a public subnet is for leases.
    if let Some((start, end)) = addresses::ad_hoc_pool(network.cidr).filter(|_| network.external) {
        given.insert("allocation_pools".into(), json!([{"start": start, "end": end}]));
    }
    let subnet_id = seeded_id(cloud.site, "subnet", &name);
    let subnet = network::subnets::compose(cloud, &given, &subnet_id, &operators_id())?;
    add(cloud, &SUBNET, &operators_id(), Value::Object(subnet))?;
    Ok(())
}

/// Adds the operators' router, which carries the shared networks to `public`.
fn plant_router(cloud: &Cloud<'_>) -> Outcome<()> {
    let public = seeded_id(cloud.site, "network", "public");
    let id = seeded_id(cloud.site, "router", "operators");
    let mut router = network::routers::fresh(cloud, &id, &operators_id());
    router.insert("name".into(), json!("sharednet-router"));
    network::routers::open_gateway(cloud, &mut router, &public, &[])?;
    add(cloud, &network::routers::ROUTER, &operators_id(), Value::Object(router))?;
    for network in cloud.site.networks.iter().filter(|network| !network.external) {
        let subnet_id = seeded_id(cloud.site, "subnet", &format!("{}-subnet", network.name));
        if let Some(subnet) = cloud.get(&SUBNET, &subnet_id)? {
            let address = json!({"subnet_id": subnet_id, "ip_address": subnet.text("gateway_ip")});
            plugs::plug(
                cloud,
                &operators_id(),
                &plugs::Plug {
                    network: subnet.text("network_id"),
                    addresses: vec![address],
                    device: &id,
                    owner: plugs::ROUTER_INTERFACE,
                },
            )?;
        }
    }
    Ok(())
}

/// Returns the fields of a data file's rows; its first line names them.
fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).filter(|line| !line.is_empty()).map(|line| line.split(',').collect())
}

/// Returns how many bare-metal nodes `site` has.
pub(crate) fn nodes(site: &Site) -> i64 {
    rows(include_str!("../data/nodes.csv"))
        .filter(|row| row.first() == Some(&site.region))
        .filter_map(|row| row.get(2)?.parse::<i64>().ok())
        .sum()
}
