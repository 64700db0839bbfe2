//! Lists, sets, maps and objects as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use terrarium_address::{Name, quote};

use super::{
    Change, Diff, Look, TELLING, attribute_name, forces, pad, write, write_hidden, write_note,
};

/// A list shows what stands beside a change, too.
pub(super) fn list(out: &mut String, diff: &Diff, items: &[Diff], indent: usize, look: Look<'_>) {
    let changed = |at: usize| items.get(at).is_some_and(|item| item.change != Change::NoOp);
    let shown = |at: usize| {
        look.shows_all() || changed(at) || changed(at + 1) || at.checked_sub(1).is_some_and(changed)
    };
    elements(out, diff, (items, &shown), indent, look);
}

/// A set shows what came and went.
pub(super) fn set(out: &mut String, diff: &Diff, items: &[Diff], indent: usize, look: Look<'_>) {
    let shown = |at: usize| {
        look.shows_all() || items.get(at).is_some_and(|item| item.change != Change::NoOp)
    };
    elements(out, diff, (items, &shown), indent, look);
}

type Shown<'a> = (&'a [Diff], &'a dyn Fn(usize) -> bool);

fn elements(
    out: &mut String,
    diff: &Diff,
    (items, shown): Shown<'_>,
    indent: usize,
    look: Look<'_>,
) {
    if items.is_empty() {
        let _infallible = write!(out, "[]{}{}", look.null(diff), forces(diff));
        return;
    }
    let _infallible = writeln!(out, "[{}", forces(diff));
    let mut hidden = 0;
    for (at, item) in items.iter().enumerate() {
        if !shown(at) {
            hidden += 1;
            continue;
        }
        write_hidden(out, hidden, "element", indent, look);
        hidden = 0;
        write_note(out, item, indent + 1, look);
        let _infallible = write!(out, "{}{}", pad(indent + 1), look.symbol(item.change));
        write(out, item, indent + 1, look.without_null_suffix());
        out.push_str(",\n");
    }
    write_hidden(out, hidden, "element", indent, look);
    let _infallible =
        write!(out, "{}{}]{}", pad(indent), look.symbol(Change::NoOp), look.null(diff));
}

pub(super) fn map(
    out: &mut String,
    diff: &Diff,
    entries: &BTreeMap<Name, Diff>,
    indent: usize,
    look: Look<'_>,
) {
    let inner = if diff.change == Change::Delete { look.without_null_suffix() } else { look };
    let named = entries.iter().map(|(key, item)| (quote(key), false, item)).collect();
    pairs(out, diff, ("element", named), indent, (look, inner));
}

pub(super) fn object(
    out: &mut String,
    diff: &Diff,
    entries: &BTreeMap<Name, Diff>,
    indent: usize,
    look: Look<'_>,
) {
    let named = entries
        .iter()
        .map(|(key, item)| (attribute_name(key), TELLING.contains(&&**key), item))
        .collect();
    pairs(out, diff, ("attribute", named), indent, (look, look.without_null_suffix()));
}

/// Entries with the noun that counts them: each with its shown name, whether it always shows, and its value.
type Pairs<'a> = (&'static str, Vec<(String, bool, &'a Diff)>);

fn pairs(
    out: &mut String,
    diff: &Diff,
    (noun, entries): Pairs<'_>,
    indent: usize,
    (look, inner): (Look<'_>, Look<'_>),
) {
    if entries.is_empty() {
        let _infallible = write!(out, "{{}}{}{}", look.null(diff), forces(diff));
        return;
    }
    let _infallible = writeln!(out, "{{{}", forces(diff));
    let width = entries.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or_default();
    let mut hidden = 0;
    for (name, always, item) in entries {
        if item.change == Change::NoOp && !look.shows_all() && !always {
            hidden += 1;
            continue;
        }
        write_note(out, item, indent + 1, look);
        let symbol = look.symbol(item.change);
        let _infallible = write!(out, "{}{symbol}{name:width$} = ", pad(indent + 1));
        write(out, item, indent + 1, inner);
        out.push('\n');
    }
    write_hidden(out, hidden, noun, indent, look);
    let _infallible =
        write!(out, "{}{}}}{}", pad(indent), look.symbol(Change::NoOp), look.null(diff));
}
