//! What Chameleon says where too little is free: the whole question, as Python writes it.

use jiff::Timestamp;
use serde_json::Value;

use super::lease::{Lease, Window};
use crate::{
    json::{self, Body},
    reply::{Refusal, no},
};

/// Returns the refusal of what a reservation asks for where too little is free in the window.
///
/// `added` is what Blazar adds to the request's members.
pub(super) fn nothing_fits(
    (lease, window): (&Lease, Window),
    given: &Body,
    added: &[(&str, Value)],
) -> Refusal {
    let member = |key: &str, value: &Value| format!("'{key}': {}", json::python(value));
    let asked = given.iter().filter(|(key, _)| added.iter().all(|(name, _)| name != key));
    let mut parts: Vec<String> = asked.map(|(key, value)| member(key, value)).collect();
    parts.push(format!("'start_date': {}", datetime(window.start)));
    parts.push(format!("'end_date': {}", datetime(window.end)));
    parts.push(format!("'project_id': '{}'", lease.project_id));
    parts.extend(added.iter().map(|(key, value)| member(key, value)));
    no(500, format!("Not enough resources available with query {{{}}}", parts.join(", ")))
}

/// Returns a lease's date, which is a whole minute, as Python shows it.
fn datetime(at: Timestamp) -> String {
    at.strftime("datetime.datetime(%Y, %-m, %-d, %-H, %-M)").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_pythons() {
        let at = "2024-04-01T03:44:00Z".parse().expect("an instant");
        assert_eq!(datetime(at), "datetime.datetime(2024, 4, 1, 3, 44)");
    }
}
