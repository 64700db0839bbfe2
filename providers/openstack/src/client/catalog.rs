//! The service catalog: which endpoint a service has in a region.

use serde_json::Value as Json;

/// A service that this provider calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Service {
    /// Nova.
    Compute,
    /// Neutron.
    Network,
    /// Cinder.
    Volume,
    /// Glance.
    Image,
    /// Blazar.
    Reservation,
}

/// How a service is found and addressed.
struct Row {
    types: &'static [&'static str],
    override_key: &'static str,
    /// Version segment, added where the catalog's address has none.
    version: &'static str,
    /// Whether the project's id follows the version.
    project: bool,
    /// The service's name in `OpenStack-API-Version`.
    microversion: &'static str,
}

impl Service {
    fn row(self) -> Row {
        match self {
            Self::Compute => Row {
                types: &["compute"],
                override_key: "compute",
                version: "v2.1",
                project: false,
                microversion: "compute",
            },
            Self::Network => Row {
                types: &["network"],
                override_key: "network",
                version: "v2.0",
                project: false,
                microversion: "network",
            },
            Self::Volume => Row {
                types: &["block-storage", "volumev3", "block-store", "volume", "volumev2"],
                override_key: "volumev3",
                version: "v3",
                project: true,
                microversion: "volume",
            },
            Self::Image => Row {
                types: &["image"],
                override_key: "image",
                version: "v2",
                project: false,
                microversion: "image",
            },
            Self::Reservation => Row {
                types: &["reservation"],
                override_key: "reservation",
                version: "v1",
                project: false,
                microversion: "reservation",
            },
        }
    }

    /// Returns its type in the catalog.
    pub(crate) fn name(self) -> &'static str {
        self.row().types.first().copied().unwrap_or_default()
    }

    /// Returns its key in `endpoint_overrides`.
    pub(crate) fn override_key(self) -> &'static str {
        self.row().override_key
    }

    /// Returns its name in `OpenStack-API-Version`.
    pub(crate) fn microversion_name(self) -> &'static str {
        self.row().microversion
    }

    /// Returns an endpoint with the version segment, and the project where the service wants it.
    pub(crate) fn versioned(self, endpoint: &str, project: Option<&str>) -> String {
        let row = self.row();
        let base = endpoint.trim_end_matches('/');
        let path = base.split_once("://").map_or(base, |(_, rest)| rest);
        let has_version = path.split('/').skip(1).any(|segment| {
            segment.len() > 1
                && segment.starts_with('v')
                && segment.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
        });
        match (has_version, row.project, project) {
            (true, ..) => base.to_owned(),
            (false, true, Some(project)) => format!("{base}/{}/{project}", row.version),
            (false, ..) => format!("{base}/{}", row.version),
        }
    }
}

/// The endpoints that a login brought.
#[derive(Debug, Default)]
pub(crate) struct Catalog(Vec<Endpoint>);

#[derive(Debug)]
struct Endpoint {
    kind: String,
    interface: String,
    regions: [String; 2],
    url: String,
}

impl Catalog {
    /// Reads a token's catalog.
    pub(crate) fn of(json: &Json) -> Self {
        let text = |json: &Json, key: &str| {
            json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
        };
        let mut all = Vec::new();
        for service in json.as_array().into_iter().flatten() {
            for endpoint in service.get("endpoints").and_then(Json::as_array).into_iter().flatten()
            {
                all.push(Endpoint {
                    kind: text(service, "type"),
                    interface: text(endpoint, "interface"),
                    regions: [text(endpoint, "region_id"), text(endpoint, "region")],
                    url: text(endpoint, "url"),
                });
            }
        }
        Self(all)
    }

    /// Returns the endpoint of a service; an empty region takes the first.
    pub(crate) fn find(&self, service: Service, interface: &str, region: &str) -> Option<&str> {
        service.row().types.iter().find_map(|kind| self.find_type(kind, interface, region))
    }

    /// Returns the endpoint of a service type.
    pub(crate) fn find_type(&self, kind: &str, interface: &str, region: &str) -> Option<&str> {
        let fits = |endpoint: &&Endpoint| {
            endpoint.kind == kind
                && endpoint.interface == interface
                && (region.is_empty() || endpoint.regions.iter().any(|name| name == region))
        };
        self.0.iter().find(fits).map(|endpoint| endpoint.url.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Catalog, Service};

    #[test]
    fn a_version_is_added_only_where_it_is_missing() {
        for (service, url, expected) in [
            (Service::Network, "http://h:9696", "http://h:9696/v2.0"),
            (Service::Network, "http://h:9696/v2.0/", "http://h:9696/v2.0"),
            (Service::Network, "http://h/kvm/network", "http://h/kvm/network/v2.0"),
            (Service::Compute, "http://h/compute/v2.1", "http://h/compute/v2.1"),
            (Service::Image, "https://vault.example/image", "https://vault.example/image/v2"),
            (Service::Volume, "http://h/volume/v3/p1", "http://h/volume/v3/p1"),
            (Service::Volume, "http://h/volume", "http://h/volume/v3/p1"),
        ] {
            assert_eq!(service.versioned(url, Some("p1")), expected, "{url}");
        }
    }

    #[test]
    fn regions_and_aliases_are_told_apart() {
        let endpoint = |region: &str, url: &str| json!({"interface": "public", "region_id": region, "region": region, "url": url});
        let catalog = Catalog::of(&json!([
            {"type": "network", "endpoints": [endpoint("A", "a"), endpoint("B", "b")]},
            {"type": "volumev3", "endpoints": [endpoint("A", "v")]},
        ]));
        assert_eq!(catalog.find(Service::Network, "public", "B"), Some("b"));
        assert_eq!(catalog.find(Service::Network, "public", ""), Some("a"));
        assert_eq!(catalog.find(Service::Volume, "public", "A"), Some("v"));
        assert_eq!(catalog.find(Service::Volume, "public", "B"), None);
        assert_eq!(catalog.find(Service::Network, "internal", "A"), None);
    }
}
