//! Type constraints of variables, and the defaults within them.

use std::io;
use std::path::Path;

use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::Configuration;
use terrarium_lang::config;
use terrarium_lang::expr::Files;
use terrarium_value::{Map, Value, render};

/// One file, `main.tf`, in memory.
struct OneFile(String);

impl Files for OneFile {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path.ends_with("main.tf") {
            Ok(self.0.clone().into_bytes())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn list(&self, _: &Path) -> io::Result<Vec<(String, bool)>> {
        Ok(vec![("main.tf".to_owned(), false)])
    }

    fn is_file(&self, path: &Path) -> bool {
        path.ends_with("main.tf")
    }
}

fn load(constraint: &str) -> (Configuration, Diagnostics) {
    let text = format!("variable \"x\" {{\n  type = {constraint}\n}}\n");
    config::load(Path::new("."), &OneFile(text), &mut Sources::default())
}

/// Returns what the variable makes of a value, as the console shows it, on one line.
fn accepted(constraint: &str, value: Value) -> String {
    let (configuration, diags) = load(constraint);
    assert!(!diags.has_errors(), "{constraint}: {diags:?}");
    let variable = &configuration.root().expect("a module").variables["x"];
    let value =
        variable.accept(value).unwrap_or_else(|problem| panic!("{constraint}: {problem:?}"));
    render(&value).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn constraints_are_read_as_they_are_written() {
    for (constraint, shown) in [
        ("string", "string"),
        ("any", "any"),
        ("list", "list(any)"),
        ("map(number)", "map(number)"),
        ("set(tuple([string, bool]))", "set(tuple([string,bool]))"),
        ("object({ b = string, a = optional(number) })", "object({a=optional(number),b=string})"),
        (
            "list(object({\n    a = string\n    \"b\" = optional(list(any), [])\n  }))",
            "list(object({a=string,b=optional(list(any))}))",
        ),
    ] {
        let (configuration, diags) = load(constraint);
        assert!(!diags.has_errors(), "{constraint}: {diags:?}");
        assert_eq!(configuration.root().expect("a module").variables["x"].ty.to_string(), shown);
    }
}

#[test]
fn wrong_constraints_say_what_is_wrong() {
    for (constraint, detail) in [
        ("strin", "The keyword \"strin\" is not a valid type specification."),
        (
            "list(string, number)",
            "The list type constructor requires one argument specifying the element type.",
        ),
        ("set()", "The set type constructor requires one argument specifying the element type."),
        ("string(1)", "Primitive type keyword \"string\" does not expect arguments."),
        (
            "optional(string)",
            "Keyword \"optional\" is valid only as a modifier for object type attributes.",
        ),
        ("foo(string)", "Keyword \"foo\" is not a valid type constructor."),
        (
            "object",
            "The object type constructor requires one argument specifying the attribute types and values as a map.",
        ),
        (
            "object({ a = optional(number, \"x\") })",
            "This default value is not compatible with the attribute's type constraint: a number is required.",
        ),
        (
            "object({ a = optional() })",
            "Optional attribute modifier requires the attribute type as its argument.",
        ),
    ] {
        let (_, diags) = load(constraint);
        let found: Vec<&str> = diags.iter().map(|one| one.detail.as_str()).collect();
        assert_eq!(found, [detail], "{constraint}");
    }
}

#[test]
fn defaults_fill_what_is_missing_or_null() {
    let object = |entries: &[(&str, Value)]| {
        Value::object_of(entries.iter().map(|(name, value)| (*name, value.clone())))
    };
    let empty = || Value::object(Map::new());
    let size = "object({ size = optional(number, 4), zone = optional(string) })";
    assert_eq!(accepted(size, empty()), "{ \"size\" = 4 \"zone\" = tostring(null) }");
    let null = Value::null(terrarium_value::Type::Dynamic);
    assert_eq!(
        accepted(size, object(&[("size", null)])),
        "{ \"size\" = 4 \"zone\" = tostring(null) }"
    );
    assert_eq!(
        accepted(size, object(&[("size", Value::string("8"))])),
        "{ \"size\" = 8 \"zone\" = tostring(null) }"
    );

    let nested = "map(object({ inner = optional(object({ a = optional(string, \"x\") }), {}) }))";
    assert_eq!(
        accepted(nested, object(&[("k", empty())])),
        "tomap({ \"k\" = { \"inner\" = { \"a\" = \"x\" } } })"
    );
    let listed = "list(object({ n = optional(number, 1) }))";
    assert_eq!(accepted(listed, Value::tuple([empty()])), "tolist([ { \"n\" = 1 }, ])");
    let tuple = "tuple([string, object({ n = optional(number, 1) })])";
    assert_eq!(
        accepted(tuple, Value::tuple([Value::string("s"), empty()])),
        "[ \"s\", { \"n\" = 1 }, ]"
    );
}
