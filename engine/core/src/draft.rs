//! What an intent carries so that recovery can finish the record of an object: its planned values,
//! marks included, and what they were computed from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use terrarium_address::ResourceAddr;
use terrarium_provider::Window;

use terrarium_state::{Dep, InstanceSet};
use terrarium_value::{Value, from_snapshot, to_snapshot};

/// The content of [`terrarium_provider::Intent::planned`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) planned: Value,
    pub(crate) deps: Vec<Dep>,
    pub(crate) create_first: bool,
    pub(crate) window: Option<Window>,
    pub(crate) occupies: Vec<ResourceAddr>,
}

#[derive(Serialize, Deserialize)]
struct Twin {
    planned: String,
    deps: Vec<DepTwin>,
    create_first: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<(Timestamp, Option<Timestamp>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    occupies: Vec<String>,
}

/// A dependency as saved plans and intents write it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum DepTwin {
    /// Whether it is one instance, and its address.
    Plain(bool, String),
    /// A set of instances, which is kept beside.
    Set {
        /// Its hash.
        set: String,
    },
}

/// Sets of instances by their hash.
pub(crate) type Sets = BTreeMap<terrarium_address::Name, InstanceSet>;

impl DepTwin {
    pub(crate) fn of(dep: &Dep) -> Self {
        match dep {
            Dep::Instance(addr) => Self::Plain(true, addr.to_string()),
            Dep::Block(block) => Self::Plain(false, block.to_string()),
            Dep::Set(set) => Self::Set { set: set.hash().to_string() },
        }
    }

    pub(crate) fn restore(&self, sets: &Sets) -> Result<Dep, String> {
        let (one, text) = match self {
            Self::Plain(one, text) => (*one, text),
            Self::Set { set } => {
                let found = sets.get(set.as_str()).cloned();
                return found.map(Dep::Set).ok_or_else(|| "a set of instances is missing".into());
            }
        };
        let addr: ResourceAddr = text.parse().map_err(|error| format!("{text}: {error}"))?;
        Ok(if one { Dep::Instance(addr) } else { Dep::Block(addr.block) })
    }
}

impl Draft {
    /// Writes it as text.
    pub(crate) fn write(&self) -> Result<String, String> {
        let twin = Twin {
            planned: to_snapshot(&self.planned),
            deps: self.deps.iter().map(DepTwin::of).collect(),
            create_first: self.create_first,
            window: self.window.map(|window| (window.from(), window.until())),
            occupies: self.occupies.iter().map(ToString::to_string).collect(),
        };
        serde_json::to_string(&twin).map_err(|error| error.to_string())
    }

    /// Reads it back; the state has the sets that it names.
    pub(crate) fn read(text: &str, sets: &Sets) -> Result<Self, String> {
        let twin: Twin = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self {
            planned: from_snapshot(&twin.planned).map_err(|error| error.to_string())?,
            deps: twin.deps.iter().map(|dep| dep.restore(sets)).collect::<Result<_, _>>()?,
            create_first: twin.create_first,
            window: twin.window.and_then(|(from, until)| Window::new(from, until)),
            occupies: twin
                .occupies
                .iter()
                .map(|text| text.parse().map_err(|error| format!("{text}: {error}")))
                .collect::<Result<_, _>>()?,
        })
    }
}
