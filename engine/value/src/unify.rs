//! Unification: the one type that values of several types can be converted to.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use terrarium_address::Name;

use crate::convert::{Safety, convertible};
use crate::{ObjectType, Type};

/// Finds the type that all of these convert to without a check of values; none where there is none,
/// or where the list is empty.
pub fn unify(types: &[Type]) -> Option<Type> {
    unify_with(types, Safety::Safe)
}

/// As [`unify`], but a conversion may depend on the value, such as that of `"1"` to a number. So
/// conditionals and `tolist` find their type.
pub fn unify_unsafe(types: &[Type]) -> Option<Type> {
    unify_with(types, Safety::Unsafe)
}

pub(crate) fn unify_with(types: &[Type], safety: Safety) -> Option<Type> {
    let first = types.first()?;
    if types.iter().all(|ty| ty == first) {
        return Some(first.clone());
    }
    let mut seen = HashSet::new();
    let distinct: Vec<&Type> = types.iter().filter(|ty| seen.insert(*ty)).collect();
    match by_kind(&distinct, safety) {
        Found::Type(ty) => Some(ty),
        Found::Nothing => None,
        Found::TryEach => preferred(&distinct, safety),
    }
}

enum Found {
    Type(Type),
    Nothing,
    TryEach,
}

impl From<Option<Type>> for Found {
    fn from(found: Option<Type>) -> Self {
        found.map_or(Self::Nothing, Self::Type)
    }
}

/// Types of one structural kind may unify to a type that is none of them.
fn by_kind(types: &[&Type], safety: Safety) -> Found {
    let count = |is: fn(&Type) -> bool| types.iter().filter(|ty| is(ty)).count();
    let maps = count(|ty| matches!(ty, Type::Map(_)));
    let lists = count(|ty| matches!(ty, Type::List(_)));
    let sets = count(|ty| matches!(ty, Type::Set(_)));
    let objects = count(|ty| matches!(ty, Type::Object(_)));
    let tuples = count(|ty| matches!(ty, Type::Tuple(_)));
    let dynamics = count(|ty| matches!(ty, Type::Dynamic));
    let all = types.len();
    let only = |kind: usize| kind > 0 && kind + dynamics == all;
    if only(maps) {
        return collections(types, Type::map, dynamics > 0, safety).into();
    }
    if maps > 0 && maps + objects + dynamics == all {
        return found_or_each(with_structures(types, objects_to_map, safety));
    }
    if only(lists) {
        return collections(types, Type::list, dynamics > 0, safety).into();
    }
    if lists > 0 && lists + tuples + dynamics == all {
        return found_or_each(with_structures(types, tuples_to_list, safety));
    }
    if only(sets) {
        return collections(types, Type::set, dynamics > 0, safety).into();
    }
    if (only(objects) || only(tuples)) && dynamics > 0 {
        return Found::Type(Type::Dynamic);
    }
    if only(objects) {
        return unify_objects(types, safety).into();
    }
    if only(tuples) {
        return unify_tuples(types, safety).into();
    }
    if objects > 0 && tuples > 0 { Found::Nothing } else { Found::TryEach }
}

fn found_or_each(found: Option<Type>) -> Found {
    found.map_or(Found::TryEach, Found::Type)
}

fn collections(
    types: &[&Type],
    build: fn(Type) -> Type,
    with_dynamic: bool,
    safety: Safety,
) -> Option<Type> {
    if with_dynamic {
        return Some(Type::Dynamic);
    }
    let elements: Vec<Type> = types.iter().filter_map(|ty| ty.element().cloned()).collect();
    unify_with(&elements, safety).map(build)
}

/// Objects among maps (tuples among lists) often are maps (lists) in disguise.
fn with_structures(
    types: &[&Type],
    as_collection: fn(&[&Type], Safety) -> Option<Type>,
    safety: Safety,
) -> Option<Type> {
    let is_structure = |ty: &Type| matches!(ty, Type::Object(_) | Type::Tuple(_));
    let structures: Vec<&Type> = types.iter().copied().filter(|ty| is_structure(ty)).collect();
    let collection = as_collection(&structures, safety)?;
    let others = types.iter().filter(|ty| !is_structure(ty)).map(|ty| Type::clone(ty));
    let replaced: Vec<Type> = others.chain([collection]).collect();
    unify_with(&replaced, safety).filter(|ty| matches!(ty, Type::Map(_) | Type::List(_)))
}

