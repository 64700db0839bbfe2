//! Bools, numbers and strings as text; long strings line by line, JSON in strings part by part.

use std::fmt::Write;

use terrarium_address::{AttrPath, quote};
use terrarium_value::{Entries, Kind, Value, json};

use super::super::diff::{Differ, Sides};
use super::{Change, Diff, Look, dim, forces, pad, yellow};

/// A value before and after.
type Both<'a> = (Option<&'a Value>, Option<&'a Value>);

pub(super) fn write(out: &mut String, diff: &Diff, both: Both<'_>, indent: usize, look: Look<'_>) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let (before, after) = (text(both.0), text(both.1));
    if let Some(shown) = as_json(diff, (before.as_deref(), after.as_deref()), indent, look) {
        out.push_str(&shown);
        return;
    }
    let long = |text: &Option<String>| text.as_deref().is_some_and(|text| text.contains('\n'));
    if (long(&before) || long(&after)) && both_text_or_absent(both) {
        heredoc(out, diff, (before.as_deref(), after.as_deref()), indent, look);
        return;
    }
    match (both.0, both.1) {
        (Some(before), Some(after)) if diff.change == Change::Update => {
            let _infallible = write!(out, "{} {} {}", short(before), yellow("->"), short(after));
        }
        (_, Some(value)) => out.push_str(&short(value)),
        (Some(value), None) => {
            out.push_str(&short(value));
            out.push_str(&look.null(diff));
        }
        (None, None) => out.push_str(&dim("null")),
    }
    out.push_str(&forces(diff));
}

fn both_text_or_absent(both: Both<'_>) -> bool {
    let text = |value: Option<&Value>| value.is_none_or(|value| value.as_str().is_some());
    text(both.0) && text(both.1)
}

fn short(value: &Value) -> String {
    match value.kind() {
        Kind::Bool(value) => value.to_string(),
        Kind::Number(number) => number.to_string(),
        Kind::String(text) => quote(text),
        Kind::Null(_) => dim("null"),
        _ => String::new(),
    }
}

/// Shows strings that hold a JSON array or object as a `jsonencode` of it.
fn as_json(
    diff: &Diff,
    (before, after): (Option<&str>, Option<&str>),
    indent: usize,
    look: Look<'_>,
) -> Option<String> {
    let (old, new) = (before.and_then(parse), after.and_then(parse));
    if (before.is_some() && old.is_none()) || (after.is_some() && new.is_none()) {
        return None;
    }
    let sides = Sides { before: old.as_ref(), after: new.as_ref() };
    if sides.before.is_none() && sides.after.is_none() {
        return None;
    }
    let inner = Differ { replace: &[] }.free(sides, &AttrPath::root());
    let only_blanks = inner.change == Change::NoOp && diff.change == Change::Update;
    let blanks =
        if only_blanks { format!(" {}", dim("# whitespace changes")) } else { String::new() };
    let symbol = match inner.change {
        Change::Update => look.symbol(Change::Update),
        _ => look.symbol(Change::NoOp),
    };
    let all = Look { null_suffix: false, ..look };
    let mut out = format!("jsonencode({}{blanks}\n{}{symbol}", forces(diff), pad(indent + 1));
    if only_blanks {
        let whole =
            Differ { replace: &[] }.free(Sides { before: None, ..sides }, &AttrPath::root());
        let mut text = String::new();
        super::write(&mut text, &whole, indent + 1, all);
        out.push_str(&text.replace(&look.symbol(Change::Create), &look.symbol(Change::NoOp)));
    } else {
        super::write(&mut out, &inner, indent + 1, all);
    }
    let _infallible =
        write!(out, "\n{}{}){}", pad(indent), look.symbol(Change::NoOp), look.null(diff));
    Some(out)
}

fn parse(text: &str) -> Option<Value> {
    let begins = text.trim_start().starts_with(['{', '[']);
    let value = begins.then(|| json::decode(text).ok())??;
    let parts = value.as_entries().map(Entries::len).or(value.as_items().map(<[_]>::len));
    (parts? > 0).then_some(value)
}

fn heredoc(
    out: &mut String,
    diff: &Diff,
    (before, after): (Option<&str>, Option<&str>),
    indent: usize,
    look: Look<'_>,
) {
    let _infallible = writeln!(out, "<<-EOT{}", forces(diff));
    let mut line = |change: Change, text: &str| {
        let _infallible = writeln!(out, "{}{}{text}", pad(indent + 1), look.symbol(change));
    };
    let lines = |text: &str| -> Vec<String> {
        text.strip_suffix('\n').unwrap_or(text).split('\n').map(str::to_owned).collect()
    };
    match (before, after) {
        (Some(before), Some(after)) if diff.change == Change::Update => {
            let (old, new) = (lines(before), lines(after));
            for op in similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new) {
                let kept = op.tag() == similar::DiffTag::Equal;
                for text in old.get(op.old_range()).unwrap_or_default() {
                    line(if kept { Change::NoOp } else { Change::Delete }, text);
                }
                for text in new.get(op.new_range()).filter(|_| !kept).unwrap_or_default() {
                    line(Change::Create, text);
                }
            }
        }
        (before, after) => {
            for text in lines(after.or(before).unwrap_or_default()) {
                line(Change::NoOp, &text);
            }
        }
    }
    let _infallible =
        write!(out, "{}{}EOT{}", pad(indent), look.symbol(Change::NoOp), look.null(diff));
}
