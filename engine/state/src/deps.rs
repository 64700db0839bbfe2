//! What an object read: single instances, whole blocks, and shared sets of instances.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use terrarium_address::{ConfigAddr, Name, ResourceAddr};

/// Something that an object read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dep {
    /// One instance.
    Instance(ResourceAddr),
    /// All instances of a block in a module instance; without keys in the module path (as Terraform
    /// writes it): in every instance of the module.
    Block(ConfigAddr),
    /// Each of many instances. A thousand readers of a thousand instances share one set.
    Set(InstanceSet),
}

impl Dep {
    /// Returns the instances that it names one by one; none for a block.
    pub fn instances(&self) -> &[ResourceAddr] {
        match self {
            Self::Instance(addr) => std::slice::from_ref(addr),
            Self::Block(_) => &[],
            Self::Set(set) => set.addrs(),
        }
    }

    /// Returns the block that it names as a whole.
    pub fn block(&self) -> Option<&ConfigAddr> {
        match self {
            Self::Block(block) => Some(block),
            Self::Instance(_) | Self::Set(_) => None,
        }
    }

    /// Iterates over the blocks of what it names; a block comes once for each of its instances.
    pub fn blocks(&self) -> impl Iterator<Item = &ConfigAddr> {
        self.block().into_iter().chain(self.instances().iter().map(|addr| &addr.block))
    }
}

/// Instances that are read together: in order, each once; cheap to clone, equal by their hash.
///
/// A set should be built once and shared: building it costs as much as its members.
#[derive(Clone, Debug)]
pub struct InstanceSet(Arc<Members>);

#[derive(Debug)]
struct Members {
    hash: Name,
    addrs: Box<[ResourceAddr]>,
}

impl InstanceSet {
    /// Returns what identifies the set: 32 hexadecimal digits of its members' BLAKE3.
    pub fn hash(&self) -> &Name {
        &self.0.hash
    }

    /// Returns the members, in order.
    pub fn addrs(&self) -> &[ResourceAddr] {
        &self.0.addrs
    }

    /// Returns whether an instance is a member.
    pub fn contains(&self, addr: &ResourceAddr) -> bool {
        self.0.addrs.binary_search(addr).is_ok()
    }
}

impl FromIterator<ResourceAddr> for InstanceSet {
    fn from_iter<I: IntoIterator<Item = ResourceAddr>>(addrs: I) -> Self {
        let addrs: BTreeSet<ResourceAddr> = addrs.into_iter().collect();
        let mut hasher = blake3::Hasher::new();
        for addr in &addrs {
            let text = addr.to_string();
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let hex = hasher.finalize().to_hex();
        let hash = hex.as_str().get(..32).unwrap_or_default().into();
        Self(Arc::new(Members { hash, addrs: addrs.into_iter().collect() }))
    }
}

impl PartialEq for InstanceSet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.hash == other.0.hash
    }
}

impl Eq for InstanceSet {}

impl PartialOrd for InstanceSet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InstanceSet {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.hash.cmp(&other.0.hash)
    }
}

impl Hash for InstanceSet {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash.hash(hasher);
    }
}
