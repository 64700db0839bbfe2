//! Addresses of resources and of their instances.

use std::fmt;

use crate::{InstanceKey, ModulePath, Name};

/// Kind of a resource block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// A `data` block.
    Data,
    /// A `resource` block.
    #[default]
    Managed,
}

/// A resource block in a module, without instance keys of its own.
///
/// With a [`ModulePath`] that carries keys it names a block *within one module instance*; with
/// [`ModulePath::config`] it names the block in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigAddr {
    /// The module it stands in.
    pub module: ModulePath,
    /// `resource` or `data`.
    pub mode: Mode,
    /// First label, such as `openstack_compute_instance_v2`.
    pub kind: Name,
    /// Second label.
    pub name: Name,
}

impl ConfigAddr {
    /// Returns the address of one instance.
    pub fn instance(&self, key: InstanceKey) -> ResourceAddr {
        ResourceAddr { block: self.clone(), key }
    }

    /// Returns the same block with every key removed from its module path.
    #[must_use]
    pub fn config(&self) -> Self {
        Self { module: self.module.config(), ..self.clone() }
    }

    /// Returns whether `inner` is this block; a step of this one's module path without a key stands for
    /// every instance of that call.
    pub fn covers(&self, inner: &Self) -> bool {
        self.mode == inner.mode
            && self.kind == inner.kind
            && self.name == inner.name
            && self.module.steps().len() == inner.module.steps().len()
            && inner.module.is_within(&self.module)
    }
}

/// Address of one resource instance: `module.lab["g1"].openstack_compute_instance_v2.gpu[0]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceAddr {
    /// The block within its module instance.
    pub block: ConfigAddr,
    /// Which instance of the block.
    pub key: InstanceKey,
}

impl ResourceAddr {
    /// Returns the address as seen from inside a module; `None` where it lies elsewhere.
    ///
    /// A step of `module` without a key stands for every instance of that call.
    pub fn within(&self, module: &ModulePath) -> Option<Self> {
        if !self.block.module.is_within(module) {
            return None;
        }
        let inner = self.block.module.steps().get(module.steps().len()..)?;
        let block =
            ConfigAddr { module: ModulePath::new(inner.iter().cloned()), ..self.block.clone() };
        Some(Self { block, key: self.key.clone() })
    }
}

/// What `-target`, `-replace` and the `state` commands name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A module (instance) and all that is in it.
    Module(ModulePath),
    /// All instances of a block; module steps without a key stand for every instance.
    Block(ConfigAddr),
    /// One instance.
    Instance(ResourceAddr),
}

impl Target {
    /// Returns whether the instance is named by this target.
    pub fn contains(&self, addr: &ResourceAddr) -> bool {
        match self {
            Self::Module(path) => addr.block.module.is_within(path),
            Self::Block(block) => block.covers(&addr.block),
            Self::Instance(one) => one.key == addr.key && one.block.covers(&addr.block),
        }
    }
}

impl fmt::Display for ConfigAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        if self.mode == Mode::Data {
            f.write_str("data.")?;
        }
        write!(f, "{}.{}", self.kind, self.name)
    }
}

impl fmt::Display for ResourceAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.block, self.key)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(path) => path.fmt(f),
            Self::Block(block) => block.fmt(f),
            Self::Instance(addr) => addr.fmt(f),
        }
    }
}
