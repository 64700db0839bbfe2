//! Terraform's words for two types of which one doesn't convert to the other.

use terrarium_address::Name;

use super::possible::{Safety, convertible};
use crate::{ObjectType, Type};

/// Says what was required, as close to the offending part as possible.
pub(super) fn message(got: &Type, want: &Type) -> String {
    match (got, want) {
        (Type::Object(got), Type::Object(want)) => objects(got, want),
        (Type::Tuple(_), Type::List(element)) if **element == Type::Dynamic => {
            "all list elements must have the same type".into()
        }
        (Type::Tuple(_), Type::Set(element)) if **element == Type::Dynamic => {
            "all set elements must have the same type".into()
        }
        (Type::Object(_), Type::Map(element)) if **element == Type::Dynamic => {
            "all map elements must have the same type".into()
        }
        (Type::Tuple(parts), Type::List(element) | Type::Set(element)) => {
            let named = (0..).zip(parts.iter()).map(|(at, part): (u64, _)| (at.to_string(), part));
            elements(named, element)
        }
        (Type::Object(object), Type::Map(element)) => elements(
            object.attributes.iter().map(|(name, part)| (format!("\"{name}\""), part)),
            element,
        ),
        (Type::List(got) | Type::Set(got), Type::List(want)) => element_type("list", got, want),
        (Type::List(got) | Type::Set(got), Type::Set(want)) => element_type("set", got, want),
        (Type::Map(got), Type::Map(want)) => element_type("map", got, want),
        _ => required(want),
    }
}

fn required(want: &Type) -> String {
    let name = if *want == Type::Dynamic { "any type".into() } else { want.friendly_name() };
    format!("{name} required")
}

fn element_type(kind: &str, got: &Type, want: &Type) -> String {
    format!("incorrect {kind} element type: {}", message(got, want))
}

fn elements<'a>(mut parts: impl Iterator<Item = (String, &'a Type)>, element: &Type) -> String {
    match parts.find(|(_, part)| !convertible(part, element, Safety::Unsafe)) {
        Some((name, part)) => format!("element {name}: {}", message(part, element)),
        None => format!("all elements must be {}", element.friendly_name()),
    }
}

fn objects(got: &ObjectType, want: &ObjectType) -> String {
    let missing =
        |name: &&Name| !got.attributes.contains_key(name) && !want.optional.contains(*name);
    let missing: Vec<&Name> = want.attributes.keys().filter(missing).collect();
    match missing.as_slice() {
        [] => {}
        [one] => return format!("attribute \"{one}\" is required"),
        [one, two] => return format!("attributes \"{one}\" and \"{two}\" are required"),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|name| format!("\"{name}\"")).collect();
            return format!("attributes {}, and \"{last}\" are required", most.join(", "));
        }
    }
    want.attributes
        .iter()
        .filter_map(|(name, wanted)| Some((name, got.attributes.get(name)?, wanted)))
        .find(|(_, own, wanted)| !convertible(own, wanted, Safety::Unsafe))
        .map_or_else(
            || "incorrect object attributes".into(),
            |(name, own, wanted)| format!("attribute \"{name}\": {}", message(own, wanted)),
        )
}
