//! Paths into a value: `network[0].port`, `additional_properties["reservation"]`.

use std::fmt;

use crate::{Name, quote};

/// One step of an [`AttrPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathStep {
    /// An attribute of an object, or a nested block type.
    Attr(Name),
    /// An element of a list or tuple, from 0.
    Index(u64),
    /// An element of a map.
    Key(Name),
    /// Some element of a set; sets have no keys, so this names them all.
    AnyElement,
}

/// Path from the root of a resource's value to a part of it; empty for the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrPath(pub Vec<PathStep>);

impl AttrPath {
    /// Returns the empty path.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns the path of a top-level attribute.
    pub fn attr(name: &str) -> Self {
        Self(vec![PathStep::Attr(name.into())])
    }

    /// Returns this path with one step more.
    #[must_use]
    pub fn with(&self, step: PathStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Returns whether `self` is `outer` or lies inside it.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.0.starts_with(&outer.0)
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Attr(name) if index == 0 => f.write_str(name)?,
                PathStep::Attr(name) => write!(f, ".{name}")?,
                PathStep::Index(at) => write!(f, "[{at}]")?,
                PathStep::Key(key) => write!(f, "[{}]", quote(key))?,
                PathStep::AnyElement => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}
