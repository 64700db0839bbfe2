//! The tables against the reference: what the original provider's own schema says.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use terrarium_provider::Presence;

use super::{Attr, Literal, Shape, Timeouts};
use crate::kind::CONFIG;
use crate::tables::{DATA_SOURCES, RESOURCES};

const REFERENCE: &str = include_str!("../../tests/data/schema.json");

/// Where ours differs on purpose: type and attribute, with the reason.
const ON_PURPOSE: &[(&str, &str)] = &[
    // Of 1.x, without effect: configurations still have it.
    ("provider", "use_octavia"),
];

#[test]
fn tables_say_what_the_original_says() {
    let reference: Json = serde_json::from_str(REFERENCE).unwrap();
    let mut wrong = Vec::new();
    compare("provider", &reference["provider"]["attributes"], CONFIG, &mut wrong);
    for (name, theirs) in reference["resources"].as_object().unwrap() {
        match RESOURCES.iter().find(|row| row.name == name) {
            Some(row) => {
                compare(name, &theirs["attributes"], row.attributes, &mut wrong);
                compare_timeouts(name, theirs.get("timeouts_s"), &row.timeouts, &mut wrong);
            }
            None => wrong.push(format!("{name} is missing")),
        }
    }
    for (name, theirs) in reference["data_sources"].as_object().unwrap() {
        match DATA_SOURCES.iter().find(|row| row.name == name) {
            Some(row) => {
                compare(&format!("data {name}"), &theirs["attributes"], row.attributes, &mut wrong);
            }
            None => wrong.push(format!("data {name} is missing")),
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn rows_stand_in_the_order_of_their_names() {
    for rows in RESOURCES
        .iter()
        .map(|row| row.attributes)
        .chain(DATA_SOURCES.iter().map(|row| row.attributes))
    {
        let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
        assert!(names.is_sorted(), "{names:?}");
    }
}

fn compare(at: &str, theirs: &Json, ours: &[Attr], wrong: &mut Vec<String>) {
    let theirs = theirs.as_object().unwrap();
    let names: BTreeSet<&str> =
        theirs.keys().map(String::as_str).chain(ours.iter().map(|row| row.name)).collect();
    for name in names {
        let here = format!("{at}.{name}");
        if ON_PURPOSE.contains(&(at, name)) {
            continue;
        }
        match (theirs.get(name), ours.iter().find(|row| row.name == name)) {
            (Some(theirs), Some(ours)) => compare_attribute(&here, theirs, ours, wrong),
            (Some(_), None) => wrong.push(format!("{here} is missing")),
            (None, _) => wrong.push(format!("{here} is not theirs")),
        }
    }
}

fn compare_attribute(at: &str, theirs: &Json, ours: &Attr, wrong: &mut Vec<String>) {
    let flag = |name: &str| theirs.get(name).and_then(Json::as_bool).unwrap_or_default();
    let presence = match (flag("required"), flag("optional"), flag("computed")) {
        (true, ..) => Presence::Required,
        (_, true, true) => Presence::OptionalComputed,
        (_, true, false) => Presence::Optional,
        _ => Presence::Computed,
    };
    let mut check = |what: &str, theirs: String, ours: String| {
        if theirs != ours {
            wrong.push(format!("{at}: {what} is {ours}, theirs is {theirs}"));
        }
    };
    check("presence", format!("{presence:?}"), format!("{:?}", ours.presence));
    check("force_new", flag("force_new").to_string(), ours.force_new.to_string());
    check("sensitive", flag("sensitive").to_string(), ours.sensitive.to_string());
    check("type", type_text(theirs), our_type(ours));
    let default = theirs.get("default").filter(|_| !at.starts_with("provider."));
    let default = default.filter(|default| !default.is_null() && **default != "");
    check("default", default.map(default_text).unwrap_or_default(), our_default(ours));
    let list = |name: &str| {
        let all = theirs
            .get(name)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str);
        all.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let set =
        |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    // The rule's remotes are checked by one hook, so that three rows do not name each other.
    if !at.contains(".remote_") {
        check(
            "conflicts",
            format!("{:?}", list("conflicts_with")),
            format!("{:?}", set(ours.conflicts)),
        );
    }
    let needs = list("required_with");
    if !at.contains("external_fixed_ip") {
        check("needs", format!("{needs:?}"), format!("{:?}", set(ours.needs)));
    }
    let nested = theirs.get("block").or_else(|| theirs.get("attributes"));
    if let (Some(theirs), Some(nested)) = (nested, ours.nested()) {
        compare(at, theirs, nested, wrong);
    }
}

fn default_text(json: &Json) -> String {
    // The reference says only that there is one where it is a bool of true.
    match json {
        Json::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

fn our_default(row: &Attr) -> String {
    match row.default {
        None => String::new(),
        Some(Literal::Text(text)) => format!("{text:?}"),
        Some(Literal::Bool(value)) => value.to_string(),
        Some(Literal::Int(value)) => value.to_string(),
    }
}

fn type_text(theirs: &Json) -> String {
    let base = theirs["type"].as_str().unwrap_or_default();
    let block = theirs.get("block").is_some() || theirs.get("attributes").is_some();
    if block {
        let kind = theirs.get("kind").and_then(Json::as_str).unwrap_or("block");
        return format!("{kind} {base}");
    }
    // The reference wraps a string's type where a list made it stricter.
    match theirs.get("element").filter(|_| base != "string") {
        Some(Json::String(element)) => format!("{base} {element}"),
        Some(element) => format!("{base} {}", element["type"].as_str().unwrap_or_default()),
        None => base.to_owned(),
    }
}

fn our_type(row: &Attr) -> String {
    let of = |set: bool| if set { "set" } else { "list" };
    match row.shape {
        Shape::Text => "string".into(),
        Shape::Bool => "bool".into(),
        Shape::Int => "int".into(),
        Shape::Float => "float".into(),
        Shape::TextList => "list string".into(),
        Shape::TextSet => "set string".into(),
        Shape::TextMap => "map string".into(),
        Shape::MapList => "list map".into(),
        Shape::Objects { set, .. } => format!("attribute {}", of(set)),
        Shape::Blocks { set, .. } => format!("block {}", of(set)),
    }
}

fn compare_timeouts(at: &str, theirs: Option<&Json>, ours: &Timeouts, wrong: &mut Vec<String>) {
    let get = |name: &str| theirs.and_then(|theirs| theirs.get(name)).and_then(Json::as_u64);
    for (name, ours) in [("create", ours.create), ("update", ours.update), ("delete", ours.delete)]
    {
        if get(name) != ours {
            wrong.push(format!("{at}: timeouts.{name} is {ours:?}, theirs is {:?}", get(name)));
        }
    }
}

#[test]
fn every_attribute_says_what_it_is_for() {
    let mut lacking = Vec::new();
    let mut used = BTreeSet::new();
    let types = RESOURCES.iter().map(|row| (row.name, row.attributes));
    for (name, rows) in types.chain(DATA_SOURCES.iter().map(|row| (row.name, row.attributes))) {
        told(name, "", rows, (&mut lacking, &mut used));
    }
    for row in RESOURCES {
        assert!(!row.doc.about.is_empty(), "{} says what it is", row.name);
    }
    assert!(lacking.is_empty(), "{} say nothing:\n{}", lacking.len(), lacking.join("\n"));
    let names: Vec<&str> = super::glossary::GLOSSARY.iter().map(|(name, _)| *name).collect();
    let idle: Vec<&&str> = names.iter().filter(|name| !used.contains(**name)).collect();
    // The engine adds these by itself.
    let own = ["create", "delete", "id", "timeouts", "update"];
    assert!(idle.iter().all(|name| own.contains(name)), "nothing is called so: {idle:?}");
}

fn told(
    kind: &str,
    block: &str,
    rows: &[Attr],
    (lacking, used): (&mut Vec<String>, &mut BTreeSet<String>),
) {
    for row in rows {
        let within = format!("{block}.{}", row.name);
        if row.about.is_empty() {
            used.extend([row.name.to_owned(), within]);
            if super::glossary::meaning(block, row.name).is_empty() {
                lacking.push(format!("{kind}: {block}.{}", row.name));
            }
        }
        if let Some(nested) = row.nested() {
            told(kind, row.name, nested, (&mut *lacking, &mut *used));
        }
    }
}
