//! Looks at requests on their way, as somebody who knows the leases: what no engine may ever ask for.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use terrarium_testbed as testbed;

use super::Inside;

/// For how long an engine may not know that a lease is over.
const UNAWARE: SignedDuration = SignedDuration::from_hours(2);

/// Statuses of a lease that does not lend yet.
const NOT_YET: &[&str] = &["CREATING", "PENDING", "STARTING"];

impl Inside {
    /// Notes a server that is asked for on a lease that does not lend.
    pub(super) fn inspect(&mut self, request: &testbed::Request) {
        let path = bare(&request.path_and_query).to_owned();
        if request.method == http::Method::DELETE && path.contains("/servers/") {
            self.removed_servers += 1;
        }
        if request.method != http::Method::POST || !path.ends_with("/servers") {
            return;
        }
        let body: Json = serde_json::from_slice(&request.body).unwrap_or_default();
        let hint = body.pointer("/os:scheduler_hints/reservation");
        let Some(wanted) = hint.or(body.pointer("/server/flavorRef")).and_then(Json::as_str) else {
            return;
        };
        let wanted = wanted.to_owned();
        let site = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let (_, listed) =
            self.others("GET", &format!("/{site}/reservation/v1/leases"), &Json::Null);
        let leases = listed.get("leases").and_then(Json::as_array);
        let lender = leases.into_iter().flatten().find(|lease| {
            let reservations = lease.get("reservations").and_then(Json::as_array);
            reservations.into_iter().flatten().any(|one| one.get("id") == Some(&json!(wanted)))
        });
        let Some(lender) = lender else { return };
        let text = |key: &str| lender.get(key).and_then(Json::as_str).unwrap_or_default();
        let ended = format!("{}Z", text("end_date")).parse::<Timestamp>();
        let long_over =
            ended.is_ok_and(|at| at.saturating_add(UNAWARE).is_ok_and(|at| at < self.now));
        if NOT_YET.contains(&text("status")) || long_over {
            let (name, status) = (text("name"), text("status"));
            self.wrong
                .push(format!("a server is asked for on the lease {name:?}, which is {status}"));
        }
    }

    /// Asks a service as somebody of the same project.
    pub(super) fn others(&self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        let site = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let ask = |method: &str, path: &str, token: Option<&str>, body: &Json| {
            let mut headers = http::HeaderMap::new();
            if let Some(token) = token.and_then(|token| token.parse().ok()) {
                headers.insert("x-auth-token", token);
            }
            self.router.handle(&testbed::Request {
                method: method.parse().unwrap_or(http::Method::GET),
                path_and_query: path.to_owned(),
                headers,
                body: if body.is_null() { String::new() } else { body.to_string() }.into(),
            })
        };
        let who = json!({"auth": {"identity": {"methods": ["password"],
            "password": {"user": {"name": "student", "password": "x"}}}}});
        let entered = ask("POST", &format!("/{site}/identity/v3/auth/tokens"), None, &who);
        let token = entered.headers.get("x-subject-token").and_then(|token| token.to_str().ok());
        let answer = ask(method, path, token, body);
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or_default())
    }
}

/// Returns a URL without its origin and query.
fn bare(url: &str) -> &str {
    let path = url.strip_prefix(crate::wire::ORIGIN).unwrap_or(url);
    path.split('?').next().unwrap_or_default()
}