fn unify_objects(types: &[&Type], safety: Safety) -> Option<Type> {
    let objects: Vec<&ObjectType> = types.iter().filter_map(|ty| as_object(ty)).collect();
    let first = objects.first()?;
    let same_names =
        objects.iter().all(|object| object.attributes.keys().eq(first.attributes.keys()));
    if !same_names {
        return objects_to_map(types, safety);
    }
    let mut attributes: BTreeMap<Name, Type> = BTreeMap::new();
    for name in first.attributes.keys() {
        let across: Vec<Type> =
            objects.iter().filter_map(|object| object.attributes.get(name).cloned()).collect();
        attributes.insert(name.clone(), unify_with(&across, safety)?);
    }
    Some(Type::object(attributes))
}

fn unify_tuples(types: &[&Type], safety: Safety) -> Option<Type> {
    let tuples: Vec<&Arc<[Type]>> = types.iter().filter_map(|ty| as_tuple(ty)).collect();
    let first = tuples.first()?;
    if tuples.iter().any(|tuple| tuple.len() != first.len()) {
        return tuples_to_list(types, safety);
    }
    let elements: Option<Vec<Type>> = (0..first.len())
        .map(|at| {
            let across: Vec<Type> =
                tuples.iter().filter_map(|tuple| tuple.get(at).cloned()).collect();
            unify_with(&across, safety)
        })
        .collect();
    elements.map(Type::tuple)
}

fn objects_to_map(types: &[&Type], safety: Safety) -> Option<Type> {
    let parts =
        types.iter().filter_map(|ty| as_object(ty)).flat_map(|object| object.attributes.values());
    let parts: Vec<Type> = parts.cloned().collect();
    unify_with(&parts, safety).map(Type::map)
}

fn tuples_to_list(types: &[&Type], safety: Safety) -> Option<Type> {
    let parts = types.iter().filter_map(|ty| as_tuple(ty)).flat_map(|tuple| tuple.iter());
    let parts: Vec<Type> = parts.cloned().collect();
    unify_with(&parts, safety).map(Type::list)
}

fn as_object(ty: &Type) -> Option<&ObjectType> {
    if let Type::Object(object) = ty { Some(object) } else { None }
}

fn as_tuple(ty: &Type) -> Option<&Arc<[Type]>> {
    if let Type::Tuple(elements) = ty { Some(elements) } else { None }
}

/// Takes the first of the types, the most general ones first, that all others convert to.
fn preferred(types: &[&Type], safety: Safety) -> Option<Type> {
    let mut remaining: Vec<&Type> = types.to_vec();
    while !remaining.is_empty() {
        // One with none above it; the order has no cycles, but a first one is there all the same.
        let at = (0..remaining.len())
            .find(|&at| !remaining.iter().any(|other| is_above(other, remaining[at])))
            .unwrap_or(0);
        let wanted = remaining.remove(at);
        if types.iter().all(|ty| *ty == wanted || convertible(ty, wanted, safety)) {
            return Some(wanted.clone());
        }
    }
    None
}

/// Returns whether `upper` is preferred to `lower` as the type of both.
fn is_above(upper: &Type, lower: &Type) -> bool {
    match (upper, lower) {
        (Type::Dynamic, _) => false,
        (_, Type::Dynamic)
        | (Type::String, Type::Bool | Type::Number)
        | (Type::List(_), Type::Set(_) | Type::Tuple(_))
        | (Type::Tuple(_), Type::Set(_))
        | (Type::Map(_), Type::Object(_)) => true,
        (Type::List(a), Type::List(b))
        | (Type::Set(a), Type::Set(b))
        | (Type::Map(a), Type::Map(b)) => is_above(a, b),
        _ => false,
    }
}
