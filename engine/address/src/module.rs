//! Paths of module instances, from the root.

use std::fmt;
use std::sync::Arc;

use crate::{InstanceKey, Name};

/// One step of a [`ModulePath`]: the name of a `module` block and the instance of the call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleCallStep {
    /// Label of the `module` block.
    pub name: Name,
    /// Which instance of the call; [`InstanceKey::None`] in the path of a configuration object.
    pub key: InstanceKey,
}

/// Path of a module instance from the root: `module.lab["g1"].module.net`; empty for the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModulePath(Arc<[ModuleCallStep]>);

impl ModulePath {
    /// Returns the path of the root module.
    pub fn root() -> Self {
        Self::default()
    }

    /// Builds a path from its steps, outermost first.
    pub fn new(steps: impl IntoIterator<Item = ModuleCallStep>) -> Self {
        Self(steps.into_iter().collect())
    }

    /// Returns the steps, outermost first.
    pub fn steps(&self) -> &[ModuleCallStep] {
        &self.0
    }

    /// Returns whether this is the root module.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path of one instance of a call in this module.
    #[must_use]
    pub fn child(&self, name: Name, key: InstanceKey) -> Self {
        Self(self.0.iter().cloned().chain([ModuleCallStep { name, key }]).collect())
    }

    /// Returns the module that contains the call, `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.iter().cloned().collect()))
    }

    /// Returns the path without instance keys: where the block stands in the configuration.
    #[must_use]
    pub fn config(&self) -> Self {
        if self.0.iter().all(|step| step.key.is_none()) {
            return self.clone();
        }
        Self(
            self.0
                .iter()
                .map(|s| ModuleCallStep { name: s.name.clone(), key: InstanceKey::None })
                .collect(),
        )
    }

    /// Returns whether `self` is `outer` or lies inside it.
    ///
    /// A step of `outer` without a key stands for every instance of that call.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.0.len() >= outer.0.len()
            && self.0.iter().zip(outer.0.iter()).all(|(mine, theirs)| {
                mine.name == theirs.name && (theirs.key.is_none() || mine.key == theirs.key)
            })
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}module.{}{}", step.name, step.key)?;
        }
        Ok(())
    }
}
