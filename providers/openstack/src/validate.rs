//! Checks of a configuration that need no cloud.

use terrarium_address::{AttrPath, PathStep};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::Value;

use crate::codes;
use crate::look::Look;
use crate::schema::{Attr, Shape};

/// Checks a configuration against the rows of its attributes; unknown values pass.
pub(crate) fn validate(rows: &[Attr], config: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    block(rows, config, &AttrPath::root(), &mut diagnostics);
    diagnostics
}

fn block(rows: &[Attr], config: &Value, path: &AttrPath, diagnostics: &mut Diagnostics) {
    for row in rows {
        let here = path.with(PathStep::Attr(row.name.into()));
        if config.has(row.name) {
            one_of(row, config, &here, diagnostics);
            longest(row, config, &here, diagnostics);
            if !config.items(row.name).is_empty() || !is_collection(row) {
                together((rows, row), config, &here, diagnostics);
            }
        }
        if let Some(nested) = row.nested() {
            for (at, item) in config.items(row.name).iter().enumerate() {
                let set = matches!(row.shape, Shape::Blocks { set: true, .. });
                let step = if set { PathStep::AnyElement } else { PathStep::Index(at as u64) };
                block(nested, item, &here.with(step), diagnostics);
            }
        }
    }
}

fn is_collection(row: &Attr) -> bool {
    matches!(row.shape, Shape::Blocks { .. } | Shape::TextList | Shape::TextSet | Shape::TextMap)
}

fn one_of(row: &Attr, config: &Value, path: &AttrPath, diagnostics: &mut Diagnostics) {
    let given = match config.get(row.name) {
        Some(value) => match (value.as_str(), config.int(row.name)) {
            (Some(text), _) => text.to_owned(),
            (None, Some(number)) => number.to_string(),
            _ => return,
        },
        None => return,
    };
    if row.one_of.is_empty() || row.one_of.iter().any(|one| one.eq_ignore_ascii_case(&given)) {
        return;
    }
    let mut all = row.one_of.to_vec();
    all.retain(|one| !one.is_empty());
    let diagnostic = Diagnostic::error(
        codes::INVALID,
        format!("expected {path} to be one of {all:?}, got {given}"),
    );
    diagnostics.push(diagnostic.path(path.clone()));
}

/// Refuses a text that is too long for the service, by its size and not with the text: that may be a script.
fn longest(row: &Attr, config: &Value, path: &AttrPath, diagnostics: &mut Diagnostics) {
    let Some((longest, text)) = row.longest.zip(config.text(row.name)) else { return };
    let length = (longest.count)(text);
    if length > longest.limit {
        let limit = longest.limit;
        let diagnostic = Diagnostic::error(codes::INVALID, format!("{path} is too long"))
            .detail(format!(
                "It has {length} characters {}, and the service takes {limit} at most.",
                longest.form
            ))
            .help("shorten it; a script can fetch what is large from where it is kept");
        diagnostics.push(diagnostic.path(path.clone()));
    }
}

fn together(
    (rows, row): (&[Attr], &Attr),
    config: &Value,
    path: &AttrPath,
    diagnostics: &mut Diagnostics,
) {
    for other in row.conflicts {
        // Each pair stands in both rows: it is reported once, at the first of the two.
        let filled = config.has(other)
            && (config.get(other).is_none_or(|v| v.as_items().is_none_or(|i| !i.is_empty())));
        let mutual = rows.iter().any(|one| one.name == *other && one.conflicts.contains(&row.name));
        if filled && (!mutual || row.name < *other) {
            diagnostics.push(
                Diagnostic::error(codes::CONFLICT, "Conflicting configuration arguments")
                    .detail(format!("{:?}: conflicts with {other}", row.name))
                    .help(format!("remove {} or {other}", row.name))
                    .path(path.clone()),
            );
        }
    }
    for other in row.needs {
        if config.get(other).is_some_and(Value::is_null) {
            diagnostics.push(
                Diagnostic::error(codes::CONFLICT, "Missing required argument")
                    .detail(format!(
                        "{:?}: all of `{}` must be specified",
                        row.name,
                        row.needs.join(",")
                    ))
                    .help(format!("add {other}"))
                    .path(path.clone()),
            );
        }
    }
}
