//! Filters that nothing at a site can ever meet.

use std::collections::BTreeSet;

use terrarium_diagnostic::{Diagnostic, nearest};

use crate::codes;
use crate::reservation::calendar::{Calendar, Thing};
use crate::reservation::filter::{self, Condition};
use crate::reservation::part::{self, Part, PartKind};

/// Refuses a filter that nothing can ever meet: a property that nothing has, or a value of none.
pub(super) fn unknown_to_all(
    only: Option<PartKind>,
    calendar: &Calendar,
    conditions: &[Condition],
    part: &Part,
) -> Option<Diagnostic> {
    let things = calendar.pool.words();
    let wrong = |summary: String, near: Option<&str>| {
        let path = part::path(only, part, "resource_properties");
        let diagnostic = Diagnostic::error(codes::INVALID, summary).path(path);
        match near {
            Some(near) => diagnostic.help(format!("did you mean {near:?}?")),
            None => {
                diagnostic.help(format!("data.openstack_reservation_{things}_v1 lists them all"))
            }
        }
    };
    for condition in conditions {
        let all = &calendar.things;
        let having: Vec<&Thing> =
            all.iter().filter(|t| t.properties.contains_key(&condition.property)).collect();
        if having.is_empty() {
            let names: BTreeSet<&str> =
                all.iter().flat_map(|t| t.properties.keys().map(String::as_str)).collect();
            let near = nearest(&condition.property, names);
            return Some(wrong(
                format!("None of the site's {things} has a property {:?}", condition.property),
                near,
            ));
        }
        let one = std::slice::from_ref(condition);
        if condition.op == "=" && !having.iter().any(|t| filter::meets(&t.properties, one)) {
            let values: BTreeSet<&str> =
                having.iter().map(|t| t.property(&condition.property)).collect();
            let near = nearest(&condition.value, values);
            return Some(wrong(
                format!(
                    "None of the site's {things} has {} = {:?}",
                    condition.property, condition.value
                ),
                near,
            ));
        }
    }
    None
}
