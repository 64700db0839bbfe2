//! What a small provider consists of: rows of fields, and hooks on plain data.

use std::sync::Arc;

use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Clock, Presence};
use terrarium_value::{Causes, Entries, Map, Type, Value};

use crate::Chance;

/// A provider.
pub(crate) struct Provider {
    /// Source address without host.
    pub(crate) source: &'static str,
    /// Versions of the original that it stands for, newest last.
    pub(crate) versions: &'static [&'static str],
    /// Its resource types.
    pub(crate) resources: &'static [Resource],
}

/// A resource type.
pub(crate) struct Resource {
    pub(crate) name: &'static str,
    /// Version of the stored form.
    pub(crate) version: u64,
    /// What it is for.
    pub(crate) about: &'static str,
    /// Its attributes, without `id`, which every type has.
    pub(crate) fields: &'static [Field],
    pub(crate) hooks: Hooks,
}

/// An attribute.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) ty: Ty,
    pub(crate) presence: Presence,
    /// What it is where the configuration says nothing.
    pub(crate) default: Default,
    pub(crate) sensitive: bool,
    pub(crate) replace: Replace,
    pub(crate) check: Check,
    pub(crate) doc: &'static str,
    pub(crate) deprecated: Option<&'static str>,
}

/// Type of a field.
#[derive(Clone, Copy)]
pub(crate) enum Ty {
    Any,
    Bool,
    Number,
    Text,
    Texts,
    TextMap,
}

/// Default of a field.
#[derive(Clone, Copy)]
pub(crate) enum Default {
    None,
    Bool(bool),
    Number(i64),
    Text(&'static str),
}

/// When a change of a field needs a new object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    Never,
    /// Whenever its value or type changes.
    Changed,
    /// When an entry changes that is not null: older states lack entries that are null.
    Entries,
}

/// What a known value of a field must be, beyond its type.
#[derive(Clone, Copy)]
pub(crate) enum Check {
    None,
    AtLeast(i64),
    Rfc3339,
}

/// Sets computed attributes.
pub(crate) type Make = fn(&Means, &mut Map) -> Result<(), Diagnostics>;

/// Reads attributes from an id.
pub(crate) type Import = fn(&Means, &str) -> Result<Map, Diagnostics>;

/// Brings the stored attributes of an older version to today's.
pub(crate) type Upgrade =
    fn(&Means, &mut serde_json::Map<String, serde_json::Value>) -> Result<(), Diagnostics>;

/// What a type does in its own way.
pub(crate) struct Hooks {
    /// Checks a configuration; values may be unknown.
    pub(crate) check: Option<fn(&Entries) -> Diagnostics>,
    /// Sets defaults that depend on other arguments, before anything is compared.
    pub(crate) defaults: Option<fn(config: &Entries, planned: &mut Map)>,
    /// Adjusts the plan.
    pub(crate) plan: Option<fn(&mut Draft<'_>)>,
    /// Sets the computed attributes of a new object.
    pub(crate) make: Make,
    /// Sets the computed attributes after a change in place; without it they stay as planned.
    pub(crate) change: Option<Make>,
    /// Returns whether the object still stands.
    pub(crate) stands: Option<fn(&Means, &Entries) -> bool>,
    /// Reads the attributes from an id; those left out are null.
    pub(crate) import: Option<Import>,
    /// Upgrades stored attributes; without it they stay as they are.
    pub(crate) upgrade: Option<Upgrade>,
}

/// The seams: what a hook may ask that is not in its arguments.
pub(crate) struct Means {
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A plan in the making.
pub(crate) struct Draft<'a> {
    /// The attributes before; `None` for a new object.
    pub(crate) prior: Option<&'a Entries>,
    /// The configuration.
    pub(crate) config: &'a Entries,
    /// The attributes after.
    pub(crate) planned: Map,
    /// What needs a new object.
    pub(crate) replace: Vec<AttrPath>,
}

impl Draft<'_> {
    /// Returns whether a new object will be made.
    pub(crate) fn is_new(&self) -> bool {
        self.prior.is_none() || !self.replace.is_empty()
    }

