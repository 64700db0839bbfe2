//! The name of a resource or data block within its module.

use std::fmt;

use terrarium_address::{ConfigAddr, Mode, ModulePath, Name};

/// A resource or data block within its module: `data.openstack_networking_network_v2.shared`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRef {
    /// `resource` or `data`.
    pub mode: Mode,
    /// First label.
    pub kind: Name,
    /// Second label.
    pub name: Name,
}

impl BlockRef {
    /// Returns the block of an address.
    pub fn of(block: &ConfigAddr) -> Self {
        Self { mode: block.mode, kind: block.kind.clone(), name: block.name.clone() }
    }

    /// Returns the address of the block in a module.
    pub fn in_module(&self, module: ModulePath) -> ConfigAddr {
        ConfigAddr { module, mode: self.mode, kind: self.kind.clone(), name: self.name.clone() }
    }
}

impl fmt::Display for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = if self.mode == Mode::Data { "data." } else { "" };
        write!(f, "{data}{}.{}", self.kind, self.name)
    }
}
