//! A difference as text, in Terraform's manner.

mod containers;
mod scalar;

use std::fmt::Write;

use terrarium_address::quote;
use terrarium_value::When;

use super::diff::{BlockDiff, Change, Diff, Node, Sensitivity};
use super::instant::Times;
use super::paint::{dim, green, red, yellow};

/// How a difference is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    /// Whether `+`, `-`, `~` stand before the lines.
    pub(crate) symbols: Symbols,
    /// Whether a removed part is followed by `-> null`.
    pub(crate) null_suffix: bool,
    /// In whose time instants are shown; UTC where none is chosen.
    pub(crate) times: Option<&'a Times>,
}

/// Whether the change of each line is marked, and with it: whether only changes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbols {
    /// A plan: changes, with their symbols.
    Shown,
    /// A state: everything, without symbols.
    Hidden,
}

/// Attributes that are shown even where they do not change: they tell which object it is.
const TELLING: [&str; 3] = ["id", "name", "tags"];

impl<'a> Look<'a> {
    /// The look of a plan.
    pub(crate) const PLAN: Self = Self { symbols: Symbols::Shown, null_suffix: true, times: None };
    /// The look of a state.
    pub(crate) const STATE: Self =
        Self { symbols: Symbols::Hidden, null_suffix: true, times: None };

    /// The look of a plan whose instants are shown in somebody's time.
    pub(crate) fn plan(times: &'a Times) -> Self {
        Self { times: Some(times), ..Self::PLAN }
    }

    fn shows_all(self) -> bool {
        self.symbols == Symbols::Hidden
    }

    fn without_null_suffix(self) -> Self {
        Self { null_suffix: false, ..self }
    }

    /// Returns the symbol of a line, with the blanks around it.
    fn symbol(self, change: Change) -> String {
        if self.symbols == Symbols::Hidden {
            return String::new();
        }
        match change {
            Change::NoOp => "    ".to_owned(),
            Change::Create => format!("  {} ", green("+")),
            Change::Update => format!("  {} ", yellow("~")),
            Change::Delete => format!("  {} ", red("-")),
        }
    }

    fn null(self, diff: &Diff) -> String {
        if diff.change == Change::Delete && self.null_suffix {
            format!(" {}", dim("-> null"))
        } else {
            String::new()
        }
    }
}

/// Writes the difference; its first line is not indented, the others are.
pub(crate) fn write(out: &mut String, diff: &Diff, indent: usize, look: Look<'_>) {
    match &diff.node {
        Node::Scalar { before, after } => {
            scalar::write(out, diff, (before.as_ref(), after.as_ref()), indent, look);
        }
        Node::Unknown { before, when } => {
            if let Some(before) = before {
                write(out, before, indent, look.without_null_suffix());
                out.push_str(" -> ");
            }
            out.push_str(&known_after(*when, look.times));
            out.push_str(&forces(diff));
        }
        Node::Sensitive { .. } => {
            out.push_str("(sensitive value)");
            out.push_str(&look.null(diff));
            out.push_str(&forces(diff));
        }
        Node::List(items) => containers::list(out, diff, items, indent, look),
        Node::Set(items) => containers::set(out, diff, items, indent, look),
        Node::Map(entries) => containers::map(out, diff, entries, indent, look),
        Node::Object(entries) => containers::object(out, diff, entries, indent, look),
        Node::Other { before, after } => {
            write(out, before, indent, look.without_null_suffix());
            out.push_str(" -> ");
            write(out, after, indent, look.without_null_suffix());
            out.push_str(&forces(diff));
        }
        Node::Block(block) => write_block(out, diff, block, indent, look),
    }
}

