//! Checks of a lease's configuration that need neither cloud nor clock.

use terrarium_address::AttrPath;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::Value;

use super::part::{self, KINDS, Part, PartKind};
use super::{dates, filter};
use crate::codes;
use crate::look::Look;

/// Longest name that Blazar keeps.
const NAME_LENGTH: usize = 80;

/// What a marker adds to a name.
const MARKED_LENGTH: usize = 17;

/// Checks a configuration; unknown values pass.
pub(super) fn validate(only: Option<PartKind>, config: &Value, diagnostics: &mut Diagnostics) {
    let _ = dates::declared(config, diagnostics);
    name(config, diagnostics);
    end(config, diagnostics);
    if only.is_none() && is_empty(config) {
        diagnostics.push(
            Diagnostic::error(codes::CONFLICT, "The lease reserves nothing")
                .detail("It has none of the blocks host, instance, flavor, floatingip, network, device, reservation.")
                .help("add one of them"),
        );
    }
    for one in part::parts(only, config) {
        check_part(only, &one, diagnostics);
    }
}

fn name(config: &Value, diagnostics: &mut Diagnostics) {
    let marked = config.flag("marker_in_name") == Some(true);
    let longest = if marked { NAME_LENGTH - MARKED_LENGTH } else { NAME_LENGTH };
    let Some(name) = config.text("name").filter(|name| name.chars().count() > longest) else {
        return;
    };
    diagnostics.push(
        Diagnostic::error(
            codes::INVALID,
            format!("The name of the lease is longer than {longest} characters"),
        )
        .detail(format!("It has {}.", name.chars().count()))
        .path(AttrPath::attr("name")),
    );
}

fn end(config: &Value, diagnostics: &mut Diagnostics) {
    let given = |name: &str| config.get(name).is_some_and(|value| !value.is_null());
    let (summary, help) = match (given("end_date"), given("duration")) {
        (true, true) => ("A lease has an end_date or a duration, not both", "remove one of them"),
        (false, false) => {
            ("A lease needs an end", "set end_date, or a duration such as \"4h\" or \"7d\"")
        }
        _ => return,
    };
    diagnostics.push(
        Diagnostic::error(codes::CONFLICT, summary)
            .help(help)
            .path(AttrPath::attr(if given("end_date") { "end_date" } else { "duration" })),
    );
}

fn is_empty(config: &Value) -> bool {
    KINDS.iter().all(|kind| {
        config
            .get(kind.block())
            .is_none_or(|blocks| blocks.is_known() && config.items(kind.block()).is_empty())
    })
}

fn check_part(only: Option<PartKind>, one: &Part, diagnostics: &mut Diagnostics) {
    let mut wrong = |name: &str, summary: String, help: &str| {
        let diagnostic = Diagnostic::error(codes::INVALID, summary).help(help);
        diagnostics.push(diagnostic.path(part::path(only, one, name)));
    };
    let given = |name: &str| one.get(name).is_some_and(|value| !value.is_null());
    if given("resource_properties") && !one.items("where").is_empty() {
        wrong(
            "resource_properties",
            "A filter is written as where blocks or as resource_properties, not both".into(),
            "remove one of them",
        );
    }
    for name in ["resource_properties", "hypervisor_properties", "network_properties"] {
        if let Some(Err(why)) = one.text(name).map(filter::parse) {
            wrong(name, why, "write where blocks instead: property, op and value");
        }
    }
    let known = |name: &str| one.int(name);
    for name in ["min", "max", "amount", "vcpus", "memory_mb"] {
        if known(name).is_some_and(|number| number < 1) {
            wrong(name, format!("{name} must be at least 1"), "ask for one or more");
        }
    }
    if let (Some(least), Some(most)) = (known("min"), known("max"))
        && most < least
    {
        wrong(
            "max",
            format!("max is {most}, less than min ({least})"),
            "raise max, or leave it out",
        );
    }
    let pair = match one.kind {
        PartKind::Flavor => ["flavor_id", "flavor_name"],
        PartKind::FloatingIp => ["network_id", "pool"],
        _ => return,
    };
    let count = pair.iter().filter(|name| given(name)).count();
    if count != 1 {
        let [first, second] = pair;
        wrong(
            first,
            format!("Exactly one of {first} and {second} must be given"),
            if count == 0 { "give one of them" } else { "remove one of them" },
        );
    }
}
