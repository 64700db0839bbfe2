//! Logging in at Keystone.

use http::{HeaderMap, HeaderValue, Method as HttpMethod};
use serde_json::{Value as Json, json};
use terrarium_provider::Secret;

use super::catalog::Catalog;
use super::clouds::{Login, Method};
use super::error::ApiError;
use super::transport::{Request, Response};

/// What a login gave.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    pub(crate) catalog: Catalog,
    pub(crate) project_id: Option<String>,
    pub(crate) user_id: Option<String>,
    /// When it ends.
    pub(crate) expires_at: Option<jiff::Timestamp>,
    /// Whether it comes from an application credential that may not make trusts.
    pub(crate) restricted: bool,
    /// The application credential that it comes from.
    pub(crate) credential_id: Option<String>,
}

/// Builds the request that asks for a token: the one POST that needs no intent, since it makes
/// nothing that outlives it.
pub(crate) fn token_request(login: &Login) -> Request {
    let mut auth = json!({ "identity": identity(&login.method) });
    if let (Some(scope), Some(auth)) = (&login.scope, auth.as_object_mut()) {
        auth.insert("scope".into(), scope.clone());
    }
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("accept", HeaderValue::from_static("application/json"));
    Request {
        method: HttpMethod::POST,
        url: format!("{}/auth/tokens", login.auth_url),
        headers,
        body: json!({ "auth": auth }).to_string().into(),
    }
}

fn identity(method: &Method) -> Json {
    match method {
        Method::Password { user, password } => {
            let mut user = user.clone();
            if let Some(user) = user.as_object_mut() {
                user.insert("password".into(), password.expose().into());
            }
            json!({"methods": ["password"], "password": {"user": user}})
        }
        Method::Token(token) => json!({"methods": ["token"], "token": {"id": token.expose()}}),
        Method::ApplicationCredential { reference, secret } => {
            let mut credential = reference.clone();
            if let Some(credential) = credential.as_object_mut() {
                credential.insert("secret".into(), secret.expose().into());
            }
            json!({"methods": ["application_credential"], "application_credential": credential})
        }
    }
}

/// Reads the token out of Keystone's reply.
pub(crate) fn token_of(request: &Request, reply: &Response) -> Result<Token, ApiError> {
    if !reply.status.is_success() {
        return Err(match ApiError::of(&request.method, &request.url, reply) {
            error if matches!(error.status(), Some(400 | 401 | 403)) => {
                ApiError::Credentials(format!("The credentials were not accepted: {error}"))
            }
            error => error,
        });
    }
    let garbled = || ApiError::Other(format!("{} answered without a token", request.url));
    let secret = reply.headers.get("x-subject-token").and_then(|value| value.to_str().ok());
    let body: Json = serde_json::from_slice(&reply.body).map_err(|_| garbled())?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    let (project_id, user_id) = (text("/token/project/id"), text("/token/user/id"));
    let expires_at = text("/token/expires_at").and_then(|text| text.parse().ok());
    let restricted = body.pointer("/token/application_credential/restricted");
    let restricted = restricted.and_then(Json::as_bool) == Some(true);
    let catalog = Catalog::of(body.pointer("/token/catalog").unwrap_or(&Json::Null));
    let secret = Secret::new(secret.ok_or_else(garbled)?);
    let credential_id = text("/token/application_credential/id");
    Ok(Token { secret, catalog, project_id, user_id, expires_at, restricted, credential_id })
}
