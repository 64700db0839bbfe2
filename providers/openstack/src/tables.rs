//! All resource types and data sources.

use crate::schema::{DataSource, Resource};
use crate::{blockstorage, compute, images, networking, reservation};

/// The resource types, in the order of their names.
pub(crate) const RESOURCES: &[&Resource] = &[
    &blockstorage::VOLUME,
    &networking::SERVER_FLOATINGIP,
    &networking::COMPUTE_FLOATINGIP,
    &compute::INSTANCE,
    &compute::KEYPAIR,
    &compute::VOLUME_ATTACH,
    &networking::FLOATINGIP_ASSOCIATE,
    &networking::FLOATINGIP,
    &networking::NETWORK,
    &networking::PORT,
    &networking::ROUTER_INTERFACE,
    &networking::ROUTER,
    &networking::SECGROUP_RULE,
    &networking::SECGROUP,
    &networking::SUBNET,
    &reservation::ONLY_DEVICE,
    &reservation::ONLY_FLAVOR,
    &reservation::ONLY_FLOATINGIP,
    &reservation::ONLY_HOST,
    &reservation::ONLY_INSTANCE,
    &reservation::LEASE,
    &reservation::ONLY_NETWORK,
];

/// The data sources, in the order of their names.
pub(crate) const DATA_SOURCES: &[&DataSource] = &[
    &compute::FLAVOR_DATA,
    &compute::KEYPAIR_DATA,
    &images::IMAGE_DATA,
    &networking::FLOATINGIP_DATA,
    &networking::NETWORK_DATA,
    &networking::PORT_DATA,
    &networking::ROUTER_DATA,
    &networking::SECGROUP_DATA,
    &networking::SUBNET_DATA,
    &reservation::ALLOCATIONS_DATA,
    &reservation::AVAILABILITY_DATA,
    &reservation::DEVICES_DATA,
    &reservation::HOSTS_DATA,
    &reservation::LEASE_DATA,
    &reservation::NETWORKS_DATA,
];

/// Returns the row of a resource type.
pub(crate) fn resource(name: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|row| row.name == name).copied()
}

/// Returns the row of a data source.
pub(crate) fn data_source(name: &str) -> Option<&'static DataSource> {
    DATA_SOURCES.iter().find(|row| row.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_type_touches_is_the_collection_of_another_one() {
        let first = |path: &'static str| path.trim_start_matches('/').split('/').next();
        let known: Vec<_> = RESOURCES
            .iter()
            .map(|row| (row.service, first(row.path).unwrap_or_default()))
            .collect();
        for row in RESOURCES {
            for touched in row.marks.touches {
                assert!(
                    known.contains(touched),
                    "{} touches {touched:?}, which no type keeps",
                    row.name
                );
            }
        }
    }
}
