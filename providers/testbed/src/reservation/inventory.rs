//! What the sites have to lease: hosts, network segments and edge devices, as Blazar's records.
//!
//! The bare-metal nodes are those of Chameleon's published hardware description, with the part of
//! their properties that leases choose by. The counts of hypervisors that run `m1` flavors, of
//! VLANs and of some devices are not published; those here are plausible.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::allocation::Pool;
use crate::{
    cloud::Cloud,
    json::Body,
    reply::Outcome,
    seed::seeded_id,
    site::{Hardware, SITES, Site},
};

const HOSTS: &str = include_str!("../../data/hosts.csv");
const HOST_MODELS: &str = include_str!("../../data/host_models.json");
const SEGMENTS: &str = include_str!("../../data/segments.csv");
const DEVICES: &str = include_str!("../../data/devices.csv");

/// Columns of a host's record that its model gives as numbers.
const SIZES: [&str; 3] = ["vcpus", "memory_mb", "local_gb"];

/// A thing that leases hand out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    /// Blazar's id: a small number for a host, else a UUID.
    pub(crate) id: String,
    /// What people call it: a node's or device's name, a segment's VLAN.
    pub(crate) name: String,
    /// The record's own columns; numbers among them compare as numbers.
    pub(crate) columns: Body,
    /// Extra properties, all of them text: `"True"`, `"2"`.
    pub(crate) properties: BTreeMap<String, String>,
}

impl Resource {
    /// Returns the extra property `name`, empty where it is missing.
    pub(crate) fn property(&self, name: &str) -> &str {
        self.properties.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Returns the column `name` as text, empty where it is none.
    pub(crate) fn column(&self, name: &str) -> &str {
        self.columns.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the record as the API shows it: columns and properties side by side.
    pub(crate) fn shown(&self) -> Body {
        let properties = self.properties.iter().map(|(key, value)| (key.clone(), json!(value)));
        self.columns.clone().into_iter().chain(properties).collect()
    }
}

/// Returns the ids of the projects to which the settings restrict a thing, as its property
/// `authorized_projects` shows them: with commas. `None` where everybody may lease it.
pub(crate) fn authorized(cloud: &Cloud<'_>, resource: &Resource) -> Outcome<Option<String>> {
    let Some(projects) = cloud.settings.authorized_projects.get(&resource.name) else {
        return Ok(None);
    };
    let mut named =
        cloud.conn.prepare_cached("SELECT coalesce(max(id), ?1) FROM project WHERE name = ?1")?;
    let mut ids = Vec::new();
    for project in projects.split(',') {
        ids.push(named.query_row([project], |row| row.get::<_, String>(0))?);
    }
    Ok(Some(ids.join(",")))
}

/// Tells whether `project` may lease a thing at all.
pub(crate) fn allows(cloud: &Cloud<'_>, resource: &Resource, project: &str) -> Outcome<bool> {
    let authorized = authorized(cloud, resource)?;
    Ok(authorized.is_none_or(|projects| projects.split(',').any(|one| one == project)))
}

/// Everything that one site leases, each list in the order of its database.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) hosts: Vec<Resource>,
    pub(crate) networks: Vec<Resource>,
    pub(crate) devices: Vec<Resource>,
}

/// Returns what `site` has to lease.
pub(crate) fn of(site: &Site) -> &'static Inventory {
    static ALL: LazyLock<BTreeMap<&'static str, Inventory>> =
        LazyLock::new(|| SITES.iter().map(|site| (site.region, read(site))).collect());
    static NONE: Inventory =
        Inventory { hosts: Vec::new(), networks: Vec::new(), devices: Vec::new() };
    ALL.get(site.region).unwrap_or(&NONE)
}

/// Returns what `site` has of one kind; floating addresses are the network service's.
pub(crate) fn of_pool(site: &Site, pool: Pool) -> &'static [Resource] {
    let inventory = of(site);
    match pool {
        Pool::Hosts => &inventory.hosts,
        Pool::Networks => &inventory.networks,
        Pool::Devices => &inventory.devices,
        Pool::FloatingIps => &[],
    }
}

