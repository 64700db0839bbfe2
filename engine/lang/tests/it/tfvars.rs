//! Values from outside: files, `-var` and environment variables.

use std::path::Path;

use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::config::Variable;
use terrarium_lang::tfvars::{self, GivenValue};
use terrarium_value::render;

use crate::config::{Texts, load_text};

fn text_of(given: &[GivenValue], diags: &Diagnostics) -> String {
    let values = given.iter().map(|given| format!("{} = {}\n", given.name, render(&given.value)));
    let problems = diags
        .iter()
        .map(|problem| format!("{} {}: {}\n", problem.code, problem.summary, problem.detail));
    values.chain(problems).collect()
}

fn read(name: &str, text: &str) -> String {
    let mut sources = Sources::default();
    let (given, diags) = tfvars::read_file(
        Path::new(name),
        Path::new(name),
        &Texts::new([(name, text)]),
        &mut sources,
    );
    text_of(&given, &diags)
}

fn variable(block: &str) -> Variable {
    let (configuration, diags, _) = load_text(&format!("variable \"x\" {{\n{block}\n}}\n"));
    assert!(!diags.has_errors(), "{diags:?}");
    configuration.root().unwrap().variables["x"].clone()
}

/// The value that `-var x=TEXT` gives, after conversion.
fn given(block: &str, text: &str) -> String {
    let variable = variable(block);
    let mut sources = Sources::default();
    let (given, diags) = tfvars::read_value(&variable, text, "<value for var.x>", &mut sources);
    match given {
        Some(given) => match variable.accept(given.value) {
            Ok(value) => render(&value),
            Err(problem) => format!("{}: {}", problem.summary, problem.detail),
        },
        None => text_of(&[], &diags),
    }
}

#[test]
fn files_give_values() {
    assert_eq!(
        read("a.tfvars", "a = 1 # x\nb = { c = [true, null] }\nd = <<EOT\ntext\nEOT\n"),
        "a = 1\nb = {\n  \"c\" = [\n    true,\n    null,\n  ]\n}\nd = <<EOT\ntext\n\nEOT\n"
    );
    assert_eq!(
        read("a.tfvars.json", r#"{"a": 1, "b": {"c": ["x"]}}"#),
        "a = 1\nb = {\n  \"c\" = [\n    \"x\",\n  ]\n}\n"
    );
}

#[test]
fn files_have_no_references_and_no_blocks() {
    let text = read("a.tfvars", "a = var.b\nb = file(\"x\")\nc {}\na = 2\n");
    for part in ["Variables not allowed", "Function calls not allowed", "Unexpected block", "a = 2"]
    {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(read("a.tfvars", "a = 1\na = 2\n").contains("Attribute redefined"));
    assert!(read("a.tfvars.json", "[1]").contains("one JSON object"));
    assert!(read("a.tfvars.json", "{").contains("no valid JSON"));
}

#[test]
fn text_of_a_primitive_is_the_value_itself() {
    assert_eq!(given("type = string", "[x] \"y\""), r#""[x] \"y\"""#);
    assert_eq!(given("type = number", "12"), "12");
    assert_eq!(given("type = bool", "true"), "true");
    assert_eq!(given("", "[1]"), "\"[1]\"");
    assert_eq!(
        given("type = number", "x"),
        "Invalid value for input variable: The given value is not suitable for var.x: a number is required."
    );
}

#[test]
fn text_of_anything_else_is_an_expression() {
    assert_eq!(given("type = list(number)", r#"["1", 2]"#), "tolist([\n  1,\n  2,\n])");
    assert_eq!(
        given("type = object({ a = optional(string, \"d\") })", "{}"),
        "{\n  \"a\" = \"d\"\n}"
    );
    assert_eq!(given("type = any", "{ a = [1] }"), "{\n  \"a\" = [\n    1,\n  ]\n}");
    assert!(given("type = list(string)", "[").contains("T0001"));
    assert!(given("type = list(string)", "var.x").contains("Variables not allowed"));
}

#[test]
fn null_is_the_default_where_it_is_no_value() {
    assert_eq!(given("type = list(string)", "null"), "tolist(null) /* of string */");
    assert_eq!(
        given("type = list(string)\nnullable = false\ndefault = [\"a\"]", "null"),
        "tolist([\n  \"a\",\n])"
    );
    assert_eq!(
        given("type = list(string)\nnullable = false", "null"),
        "Invalid value for input variable: The given value is not suitable for var.x: required variable may not be set \
         to null."
    );
}
