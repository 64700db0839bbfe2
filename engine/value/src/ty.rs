//! Types of values, and type constraints (types with optional attributes and `any`).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use terrarium_address::Name;

use crate::Entries;

/// Type of a value, or a constraint on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// In a constraint: any type. Of an unknown or null value: not known yet.
    Dynamic,
    /// `true`, `false`.
    Bool,
    /// A number of any precision.
    Number,
    /// Unicode text in NFC.
    String,
    /// `list(T)`.
    List(Arc<Type>),
    /// `set(T)`.
    Set(Arc<Type>),
    /// `map(T)`.
    Map(Arc<Type>),
    /// `tuple([T, …])`.
    Tuple(Arc<[Type]>),
    /// `object({…})`.
    Object(Arc<ObjectType>),
}

/// The attributes of an object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectType {
    /// Type of each attribute.
    pub attributes: Entries<Type>,
    /// Those that a value may leave out; conversion sets them to null. Empty for the type of a value.
    pub optional: BTreeSet<Name>,
}

impl Type {
    /// Builds `list(element)`.
    pub fn list(element: Type) -> Self {
        Self::List(Arc::new(element))
    }

    /// Builds `set(element)`.
    pub fn set(element: Type) -> Self {
        Self::Set(Arc::new(element))
    }

    /// Builds `map(element)`.
    pub fn map(element: Type) -> Self {
        Self::Map(Arc::new(element))
    }

    /// Builds a tuple type.
    pub fn tuple(elements: impl IntoIterator<Item = Type>) -> Self {
        Self::Tuple(elements.into_iter().collect())
    }

    /// Builds an object type without optional attributes.
    pub fn object<N: Into<Name>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        let attributes = attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect();
        Self::Object(Arc::new(ObjectType { attributes, optional: BTreeSet::new() }))
    }

    /// Returns whether it is certain, without a look at its parts, that both are the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b))
            | (Self::Set(a), Self::Set(b))
            | (Self::Map(a), Self::Map(b)) => Arc::ptr_eq(a, b),
            (Self::Tuple(a), Self::Tuple(b)) => Arc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other) && self.is_simple(),
        }
    }

    fn is_simple(&self) -> bool {
        matches!(self, Self::Dynamic | Self::Bool | Self::Number | Self::String)
    }

    /// Returns the element type of a list, set or map.
    pub fn element(&self) -> Option<&Type> {
        match self {
            Self::List(element) | Self::Set(element) | Self::Map(element) => Some(element),
            _ => None,
        }
    }

    /// Returns whether this is a bool, number or string.
    pub fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }

    /// Returns whether `any` stands somewhere in it.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(object) => object.attributes.values().any(Self::has_dynamic),
        }
    }

    /// Returns whether some object in it has optional attributes.
    pub fn has_optional(&self) -> bool {
        match self {
            Self::Dynamic | Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_optional(),
            Self::Tuple(elements) => elements.iter().any(Self::has_optional),
            Self::Object(object) => {
                !object.optional.is_empty() || object.attributes.values().any(Self::has_optional)
            }
        }
    }

    /// Returns the type without the optionality of its attributes: the type that a value gets.
    #[must_use]
    pub fn without_optional(&self) -> Self {
        match self {
            ty if !ty.has_optional() => ty.clone(),
            Self::Dynamic | Self::Bool | Self::Number | Self::String => self.clone(),
            Self::List(element) => Self::list(element.without_optional()),
            Self::Set(element) => Self::set(element.without_optional()),
            Self::Map(element) => Self::map(element.without_optional()),
            Self::Tuple(elements) => Self::tuple(elements.iter().map(Self::without_optional)),
            Self::Object(object) => Self::object(
                object.attributes.iter().map(|(name, ty)| (name.clone(), ty.without_optional())),
            ),
        }
    }

    /// Returns the name Terraform gives the type in messages: `string`, `list of string`, `object`.
    pub fn friendly_name(&self) -> String {
        match self {
            Self::Dynamic => "dynamic".into(),
            Self::Bool => "bool".into(),
            Self::Number => "number".into(),
            Self::String => "string".into(),
            Self::List(element) => format!("list of {}", element.friendly_element()),
            Self::Set(element) => format!("set of {}", element.friendly_element()),
            Self::Map(element) => format!("map of {}", element.friendly_element()),
            Self::Tuple(_) => "tuple".into(),
            Self::Object(_) => "object".into(),
        }
    }

    fn friendly_element(&self) -> String {
        if *self == Self::Dynamic { "any single type".into() } else { self.friendly_name() }
    }
}

/// Prints the type as a constraint: `map(object({name=string}))`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dynamic => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Tuple(elements) => {
                f.write_str("tuple([")?;
                for (at, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if at == 0 { "" } else { "," })?;
                }
                f.write_str("])")
            }
            Self::Object(object) => {
                f.write_str("object({")?;
                for (at, (name, ty)) in object.attributes.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    if object.optional.contains(name) {
                        write!(f, "{comma}{name}=optional({ty})")?;
                    } else {
                        write!(f, "{comma}{name}={ty}")?;
                    }
                }
                f.write_str("})")
            }
        }
    }
}
