//! Whether one type converts to another at all.

use crate::unify::unify_with;
use crate::{ObjectType, Type};

/// Whether conversions count that may fail for some values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Only those that every value survives.
    Safe,
    /// Those that depend on the value too, such as string to number.
    Unsafe,
}

/// Returns whether values of one type convert to another, or have it already.
pub(crate) fn convertible(from: &Type, to: &Type, safety: Safety) -> bool {
    if from == to || *to == Type::Dynamic {
        return true;
    }
    let may_fail = safety == Safety::Unsafe;
    match (from, to) {
        (Type::Dynamic, _) | (Type::String, Type::Bool | Type::Number) => may_fail,
        (Type::Bool | Type::Number, Type::String) => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b))
        | (Type::Map(a), Type::Map(b)) => convertible(a, b, safety),
        (Type::Tuple(parts), Type::List(element) | Type::Set(element)) => {
            all_convertible(parts.iter(), element, safety)
        }
        (Type::Object(object), Type::Map(element)) => {
            all_convertible(object.attributes.values(), element, safety)
        }
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| convertible(a, b, safety))
        }
        (Type::Object(a), Type::Object(b)) => object_convertible(a, b, safety),
        (Type::Map(element), Type::Object(object)) => {
            may_fail && object.attributes.values().all(|ty| convertible(element, ty, safety))
        }
        _ => false,
    }
}

fn all_convertible<'a>(
    parts: impl Iterator<Item = &'a Type> + Clone,
    element: &Type,
    safety: Safety,
) -> bool {
    if *element != Type::Dynamic {
        return parts.clone().all(|part| convertible(part, element, safety));
    }
    let types: Vec<Type> = parts.cloned().collect();
    if types.is_empty() {
        return true;
    }
    match unify_with(&types, safety) {
        None => false,
        Some(Type::Dynamic) => types.iter().all(|ty| *ty == Type::Dynamic),
        Some(common) => types.iter().all(|ty| convertible(ty, &common, safety)),
    }
}

fn object_convertible(from: &ObjectType, to: &ObjectType, safety: Safety) -> bool {
    to.attributes.iter().all(|(name, wanted)| match from.attributes.get(name) {
        Some(own) => convertible(own, wanted, safety),
        None => to.optional.contains(name),
    })
}
