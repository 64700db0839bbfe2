//! The difference of two values, as a tree that is ready to be shown.

mod compare;
mod same;

use std::collections::BTreeMap;

use terrarium_address::Name;
use terrarium_value::{Value, When};

pub(crate) use compare::{Differ, Sides};
pub(crate) use same::canonical;

/// What happened to a part of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    NoOp,
    Create,
    Update,
    Delete,
}

/// A part of a value, before and after.
#[derive(Debug)]
pub(crate) struct Diff {
    pub(crate) change: Change,
    /// Whether this part forces the replacement of the whole.
    pub(crate) replace: bool,
    pub(crate) node: Node,
}

/// What the part is.
#[derive(Debug)]
pub(crate) enum Node {
    /// A bool, number, string or null; `None` where it does not exist.
    Scalar { before: Option<Value>, after: Option<Value> },
    /// Known only later.
    Unknown { before: Option<Box<Diff>>, when: When },
    /// Not to be shown; the note says that this changes.
    Sensitive { note: Option<Sensitivity> },
    /// A list or tuple.
    List(Vec<Diff>),
    /// A set.
    Set(Vec<Diff>),
    /// A map: keys are quoted.
    Map(BTreeMap<Name, Diff>),
    /// An object.
    Object(BTreeMap<Name, Diff>),
    /// A value of quite another type.
    Other { before: Box<Diff>, after: Box<Diff> },
    /// A resource's value, or a nested block's.
    Block(BlockDiff),
}

/// Attributes and nested blocks.
#[derive(Debug, Default)]
pub(crate) struct BlockDiff {
    pub(crate) attributes: BTreeMap<Name, Diff>,
    /// Blocks by type; those of a map have their key.
    pub(crate) blocks: BTreeMap<Name, Vec<(Option<Name>, Diff)>>,
}

/// How the sensitivity of a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sensitivity {
    Begins { value_changes: bool },
    Ends { value_changes: bool },
}

impl Diff {
    pub(crate) fn new(change: Change, node: Node) -> Self {
        Self { change, replace: false, node }
    }

    /// A change of a container, by its two sides and its parts.
    pub(crate) fn container<'a>(
        sides: Sides<'_>,
        parts: impl IntoIterator<Item = &'a Diff>,
    ) -> Change {
        match (sides.before, sides.after) {
            (None, Some(_)) => Change::Create,
            (Some(_), None) => Change::Delete,
            _ if parts.into_iter().any(|part| part.change != Change::NoOp) => Change::Update,
            _ => Change::NoOp,
        }
    }
}