fn read(site: &Site) -> Inventory {
    let devices = if site.hardware == Hardware::Edge { devices(site) } else { Vec::new() };
    Inventory { hosts: hosts(site), networks: networks(site), devices }
}

fn hosts(site: &Site) -> Vec<Resource> {
    static MODELS: LazyLock<BTreeMap<String, Map<String, Value>>> =
        LazyLock::new(|| serde_json::from_str(HOST_MODELS).unwrap_or_default());
    let rows = rows(HOSTS).filter(|row| row[0] == site.region);
    rows.zip(1..)
        .filter_map(|([_, name, uid, rack, node, model], id)| {
            let model = MODELS.get(model)?;
            let given = [
                ("node_name", name),
                ("uid", uid),
                ("placement.rack", rack),
                ("placement.node", node),
            ];
            let given = given.into_iter().filter(|(_, value)| !value.is_empty());
            let properties = model
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .chain(given.map(|(key, value)| (key.to_owned(), value.to_owned())))
                .collect();
            let columns = host_columns(site, id, uid, model);
            Some(Resource { id: id.to_string(), name: name.to_owned(), columns, properties })
        })
        .collect()
}

fn host_columns(site: &Site, id: u32, uid: &str, model: &Map<String, Value>) -> Body {
    let (kind, version) =
        if site.hardware == Hardware::BareMetal { ("ironic", 1) } else { ("QEMU", 6_002_000) };
    let mut columns = Body::new();
    for (key, value) in [
        ("id", json!(id.to_string())),
        ("hypervisor_hostname", json!(uid)),
        ("hypervisor_type", json!(kind)),
        ("hypervisor_version", json!(version)),
        ("service_name", json!(format!("{}-compute", site.slug))),
        ("cpu_info", json!("")),
        ("status", Value::Null),
        ("availability_zone", json!("nova")),
        ("trust_id", json!(seeded_id(site, "trust", "operators"))),
        ("reservable", json!(true)),
        ("disabled", json!(false)),
    ] {
        columns.insert(key.to_owned(), value);
    }
    for size in SIZES {
        columns.insert(size.to_owned(), model.get(size).cloned().unwrap_or(json!(0)));
    }
    columns
}

fn networks(site: &Site) -> Vec<Resource> {
    let rows = rows(SEGMENTS).filter(|row| row[0] == site.region);
    rows.flat_map(|[_, physical, stitch, first, count]| {
        let first: u16 = first.parse().unwrap_or(0);
        let count: u16 = count.parse().unwrap_or(0);
        (first..first.saturating_add(count)).map(move |vlan| {
            let id = seeded_id(site, "segment", &vlan.to_string());
            let columns = [
                ("id", json!(id)),
                ("network_type", json!("vlan")),
                ("physical_network", json!(physical)),
                ("segment_id", json!(vlan)),
            ];
            // A VLAN costs 1 service unit per hour, one that leads to other testbeds 2.
            let cost = if stitch == "none" { "1.0" } else { "2.0" };
            Resource {
                id,
                name: vlan.to_string(),
                columns: columns.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
                properties: texts([("stitch_provider", stitch), ("su_factor", cost)]),
            }
        })
    })
    .collect()
}

fn devices(site: &Site) -> Vec<Resource> {
    rows(DEVICES)
        .map(|[name, uid, machine, model, vendor, profiles]| {
            let id = seeded_id(site, "device", name);
            let columns = [
                ("id", json!(id)),
                ("name", json!(name)),
                ("device_type", json!("container")),
                ("device_driver", json!("k8s")),
                ("reservable", json!(true)),
            ];
            let properties = [
                ("uid", uid),
                ("machine_name", machine),
                ("model", model),
                ("vendor", vendor),
                ("platform_version", "2"),
                ("supported_device_profiles", profiles),
            ];
            Resource {
                id,
                name: name.to_owned(),
                columns: columns.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
                properties: texts(properties.into_iter().filter(|(_, value)| !value.is_empty())),
            }
        })
        .collect()
}

