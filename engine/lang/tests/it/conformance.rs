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
use terrarium_lang::expr::Frame;
use terrarium_lang::{StdFiles, config, tfvars};
use terrarium_value::{Marks, json, render, type_text};

use scope::FixtureScope;

/// How many records of the whole collection are answered exactly as Terraform does. Only ever raised.
const EXACT_AT_LEAST: usize = 1233;

struct Answer {
    result: Result<(String, String, Option<String>), String>,
}

fn answer(text: &str, scope: &FixtureScope) -> Answer {
    let mut sources = Sources::default();
    let text: Arc<str> = text.into();
    let file = sources.add_text("<console-input>", text.clone());
    let (expr, mut diags) = tfvars::read_expression(file, &text);
    let Some(expr) = expr.filter(|_| !diags.has_errors()) else {
        return Answer { result: Err(summary(&diags)) };
    };
    if let Some(problem) = scope.undeclared(&expr) {
        return Answer { result: Err(problem) };
    }
    let frame = Frame::new(scope);
    if let Some(value) = expr.eval_type_argument(&frame, &mut diags) {
        let result = if diags.has_errors() {
            Err(summary(&diags))
        } else {
            Ok((type_text(&value.ty()), String::new(), None))
        };
        return Answer { result };
    }
    let value = expr.eval(&frame, &mut diags);
    if diags.has_errors() {
        return Answer { result: Err(summary(&diags)) };
    }
    let secret = Marks::SENSITIVE | Marks::EPHEMERAL;
    let shown = (value.deep_marks().without(secret) == value.deep_marks())
        .then(|| json::encode(&value).ok())
        .flatten();
    Answer { result: Ok((render(&value), type_text(&value.ty()), shown)) }
}

fn summary(diags: &Diagnostics) -> String {
    diags.iter().find(|one| one.is_error()).map(|one| one.summary.clone()).unwrap_or_default()
}

/// Returns what differs, `None` where the answer is Terraform's.
fn difference(record: &Json, scope: &FixtureScope) -> Option<String> {
    let field = |name: &str| record.get(name).and_then(Json::as_str);
    let text = field("expr").unwrap_or_default();
    let answer = answer(text, scope).result;
    match (field("error"), answer) {
        (Some(_), Err(_)) => None,
        (Some(error), Ok((result, ..))) => {
            Some(format!("{text}\n  expected error: {error}\n  got: {result}"))
        }
        (None, Err(error)) => Some(format!(
            "{text}\n  expected: {}\n  got error: {error}",
            field("result").unwrap_or_default()
        )),
        (None, Ok((result, ty, json))) => {
            for (name, got) in [("result", Some(result)), ("type", Some(ty)), ("json", json)] {
                if let (Some(expected), Some(got)) = (field(name), got)
                    && expected != got
                {
                    return Some(format!("{text}\n  expected {name}: {expected}\n  got: {got}"));
                }
            }
            None
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

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/conformance")
}

#[test]
fn the_selection_is_answered_exactly() {
    let (count, found) = differences(&own().join("expressions.jsonl"), &own().join("fixture"));
    assert!(count > 100, "{count}");
    assert!(found.is_empty(), "{} of {count} differ:\n{}", found.len(), found.join("\n"));
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
