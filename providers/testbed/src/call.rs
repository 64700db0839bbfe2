//! One authenticated call of a service, taken apart.

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::{
    cloud::Cloud,
    json::Body,
    query::Query,
    reply::{Outcome, no},
};

/// Who calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    pub(crate) project: String,
    pub(crate) user: String,
    /// Whether the credential may make no trusts, and so no leases.
    pub(crate) restricted: bool,
}

/// A call: what is asked, by whom, at which site and instant.
pub(crate) struct Call<'a> {
    pub(crate) cloud: Cloud<'a>,
    pub(crate) who: Who,
    pub(crate) method: &'a Method,
    /// Decoded segments after the service's own.
    pub(crate) path: &'a [&'a str],
    pub(crate) query: Query,
    pub(crate) body: Value,
    pub(crate) headers: &'a HeaderMap,
    /// URL of the service, without a slash at its end.
    pub(crate) url: String,
}

impl Call<'_> {
    /// Returns the object under the body's envelope, or 400 as the services do.
    pub(crate) fn enveloped(&self, envelope: &str) -> Outcome<Body> {
        match self.body.get(envelope) {
            Some(Value::Object(members)) => Ok(members.clone()),
            _ => Err(no(400, format!("Invalid input: '{envelope}' is a required property"))),
        }
    }

    /// Returns a header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A microversion of Nova or Cinder.
pub(crate) type Microversion = (u32, u32);

/// Returns the microversion that the headers ask for: `base` without any, `max` for `latest`,
/// the text itself where it is none that the service knows.
pub(crate) fn microversion(
    headers: &HeaderMap,
    (service, legacy): (&str, &str),
    base: Microversion,
    max: Microversion,
) -> Result<Microversion, String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let generic = text("openstack-api-version")
        .and_then(|value| value.trim().strip_prefix(service))
        .map(str::trim);
    let Some(asked) = generic.or_else(|| text(legacy)) else { return Ok(base) };
    if asked == "latest" {
        return Ok(max);
    }
    let parsed = asked
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    parsed.filter(|version| (base..=max).contains(version)).ok_or_else(|| asked.to_owned())
}
