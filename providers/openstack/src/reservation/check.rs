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
    let (end_date, duration) = (given(config.get("end_date")), given(config.get("duration")));
    let (summary, help) = match (end_date, duration) {
        (Given::Yes, Given::Yes) => {
            ("A lease has an end_date or a duration, not both", "remove one of them")
        }
        (Given::No, Given::No) => {
            ("A lease needs an end", "set end_date, or a duration such as \"4h\" or \"7d\"")
        }
        _ => return,
    };
    diagnostics.push(
        Diagnostic::error(codes::CONFLICT, summary)
            .help(help)
            .path(AttrPath::attr(if end_date == Given::Yes { "end_date" } else { "duration" })),
    );
}

/// Whether an argument is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    Yes,
    No,
    /// It is unknown, so that it may turn out to be null: no mistake yet, as upstream's `ConflictsWith` and
    /// `ExactlyOneOf` have it.
    Perhaps,
}

fn given(value: Option<&Value>) -> Given {
    match value {
        Some(value) if !value.is_known() => Given::Perhaps,
        Some(value) if !value.is_null() => Given::Yes,
        _ => Given::No,
    }
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
    if given(one.get("resource_properties")) == Given::Yes && !one.items("where").is_empty() {
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
    let all = pair.map(|name| given(one.get(name)));
    let count = all.iter().filter(|given| **given == Given::Yes).count();
    if count > 1 || (count == 0 && !all.contains(&Given::Perhaps)) {
        let [first, second] = pair;
        wrong(
            first,
            format!("Exactly one of {first} and {second} must be given"),
            if count == 0 { "give one of them" } else { "remove one of them" },
        );
    }
}

#[cfg(test)]
mod tests {
    use terrarium_value::{Causes, Type};

    use super::*;

    #[test]
    fn an_unknown_argument_may_turn_out_to_be_null() {
        let (text, null) = (Value::string("4h"), Value::null(Type::String));
        let unknown = Value::unknown(Type::String, Causes::NONE);
        for (end_date, duration, mistakes) in [
            (&text, &text, 1),
            (&null, &null, 1),
            (&text, &null, 0),
            (&text, &unknown, 0),
            (&unknown, &text, 0),
            (&unknown, &null, 0),
            (&unknown, &unknown, 0),
        ] {
            let config =
                Value::object_of([("end_date", end_date.clone()), ("duration", duration.clone())]);
            let mut diagnostics = Diagnostics::new();
            end(&config, &mut diagnostics);
            assert_eq!(diagnostics.0.len(), mistakes, "{config:?}");
        }
    }
}
