//! Rows of the resource types and data sources.

use terrarium_provider::{HeldBy, Rival, Tenure};

use super::attr::Attr;
use crate::client::Service;
use crate::data::DataHooks;
use crate::verbs::Hooks;

/// What people read of a type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doc {
    /// What it is, in a sentence.
    pub(crate) about: &'static str,
    /// A configuration that can be planned.
    pub(crate) example: &'static str,
}

impl Doc {
    /// Says what a type is.
    pub(crate) const fn of(about: &'static str) -> Self {
        Self { about, example: "" }
    }

    /// Shows how it is written.
    pub(crate) const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }
}

/// A resource type: what is generic, as data, and what is its own, as hooks.
pub(crate) struct Resource {
    /// Its type name.
    pub(crate) name: &'static str,
    /// What people read of it.
    pub(crate) doc: Doc,
    /// The service that keeps it.
    pub(crate) service: Service,
    /// Its collection's path, to create and to address by id.
    pub(crate) path: &'static str,
    /// The collection's path to list it with all attributes; empty where it can't be listed.
    pub(crate) list_path: &'static str,
    /// The JSON key around one object.
    pub(crate) envelope: &'static str,
    /// The JSON key around a list.
    pub(crate) collection: &'static str,
    /// The microversion that its calls ask for.
    pub(crate) microversion: Option<&'static str>,
    /// The arguments and attributes.
    pub(crate) attributes: &'static [Attr],
    /// Default time-outs.
    pub(crate) timeouts: Timeouts,
    /// Which states mean what.
    pub(crate) status: Status,
    /// Statuses of a refused delete that another object's removal cures.
    pub(crate) retry_delete: &'static [u16],
    /// Whether a deleted object is there for a while.
    pub(crate) slow_delete: bool,
    /// Where a created object carries its marker.
    pub(crate) marker: MarkerField,
    /// Whether it has `tags` and `all_tags`, kept under `/tags`.
    pub(crate) tags: bool,
    /// What it means in time.
    pub(crate) marks: Marks,
    /// What is its own.
    pub(crate) hooks: &'static dyn Hooks,
}

/// Default time-outs in seconds, for the operations that have one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timeouts {
    pub(crate) create: Option<u64>,
    pub(crate) update: Option<u64>,
    pub(crate) delete: Option<u64>,
}

/// What the states of an object mean while it is being made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    /// States of a finished object; empty where it is finished at once.
    pub(crate) ready: &'static [&'static str],
    /// States of a failed one.
    pub(crate) failed: &'static [&'static str],
}

/// Where a created object carries its marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkerField {
    /// Nowhere: it is found by what it is.
    None,
    /// In `description`, where the user set none.
    Description,
    /// In its metadata, under `terrarium`.
    Metadata,
}

/// What a type means to others, in time and in number; paths as `build::path_of` reads them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// Whose term it has.
    pub(crate) tenure: Tenure,
    /// Whether its instances claim what others of a plan want.
    pub(crate) competes: bool,
    /// Values that name what the service changes for one caller at a time.
    pub(crate) turns: &'static [&'static str],
    pub(crate) lends: &'static [&'static str],
    pub(crate) occupies: &'static [&'static str],
    pub(crate) late: &'static [&'static str],
    pub(crate) exclusive: &'static [Only],
    /// References that keep what they name from being removed.
    pub(crate) holds: &'static [(&'static str, HeldBy)],
    pub(crate) scarce: bool,
    /// The quota that counts its objects.
    pub(crate) quota: Option<&'static str>,
    /// Collections beside its own whose objects its calls change, too: what was listed of them is read anew.
    pub(crate) touches: &'static [Collection],
}

/// The objects of a service that are listed together: the first part of their path.
pub(crate) type Collection = (Service, &'static str);

/// A reference to what only one may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Only {
    pub(crate) path: &'static str,
    pub(crate) rival: Rival,
    pub(crate) shared_if: Option<&'static str>,
    pub(crate) part: Option<&'static str>,
    pub(crate) on_behalf: Option<&'static str>,
}

