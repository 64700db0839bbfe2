//! The reference of a type, made from its schema: what it is, what it takes and tells, what it means in time, an example.

use std::fmt::Write;

use terrarium_address::{AttrPath, Name};
use terrarium_provider::{Attribute, Block, Presence, Schema, Tenure};

use super::paint::bold;
use super::wrap::{PROSE_WIDTH, wrap};

/// Writes the reference of a type, whose name is written as a configuration has it.
pub fn reference(name: &str, schema: &Schema) -> String {
    let mut out = format!("{}\n", bold(name));
    if !schema.block.description.is_empty() {
        paragraph(&mut out, "", &schema.block.description);
    }
    if !schema.example.is_empty() {
        title(&mut out, "Example");
        for line in schema.example.trim_end().lines() {
            let _infallible = writeln!(out, "{}", format!("    {line}").trim_end());
        }
    }
    if schema.block.attributes.iter().any(|one| is_given(&one)) || !schema.block.blocks.is_empty() {
        title(&mut out, "Arguments");
        arguments(&mut out, &schema.block, "  ");
    }
    title(&mut out, "Attributes");
    for (name, attribute) in schema.block.attributes.iter().filter(|one| !is_given(one)) {
        entry(&mut out, "  ", (name, &about(attribute)), &attribute.description);
    }
    let time = time(schema);
    if !time.is_empty() {
        title(&mut out, "In time");
        for sentence in time {
            paragraph(&mut out, "  ", &sentence);
        }
    }
    out
}

/// Returns whether a configuration gives it. Nobody gives an `id`, although schemas let one.
fn is_given((name, attribute): &(&Name, &Attribute)) -> bool {
    attribute.presence.is_settable() && &***name != "id"
}

fn title(out: &mut String, text: &str) {
    let _infallible = writeln!(out, "\n{}", bold(text));
}

fn paragraph(out: &mut String, indent: &str, text: &str) {
    // Lines that begin with air are left as they are by `wrap`.
    for line in wrap(text, PROSE_WIDTH.saturating_sub(indent.len())).lines() {
        let _infallible = writeln!(out, "{indent}{line}");
    }
}

/// Writes a name with what it is, and below it what it is for.
fn entry(out: &mut String, indent: &str, (name, what): (&str, &str), text: &str) {
    let _infallible = writeln!(out, "{indent}{name} ({what})");
    if !text.is_empty() {
        paragraph(out, &format!("{indent}    "), text);
    }
}

/// Writes what a block takes: what it must be given first, blocks last.
fn arguments(out: &mut String, block: &Block, indent: &str) {
    for required in [true, false] {
        for (name, attribute) in block.attributes.iter().filter(is_given) {
            if (attribute.presence == Presence::Required) == required {
                entry(out, indent, (name, &about(attribute)), &attribute.description);
            }
        }
    }
    for (name, nested) in &block.blocks {
        let count = match (nested.min_items, nested.max_items) {
            (0, Some(1)) => "at most one block",
            (0, _) => "blocks",
            (_, Some(1)) => "one block",
            _ => "blocks, at least one",
        };
        entry(out, indent, (name, count), &nested.block.description);
        arguments(out, &nested.block, &format!("{indent}    "));
    }
}

/// Says who gives an attribute, and of which type it is.
fn about(attribute: &Attribute) -> String {
    let mut parts = vec![attribute.ty.to_string()];
    if attribute.presence == Presence::Required {
        parts.push("required".to_owned());
    }
    if attribute.sensitive {
        parts.push("sensitive".to_owned());
    }
    if attribute.deprecated.is_some() {
        parts.push("deprecated".to_owned());
    }
    parts.join(", ")
}

/// Says what waits for what, and what ends with what.
fn time(schema: &Schema) -> Vec<String> {
    let mut told = Vec::new();
    match schema.tenure {
        Tenure::Own => told.push(
            "It has a start and an end of its own. What sits on it is made once it has begun, and ends with it: `terrarium \
             run` carries that out."
                .to_owned(),
        ),
        Tenure::Borrowed => told.push("It begins and ends with what it sits on.".to_owned()),
        Tenure::None => {}
    }
    let list =
        |paths: &[&AttrPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut about = |what: &str, paths: Vec<&AttrPath>| {
        if !paths.is_empty() {
            told.push(format!("{what}: {}.", list(&paths)));
        }
    };
    about("Others sit on it by", schema.lends.iter().collect());
    about("It sits on what is named by", schema.occupies.iter().map(|it| &it.path).collect());
    about("Known from its start on", schema.late.iter().collect());
    about("Held by one at a time", schema.exclusive.iter().map(|it| &it.path).collect());
    about("Changed for one caller at a time", schema.turns.iter().map(|it| &it.path).collect());
    about(
        "Can't be removed before it lets go of",
        schema.holds.iter().map(|it| &it.path).collect(),
    );
    if schema.scarce {
        told.push(
            "It is scarce: it waits with those that need it, and is not made before.".to_owned(),
        );
    }
    told
}
