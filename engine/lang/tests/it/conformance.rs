//! Expressions with Terraform 1.11.4's answers: the value as the console shows it, its type, its JSON.
//!
//! `data/conformance` holds the configuration that they refer to and a selection of them; where the whole
//! collection lies beside the project, it is run too.

#![allow(clippy::expect_used, reason = "a fixture that is not as expected fails the test")]

mod scope;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::expr::{Frame, Limits};
use terrarium_lang::{StdFiles, config, tfvars};
use terrarium_value::{Marks, json, render, type_text};

use scope::FixtureScope;

/// How many records of the whole collection are answered exactly as Terraform does. Only ever raised.
const EXACT_AT_LEAST: usize = 1234;

/// What an expression gives.
struct Answer {
    result: String,
    ty: String,
    /// `None` where there is none: of unknown values.
    json: Option<String>,
    sensitive: bool,
}

fn answer(text: &str, scope: &FixtureScope) -> Result<Answer, String> {
    let mut sources = Sources::default();
    let text: Arc<str> = text.into();
    let file = sources.add_text("<console-input>", text.clone());
    let (expr, mut diags) = tfvars::read_expression(file, &text);
    let expr = expr.filter(|_| !diags.has_errors()).ok_or_else(|| summary(&diags))?;
    if let Some(problem) = scope.undeclared(&expr) {
        return Err(problem);
    }
    let frame = Frame::new(scope);
    let of_type = expr.eval_type_argument(&frame, &mut diags);
    let value = match &of_type {
        Some(value) => value.clone(),
        None => expr.eval(&frame, &mut diags),
    };
    if diags.has_errors() {
        return Err(summary(&diags));
    }
    let ty = type_text(&value.ty());
    let result = if of_type.is_some() { ty.clone() } else { render(&value) };
    let json = json::encode(&value.unmarked_deep()).ok();
    Ok(Answer { result, ty, json, sensitive: value.marks().contains(Marks::SENSITIVE) })
}

fn summary(diags: &Diagnostics) -> String {
    diags.iter().find(|one| one.is_error()).map(|one| one.summary.clone()).unwrap_or_default()
}

/// Returns what differs, `None` where the answer is Terraform's.
fn difference(record: &Json, scope: &FixtureScope) -> Option<String> {
    let field = |name: &str| record.get(name).and_then(Json::as_str);
    let text = field("expr").unwrap_or_default();
    let answer = answer(text, scope);
    match (field("error"), answer) {
        (Some(_), Err(_)) => None,
        (Some(error), Ok(answer)) => {
            Some(format!("{text}\n  expected error: {error}\n  got: {}", answer.result))
        }
        (None, Err(error)) => {
            let expected = field("result").or(field("json")).unwrap_or_default();
            Some(format!("{text}\n  expected: {expected}\n  got error: {error}"))
        }
        (None, Ok(answer)) => {
            let texts =
                [("result", Some(answer.result)), ("type", Some(answer.ty)), ("json", answer.json)];
            let wrong = texts.into_iter().find_map(|(name, got)| {
                let (expected, got) = (field(name)?, got.unwrap_or_default());
                (expected != got)
                    .then(|| format!("{text}\n  expected {name}: {expected}\n  got: {got}"))
            });
            let sensitive = record.get("sensitive").and_then(Json::as_bool);
            wrong.or_else(|| {
                sensitive
                    .filter(|sensitive| *sensitive != answer.sensitive)
                    .map(|sensitive| format!("{text}\n  expected sensitive: {sensitive}"))
            })
        }
    }
}

fn differences(records: &Path, fixture: &Path) -> (usize, Vec<String>) {
    let mut sources = Sources::default();
    let (configuration, diags) = config::load(fixture, &StdFiles, &mut sources);
    assert!(!diags.has_errors(), "{diags:?}");
    let scope = FixtureScope::root(configuration, fixture);
    let text = std::fs::read_to_string(records).expect("the records");
    let records: Vec<Json> =
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    let found = records.iter().filter_map(|record| difference(record, &scope)).collect();
    (records.len(), found)
}

fn fixture_scope() -> FixtureScope {
    let fixture = own().join("fixture");
    let (configuration, _) = config::load(&fixture, &StdFiles, &mut Sources::default());
    FixtureScope::root(configuration, &fixture)
}

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/conformance")
}

