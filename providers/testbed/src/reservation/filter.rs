//! Blazar's requirements: which hosts, segments or devices a reservation accepts.
//!
//! The text is JSON: `["=", "$node_type", "gpu_v100"]`, or several of those after `"and"`. A
//! record's own columns compare as numbers where they are numbers; every other property is text
//! and compares as text, so that `"20"` is more than `"100"`.

use serde_json::Value;

use super::inventory::Resource;
use crate::{
    json::python,
    reply::{Outcome, Refusal, no},
};

/// One condition of a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) property: String,
    pub(crate) operator: Operator,
    pub(crate) value: String,
}

/// How a property is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Other,
    Less,
    More,
    AtMost,
    AtLeast,
}

/// The operators as requirements write them; `=` and `==` are one.
const OPERATORS: &[(&str, Operator)] = &[
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("!=", Operator::Other),
    ("<", Operator::Less),
    (">", Operator::More),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
];

impl Operator {
    fn parse(text: &str) -> Option<Operator> {
        OPERATORS.iter().find(|(name, _)| *name == text).map(|(_, operator)| *operator)
    }

    /// Tells whether `left` stands in this relation to `right`; what can't be compared doesn't.
    fn holds<T: PartialOrd + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Operator::Equal => left == right,
            Operator::Other => left != right,
            Operator::Less => left < right,
            Operator::More => left > right,
            Operator::AtMost => left <= right,
            Operator::AtLeast => left >= right,
        }
    }
}

/// Returns the conditions of a requirement as a reservation gives it; nothing means none.
pub(crate) fn parse(requirements: &Value) -> Outcome<Vec<Condition>> {
    match requirements {
        Value::Null | Value::Bool(false) => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        value => convert(&mut value.clone()),
    }
}

/// Returns the resources that meet all `conditions`, in their order.
///
/// A property that no
/// resource has is refused, whatever the other conditions say.
pub(crate) fn select<'r>(
    resources: &'r [Resource],
    conditions: &[Condition],
) -> Outcome<Vec<&'r Resource>> {
    for condition in conditions {
        let key = condition.property.as_str();
        let known = |resource: &Resource| {
            resource.columns.contains_key(key) || resource.properties.contains_key(key)
        };
        if !resources.iter().any(known) {
            return Err(no(500, "BlazarDBNotFound: A database error occurred"));
        }
    }
    Ok(resources.iter().filter(|it| conditions.iter().all(|one| meets(it, one))).collect())
}

/// Tells whether a resource meets a condition; without the property it never does.
pub(crate) fn meets(resource: &Resource, condition: &Condition) -> bool {
    let Condition { property, operator, value } = condition;
    match resource.columns.get(property) {
        Some(column) => column_meets(column, *operator, value),
        None => resource
            .properties
            .get(property)
            .is_some_and(|text| operator.holds(text.as_str(), value.as_str())),
    }
}

fn column_meets(column: &Value, operator: Operator, value: &str) -> bool {
    // The word stands for the database's own null, which equals nothing.
    if value == "null" {
        return match operator {
            Operator::Equal => column.is_null(),
            Operator::Other => !column.is_null(),
            _ => false,
        };
    }
    match column {
        Value::Number(number) => {
            number.as_f64().is_some_and(|number| operator.holds(&number, &leading_number(value)))
        }
        Value::Bool(flag) => operator.holds(&f64::from(u8::from(*flag)), &leading_number(value)),
        Value::String(text) => operator.holds(text.as_str(), value),
        _ => false,
    }
}

/// Returns the number that a text begins with, as the database reads it: 0 where there is none.
fn leading_number(text: &str) -> f64 {
    let text = text.trim();
    let ends = (0..=text.len()).rev().filter(|end| text.is_char_boundary(*end));
    ends.filter_map(|end| text[..end].parse::<f64>().ok()).find(|it| it.is_finite()).unwrap_or(0.0)
}

/// Converts a requirement as Blazar does: in place, so that what a refusal shows has its `=`
/// already written as `==` where that part was fine.
fn convert(requirements: &mut Value) -> Outcome<Vec<Condition>> {
    if let Value::String(text) = requirements {
        let text = if text.is_empty() { "[]" } else { text.as_str() };
        *requirements = serde_json::from_str(text).map_err(|_| malformed(text))?;
    }
    if let Some(condition) = single(requirements) {
        return Ok(vec![condition]);
    }
    let refused = match requirements {
        Value::Array(list) if list.is_empty() => return Ok(Vec::new()),
        Value::Array(list) if list.len() > 1 && list[0] == "and" => match conjunction(list)? {
            Some(conditions) => return Ok(conditions),
            None => shown(requirements),
        },
        Value::Array(_) | Value::String(_) => shown(requirements),
        Value::Object(members) if members.len() < 2 => shown(requirements),
        // Blazar takes those for lists and falls over them.
        _ => return Err(no(500, "Internal Server Error")),
    };
    Err(malformed(&refused))
}

