//! Schemas: which attributes and blocks a resource type has, and what they mean in time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use terrarium_address::{AttrPath, Name};
use terrarium_value::Type;

/// Schema of a resource type, a data source or a provider's configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// Version of the stored form; a stored object of a lower one is upgraded when it is read.
    pub version: u64,
    /// A configuration of it that can be planned; empty where there is none.
    pub example: String,
    /// Attributes and nested blocks.
    pub block: Block,
    /// Whether creating one changes anything outside the store.
    pub effect: Effect,
    /// Whose term its objects have.
    pub tenure: Tenure,
    /// Whether its objects claim what others of the plan may want, too: blocks of such types are planned
    /// one after the other.
    pub competes: bool,
    /// Paths that say how long its objects are needed, and by when.
    pub needs: Option<Time>,
    /// What its service changes for one caller at a time.
    pub turns: Vec<Turn>,
    /// Paths of values that others may sit on: reservation ids, a reserved flavor's id.
    pub lends: Vec<AttrPath>,
    /// Paths of values that say what this object sits on.
    pub occupies: Vec<Occupies>,
    /// Paths of computed values that are only known once the object's window has begun: a lease's
    /// addresses. Until then they are stored as null and read as unknown until that instant.
    pub late: Vec<AttrPath>,
    /// References that only one object may hold at a time: to a port, a volume, an address.
    pub exclusive: Vec<Exclusive>,
    /// References that hold what they name: the service refuses to remove that before they let go (a port's
    /// addresses hold their subnets).
    pub holds: Vec<Holds>,
    /// Whether such objects come from a shared pool that runs dry, or bind what does.
    pub scarce: bool,
    /// Default time-outs in seconds by operation (`create`, `update`, `delete`, `read`), for types
    /// that have a `timeouts` block.
    pub timeouts: BTreeMap<Name, u64>,
}

impl Schema {
    /// Returns whether its objects have a term of their own: leases.
    pub fn has_term(&self) -> bool {
        self.tenure == Tenure::Own
    }
}

/// Whose term an object has: never told by what else its schema says or leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tenure {
    /// It has none: it exists until it is removed.
    #[default]
    None,
    /// Its own: a lease.
    Own,
    /// That of what it sits on, where it sits on something: a server.
    Borrowed,
}

/// A reference that only one object may hold at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusive {
    /// The reference.
    pub path: AttrPath,
    /// What becomes of another one who would hold it, too.
    pub rival: Rival,
    /// An attribute that, where true, lets several hold it.
    pub shared_if: Option<AttrPath>,
    /// An attribute that says which part is held; others may hold other parts.
    pub part: Option<AttrPath>,
    /// An attribute that says for what it is held: who holds it for the same is no rival.
    pub on_behalf: Option<AttrPath>,
}

/// What becomes of who would hold a thing that another one still holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rival {
    /// It is refused: a port in use.
    #[default]
    Refused,
    /// It takes the thing, so that a successor can be made before its predecessor goes: an address moves
    /// where it is told to.
    TakesOver,
    /// It is refused where it is the successor; others may have found another way: a server has several ports.
    RefusedAsSuccessor,
}

/// A reference that holds what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// The reference.
    pub path: AttrPath,
    /// What the reference gives of what is held.
    pub by: HeldBy,
}

/// By what a reference holds what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldBy {
    /// Its `id`.
    Id,
    /// Its `name`, which others may have, too: only what the holder reads is meant.
    Name,
}

impl HeldBy {
    /// Returns the attribute of what is held.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
        }
    }
}

/// Where an object says what time it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// How long: a duration, or a number of hours.
    pub length: AttrPath,
    /// By when, where it says so.
    pub by: Option<AttrPath>,
}

/// Something that a service changes for one caller at a time: the router of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The value that names it.
    pub path: AttrPath,
    /// How long a turn lasts.
    pub until: Until,
}

/// How long a turn lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until the call is answered.
    Answered,
    /// Until the work that the service took on is done.
    Settled,
}

/// A path whose value may name something that `lends`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupies {
    /// Where the value stands; map keys included: `additional_properties["reservation"]`.
    pub path: AttrPath,
}

/// Whether an action on a type reaches outside the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// It calls an API: its intent is recorded first.
    #[default]
    External,
    /// It only computes: no intent, and dependents go on at once.
    Local,
}

/// A block: attributes and nested blocks by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Attributes.
    pub attributes: BTreeMap<Name, Attribute>,
    /// Nested block types.
    pub blocks: BTreeMap<Name, NestedBlock>,
    /// What it is for: Markdown.
    pub description: String,
    /// Why it should no longer be used, and what instead.
    pub deprecated: Option<String>,
    /// Names that it has in other versions of the provider, and what to use instead of each.
    pub retired: BTreeMap<Name, String>,
    /// The type of its values, once it was asked for. Leave it as its default.
    pub known: KnownType,
}