#[test]
fn the_selection_is_answered_exactly() {
    let (count, found) = differences(&own().join("expressions.jsonl"), &own().join("fixture"));
    assert!(count > 100, "{count}");
    assert!(found.is_empty(), "{} of {count} differ:\n{}", found.len(), found.join("\n"));
}

/// Expressions beside the collection, above all marks, templates and verbs of `format`.
#[test]
fn further_expressions_are_answered_exactly() {
    let (count, found) = differences(&own().join("more.jsonl"), &own().join("fixture"));
    assert!(count > 100, "{count}");
    assert!(found.is_empty(), "{} of {count} differ:\n{}", found.len(), found.join("\n"));
}

/// Sets some of whose elements are unknown: they may turn out to be equal, and nobody knows their order.
#[test]
fn sets_with_unknown_elements_are_answered_exactly() {
    let (count, found) = differences(&own().join("sets.jsonl"), &own().join("fixture"));
    assert!(count > 50, "{count}");
    assert!(found.is_empty(), "{} of {count} differ:\n{}", found.len(), found.join("\n"));
}

/// `try` and `can` where something is unknown: what fails whatever it will be fails now.
#[test]
fn attempts_with_unknown_values_are_answered_exactly() {
    let (count, found) = differences(&own().join("try.jsonl"), &own().join("fixture"));
    assert!(count > 30, "{count}");
    assert!(found.is_empty(), "{} of {count} differ:\n{}", found.len(), found.join("\n"));
}

/// Paths that begin with `~`, where somebody's home is `/home/somebody`.
#[test]
fn paths_of_the_home_directory_are_answered_exactly() {
    let (count, found) = differences(&own().join("home.jsonl"), &own().join("fixture"));
    assert!(count > 10, "{count}");
    assert!(found.is_empty(), "{} of {count} differ:\n{}", found.len(), found.join("\n"));
}

/// All functions that read files take `~` for the home directory.
#[test]
fn files_of_the_home_directory_are_read() {
    let fixture = own().join("fixture");
    let mut scope = fixture_scope();
    let files = std::fs::canonicalize(fixture.join("files")).expect("the files");
    scope.set_home(&files);
    for function in [
        "file",
        "fileexists",
        "filebase64",
        "filemd5",
        "filesha1",
        "filesha256",
        "filesha512",
        "filebase64sha256",
        "filebase64sha512",
    ] {
        let relative =
            answer(&format!("{function}(\"files/hello.txt\")"), &scope).map(|it| it.result);
        let of_home = answer(&format!("{function}(\"~/hello.txt\")"), &scope).map(|it| it.result);
        assert!(relative.is_ok(), "{function}: {relative:?}");
        assert_eq!(of_home, relative, "{function}");
    }
    let template = answer("templatefile(\"~/hello.txt\", {})", &scope);
    assert!(template.is_ok(), "{:?}", template.err());
}

#[test]
fn a_for_within_others_that_may_not_go_round_ends_them_all() {
    let scope = fixture_scope();
    let text =
        "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a + b + c]]]";
    let text: Arc<str> = text.into();
    let file = Sources::default().add_text("<console-input>", text.clone());
    let (expr, mut diags) = tfvars::read_expression(file, &text);
    expr.expect("it is an expression").eval(&Frame::new(&scope), &mut diags);
    let told: Vec<_> = diags.iter().map(|one| one.summary.as_str()).collect();
    assert_eq!(told, ["Too many rounds"], "told once, and a million rounds are left out");
}

#[test]
fn concat_builds_nothing_that_would_be_too_large() {
    let mut scope = fixture_scope();
    scope.set_limits(Limits { value_parts: 1_000, ..Limits::default() });
    let parts = answer("concat([1], range(500), range(500))", &scope);
    assert_eq!(parts.err().as_deref(), Some("Error in function call"));
    assert!(answer("concat([1], range(900), [\"a\"])", &scope).is_ok());
    assert!(answer("concat()", &scope).is_err());
}

#[test]
fn the_whole_collection_is_answered_as_well_as_before() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let records = shared.join("expressions.jsonl");
    if !records.exists() {
        eprintln!("SKIPPED: the collection of expressions is not here");
        return;
    }
    let (count, found) = differences(&records, &own().join("fixture"));
    let exact = count - found.len();
    assert!(
        exact >= EXACT_AT_LEAST,
        "{exact} of {count} exact, expected {EXACT_AT_LEAST}:\n{}",
        found.join("\n")
    );
    eprintln!("{exact} of {count} exact\n{}", found.join("\n"));
}
