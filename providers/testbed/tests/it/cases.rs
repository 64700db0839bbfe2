//! Cases as text: `tests/data/*.http`, a request and what must come back, one after the other.
//!
//! - `> METHOD path` sends the JSON that follows, `< status` tells the reply's status, and the JSON
//!   that follows it what its body must have: members that are not named are not compared.
//! - `"$name"` in an expectation keeps what is there, or compares once kept; elsewhere `$name` is
//!   replaced. `"*"` is anything, `"!"` is no such member, `"~text"` contains the text.
//! - `> ADVANCE seconds` moves the clock; `^ header: value` belongs to the request before it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::cloud::Cloud;

struct Step {
    line: usize,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    status: u16,
    expected: String,
}

#[test]
fn every_case_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut cases: Vec<_> = std::fs::read_dir(&folder)
        .expect("tests/data exists")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .collect();
    cases.sort();
    assert!(cases.len() > 5, "the cases are found");
    let failures: Vec<String> = cases.iter().filter_map(|case| run(case).err()).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

fn run(case: &Path) -> Result<(), String> {
    let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(case).map_err(|error| format!("{name}: {error}"))?;
    let mut cloud = Cloud::in_memory(1);
    let mut kept = BTreeMap::new();
    for step in parse(&text) {
        let at = format!("{name}:{}", step.line);
        if step.method == "ADVANCE" {
            cloud.advance(step.path.parse().map_err(|error| format!("{at}: {error}"))?);
            continue;
        }
        let headers: Vec<(&str, String)> =
            step.headers.iter().map(|(name, value)| (name.as_str(), fill(value, &kept))).collect();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = fill(&step.path, &kept);
        let response = cloud.send((&step.method, &path), &headers, &fill(&step.body, &kept));
        let body = String::from_utf8_lossy(&response.body).into_owned();
        if response.status.as_u16() != step.status {
            return Err(format!(
                "{at}: {path}: {} instead of {}: {body}",
                response.status, step.status
            ));
        }
        if step.expected.is_empty() {
            continue;
        }
        let expected = fill(&step.expected, &kept);
        let expected: Value = serde_json::from_str(&expected)
            .map_err(|error| format!("{at}: {error}: {expected}"))?;
        let actual = serde_json::from_str(&body).unwrap_or(Value::String(body.clone()));
        compare(&expected, Some(&actual), &mut kept)
            .map_err(|problem| format!("{at}: {path}: {problem}\nin {body}"))?;
    }
    Ok(())
}

fn parse(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut answering = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            continue;
        }
        if let Some(request) = line.strip_prefix("> ") {
            let (method, path) = request.split_once(' ').unwrap_or((request, ""));
            steps.push(Step {
                line: index + 1,
                method: method.to_owned(),
                path: path.to_owned(),
                headers: Vec::new(),
                body: String::new(),
                status: 200,
                expected: String::new(),
            });
            answering = false;
            continue;
        }
        let Some(step) = steps.last_mut() else { continue };
        if let Some(header) = line.strip_prefix("^ ") {
            let (name, value) = header.split_once(": ").unwrap_or((header, ""));
            step.headers.push((name.to_owned(), value.to_owned()));
        } else if let Some(status) = line.strip_prefix("< ") {
            step.status = status.trim().parse().unwrap_or_else(|_| panic!("status: {line}"));
            answering = true;
        } else if answering {
            step.expected.push_str(line);
        } else {
            step.body.push_str(line);
        }
    }
    steps
}

/// Replaces every `$name` that is kept; `$sub2` is not `$sub` and a 2.
fn fill(text: &str, kept: &BTreeMap<String, String>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        let (name, beyond) = after.split_at(end);
        if let Some(value) = kept.get(name) {
            filled.push_str(value);
        } else {
            filled.push('$');
            filled.push_str(name);
        }
        rest = beyond;
    }
    filled + rest
}

fn compare(
    expected: &Value,
    actual: Option<&Value>,
    kept: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let shown = actual.map_or("nothing".to_owned(), Value::to_string);
    let differs = || Err(format!("{shown} instead of {expected}"));
    if let Value::String(text) = expected {
        if text == "!" {
            return if actual.is_none() { Ok(()) } else { differs() };
        }
        if text == "*" {
            return if actual.is_some() { Ok(()) } else { differs() };
        }
        if let Some(part) = text.strip_prefix('~') {
            return if shown.contains(&fill(part, kept)) { Ok(()) } else { differs() };
        }
        if let Some(name) = text.strip_prefix('$') {
            let Some(Value::String(value)) = actual else { return differs() };
            kept.insert(name.to_owned(), value.clone());
            return Ok(());
        }
    }
    match (expected, actual) {
        (Value::Object(members), Some(Value::Object(others))) => {
            for (key, member) in members {
                compare(member, others.get(key), kept)
                    .map_err(|problem| format!("{key}: {problem}"))?;
            }
            Ok(())
        }
        (Value::Array(elements), Some(Value::Array(others))) => {
            if elements.len() != others.len() {
                return Err(format!("{} elements instead of {}", others.len(), elements.len()));
            }
            for (index, (element, other)) in elements.iter().zip(others).enumerate() {
                compare(element, Some(other), kept)
                    .map_err(|problem| format!("[{index}] {problem}"))?;
            }
            Ok(())
        }
        (expected, Some(actual)) if expected == actual => Ok(()),
        _ => differs(),
    }
}