/// What [`Block::ty`] found. Nulls and unknowns of a block keep its type: a million of them share one.
///
/// All are equal and look the same, and a copy knows nothing: it may be changed before it is asked.
#[derive(Default)]
pub struct KnownType(OnceLock<Type>);

impl fmt::Debug for KnownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownType")
    }
}

impl Clone for KnownType {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for KnownType {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// An attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its type.
    pub ty: Type,
    /// Who gives its value.
    pub presence: Presence,
    /// Whether its value may be shown.
    pub sensitive: bool,
    /// Whether its value is sent but never stored: plans, states and prior values hold null in its place, and
    /// only [`crate::ApplyRequest::config`] has it.
    pub write_only: bool,
    /// What it is for: Markdown.
    pub description: String,
    /// Why it should no longer be used, and what instead.
    pub deprecated: Option<String>,
}

/// Who gives an attribute's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// The configuration must.
    Required,
    /// The configuration may; otherwise it is null.
    #[default]
    Optional,
    /// The configuration may; otherwise the provider does.
    OptionalComputed,
    /// The provider alone.
    Computed,
}

impl Presence {
    /// Returns whether the configuration may set it.
    pub fn is_settable(self) -> bool {
        self != Self::Computed
    }

    /// Returns whether the provider may set it.
    pub fn is_computed(self) -> bool {
        matches!(self, Self::Computed | Self::OptionalComputed)
    }
}

/// A nested block type.
#[derive(Clone, Debug, PartialEq)]
pub struct NestedBlock {
    /// How several of them are kept.
    pub nesting: Nesting,
    /// What stands inside.
    pub block: Block,
    /// Fewest that must be given.
    pub min_items: u64,
    /// Most that may be given; `None` for no bound.
    pub max_items: Option<u64>,
}

/// How the blocks of one type are kept in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// At most one: an object or null.
    Single,
    /// At most one, never null: an object whose attributes may all be null.
    Group,
    /// A list, in the order of the source.
    List,
    /// A set.
    Set,
    /// A map by the block's label.
    Map,
}

impl Attribute {
    /// Starts an optional attribute.
    pub fn optional(ty: Type) -> Self {
        Self {
            ty,
            presence: Presence::Optional,
            sensitive: false,
            write_only: false,
            description: String::new(),
            deprecated: None,
        }
    }

    /// Starts a required attribute.
    pub fn required(ty: Type) -> Self {
        Self { presence: Presence::Required, ..Self::optional(ty) }
    }

    /// Starts a computed attribute.
    pub fn computed(ty: Type) -> Self {
        Self { presence: Presence::Computed, ..Self::optional(ty) }
    }

    /// Starts an attribute that the configuration may set and the provider otherwise does.
    pub fn optional_computed(ty: Type) -> Self {
        Self { presence: Presence::OptionalComputed, ..Self::optional(ty) }
    }

    /// Makes it sensitive.
    #[must_use]
    pub fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }
}

impl Block {
    /// Returns the type of a value of this block: an object of all attributes and nested blocks.
    ///
    /// It is made once: change neither attributes nor blocks afterwards, or change a copy.
    pub fn ty(&self) -> Type {
        let make = || {
            let attributes =
                self.attributes.iter().map(|(name, one)| (name.clone(), one.ty.clone()));
            let blocks = self.blocks.iter().map(|(name, nested)| (name.clone(), nested.ty()));
            Type::object(attributes.chain(blocks))
        };
        self.known.0.get_or_init(make).clone()
    }

    /// Returns the attribute at a path, map keys and indices left aside; `None` for a block.
    pub fn attribute_at(&self, path: &AttrPath) -> Option<&Attribute> {
        let mut block = self;
        for step in &path.0 {
            if let terrarium_address::PathStep::Attr(name) = step {
                if let Some(attribute) = block.attributes.get(name) {
                    return Some(attribute);
                }
                block = &block.blocks.get(name)?.block;
            }
        }
        None
    }
}

impl NestedBlock {
    /// Returns the type that all blocks of this type together have in the parent's value.
    ///
    /// A list of blocks with `any` inside is [`Type::Dynamic`]: its value is a tuple.
    pub fn ty(&self) -> Type {
        let inner = self.block.ty();
        match self.nesting {
            Nesting::Single | Nesting::Group => inner,
            Nesting::List | Nesting::Map if inner.has_dynamic() => Type::Dynamic,
            Nesting::List => Type::list(inner),
            Nesting::Set => Type::set(inner),
            Nesting::Map => Type::map(inner),
        }
    }
}
