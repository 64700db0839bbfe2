//! The real network: [`Transport`] over reqwest.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::client::{Request, Response, Tls, Transport, TransportError};

/// Longest time that one request may take; long work is polled, so replies are never slow for good
/// reason.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Largest body that is read: a page of a list stays far below it.
const BODY_LIMIT: usize = 16 << 20;

/// Sends requests over HTTP and TLS.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// Builds a transport that verifies certificates against the built-in authorities.
    pub fn new() -> Result<Self, String> {
        Self::build(&Tls::default())
    }

    fn build(tls: &Tls) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(15))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("terrarium/", env!("CARGO_PKG_VERSION")))
            .tls_danger_accept_invalid_certs(tls.insecure);
        if let Some(pem) = &tls.ca {
            let ca = reqwest::Certificate::from_pem(pem.as_bytes()).map_err(|e| e.to_string())?;
            builder = builder.add_root_certificate(ca);
        }
        if let Some((cert, key)) = &tls.identity {
            let pem = format!("{cert}\n{}", key.expose());
            let identity =
                reqwest::Identity::from_pem(pem.as_bytes()).map_err(|e| e.to_string())?;
            builder = builder.identity(identity);
        }
        builder.build().map(|client| Self { client }).map_err(|error| chain(&error))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let reply = self
            .client
            .request(request.method, &request.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| {
                if error.is_connect() || error.is_builder() {
                    TransportError::NotSent(chain(&error))
                } else {
                    TransportError::MaybeSent(chain(&error))
                }
            })?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        let body = whole_body(reply).await?;
        Ok(Response { status, headers, body })
    }

    fn with_tls(&self, tls: &Tls) -> Result<Option<Arc<dyn Transport>>, String> {
        Ok(Some(Arc::new(Self::build(tls)?)))
    }
}

async fn whole_body(mut reply: reqwest::Response) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    loop {
        match reply.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => return Err(TransportError::MaybeSent(chain(&error))),
        }
        if body.len() > BODY_LIMIT {
            let limit = format!("the reply is larger than {} MiB", BODY_LIMIT >> 20);
            return Err(TransportError::MaybeSent(limit));
        }
    }
}

/// Returns an error with its causes; reqwest's own text leaves out why. No URL: it may be long.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
