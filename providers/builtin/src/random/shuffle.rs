//! `random_shuffle`: a list in random order.

use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Map, Type, Value};

use super::{KEEPERS, with_seed};
use crate::attributes;
use crate::row::{Hooks, Means, Resource, Ty, computed, optional, required};

/// [Original](https://github.com/hashicorp/terraform-provider-random/blob/main/docs/resources/shuffle.md).
pub(super) const RANDOM_SHUFFLE: Resource = Resource {
    name: "random_shuffle",
    version: 0,
    about: "Puts a list of strings into random order.",
    fields: &[
        required("input", Ty::Texts, "The list.").replaces(),
        optional(
            "result_count",
            Ty::Number,
            "How many to return; beyond the list's length it is dealt again.",
        )
        .replaces(),
        optional("seed", Ty::Text, "The same seed gives the same order.").replaces(),
        KEEPERS,
        computed("result", Ty::Texts, "The strings in random order."),
    ],
    hooks: Hooks::new(make),
};

fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let input: Vec<Value> =
        attributes.get("input").and_then(Value::as_items).unwrap_or_default().to_vec();
    let asked =
        attributes::int(attributes, "result_count").and_then(|count| usize::try_from(count).ok());
    let count = asked.filter(|count| *count > 0).unwrap_or(input.len());
    let result = with_seed(means, attributes::text(attributes, "seed"), |draw| {
        let mut result = Vec::new();
        while result.len() < count && !input.is_empty() {
            let mut round = input.clone();
            draw.shuffle(&mut round)?;
            round.truncate(count - result.len());
            result.append(&mut round);
        }
        Ok(result)
    })?;
    attributes::set(attributes, "result", Value::list(Type::String, result));
    attributes::set(attributes, "id", Value::string("-"));
    Ok(())
}
