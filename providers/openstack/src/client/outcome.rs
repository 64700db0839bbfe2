//! What a reply means for the call that it answers.

use std::time::Duration;

use http::Method;
use serde_json::Value as Json;
use terrarium_provider::{Doubt, DoubtKind};

use super::error::{ApiError, Failure, bare};
use super::transport::{Request, Response, TransportError};

/// Returns what a call came to.
pub(super) fn outcome_of(
    request: &Request,
    outcome: Result<Response, TransportError>,
) -> Result<Json, Failure> {
    let unreachable = |cause: String| ApiError::Unreachable {
        method: request.method.clone(),
        path: bare(&request.url).to_owned(),
        cause,
    };
    let reply = outcome.map_err(|error| unreachable(error.to_string()))?;
    if !reply.status.is_success() {
        return Err(ApiError::of(&request.method, &request.url, &reply).into());
    }
    if reply.body.is_empty() {
        return Ok(Json::Null);
    }
    serde_json::from_slice(&reply.body).map_err(|error| {
        if request.method == Method::POST {
            let attempted = format!("{} {}", request.method, bare(&request.url));
            Failure::Unknown(Doubt {
                attempted,
                symptom: format!("the reply is not JSON: {error}"),
                kind: DoubtKind::Lost,
            })
        } else {
            unreachable(format!("the reply is not JSON: {error}")).into()
        }
    })
}

/// Says that a service wants to be asked again only when the operation may have ended long since.
pub(super) fn too_late(
    request: &Request,
    outcome: Result<Response, TransportError>,
    asked: Duration,
    patience: Duration,
) -> Failure {
    match outcome_of(request, outcome) {
        Err(Failure::Refused(ApiError::Status { method, path, status, message, request_id })) => {
            let message = format!(
                "{message}{}it may be asked again in {} s only, and {} s are left for that at most",
                if message.is_empty() { "" } else { "; " },
                asked.as_secs(),
                patience.as_secs()
            );
            Failure::Refused(ApiError::Status { method, path, status, message, request_id })
        }
        Err(failure) => failure,
        Ok(_) => Failure::other("the service had no time for it"),
    }
}
