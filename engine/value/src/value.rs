//! The value itself: constructors and accessors.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_address::Name;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::order;
use crate::{Causes, Entries, Marks, Number, ObjectType, Refinements, Type, Unknown};

/// Entries of a map or object to be, in the order of their keys (by bytes).
pub type Map = BTreeMap<Name, Value>;

/// A value of the language: shared, immutable, cheap to clone.
///
/// Invariants: strings are NFC; the elements of a list, set or map have its element type (or are
/// unknown or null of it); the elements of a set are unique, in cty's order, and carry no marks:
/// theirs are on the set. `Debug` redacts what is sensitive.
#[derive(Clone)]
pub struct Value {
    pub(crate) repr: Repr,
    pub(crate) marks: Marks,
    measure: Measure,
}

/// How deep and how large a value is, counted once, when it is built: a value that is shared many times
/// within another counts each time, so that nobody has to walk it to learn that the walk would never end.
#[derive(Clone, Copy, Default)]
struct Measure {
    depth: u16,
    parts: u32,
}

impl Measure {
    fn around<'a>(parts: impl Iterator<Item = &'a Value>) -> Self {
        let within = parts.fold(Self::default(), |all, part| Self {
            depth: all.depth.max(part.measure.depth),
            parts: all.parts.saturating_add(part.measure.parts).saturating_add(1),
        });
        Self { depth: within.depth.saturating_add(1), ..within }
    }
}

#[derive(Clone)]
pub(crate) enum Repr {
    Unknown(Arc<Unknown>),
    Null(Type),
    Bool(bool),
    Number(Number),
    String(Name),
    List(Arc<Elements>),
    Set(Arc<Elements>),
    Map(Arc<MapOf>),
    Tuple(Arc<[Value]>),
    Object(Entries),
}

pub(crate) struct Elements {
    pub(crate) element: Type,
    pub(crate) items: Vec<Value>,
}

pub(crate) struct MapOf {
    pub(crate) element: Type,
    pub(crate) entries: Entries,
}

