//! Rows of a table that describes a resource type or data source: its attributes, and where each of
//! them stands in the service's JSON.

use terrarium_provider::Presence;
use terrarium_value::Value;

/// An attribute or a nested block type.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a table, written by builders")]
pub(crate) struct Attr {
    /// Its name in the configuration.
    pub(crate) name: &'static str,
    /// What it is for; empty where its name means what it means in every type (`glossary.rs`).
    pub(crate) about: &'static str,
    /// What it holds.
    pub(crate) shape: Shape,
    /// Who gives its value.
    pub(crate) presence: Presence,
    /// Whether its value may be shown.
    pub(crate) sensitive: bool,
    /// Whether a change needs a new object.
    pub(crate) force_new: bool,
    /// Its value where the configuration gives none.
    pub(crate) default: Option<Literal>,
    /// Its field in the service's JSON.
    pub(crate) wire: &'static str,
    /// When a create sends it.
    pub(crate) create: Sent,
    /// Whether an update sends it when it changed.
    pub(crate) update: bool,
    /// Whether it is read back.
    pub(crate) read: bool,
    /// The parameter by which a list is asked for it (data sources).
    pub(crate) filter: Option<&'static str>,
    /// How the stored text differs from the configured one.
    pub(crate) stored: Option<fn(&str) -> String>,
    /// Whether two texts mean the same.
    pub(crate) same: Option<fn(&str, &str) -> bool>,
    /// The texts or numbers that it may hold; empty for any.
    pub(crate) one_of: &'static [&'static str],
    /// How long it may be, where the service says so.
    pub(crate) longest: Option<Longest>,
    /// Arguments that may not be given together with it.
    pub(crate) conflicts: &'static [&'static str],
    /// Arguments that must be given together with it.
    pub(crate) needs: &'static [&'static str],
}

/// How long a text may be in the form in which it is sent.
#[derive(Clone, Copy)]
pub(crate) struct Longest {
    /// Characters that the service takes.
    pub(crate) limit: usize,
    /// Counts those of a configured text.
    pub(crate) count: fn(&str) -> usize,
    /// What form that is: `in base64`.
    pub(crate) form: &'static str,
}

/// What an attribute holds.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Text,
    Bool,
    Int,
    Float,
    /// A list of strings.
    TextList,
    /// A set of strings.
    TextSet,
    /// A map of strings.
    TextMap,
    /// A list of maps of strings.
    MapList,
    /// An attribute that is a list or set of objects (computed ones only).
    Objects {
        set: bool,
        attributes: &'static [Attr],
    },
    /// Nested blocks.
    Blocks {
        set: bool,
        attributes: &'static [Attr],
        max: Option<u64>,
    },
}

/// A default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Literal {
    Text(&'static str),
    Bool(bool),
    Int(i64),
}

impl Literal {
    /// Returns it as a value.
    pub(crate) fn value(self) -> Value {
        match self {
            Self::Text(text) => Value::string(text),
            Self::Bool(value) => Value::bool(value),
            Self::Int(value) => Value::number(value),
        }
    }
}

/// When a create sends an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Never; a hook may.
    Never,
    /// Where it is neither null nor the zero of its type.
    NonZero,
    /// Where the configuration gives it, zero or not.
    Configured,
}

const fn attr(name: &'static str, shape: Shape) -> Attr {
    Attr {
        name,
        about: "",
        shape,
        presence: Presence::Optional,
        sensitive: false,
        force_new: false,
        default: None,
        wire: name,
        create: Sent::NonZero,
        update: true,
        read: true,
        filter: None,
        stored: None,
        same: None,
        one_of: &[],
        longest: None,
        conflicts: &[],
        needs: &[],
    }
}

/// A string.
pub(crate) const fn text(name: &'static str) -> Attr {
    attr(name, Shape::Text)
}

/// A bool; a create sends it where it is configured, false included.
pub(crate) const fn flag(name: &'static str) -> Attr {
    Attr { create: Sent::Configured, ..attr(name, Shape::Bool) }
}

/// A whole number.
pub(crate) const fn int(name: &'static str) -> Attr {
    attr(name, Shape::Int)
}

/// A number.
pub(crate) const fn float(name: &'static str) -> Attr {
    attr(name, Shape::Float)
}

/// A list of strings.
pub(crate) const fn texts(name: &'static str) -> Attr {
    attr(name, Shape::TextList)
}

/// A set of strings.
pub(crate) const fn text_set(name: &'static str) -> Attr {
    attr(name, Shape::TextSet)
}

/// A map of strings.
pub(crate) const fn text_map(name: &'static str) -> Attr {
    attr(name, Shape::TextMap)
}

/// A list of maps of strings.
pub(crate) const fn map_list(name: &'static str) -> Attr {
    attr(name, Shape::MapList)
}

