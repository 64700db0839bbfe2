//! The pools that a calendar is of.

use crate::reservation::part::PartKind;

/// Kinds of things that are taken whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::reservation) enum Pool {
    Hosts,
    Networks,
    Devices,
}

impl Pool {
    /// Returns the pool that a kind of part is served from.
    pub(in crate::reservation) fn of(kind: PartKind) -> Option<Self> {
        match kind {
            PartKind::Host => Some(Self::Hosts),
            PartKind::Network => Some(Self::Networks),
            PartKind::Device => Some(Self::Devices),
            _ => None,
        }
    }

    /// Reads a pool's name in the configuration: `hosts`, `networks`, `devices`.
    pub(in crate::reservation) fn named(name: &str) -> Self {
        match name {
            "networks" => Self::Networks,
            "devices" => Self::Devices,
            _ => Self::Hosts,
        }
    }

    /// Returns the path of its list.
    pub(in crate::reservation) fn path(self) -> &'static str {
        match self {
            Self::Hosts => "/os-hosts",
            Self::Networks => "/networks",
            Self::Devices => "/devices",
        }
    }

    /// Returns what its things are called, which is also the key around the list.
    pub(in crate::reservation) fn things(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Networks => "networks",
            Self::Devices => "devices",
        }
    }

    /// Returns the property that says which type a thing is of.
    pub(in crate::reservation) fn type_property(self) -> &'static str {
        match self {
            Self::Hosts => "node_type",
            Self::Networks => "physical_network",
            Self::Devices => "machine_name",
        }
    }
}