    /// Returns whether the attribute of a standing object changes.
    pub(crate) fn changes(&self, name: &str) -> bool {
        match (self.prior.and_then(|prior| prior.get(name)), self.planned.get(name)) {
            (Some(before), Some(after)) => !before.same(after),
            (before, after) => before.is_some() != after.is_some(),
        }
    }

    /// Makes an attribute unknown until the apply.
    pub(crate) fn forget(&mut self, name: &str, ty: Type) {
        let value = Value::unknown(ty, Causes::NONE);
        crate::attributes::set(&mut self.planned, name, value);
    }
}

impl Ty {
    /// Returns the type.
    pub(crate) fn to_type(self) -> Type {
        match self {
            Self::Any => Type::Dynamic,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::Text => Type::String,
            Self::Texts => Type::list(Type::String),
            Self::TextMap => Type::map(Type::String),
        }
    }
}

impl Default {
    /// Returns the value; `None` where there is no default.
    pub(crate) fn value(self) -> Option<Value> {
        match self {
            Self::None => None,
            Self::Bool(value) => Some(Value::bool(value)),
            Self::Number(value) => Some(Value::number(value)),
            Self::Text(value) => Some(Value::string(value)),
        }
    }
}

impl Hooks {
    /// A type whose objects are made by `make` and have nothing else of their own.
    pub(crate) const fn new(make: Make) -> Self {
        Self {
            check: None,
            defaults: None,
            plan: None,
            make,
            change: None,
            stands: None,
            import: None,
            upgrade: None,
        }
    }
}

/// Starts a field that the configuration must set.
pub(crate) const fn required(name: &'static str, ty: Ty, doc: &'static str) -> Field {
    Field {
        name,
        ty,
        presence: Presence::Required,
        default: Default::None,
        sensitive: false,
        replace: Replace::Never,
        check: Check::None,
        doc,
        deprecated: None,
    }
}

/// Starts a field that the configuration may set.
pub(crate) const fn optional(name: &'static str, ty: Ty, doc: &'static str) -> Field {
    Field { presence: Presence::Optional, ..required(name, ty, doc) }
}

/// Starts a field that only the provider sets.
pub(crate) const fn computed(name: &'static str, ty: Ty, doc: &'static str) -> Field {
    Field { presence: Presence::Computed, ..required(name, ty, doc) }
}

/// Starts a field that the configuration may set and the provider otherwise does.
pub(crate) const fn either(name: &'static str, ty: Ty, doc: &'static str) -> Field {
    Field { presence: Presence::OptionalComputed, ..required(name, ty, doc) }
}

/// The map whose changes make a new object: `keepers`, `triggers`.
pub(crate) const fn keepers(name: &'static str, replace: Replace) -> Field {
    Field {
        replace,
        ..optional(
            name,
            Ty::TextMap,
            "Any values; where one of them changes, a new object is made.",
        )
    }
}

impl Field {
    /// Makes any change need a new object.
    pub(crate) const fn replaces(self) -> Self {
        Self { replace: Replace::Changed, ..self }
    }

    /// Gives it a default; the original calls such a field computed, too.
    pub(crate) const fn or(self, default: Default) -> Self {
        Self { default, presence: Presence::OptionalComputed, ..self }
    }

    /// Limits its values.
    pub(crate) const fn checked(self, check: Check) -> Self {
        Self { check, ..self }
    }

    /// Hides its values.
    pub(crate) const fn secret(self) -> Self {
        Self { sensitive: true, ..self }
    }

    /// Says what to use instead.
    pub(crate) const fn outdated(self, instead: &'static str) -> Self {
        Self { deprecated: Some(instead), ..self }
    }
}
