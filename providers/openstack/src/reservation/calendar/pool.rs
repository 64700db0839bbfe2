//! The pools that a calendar is of.

use crate::reservation::part::PartKind;

/// Kinds of things that are taken whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::reservation) enum Pool {
    Hosts,
    Networks,
    Devices,
    FloatingIps,
}

impl Pool {
    /// Returns the pool that a kind of part is served from.
    pub(in crate::reservation) fn of(kind: PartKind) -> Option<Self> {
        match kind {
            PartKind::Host => Some(Self::Hosts),
            PartKind::Network => Some(Self::Networks),
            PartKind::Device => Some(Self::Devices),
            PartKind::FloatingIp => Some(Self::FloatingIps),
            _ => None,
        }
    }

    /// Reads a pool's name in the configuration: `hosts`, `networks`, `devices`, `floatingips`.
    pub(in crate::reservation) fn named(name: &str) -> Self {
        match name {
            "networks" => Self::Networks,
            "devices" => Self::Devices,
            "floatingips" => Self::FloatingIps,
            _ => Self::Hosts,
        }
    }

    /// Returns the path of its list.
    pub(in crate::reservation) fn path(self) -> &'static str {
        match self {
            Self::Hosts => "/os-hosts",
            Self::Networks => "/networks",
            Self::Devices => "/devices",
            Self::FloatingIps => "/floatingips",
        }
    }

    /// Returns the key around the list.
    pub(in crate::reservation) fn things(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Networks => "networks",
            Self::Devices => "devices",
            Self::FloatingIps => "floatingips",
        }
    }

    /// Returns what its things are called.
    pub(in crate::reservation) fn words(self) -> &'static str {
        match self {
            Self::FloatingIps => "floating IPs",
            other => other.things(),
        }
    }

    /// Returns the argument that says how many of them a reservation asks for.
    pub(in crate::reservation) fn count(self) -> &'static str {
        match self {
            Self::Hosts | Self::Devices => "min",
            Self::Networks => "network_name",
            Self::FloatingIps => "amount",
        }
    }

    /// Returns the property that says which type a thing is of.
    pub(in crate::reservation) fn type_property(self) -> &'static str {
        match self {
            Self::Hosts => "node_type",
            Self::Networks => "physical_network",
            Self::Devices => "machine_name",
            // One is as good as another.
            Self::FloatingIps => "",
        }
    }
}
