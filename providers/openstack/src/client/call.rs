//! A call of a service. What reads and what changes are two types, so that no read can carry a method that
//! changes something, and no change can be sent without leave.

use std::time::Duration;

use http::Method;
use serde_json::Value as Json;

use super::catalog::Service;
use super::repeat::PATIENCE;

/// One call of a service; a GET, unless it says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a, M = Read> {
    pub(crate) service: Service,
    pub(crate) region: &'a str,
    /// What it is sent with.
    pub(super) verb: M,
    /// Path below the endpoint, its parts encoded.
    pub(crate) path: String,
    pub(crate) query: Vec<(&'a str, String)>,
    pub(crate) body: Option<Json>,
    pub(crate) microversion: Option<&'a str>,
    /// Texts of server errors that mean no, for a call that makes something.
    pub(crate) refusals: &'static [&'static str],
    /// How long it may go on waiting for the service to have time.
    pub(crate) patience: Duration,
    /// Collections beside its own whose objects it changes, where it changes anything.
    pub(crate) touches: &'static [(Service, &'static str)],
}

/// What a reading call is sent with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read;

/// What a changing call is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Post,
    Put,
    Delete,
}

/// What has a method of HTTP.
pub(super) trait Sends {
    /// Returns the method.
    fn method(&self) -> Method;
}

impl Sends for Read {
    fn method(&self) -> Method {
        Method::GET
    }
}

impl Sends for Verb {
    fn method(&self) -> Method {
        match self {
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

impl<'a> Call<'a> {
    /// Starts a GET.
    pub(crate) fn get(service: Service, region: &'a str, path: impl Into<String>) -> Self {
        Self {
            service,
            region,
            verb: Read,
            path: path.into(),
            query: Vec::new(),
            body: None,
            microversion: None,
            refusals: &[],
            patience: PATIENCE,
            touches: &[],
        }
    }

    /// Makes it a call that changes something.
    pub(crate) fn sending(self, verb: Verb) -> Call<'a, Verb> {
        Call {
            verb,
            service: self.service,
            region: self.region,
            path: self.path,
            query: self.query,
            body: self.body,
            microversion: self.microversion,
            refusals: self.refusals,
            patience: self.patience,
            touches: self.touches,
        }
    }
}

impl Call<'_, Verb> {
    /// Gives it a body.
    pub(crate) fn body(self, body: Json) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Names the texts with which a server error is a plain no.
    pub(crate) fn refused_with(self, refusals: &'static [&'static str]) -> Self {
        Self { refusals, ..self }
    }
}

impl<'a, M> Call<'a, M> {
    /// Asks for a microversion.
    pub(crate) fn microversion(self, microversion: Option<&'a str>) -> Self {
        Self { microversion, ..self }
    }

    /// Lets it wait for the service for as long as the operation that it belongs to may take.
    pub(crate) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Names what it changes beside its own collection.
    pub(crate) fn touching(self, touches: &'static [(Service, &'static str)]) -> Self {
        Self { touches, ..self }
    }

    /// Gives it a query.
    pub(crate) fn query(self, query: Vec<(&'a str, String)>) -> Self {
        Self { query, ..self }
    }
}
