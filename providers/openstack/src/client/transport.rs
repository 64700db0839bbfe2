//! How a request leaves and a reply comes: the only seam to the network.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

/// A request as it leaves. Its `Debug` leaves headers and body out: a login holds a secret.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute URL, query included.
    pub url: String,
    /// The headers; the token among them is marked sensitive.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// A reply as it came, whole. Its `Debug` leaves headers and body out: a token stands there.
#[derive(Clone)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request certainly did not reach the service: no connection was made.
    #[error("{0}")]
    NotSent(String),
    /// The request may have reached the service: the connection broke, or time ran out.
    #[error("{0}")]
    MaybeSent(String),
}

/// What TLS needs beyond the defaults; texts are PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Whether certificates are not verified.
    pub insecure: bool,
    /// A certificate authority to trust besides the built-in ones.
    pub ca: Option<String>,
    /// The client's certificate and key.
    pub identity: Option<(String, terrarium_provider::Secret)>,
}

/// Carries requests.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and returns the reply, whatever its status.
    ///
    /// # Cancel safety
    /// A dropped call may have reached the service.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;

    /// Returns a transport with these TLS settings; `None` where they mean nothing to it.
    fn with_tls(&self, _tls: &Tls) -> Result<Option<Arc<dyn Transport>>, String> {
        Ok(None)
    }
}