/// A look inside a [`Value`], marks left aside.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// Not known yet.
    Unknown(&'a Unknown),
    /// Null of this type.
    Null(&'a Type),
    /// A bool.
    Bool(bool),
    /// A number.
    Number(&'a Number),
    /// A string.
    String(&'a Name),
    /// A list's elements.
    List(&'a [Value]),
    /// A set's elements, in cty's order.
    Set(&'a [Value]),
    /// A map's entries.
    Map(&'a Entries),
    /// A tuple's elements.
    Tuple(&'a [Value]),
    /// An object's attributes.
    Object(&'a Entries),
}

impl From<Repr> for Value {
    fn from(repr: Repr) -> Self {
        let measure = match &repr {
            Repr::List(list) | Repr::Set(list) => Measure::around(list.items.iter()),
            Repr::Map(map) => Measure::around(map.entries.values()),
            Repr::Tuple(items) => Measure::around(items.iter()),
            Repr::Object(attributes) => Measure::around(attributes.values()),
            _ => Measure::default(),
        };
        Self { repr, marks: Marks::NONE, measure }
    }
}

/// Constructors.
impl Value {
    /// Null of a type; [`Type::Dynamic`] for the literal `null`.
    pub fn null(ty: Type) -> Self {
        Repr::Null(ty).into()
    }

    /// A value of this type that is not known yet.
    pub fn unknown(ty: Type, causes: Causes) -> Self {
        let ty = if ty.has_optional() { ty.without_optional() } else { ty };
        Self::refined(Unknown { ty, refinements: Refinements::default(), causes })
    }

    /// An unknown value of which more is known.
    pub fn refined(unknown: Unknown) -> Self {
        Repr::Unknown(Arc::new(unknown)).into()
    }

    /// A bool.
    pub fn bool(value: bool) -> Self {
        Repr::Bool(value).into()
    }

    /// A number.
    pub fn number(value: impl Into<Number>) -> Self {
        Repr::Number(value.into()).into()
    }

    /// A string, brought to NFC.
    pub fn string(text: impl Into<Name>) -> Self {
        let text = text.into();
        let text = match is_nfc_quick(text.chars()) {
            IsNormalized::Yes => text,
            _ => text.nfc().collect::<String>().into(),
        };
        Repr::String(text).into()
    }

    /// A list. The items must have the element type (the caller converts).
    pub fn list(element: Type, items: Vec<Value>) -> Self {
        Repr::List(Arc::new(Elements { element, items })).into()
    }

    /// A set: sorted in cty's order, duplicates dropped, the marks of the items moved to the set.
    pub fn set(element: Type, items: Vec<Value>) -> Self {
        let marks = items.iter().fold(Marks::NONE, |marks, item| marks | item.deep_marks());
        let items =
            if marks.is_empty() { items } else { items.iter().map(Self::unmarked_deep).collect() };
        let items = order::sorted_set(items);
        Self { marks, ..Repr::Set(Arc::new(Elements { element, items })).into() }
    }

    /// A map. The values must have the element type (the caller converts).
    pub fn map(element: Type, entries: impl Into<Entries>) -> Self {
        Repr::Map(Arc::new(MapOf { element, entries: entries.into() })).into()
    }

    /// A tuple.
    pub fn tuple(items: impl IntoIterator<Item = Value>) -> Self {
        Repr::Tuple(items.into_iter().collect()).into()
    }

    /// An object.
    pub fn object(attributes: impl Into<Entries>) -> Self {
        Repr::Object(attributes.into()).into()
    }

    /// A list of strings.
    pub fn strings<S: Into<Name>>(items: impl IntoIterator<Item = S>) -> Self {
        Self::list(Type::String, items.into_iter().map(Self::string).collect())
    }

    /// An object from pairs.
    pub fn object_of<N: Into<Name>>(attributes: impl IntoIterator<Item = (N, Value)>) -> Self {
        let attributes = attributes.into_iter().map(|(name, value)| (name.into(), value));
        Self::object(attributes.collect::<Entries>())
    }
}

/// Accessors.
impl Value {
    /// Returns what it is, marks left aside.
    pub fn kind(&self) -> Kind<'_> {
        match &self.repr {
            Repr::Unknown(unknown) => Kind::Unknown(unknown),
            Repr::Null(ty) => Kind::Null(ty),
            Repr::Bool(value) => Kind::Bool(*value),
            Repr::Number(value) => Kind::Number(value),
            Repr::String(value) => Kind::String(value),
            Repr::List(list) => Kind::List(&list.items),
            Repr::Set(set) => Kind::Set(&set.items),
            Repr::Map(map) => Kind::Map(&map.entries),
            Repr::Tuple(items) => Kind::Tuple(items),
            Repr::Object(attributes) => Kind::Object(attributes),
        }
    }

    /// Returns its exact type. Costs a walk over a tuple's or object's parts.
    pub fn ty(&self) -> Type {
        match &self.repr {
            Repr::Unknown(unknown) => unknown.ty.clone(),
            Repr::Null(ty) => ty.clone(),
            Repr::Bool(_) => Type::Bool,
            Repr::Number(_) => Type::Number,
            Repr::String(_) => Type::String,
            Repr::List(list) => Type::list(list.element.clone()),
            Repr::Set(set) => Type::set(set.element.clone()),
            Repr::Map(map) => Type::map(map.element.clone()),
            Repr::Tuple(items) => Type::tuple(items.iter().map(Self::ty)),
            Repr::Object(attributes) => Type::Object(Arc::new(ObjectType {
                attributes: attributes.iter().map(|(n, v)| (n.clone(), v.ty())).collect(),
                optional: std::collections::BTreeSet::new(),
            })),
        }
    }

    /// Returns whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.repr, Repr::Null(_))
    }

    /// Returns whether the value itself is known; its parts may still be unknown.
    pub fn is_known(&self) -> bool {
        !matches!(self.repr, Repr::Unknown(_))
    }

    /// Returns the bool, where it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Repr::Bool(value) = self.repr { Some(value) } else { None }
    }

    /// Returns the number, where it is one.
    pub fn as_number(&self) -> Option<&Number> {
        if let Repr::Number(value) = &self.repr { Some(value) } else { None }
    }

    /// Returns the text, where it is a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Repr::String(text) = &self.repr { Some(text) } else { None }
    }

    /// Returns the elements of a list, set or tuple.
    pub fn as_items(&self) -> Option<&[Value]> {
        match &self.repr {
            Repr::List(elements) | Repr::Set(elements) => Some(&elements.items),
            Repr::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the entries of a map or object.
    pub fn as_entries(&self) -> Option<&Entries> {
        match &self.repr {
            Repr::Map(map) => Some(&map.entries),
            Repr::Object(attributes) => Some(attributes),
            _ => None,
        }
    }

    /// Returns the entries of a map or object in a form that can be changed.
    pub fn to_map(&self) -> Option<Map> {
        self.as_entries().map(Entries::to_map)
    }

    /// Returns an attribute of an object or an entry of a map, without this value's own marks.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_entries()?.get(name)
    }

    /// Returns how many collections, tuples and objects lie within each other at its deepest place.
    pub fn depth(&self) -> usize {
        usize::from(self.measure.depth)
    }

    /// Returns how many parts it has, their parts included; 2³² − 1 for that many or more.
    pub fn parts(&self) -> u32 {
        self.measure.parts
    }

    /// Returns the marks on the value itself.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// Returns the value with these marks added to it.
    #[must_use]
    pub fn marked(mut self, marks: Marks) -> Self {
        self.marks = self.marks | marks;
        self
    }

    /// Returns the value without marks of its own; its parts keep theirs.
    #[must_use]
    pub fn unmarked(mut self) -> Self {
        self.marks = Marks::NONE;
        self
    }
}
