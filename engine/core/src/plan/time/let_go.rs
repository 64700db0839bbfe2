//! **What names something that ended lets go of it.** An address outlives the server that it was bound to: the service
//! has let go of the port, and binding it again to what is gone can't work. Its reference stays as it is, whatever the
//! configuration says, until that names something else; the address is free for whoever frees it.

use std::collections::HashMap;

use terrarium_address::{AttrPath, Name, ResourceAddr};
use terrarium_provider::{HeldBy, Schema};
use terrarium_state::Ended;
use terrarium_value::Value;

use crate::paths::{fits, pick};

/// Returns whether an object that sat on something has no more to do with it: neither is it recorded to sit on another,
/// nor do its own values still name what ended.
pub(crate) fn let_go(sat_on: &[ResourceAddr], over: &Ended, still_names: bool) -> bool {
    let with = over.with.as_ref();
    with.is_some_and(|lender| sat_on.contains(lender)) && !still_names
}

/// Returns the first reference of a configuration to something that ended, by a value that only the living have: its id,
/// or what it lent.
pub(crate) fn dangling<'e>(
    schema: &Schema,
    config: &Value,
    ended: &'e HashMap<Name, Ended>,
) -> Option<&'e Ended> {
    if ended.is_empty() {
        return None;
    }
    let mut values = Vec::new();
    for path in references(schema) {
        pick(config, &path.0, &mut values);
    }
    values.iter().filter_map(Value::as_str).find_map(|name| ended.get(name))
}

/// Leaves what refers to something that ended as it is.
pub(crate) fn left_as_it_is(
    schema: &Schema,
    (config, prior): (&Value, &Value),
    ended: &HashMap<Name, Ended>,
) -> Value {
    config.transform(&mut |path: &AttrPath, part: Value| {
        let dangles = part.as_str().is_some_and(|name| ended.contains_key(name))
            && references(schema).any(|pattern| fits(pattern, path));
        match prior.at(path).filter(|_| dangles) {
            Some(prior) => prior,
            None => part,
        }
    })
}

/// Lists the paths at which an object holds another one.
fn references(schema: &Schema) -> impl Iterator<Item = &AttrPath> {
    let exclusive = schema.exclusive.iter().map(|by| &by.path);
    let holds = schema.holds.iter().filter(|by| by.by == HeldBy::Id).map(|by| &by.path);
    exclusive.chain(holds)
}

#[cfg(test)]
mod tests {
    use terrarium_provider::Exclusive;

    use super::super::cases::{addr, day};
    use super::*;

    fn over() -> Ended {
        Ended { at: day(3), with: Some(addr("a.server")) }
    }

    #[test]
    fn an_object_let_go_where_it_sat_and_sits_no_more() {
        let server = addr("a.server");
        for (sat, still_names, expected) in [
            (vec![server.clone()], false, true),
            (vec![server], true, false),
            (vec![addr("a.other")], false, false),
            (vec![], false, false),
        ] {
            assert_eq!(let_go(&sat, &over(), still_names), expected);
        }
    }

    #[test]
    fn a_reference_to_what_ended_stays_as_it_is() {
        let path = AttrPath::attr("port");
        let schema = Schema {
            exclusive: vec![Exclusive { path, ..Exclusive::default() }],
            ..Schema::default()
        };
        let address = |port: &str, note: &str| {
            Value::object_of([("port", Value::string(port)), ("note", Value::string(note))])
        };
        let ended = HashMap::from([("p1".into(), over())]);
        let free = address("", "x");
        // What is configured; whether it dangles, and what is asked for in its place.
        for (config, dangles, asked) in [
            (address("p1", "x"), true, address("", "x")),
            (address("p1", "new"), true, address("", "new")),
            (address("p2", "x"), false, address("p2", "x")),
            (address("", "p1"), false, address("", "p1")),
        ] {
            assert_eq!(dangling(&schema, &config, &ended).is_some(), dangles, "{config:?}");
            assert_eq!(left_as_it_is(&schema, (&config, &free), &ended), asked);
        }
    }
}
