//! What a service said instead of yes, and who may act on it.

use http::{Method, StatusCode};
use serde_json::Value as Json;
use terrarium_diagnostic::{Code, Diagnostic};
use terrarium_provider::Doubt;

use super::transport::Response;
use crate::codes;

/// Why a call has no useful answer; for mutating calls: nothing was done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum ApiError {
    /// No credentials, or no way to use them.
    #[error("{0}")]
    Credentials(String),
    /// The catalog has no such endpoint.
    #[error("the catalog has no {interface} endpoint of type {service} in region {region:?}")]
    NoEndpoint {
        /// The type.
        service: &'static str,
        /// The region asked for; empty for any.
        region: String,
        /// `public`, `internal`, `admin`.
        interface: String,
    },
    /// The service answered with an error.
    #[error("{method} {path}: {status}{}{}", said(.message), request_id_text(.request_id.as_deref()))]
    Status {
        /// The method.
        method: Method,
        /// The URL without its query.
        path: String,
        /// The status.
        status: StatusCode,
        /// The service's own words.
        message: String,
        /// What operators ask for.
        request_id: Option<String>,
    },
    /// No answer came.
    #[error("{method} {path}: {cause}")]
    Unreachable {
        /// The method.
        method: Method,
        /// The URL without its query.
        path: String,
        /// What happened.
        cause: String,
    },
    /// Something else, in whole words: a name that fits nothing, an answer that makes no sense.
    #[error("{0}")]
    Other(String),
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

fn request_id_text(id: Option<&str>) -> String {
    id.map(|id| format!(" ({id})")).unwrap_or_default()
}

impl ApiError {
    /// Builds the error of a reply.
    pub(crate) fn of(method: &Method, url: &str, reply: &Response) -> Self {
        Self::Status {
            method: method.clone(),
            path: bare(url).to_owned(),
            status: reply.status,
            message: message_of(&reply.body),
            request_id: request_id(reply),
        }
    }

    /// Returns the status, where the service answered.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    /// Returns whether the service said that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Returns whether something can't be removed because others need it.
    pub(crate) fn is_conflict_of_a_removal(&self) -> bool {
        let Self::Status { method, path, status, .. } = self else { return false };
        let removes = *method == Method::DELETE || path.contains("/remove_");
        removes && status.as_u16() == 409
    }

    /// Returns the service's own words.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Status { message, .. } => message.clone(),
            other => other.to_string(),
        }
    }

    /// Returns the code of its diagnostic.
    fn code(&self) -> Code {
        match self {
            Self::Credentials(_) => codes::CREDENTIALS,
            Self::NoEndpoint { .. } => codes::NO_ENDPOINT,
            Self::Status { status, .. } if status.as_u16() == 403 => codes::FORBIDDEN,
            Self::Status { .. } | Self::Other(_) => codes::REFUSED,
            Self::Unreachable { .. } => codes::UNREACHABLE,
        }
    }

    /// Turns it into a diagnostic under a summary such as `Error creating openstack_…`.
    pub(crate) fn diagnostic(&self, summary: impl Into<String>) -> Diagnostic {
        let error = Diagnostic::error(self.code(), summary).detail(self.to_string());
        match self.cause() {
            Some(cause) => error.cause(cause),
            None => error,
        }
    }

    /// Names what is wrong where that has nothing to do with the object: a service that has no time for anybody, or
    /// does not answer.
    fn cause(&self) -> Option<String> {
        match self {
            Self::Status { path, status, .. } if matches!(status.as_u16(), 429 | 502..=504) => {
                Some(format!("{status} {}", service_of(path)))
            }
            Self::Unreachable { path, .. } => Some(format!("unreachable {}", service_of(path))),
            _ => None,
        }
    }
}

/// Why a mutating action did not come to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// The service said no, or nothing was sent.
    Refused(ApiError),
    /// It was sent, and no trustworthy answer came.
    Unknown(Doubt),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    /// Builds a refusal in whole words.
    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self::Refused(ApiError::Other(text.into()))
    }

    /// Returns the status, where the service answered with one that can be trusted.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(error) => error.status(),
            Self::Unknown(_) => None,
        }
    }
}

/// Returns the part of a URL that all calls to a service share: up to the version of its API, else its host.
fn service_of(url: &str) -> &str {
    let is_version = |at: &usize| {
        let after = url.get(at + 2..).and_then(|rest| rest.chars().next());
        after.is_some_and(|first| first.is_ascii_digit())
    };
    let version = url.match_indices("/v").map(|(at, _)| at).find(is_version);
    let host = url.find("://").and_then(|at| url.get(at + 3..)?.find('/').map(|end| at + 3 + end));
    url.get(..version.or(host).unwrap_or(url.len())).unwrap_or(url)
}

/// Returns a URL without its query.
pub(crate) fn bare(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// Returns the request id of a reply.
pub(crate) fn request_id(reply: &Response) -> Option<String> {
    ["x-openstack-request-id", "x-compute-request-id"]
        .iter()
        .find_map(|name| reply.headers.get(*name)?.to_str().ok())
        .map(str::to_owned)
}

/// Finds the sentence in an error body: each service wraps it in its own way.
pub(crate) fn message_of(body: &[u8]) -> String {
    let Ok(json) = serde_json::from_slice::<Json>(body) else {
        return String::from_utf8_lossy(body)
            .chars()
            .take(500)
            .collect::<String>()
            .trim()
            .to_owned();
    };
    let direct = |json: &Json| {
        ["message", "faultstring", "error_message", "title"]
            .iter()
            .find_map(|key| json.get(*key)?.as_str())
            .map(str::to_owned)
    };
    direct(&json)
        .or_else(|| json.as_object()?.values().find_map(direct))
        .or_else(|| {
            let text = json.as_object()?.values().find_map(Json::as_str)?;
            Some(text.to_owned())
        })
        .unwrap_or_else(|| json.to_string())
}

#[cfg(test)]
mod tests {
    use super::message_of;

    #[test]
    fn every_service_wraps_its_words_differently() {
        for (body, expected) in [
            (
                r#"{"NeutronError": {"type": "NetworkInUse", "message": "in use", "detail": ""}}"#,
                "in use",
            ),
            (r#"{"badRequest": {"code": 400, "message": "no"}}"#, "no"),
            (r#"{"error": {"code": 401, "title": "Unauthorized", "message": "log in"}}"#, "log in"),
            (r#"{"message": "gone"}"#, "gone"),
            (r#"{"NeutronError": "old style"}"#, "old style"),
            ("<html>502</html>", "<html>502</html>"),
            ("", ""),
        ] {
            assert_eq!(message_of(body.as_bytes()), expected, "{body}");
        }
    }
}