fn texts<'t>(pairs: impl IntoIterator<Item = (&'t str, &'t str)>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Returns the rows of a data file that have as many fields as its first line, which names them.
fn rows<const FIELDS: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; FIELDS]> {
    text.lines().skip(1).filter_map(|line| {
        let fields: Vec<&'static str> = line.split(',').collect();
        fields.try_into().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(region: &str) -> &'static Site {
        SITES.iter().find(|site| site.region == region).expect("a site")
    }

    /// The nodes of a kind, as the published inventory counts them.
    fn counted(row: &[&str; 7]) -> usize {
        let [region, node_type, _, gpus, gpu_model, threads, ram] = *row;
        let alike = |host: &&Resource| {
            let count = host.properties.get("gpu.gpu_count").map_or("0", String::as_str);
            host.property("node_type") == node_type
                && count == gpus
                && host.property("gpu.gpu_model") == gpu_model
                && host.property("architecture.smt_size") == threads
                && host.property("main_memory.humanized_ram_size") == format!("{ram} GiB")
        };
        of(site(region)).hosts.iter().filter(alike).count()
    }

    #[test]
    fn the_published_inventory_is_there() {
        let nodes: Vec<[&str; 7]> = rows(include_str!("../../data/nodes.csv")).collect();
        assert_eq!(nodes.len(), 47);
        for row in &nodes {
            assert_eq!(counted(row).to_string(), row[2], "{row:?}");
        }
        for region in ["CHI@TACC", "CHI@UC", "CHI@NCAR", "CHI@NRP", "CHI@NU"] {
            let expected: usize = nodes
                .iter()
                .filter(|row| row[0] == region)
                .map(|row| row[2].parse::<usize>().expect("a count"))
                .sum();
            assert_eq!(of(site(region)).hosts.len(), expected, "{region}");
        }
    }

    #[test]
    fn every_row_of_the_data_becomes_a_thing() {
        let hosts: usize = SITES.iter().map(|site| of(site).hosts.len()).sum();
        assert_eq!(hosts, HOSTS.lines().count() - 1);
        assert_eq!(of(site("CHI@Edge")).devices.len(), DEVICES.lines().count() - 1);
        assert_eq!(of(site("CHI@UC")).networks.len(), 50);
        let h100 =
            of(site("KVM@TACC")).hosts.iter().filter(|host| host.property("gpu.gpu") == "True");
        assert_eq!(h100.count(), 6);
    }

    #[test]
    fn devices_are_as_many_as_known() {
        let devices = &of(site("CHI@Edge")).devices;
        for (machine, count) in [
            ("raspberrypi4-64", 28),
            ("jetson-nano", 12),
            ("raspberrypi5", 8),
            ("jetson-orin-nano", 3),
            ("jetson-agx-orin", 1),
        ] {
            let found = devices.iter().filter(|device| device.property("machine_name") == machine);
            assert_eq!(found.count(), count, "{machine}");
        }
    }

    #[test]
    fn ids_and_names_are_unique_within_a_site() {
        for site in SITES {
            let inventory = of(site);
            for list in [&inventory.hosts, &inventory.networks, &inventory.devices] {
                let ids: std::collections::BTreeSet<_> = list.iter().map(|it| &it.id).collect();
                let names: std::collections::BTreeSet<_> = list.iter().map(|it| &it.name).collect();
                assert_eq!((ids.len(), names.len()), (list.len(), list.len()), "{}", site.region);
            }
        }
    }

    #[test]
    fn the_course_finds_its_nodes() {
        let uc = &of(site("CHI@UC")).hosts;
        for (name, rate) in
            [("307G3Q3", "16.0"), ("P3-GPU-009", "2.0"), ("gigaio-compute-02", "4.0")]
        {
            let host = uc.iter().find(|host| host.name == name).expect(name);
            assert_eq!(host.property("su_factor"), rate, "{name}");
            assert_eq!(host.shown()["hypervisor_hostname"], host.shown()["uid"]);
        }
    }
}
