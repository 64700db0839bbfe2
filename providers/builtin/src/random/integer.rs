//! `random_integer`: a whole number from a range.

use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Entries, Map, Value};

use super::{KEEPERS, with_seed};
use crate::row::{Hooks, Means, Resource, Ty, computed, optional, required};
use crate::{attributes, schema};

/// [Original](https://github.com/hashicorp/terraform-provider-random/blob/main/docs/resources/integer.md).
pub(super) const RANDOM_INTEGER: Resource = Resource {
    name: "random_integer",
    version: 0,
    about: "Draws a whole number from a range.",
    fields: &[
        required("min", Ty::Number, "The least number.").replaces(),
        required("max", Ty::Number, "The greatest number.").replaces(),
        optional("seed", Ty::Text, "The same seed draws the same number.").replaces(),
        KEEPERS,
        computed("result", Ty::Number, "The number."),
    ],
    hooks: Hooks { check: Some(check), import: Some(import), ..Hooks::new(make) },
};

const ORDER: &str =
    "The minimum (min) value needs to be smaller than or equal to maximum (max) value.";

fn check(config: &Entries) -> Diagnostics {
    match (attributes::int(config, "min"), attributes::int(config, "max")) {
        (Some(min), Some(max)) if max < min => schema::invalid("min", ORDER).into(),
        _ => Diagnostics::new(),
    }
}

fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let bounds = (attributes::int(attributes, "min"), attributes::int(attributes, "max"));
    let (Some(min), Some(max)) = bounds else {
        return Err(schema::invalid("min", "The bounds must be whole numbers of 64 bits.").into());
    };
    if max < min {
        return Err(schema::invalid("min", ORDER).into());
    }
    // All numbers of 64 bits make a range of 2^64, one more than a bound can be.
    let count = max.abs_diff(min).saturating_add(1);
    let number = with_seed(means, attributes::text(attributes, "seed"), |draw| draw.below(count))?;
    write(attributes, min.wrapping_add_unsigned(number));
    Ok(())
}

fn write(attributes: &mut Map, number: i64) {
    attributes::set(attributes, "result", Value::number(number));
    attributes::set(attributes, "id", Value::string(number.to_string()));
}

fn import(_means: &Means, id: &str) -> Result<Map, Diagnostics> {
    let form =
        || schema::not_imported("The id must have the form RESULT,MIN,MAX or RESULT,MIN,MAX,SEED.");
    let parts: Vec<&str> = id.split(',').collect();
    let (numbers, seed) = match parts.as_slice() {
        [numbers @ .., seed] if numbers.len() == 3 => (numbers, Some(*seed)),
        numbers if numbers.len() == 3 => (numbers, None),
        _ => return Err(form()),
    };
    let mut attributes = Map::new();
    for (name, part) in ["result", "min", "max"].into_iter().zip(numbers) {
        let number: i64 = part.parse().map_err(|_| form())?;
        attributes.insert(name.into(), Value::number(number));
    }
    if let Some(seed) = seed {
        attributes.insert("seed".into(), Value::string(seed));
    }
    attributes.insert("id".into(), Value::string(parts.first().copied().unwrap_or_default()));
    Ok(attributes)
}
