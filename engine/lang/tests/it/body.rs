//! Decoding bodies with a schema.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use terrarium_address::{AttrPath, InstanceKey, PathStep};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Sources};
use terrarium_lang::Body;
use terrarium_lang::config::BlockRef;
use terrarium_lang::expr::{
    EachPart, Environment, Frame, PathPart, Scope, ScopeResult, Subject, TerraformPart,
};
use terrarium_provider::{Attribute, Block, NestedBlock, Nesting};
use terrarium_value::{Causes, Entries, Marks, Type, Value, render};

use crate::config::{Texts, load_text};

struct Variables(BTreeMap<&'static str, Value>, Environment);

fn refused() -> ScopeResult {
    Err(Box::new(Diagnostic::error(terrarium_diagnostic::Code("T0000"), "nothing here")))
}

impl Scope for Variables {
    fn variable(&self, name: &str) -> ScopeResult {
        self.0.get(name).cloned().map_or_else(refused, Ok)
    }
    fn local(&self, _: &str) -> ScopeResult {
        refused()
    }
    fn resource(&self, _: &BlockRef, _: Option<&InstanceKey>) -> ScopeResult {
        refused()
    }
    fn module(&self, _: &str, _: Option<&InstanceKey>, _: Option<&str>) -> ScopeResult {
        refused()
    }
    fn each(&self, _: EachPart) -> ScopeResult {
        refused()
    }
    fn count_index(&self) -> ScopeResult {
        refused()
    }
    fn this(&self) -> ScopeResult {
        refused()
    }
    fn path(&self, _: PathPart) -> ScopeResult {
        refused()
    }
    fn terraform(&self, _: TerraformPart) -> ScopeResult {
        refused()
    }
    fn environment(&self) -> &Environment {
        &self.1
    }
}

fn scope() -> Variables {
    let unknown = Value::unknown(Type::list(Type::String), Causes::NONE);
    let secret = Value::string("s3cret").marked(Marks::SENSITIVE);
    let environment =
        Environment::new("", Arc::new(Texts::new([])), "2026-03-01T12:00:00Z".parse().unwrap());
    let pairs = Value::object_of([("a", Value::number(1)), ("b", Value::number(2))]);
    Variables(
        BTreeMap::from([("unknown", unknown), ("secret", secret), ("pairs", pairs)]),
        environment,
    )
}

fn nested(nesting: Nesting, block: Block) -> NestedBlock {
    NestedBlock { nesting, block, min_items: 0, max_items: None }
}

fn attributes(list: &[(&str, Attribute)]) -> Block {
    let attributes =
        list.iter().map(|(name, attribute)| ((*name).into(), attribute.clone())).collect();
    Block { attributes, ..Block::default() }
}

/// A schema with something of everything.
fn schema() -> Block {
    let port = attributes(&[
        ("id", Attribute::required(Type::String)),
        ("mac", Attribute::optional(Type::String)),
    ]);
    let rule = Type::object([("port", Type::Number), ("proto", Type::String)]);
    let mut schema = attributes(&[
        ("name", Attribute::required(Type::String)),
        ("size", Attribute::optional(Type::Number)),
        ("tags", Attribute::optional(Type::map(Type::String))),
        ("any", Attribute::optional(Type::Dynamic)),
        ("id", Attribute::computed(Type::String)),
        ("rules", Attribute::optional_computed(Type::list(rule))),
    ]);
    schema.blocks = BTreeMap::from([
        ("port".into(), NestedBlock { max_items: Some(2), ..nested(Nesting::List, port.clone()) }),
        (
            "group".into(),
            nested(Nesting::Set, attributes(&[("name", Attribute::optional(Type::String))])),
        ),
        (
            "label".into(),
            nested(Nesting::Map, attributes(&[("value", Attribute::optional(Type::Number))])),
        ),
        (
            "timeouts".into(),
            nested(Nesting::Single, attributes(&[("create", Attribute::optional(Type::String))])),
        ),
        (
            "extra".into(),
            nested(Nesting::List, attributes(&[("value", Attribute::optional(Type::Dynamic))])),
        ),
    ]);
    schema
}

fn body(text: &str) -> (Body, Sources) {
    let (configuration, diags, sources) =
        load_text(&format!("resource \"t\" \"x\" {{\n{text}\n}}\n"));
    assert!(!diags.iter().any(|d| d.code.0 == "T0001"), "{diags:?}");
    let body = configuration.root().unwrap().resources.values().next().unwrap().body.clone();
    (body, sources)
}

/// What the body is decoded to: everything that is not null, then what is wrong with it.
fn decoded(text: &str) -> String {
    let (body, sources) = body(text);
    let mut diags = Diagnostics::new();
    let schema = schema();
    let scope = scope();
    let value = body.decode(&schema, &Frame::new(&scope), &mut diags);
    assert!(!schema.ty().has_dynamic() || value.as_entries().is_some());
    let mut out = String::new();
    for (name, part) in value.as_entries().unwrap() {
        let empty = part.is_null() || part.as_items().is_some_and(<[Value]>::is_empty);
        if !empty && !part.as_entries().is_some_and(Entries::is_empty) {
            let text = render_any(part);
            let flat: Vec<&str> = text.split_whitespace().collect();
            writeln!(out, "{name}: {}", flat.join(" ")).unwrap();
        }
    }
    for problem in &diags {
        let at = problem.at.as_ref().map(|label| sources.text(label.span)).unwrap_or_default();
        let at = at.replace('\n', " ");
        writeln!(out, "{} at `{at}`: {}: {}", problem.code, problem.summary, problem.detail)
            .unwrap();
    }
    out
}

fn render_any(value: &Value) -> String {
    if value.marks().is_empty() { render(value) } else { format!("sensitive {}", render(value)) }
}

#[test]
fn arguments_are_converted() {
    let text = "name = 12\nsize = \"3\"\ntags = { a = true }\nany = [1, \"x\"]";
    let expected = "any: [ 1, \"x\", ]\nname: \"12\"\nsize: 3\ntags: tomap({ \"a\" = \"true\" })\n";
    assert_eq!(decoded(text), expected);
}

#[test]
fn wrong_arguments_are_named() {
    assert_eq!(
        decoded("nam = \"x\"\nsize = \"big\"\nid = \"x\"\nport = []"),
        "size: (known after apply)\n\
         T0202 at `nam`: Unsupported argument: An argument named \"nam\" is not expected here. Did you mean \"name\"?\n\
         T0202 at `port`: Unsupported argument: An argument named \"port\" is not expected here. Did you mean to define a \
         block of type \"port\"?\n\
         T0202 at `id`: Value for unconfigurable attribute: Can't configure a value for \"id\": its value will be decided \
         automatically based on the result of applying this configuration.\n\
         T0203 at `resource \"t\" \"x\"`: Missing required argument: The argument \"name\" is required, but no definition \
         was found.\n\
         T0212 at `\"big\"`: Incorrect attribute value type: Inappropriate value for attribute \"size\": a number is \
         required.\n"
    );
}

#[test]
fn blocks_are_kept_as_their_nesting_says() {
    let text = "name = \"x\"\nport { id = 1 }\nport { id = 2 }\ngroup { name = \"b\" }\ngroup { name = \"a\" }\ngroup { name \
                = \"a\" }\nlabel \"k\" { value = 1 }\ntimeouts { create = \"1h\" }\nextra { value = 1 }\nextra { value = \
                \"x\" }";
    assert_eq!(
        decoded(text),
        "extra: [ { \"value\" = 1 }, { \"value\" = \"x\" }, ]\n\
         group: toset([ { \"name\" = \"a\" }, { \"name\" = \"b\" }, ])\n\
         label: tomap({ \"k\" = { \"value\" = 1 } })\n\
         name: \"x\"\n\
         port: tolist([ { \"id\" = \"1\" \"mac\" = tostring(null) }, { \"id\" = \"2\" \"mac\" = tostring(null) }, ])\n\
         timeouts: { \"create\" = \"1h\" }\n"
    );
}

#[test]
fn numbers_of_blocks_are_bounded() {
    let text = decoded(
        "name = \"x\"\nport { id = 1 }\nport { id = 2 }\nport { id = 3 }\ntimeouts {}\ntimeouts {}\nlabel {}\ngrup {}",
    );
    for part in [
        "Too many port blocks: No more than 2 \"port\" blocks are allowed.",
        "Duplicate timeouts block: Only one timeouts block is allowed.",
        "Missing key for label",
        "Blocks of type \"grup\" are not expected here. Did you mean \"group\"?",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}

#[test]
fn blocks_may_stand_for_a_list_of_objects() {
    let text = "name = \"x\"\nrules {\n  port = \"80\"\n}\nrules {\n  proto = \"udp\"\n}";
    assert_eq!(
        decoded(text),
        "name: \"x\"\nrules: tolist([ { \"port\" = 80 \"proto\" = tostring(null) }, { \"port\" = tonumber(null) \"proto\" \
         = \"udp\" }, ])\n"
    );
}

#[test]
fn dynamic_blocks_are_repeated() {
    let text = "name = \"x\"\ndynamic \"port\" {\n  for_each = var.pairs\n  iterator = it\n  content {\n    id = \
                \"${it.key}${it.value}\"\n  }\n}\ndynamic \"label\" {\n  for_each = [\"a\"]\n  labels = [label.value]\n  \
                content {\n    value = label.key\n  }\n}";
    assert_eq!(
        decoded(text),
        "label: tomap({ \"a\" = { \"value\" = 0 } })\n\
         name: \"x\"\n\
         port: tolist([ { \"id\" = \"a1\" \"mac\" = tostring(null) }, { \"id\" = \"b2\" \"mac\" = tostring(null) }, ])\n"
    );
}

#[test]
fn dynamic_blocks_over_what_is_unknown_are_unknown() {
    let block = |each: &str| {
        format!(
            "name = \"x\"\ndynamic \"port\" {{\n  for_each = {each}\n  content {{\n    id = port.value\n  }}\n}}"
        )
    };
    assert_eq!(decoded(&block("var.unknown")), "name: \"x\"\nport: (known after apply)\n");
    assert!(decoded(&block("null")).contains("Cannot use a null value in for_each."));
    assert!(decoded(&block("true")).contains("Cannot use a bool value in for_each."));
}

#[test]
fn marks_stay_on_values() {
    let (body, _) = body("name = var.secret");
    let scope = scope();
    let value = body.decode(&schema(), &Frame::new(&scope), &mut Diagnostics::new());
    assert!(value.get("name").unwrap().marks().contains(Marks::SENSITIVE));
}

#[test]
fn iterators_are_no_references() {
    let (body, _) = body(
        "name = var.pairs\nport {\n  id = other.one.id\n}\ndynamic \"port\" {\n  for_each = var.unknown\n  content {\n    id \
         = port.value\n  }\n}",
    );
    let subjects: Vec<String> = body
        .references()
        .into_iter()
        .map(|reference| match reference.subject {
            Subject::Variable(name) => format!("var.{name}"),
            Subject::Resource(block, _) => block.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(subjects, ["var.pairs", "other.one", "var.unknown"]);
}

#[test]
fn paths_lead_to_places() {
    let (body, sources) = body("name = \"x\"\nport {\n  id = 1\n}\nport {\n  id = 2\n}");
    let at = |path: AttrPath| body.span_of(&path).map(|span| sources.text(span));
    assert_eq!(at(AttrPath::attr("name")), Some("\"x\""));
    assert_eq!(
        at(AttrPath::attr("port").with(PathStep::Index(1)).with(PathStep::Attr("id".into()))),
        Some("2")
    );
    assert_eq!(
        at(AttrPath::attr("port").with(PathStep::Index(0)).with(PathStep::Attr("mac".into()))),
        Some("port")
    );
    assert_eq!(at(AttrPath::attr("size")), None);
    assert!(
        !body.is_empty() && body.attribute("name").is_some() && body.attribute("port").is_none()
    );
}

#[test]
fn properties_in_json_may_be_blocks() {
    let text = r#"{ "resource": { "t": { "x": {
        "name": "${var.pairs.a}-x", "port": [{ "id": 1 }, { "id": "2", "mac": "m" }], "timeouts": { "create": "1h" },
        "label": { "k": { "value": 3 } }, "rules": [{ "port": 80, "proto": "tcp" }],
        "dynamic": { "group": { "for_each": ["a", "b"], "content": { "name": "${group.value}" } } }
    } } } }"#;
    let mut sources = Sources::default();
    let files = Texts::new([("main.tf.json", text)]);
    let (configuration, diags) =
        terrarium_lang::config::load(std::path::Path::new("."), &files, &mut sources);
    // `var.pairs` is the scope's, not the module's.
    assert!(diags.iter().all(|problem| problem.code.0 == "T0210"), "{diags:?}");
    let body = configuration.root().unwrap().resources.values().next().unwrap().body.clone();
    let scope = scope();
    let mut diags = Diagnostics::new();
    let value = body.decode(&schema(), &Frame::new(&scope), &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    let shown = |name: &str| {
        let text = render(value.get(name).unwrap());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("name"), "\"1-x\"");
    assert_eq!(
        shown("port"),
        "tolist([ { \"id\" = \"1\" \"mac\" = tostring(null) }, { \"id\" = \"2\" \"mac\" = \"m\" }, ])"
    );
    assert_eq!(shown("timeouts"), "{ \"create\" = \"1h\" }");
    assert_eq!(shown("label"), "tomap({ \"k\" = { \"value\" = 3 } })");
    assert_eq!(shown("group"), "toset([ { \"name\" = \"a\" }, { \"name\" = \"b\" }, ])");
    assert_eq!(shown("rules"), "tolist([ { \"port\" = 80 \"proto\" = \"tcp\" }, ])");
}