/// Returns the condition of `[operator, "$property", "value"]`, none of anything else.
fn single(requirements: &mut Value) -> Option<Condition> {
    let [operator, property, value] = requirements.as_array_mut()?.as_mut_slice() else {
        return None;
    };
    let known = Operator::parse(operator.as_str()?)?;
    let property = property.as_str()?.strip_prefix('$').filter(|name| !name.is_empty())?;
    let value = value.as_str().filter(|value| !value.is_empty())?;
    let condition =
        Condition { property: property.to_owned(), operator: known, value: value.to_owned() };
    if known == Operator::Equal {
        *operator = Value::from("==");
    }
    Some(condition)
}

/// Returns the conditions after `and`, none where one of them is empty.
///
/// Of an `and` within it only the first condition counts: Blazar looks no deeper.
fn conjunction(list: &mut [Value]) -> Outcome<Option<Vec<Condition>>> {
    let mut conditions = Vec::new();
    for part in list.iter_mut().skip(1) {
        match convert(part)?.into_iter().next() {
            Some(condition) => conditions.push(condition),
            None => return Ok(None),
        }
    }
    Ok(Some(conditions))
}

/// Returns a requirement as the refusal shows it: as Python writes it, a bare text without quotes.
fn shown(requirements: &Value) -> String {
    requirements.as_str().map_or_else(|| python(requirements), str::to_owned)
}

fn malformed(requirements: &str) -> Refusal {
    no(400, format!("Malformed requirements {requirements}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(refusal: &Refusal) -> String {
        match refusal {
            Refusal::Said { status, message, .. } => format!("{status} {message}"),
            Refusal::Broken(error) => error.to_string(),
        }
    }

    /// Three hosts: `a` small, `b` large, `c` without a rate.
    fn hosts() -> Vec<Resource> {
        let host = |name: &str, vcpus: i64, properties: &[(&str, &str)]| Resource {
            id: name.to_owned(),
            name: name.to_owned(),
            columns: crate::json::map(
                json!({"vcpus": vcpus, "hypervisor_hostname": name, "status": null, "reservable": true}),
            ),
            properties: properties
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        };
        vec![
            host("a", 20, &[("node_type", "small"), ("rate", "20"), ("gpu.gpu", "False")]),
            host("b", 100, &[("node_type", "large"), ("rate", "100"), ("gpu.gpu", "True")]),
            host("c", 48, &[("node_type", "large")]),
        ]
    }

    fn outcome(requirements: &Value) -> String {
        let hosts = hosts();
        match parse(requirements).and_then(|conditions| select(&hosts, &conditions)) {
            Ok(found) if found.is_empty() => "-".to_owned(),
            Ok(found) => found.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(" "),
            Err(refusal) => said(&refusal),
        }
    }

    #[test]
    fn every_case_of_the_table_holds() {
        let table = include_str!("../../tests/data/filters.txt");
        let mut cases = 0;
        for (number, line) in (1..).zip(table.lines()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (requirements, expected) = line.split_once(" => ").expect("a case");
            let text = outcome(&json!(requirements));
            assert_eq!(text, expected, "filters.txt:{number}: {requirements}");
            cases += 1;
        }
        assert!(cases > 30, "the table is read");
    }

    #[test]
    fn lists_are_taken_for_their_text() {
        assert_eq!(outcome(&json!(["=", "$node_type", "large"])), "b c");
        for nothing in [json!(null), json!(""), json!([]), json!(false)] {
            assert_eq!(outcome(&nothing), "a b c", "{nothing}");
        }
        assert_eq!(outcome(&json!(5)), "500 Internal Server Error");
    }

    #[test]
    fn numbers_begin_a_text_or_are_nought() {
        for (text, number) in [("20", 20.0), ("20GB", 20.0), (" 1.5 ", 1.5), ("GB", 0.0), ("", 0.0)]
        {
            assert!((leading_number(text) - number).abs() < 1e-9, "{text}");
        }
    }
}