impl Only {
    /// One whose new holder is refused until the old one has let go.
    pub(crate) const fn at(path: &'static str) -> Self {
        Self { path, rival: Rival::Refused, shared_if: None, part: None, on_behalf: None }
    }

    /// A new holder takes it from the old one.
    pub(crate) const fn handed_over(self) -> Self {
        Self { rival: Rival::TakesOver, ..self }
    }

    /// A successor is refused, while others may find a way.
    pub(crate) const fn not_by_successor(self) -> Self {
        Self { rival: Rival::RefusedAsSuccessor, ..self }
    }

    /// Several may hold it where this flag is true.
    pub(crate) const fn shared_if(self, flag: &'static str) -> Self {
        Self { shared_if: Some(flag), ..self }
    }

    /// Only the part that this attribute names is held.
    pub(crate) const fn part(self, attribute: &'static str) -> Self {
        Self { part: Some(attribute), ..self }
    }

    /// Those who hold it for the same are no rivals.
    pub(crate) const fn on_behalf(self, attribute: &'static str) -> Self {
        Self { on_behalf: Some(attribute), ..self }
    }
}

impl Marks {
    /// Nothing.
    pub(crate) const NONE: Self = Self {
        tenure: Tenure::None,
        competes: false,
        turns: &[],
        lends: &[],
        occupies: &[],
        late: &[],
        exclusive: &[],
        holds: &[],
        scarce: false,
        quota: None,
        touches: &[],
    };
    /// It sits on something, and ends with that.
    pub(crate) const GUEST: Self = Self { tenure: Tenure::Borrowed, ..Self::NONE };
    /// A lease.
    pub(crate) const LEASE: Self = Self { tenure: Tenure::Own, competes: true, ..Self::NONE };
}

impl Timeouts {
    /// No `timeouts` block.
    pub(crate) const NONE: Self = Self { create: None, update: None, delete: None };
    /// Ten minutes to create and to delete: nearly everywhere.
    pub(crate) const USUAL: Self = Self { create: Some(600), update: None, delete: Some(600) };
    /// Ten minutes to delete.
    pub(crate) const DELETE: Self = Self { create: None, update: None, delete: Some(600) };
}

impl Status {
    /// It is finished as soon as it exists.
    pub(crate) const NONE: Self = Self { ready: &[], failed: &[] };
}

/// A data source.
pub(crate) struct DataSource {
    /// Its type name.
    pub(crate) name: &'static str,
    /// What it finds, for messages: `network`.
    pub(crate) thing: &'static str,
    /// The service that it asks.
    pub(crate) service: Service,
    /// The path of the list.
    pub(crate) path: &'static str,
    /// The JSON key around the list.
    pub(crate) collection: &'static str,
    /// Arguments and attributes.
    pub(crate) attributes: &'static [Attr],
    /// Whether one list per run serves all.
    pub(crate) shared: bool,
    /// Whose term it describes.
    pub(crate) tenure: Tenure,
    /// Paths of values that others may sit on.
    pub(crate) lends: &'static [&'static str],
    /// What is its own.
    pub(crate) hooks: &'static dyn DataHooks,
}

impl Resource {
    /// Returns the row of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'static Attr> {
        self.attributes.iter().find(|row| row.name == name)
    }

    /// Returns the default time-out of an action in seconds; the SDK's 20 minutes where none is set.
    pub(crate) fn timeout(&self, action: terrarium_provider::Action) -> (&'static str, u64) {
        use terrarium_provider::Action;
        let (name, seconds) = match action {
            Action::Create => ("create", self.timeouts.create),
            Action::Update => ("update", self.timeouts.update),
            Action::Delete => ("delete", self.timeouts.delete),
        };
        (name, seconds.unwrap_or(1_200))
    }
}
