//! What a session knows of itself: who it is, what it may do, until when.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::catalog::Service;
use super::clouds::{Account, Method};
use super::error::ApiError;
use super::repeat::{PATIENCE, Tries};
use super::send::Sending;
use super::session::Session;

impl Session {
    /// Returns what is known of the project's allocation.
    pub(crate) fn account(&self) -> Account {
        self.login().map_or_else(|_| Account::default(), |login| login.account)
    }

    /// Returns what tells this cloud from others: the address of its identity service.
    pub(crate) fn place(&self) -> &str {
        self.login().map_or("", |login| &login.auth_url)
    }

    /// Returns the ids of the project and the user that it acts for, as far as the login tells.
    pub(crate) async fn who(&self) -> Result<(Option<String>, Option<String>), ApiError> {
        let token = self.token().await?;
        Ok((token.project_id.clone(), token.user_id.clone()))
    }

    /// Returns whether the login is an application credential that may not make trusts.
    pub(crate) async fn is_restricted(&self) -> bool {
        self.token().await.is_ok_and(|token| token.restricted)
    }

    /// Returns when the credentials end, where that can be known: a given token can't be renewed, and an
    /// application credential may have an end.
    pub(crate) async fn credentials_end(&self) -> Option<Timestamp> {
        let login = self.login().ok()?;
        let token = self.token().await.ok()?;
        match login.method {
            Method::Password { .. } => None,
            Method::Token(_) => token.expires_at,
            Method::ApplicationCredential { .. } => {
                let (user, id) = (token.user_id.as_deref()?, token.credential_id.as_deref()?);
                let path = format!("/users/{user}/application_credentials/{id}");
                let url = format!("{}{path}", login.auth_url);
                let request = self.request_to(url, &token).ok()?;
                let tries = Tries::new(self.outside.clock.now(), PATIENCE);
                let sent = self.send(&login.auth_url, &request, &tries, None).await.ok()?;
                let Sending::Answered(Ok(reply)) = sent else { return None };
                let body: Json = serde_json::from_slice(&reply.body).ok()?;
                let end = body.pointer("/application_credential/expires_at")?.as_str()?;
                // Keystone leaves the zone out: it is UTC.
                end.parse().ok().or_else(|| format!("{end}Z").parse().ok())
            }
        }
    }

    /// Returns whether the cloud has a service; logs in where that was not done yet.
    pub(crate) async fn offers(&self, service: Service) -> bool {
        let (Ok(login), Ok(token)) = (self.login(), self.token().await) else { return false };
        self.overrides.contains_key(service.override_key())
            || token.catalog.find(service, &login.interface, &login.region).is_some()
    }
}
