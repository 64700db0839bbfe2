//! Filters over what can be reserved: written by users as blocks or as JSON text, sent as Blazar's own
//! syntax, and evaluated over the calendar.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use terrarium_value::Value;

use crate::look::Look;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The property, without `$`.
    pub(super) property: String,
    /// `=`, `!=`, `<`, `>`, `<=`, `>=`.
    pub(super) op: String,
    /// What it is compared with.
    pub(super) value: String,
}

/// The operators that Blazar knows.
pub(super) const OPERATORS: &[&str] = &["=", "==", "!=", "<", ">", "<=", ">="];

/// Columns of Blazar's own record of a host: they compare as numbers where they are numbers.
const COLUMNS: &[&str] =
    &["vcpus", "memory_mb", "local_gb", "hypervisor_hostname", "hypervisor_type", "id"];

/// Returns the conditions of `where` blocks; `None` where one is not known yet.
pub(super) fn of_blocks(blocks: &[Value]) -> Option<Vec<Condition>> {
    blocks.iter().map(of_block).collect()
}

fn of_block(block: &Value) -> Option<Condition> {
    let op = block.get("op").filter(|op| op.is_known())?.as_str().unwrap_or("=");
    Some(Condition {
        property: block.text("property")?.trim_start_matches('$').to_owned(),
        op: if op == "==" { "=".into() } else { op.to_owned() },
        value: block.text("value")?.to_owned(),
    })
}

/// Writes conditions as Blazar reads them; empty for none.
pub(super) fn text(conditions: &[Condition]) -> String {
    let one = |c: &Condition| json!([c.op.as_str(), format!("${}", c.property), c.value.as_str()]);
    match conditions {
        [] => String::new(),
        [single] => one(single).to_string(),
        several => {
            let all = std::iter::once(json!("and")).chain(several.iter().map(one));
            Json::Array(all.collect()).to_string()
        }
    }
}

/// Reads a filter's JSON text; errors are sentences.
pub(super) fn parse(text: &str) -> Result<Vec<Condition>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let json: Json = serde_json::from_str(text).map_err(|error| {
        format!("{text:?} is not JSON ({error}): write [\"=\", \"$node_type\", \"gpu_v100\"]")
    })?;
    let items = json.as_array().map(Vec::as_slice).unwrap_or_default();
    match items {
        [] if json.is_array() => Ok(Vec::new()),
        [first, rest @ ..] if first == "and" => rest.iter().map(condition).collect(),
        _ => Ok(vec![condition(&json)?]),
    }
}

fn condition(json: &Json) -> Result<Condition, String> {
    let malformed = || {
        format!(
            "{json} is no condition: Blazar takes [\"=\", \"$node_type\", \"gpu_v100\"], or several of these after \
             \"and\"; there is no \"or\", \"not\" or \"in\", and all values are strings"
        )
    };
    let [op, property, value] = json.as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(malformed());
    };
    let op = op.as_str().filter(|op| OPERATORS.contains(op)).ok_or_else(malformed)?;
    let property = property.as_str().and_then(|name| name.strip_prefix('$'));
    let property = property.filter(|name| !name.is_empty()).ok_or_else(malformed)?;
    let value = value.as_str().filter(|value| !value.is_empty()).ok_or_else(malformed)?;
    Ok(Condition {
        property: property.to_owned(),
        op: if op == "==" { "=".into() } else { op.to_owned() },
        value: value.to_owned(),
    })
}

/// Returns a filter's text in the one way that we write it; what can't be read stays as it is.
pub(super) fn normal(given: &str) -> String {
    parse(given).map_or_else(|_| given.to_owned(), |conditions| text(&conditions))
}

/// Returns whether two filter texts mean the same.
pub(super) fn same(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

/// Returns whether a thing with these properties meets all conditions, compared as Blazar does:
/// its own columns as numbers, everything else as text.
pub(super) fn meets(properties: &BTreeMap<String, Json>, conditions: &[Condition]) -> bool {
    conditions.iter().all(|condition| {
        let Some(there) = properties.get(&condition.property) else { return false };
        if COLUMNS.contains(&condition.property.as_str())
            && let (Some(a), Ok(b)) = (number(there), condition.value.parse::<f64>())
        {
            return holds(&condition.op, a.partial_cmp(&b));
        }
        let there = crate::wire::scalar_text(there);
        holds(&condition.op, Some(there.as_str().cmp(condition.value.as_str())))
    })
}

fn number(json: &Json) -> Option<f64> {
    json.as_f64().or_else(|| json.as_str()?.parse().ok())
}

fn holds(op: &str, order: Option<std::cmp::Ordering>) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match (op, order) {
        ("=", Some(order)) => order == Equal,
        ("!=", Some(order)) => order != Equal,
        ("<", Some(order)) => order == Less,
        (">", Some(order)) => order == Greater,
        ("<=", Some(order)) => order != Greater,
        (">=", Some(order)) => order != Less,
        _ => false,
    }
}

/// Returns the value that a property must have, where a filter says so.
pub(super) fn demanded<'c>(conditions: &'c [Condition], property: &str) -> Option<&'c str> {
    let found = conditions.iter().find(|c| c.property == property && c.op == "=");
    found.map(|condition| condition.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_one_spelling() {
        for (given, expected) in [
            (r#"["==","$node_type","gpu_v100"]"#, r#"["=","$node_type","gpu_v100"]"#),
            (r#"["and",["=","$a","1"]]"#, r#"["=","$a","1"]"#),
            (
                r#"["and", ["=", "$a", "1"], [">", "$b", "2"]]"#,
                r#"["and",["=","$a","1"],[">","$b","2"]]"#,
            ),
            ("[]", ""),
            ("", ""),
        ] {
            assert_eq!(normal(given), expected, "{given}");
        }
        for wrong in [r#"["or",["=","$a","1"]]"#, r#"["=","a","1"]"#, r#"["=","$a",1]"#, "node"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn properties_compare_as_text_and_columns_as_numbers() {
        let host = BTreeMap::from([
            ("vcpus".to_owned(), json!(48)),
            ("gpu.gpu_count".to_owned(), json!("20")),
        ]);
        for (filter, expected) in [
            (r#"[">=","$vcpus","100"]"#, false),
            (r#"[">=","$vcpus","9"]"#, true),
            (r#"[">=","$gpu.gpu_count","100"]"#, true),
            (r#"["=","$node_type","x"]"#, false),
            (r#"["!=","$node_type","x"]"#, false),
        ] {
            assert_eq!(meets(&host, &parse(filter).unwrap()), expected, "{filter}");
        }
    }
}