/// A computed list of objects.
pub(crate) const fn objects(name: &'static str, attributes: &'static [Attr]) -> Attr {
    attr(name, Shape::Objects { set: false, attributes }).computed()
}

/// A computed set of objects.
pub(crate) const fn object_set(name: &'static str, attributes: &'static [Attr]) -> Attr {
    attr(name, Shape::Objects { set: true, attributes }).computed()
}

/// A list of nested blocks.
pub(crate) const fn blocks(name: &'static str, attributes: &'static [Attr]) -> Attr {
    attr(name, Shape::Blocks { set: false, attributes, max: None })
}

/// A set of nested blocks.
pub(crate) const fn block_set(name: &'static str, attributes: &'static [Attr]) -> Attr {
    attr(name, Shape::Blocks { set: true, attributes, max: None })
}

/// The region, which every type has.
pub(crate) const REGION: Attr = text("region").optional_computed().force_new().local();

/// Arguments for the create call that the table does not know.
pub(crate) const VALUE_SPECS: Attr = text_map("value_specs").force_new().local();

/// The configured tags.
pub(crate) const TAGS: Attr = text_set("tags").local();

/// All tags, whoever set them.
pub(crate) const ALL_TAGS: Attr = text_set("all_tags").computed().local();

impl Attr {
    /// Says what it is for.
    pub(crate) const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    pub(crate) const fn required(self) -> Self {
        Self { presence: Presence::Required, ..self }
    }

    pub(crate) const fn computed(self) -> Self {
        Self { presence: Presence::Computed, create: Sent::Never, update: false, ..self }
    }

    pub(crate) const fn optional_computed(self) -> Self {
        Self { presence: Presence::OptionalComputed, ..self }
    }

    pub(crate) const fn force_new(self) -> Self {
        Self { force_new: true, ..self }
    }

    pub(crate) const fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }

    pub(crate) const fn wire(self, wire: &'static str) -> Self {
        Self { wire, ..self }
    }

    /// Sets its default.
    pub(crate) const fn or(self, default: Literal) -> Self {
        Self { default: Some(default), ..self }
    }

    /// Makes it neither sent nor read: a hook's, or only ours.
    pub(crate) const fn local(self) -> Self {
        Self { create: Sent::Never, update: false, read: false, ..self }
    }

    /// Leaves what was configured as it is: the service does not tell.
    pub(crate) const fn not_read(self) -> Self {
        Self { read: false, ..self }
    }

    /// Makes a hook send it.
    pub(crate) const fn not_sent(self) -> Self {
        Self { create: Sent::Never, update: false, ..self }
    }

    /// Sends it with a create where it is configured, zero or not.
    pub(crate) const fn sent_if_configured(self) -> Self {
        Self { create: Sent::Configured, ..self }
    }

    /// Sends it with a create where it is neither null nor zero.
    pub(crate) const fn sent_if_non_zero(self) -> Self {
        Self { create: Sent::NonZero, ..self }
    }

    /// Makes a list call filter by it, under its field's name.
    pub(crate) const fn filter(self) -> Self {
        Self { filter: Some(self.wire), ..self }
    }

    pub(crate) const fn stored(self, stored: fn(&str) -> String) -> Self {
        Self { stored: Some(stored), ..self }
    }

    pub(crate) const fn same(self, same: fn(&str, &str) -> bool) -> Self {
        Self { same: Some(same), ..self }
    }

    pub(crate) const fn one_of(self, one_of: &'static [&'static str]) -> Self {
        Self { one_of, ..self }
    }

    /// Bounds how long it may be.
    pub(crate) const fn longest(self, longest: Longest) -> Self {
        Self { longest: Some(longest), ..self }
    }

    pub(crate) const fn conflicts(self, conflicts: &'static [&'static str]) -> Self {
        Self { conflicts, ..self }
    }

    pub(crate) const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    /// Bounds how many blocks there may be.
    pub(crate) const fn at_most(self, bound: u64) -> Self {
        let shape = match self.shape {
            Shape::Blocks { set, attributes, .. } => {
                Shape::Blocks { set, attributes, max: Some(bound) }
            }
            other => other,
        };
        Self { shape, ..self }
    }

    /// Returns the rows of its nested attributes, where it has some.
    pub(crate) const fn nested(&self) -> Option<&'static [Attr]> {
        match self.shape {
            Shape::Blocks { attributes, .. } | Shape::Objects { attributes, .. } => {
                Some(attributes)
            }
            _ => None,
        }
    }

    /// Returns whether a change inside of it needs a new object.
    pub(crate) fn forces_new_within(&self) -> bool {
        self.force_new || self.nested().unwrap_or_default().iter().any(Attr::forces_new_within)
    }
}