fn write_block(out: &mut String, diff: &Diff, block: &BlockDiff, indent: usize, look: Look<'_>) {
    if block.attributes.is_empty() && block.blocks.is_empty() {
        let _infallible = write!(out, "{{}}{}", forces(diff));
        return;
    }
    let _infallible = writeln!(out, "{{{}", forces(diff));
    let width = block.attributes.keys().map(|name| attribute_name(name).chars().count()).max();
    let mut hidden = 0;
    for (name, attribute) in &block.attributes {
        if attribute.change == Change::NoOp && !look.shows_all() && !TELLING.contains(&&**name) {
            hidden += 1;
            continue;
        }
        write_note(out, attribute, indent + 1, look);
        let symbol = look.symbol(attribute.change);
        let name = attribute_name(name);
        let width = width.unwrap_or_default();
        let _infallible = write!(out, "{}{symbol}{name:width$} = ", pad(indent + 1));
        write(out, attribute, indent + 1, look);
        out.push('\n');
    }
    write_hidden(out, hidden, "attribute", indent, look);
    let mut hidden = 0;
    for (name, items) in &block.blocks {
        let mut first = true;
        for (key, item) in items {
            if item.change == Change::NoOp && !look.shows_all() {
                hidden += 1;
                continue;
            }
            if first && !block.attributes.is_empty() {
                out.push('\n');
            }
            first = false;
            let symbol = look.symbol(item.change);
            let key = key.as_ref().map(|key| format!(" {}", quote(key))).unwrap_or_default();
            let _infallible =
                write!(out, "{}{symbol}{}{key} ", pad(indent + 1), attribute_name(name));
            write(out, item, indent + 1, look);
            out.push('\n');
        }
    }
    if hidden > 0 {
        out.push('\n');
    }
    write_hidden(out, hidden, "block", indent, look);
    let _infallible = write!(out, "{}{}}}", pad(indent), look.symbol(Change::NoOp));
}

/// Says how many parts did not change.
fn write_hidden(out: &mut String, hidden: usize, noun: &str, indent: usize, look: Look<'_>) {
    if hidden > 0 {
        let plural = if hidden == 1 { "" } else { "s" };
        let text = dim(&format!("# ({hidden} unchanged {noun}{plural} hidden)"));
        let _infallible = writeln!(out, "{}{}{text}", pad(indent + 1), look.symbol(Change::NoOp));
    }
}

/// Says that a value begins or ceases to be hidden, in the line above it.
fn write_note(out: &mut String, diff: &Diff, indent: usize, look: Look<'_>) {
    let Node::Sensitive { note: Some(note) } = &diff.node else { return };
    let (text, value_changes) = match note {
        Sensitivity::Begins { value_changes } => {
            ("this value becomes sensitive and will no longer be shown", value_changes)
        }
        Sensitivity::Ends { value_changes } => {
            ("this value is no longer sensitive and will be shown from now on", value_changes)
        }
    };
    let rest = if *value_changes { "" } else { " (the value is unchanged)" };
    let symbol = look.symbol(Change::NoOp);
    let _infallible = writeln!(out, "{}{symbol}{} {text}{rest}", pad(indent), yellow("# Warning:"));
}

fn pad(indent: usize) -> String {
    "    ".repeat(indent)
}

fn forces(diff: &Diff) -> String {
    if diff.replace { format!(" {}", red("# forces replacement")) } else { String::new() }
}

/// Returns what stands for a value that is known later.
pub(crate) fn known_after(when: When, times: Option<&Times>) -> String {
    let shown = |at| match times {
        Some(times) => times.local(at),
        None => Times::new(jiff::tz::TimeZone::UTC, at).local(at),
    };
    match when {
        When::Apply => "(known after apply)".to_owned(),
        When::At(at) => format!("(known after {})", shown(at)),
        When::Later => "(known in a later apply)".to_owned(),
        When::Never(since) => format!("(never: its time ended {})", shown(since)),
    }
}

/// Returns an attribute's name, quoted where it is no identifier.
pub(crate) fn attribute_name(name: &str) -> String {
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if begins && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        name.to_owned()
    } else {
        quote(name)
    }
}

/// Returns the symbol and name of an output's line, aligned to `width`.
pub(crate) fn output_line(out: &mut String, name: &str, width: usize, diff: &Diff, times: &Times) {
    let look = Look::plan(times);
    write_note(out, diff, 0, look);
    let name = attribute_name(name);
    let _infallible = write!(out, "{}{name:width$} = ", look.symbol(diff.change));
    write(out, diff, 0, look);
    out.push('\n');
}
