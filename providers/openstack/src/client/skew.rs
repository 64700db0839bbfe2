//! How far the services' clocks are from the engine's, as the `Date` of their replies tells: what they
//! say of when they made something is compared with their own time, never with ours.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use super::catalog::Service;

/// Differences by endpoint.
#[derive(Debug, Default)]
pub(super) struct Skew(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    /// Service minus engine, at least; whole seconds and the way back make it up to a second too small.
    behind: HashMap<String, SignedDuration>,
    endpoints: HashMap<(Service, String), String>,
}

impl Skew {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the date of a reply that came in just now.
    pub(super) fn note(&self, endpoint: &str, headers: &HeaderMap, now: Timestamp) {
        if let Some(date) = date_of(headers) {
            self.inside().behind.insert(endpoint.to_owned(), date.duration_since(now));
        }
    }

    /// Notes where the calls of a service go.
    pub(super) fn goes_to(&self, service: Service, region: &str, endpoint: &str) {
        let mut inside = self.inside();
        let at = (service, region.to_owned());
        if inside.endpoints.get(&at).is_none_or(|known| known != endpoint) {
            inside.endpoints.insert(at, endpoint.to_owned());
        }
    }

    /// Returns an instant of the engine's clock by the clock of a service: never later than it was there.
    ///
    /// Of a service that has not answered yet, the one that is furthest behind speaks; `None` where none
    /// has answered.
    pub(super) fn cloud_time(
        &self,
        service: Service,
        region: &str,
        at: Timestamp,
    ) -> Option<Timestamp> {
        let inside = self.inside();
        let endpoint = inside.endpoints.get(&(service, region.to_owned()));
        let own = endpoint.and_then(|endpoint| inside.behind.get(endpoint));
        let behind = own.or_else(|| inside.behind.values().min())?;
        at.checked_add(*behind).ok()
    }
}

/// Reads the date of a reply: `Sun, 01 Mar 2026 12:00:00 GMT`.
fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(date: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::DATE, date.parse().unwrap())])
    }

    #[test]
    fn the_cloud_s_time_is_its_own() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let now = at("2026-03-01T12:05:00.4Z");
        let skew = Skew::default();
        assert_eq!(skew.cloud_time(Service::Network, "", now), None, "nobody has answered");
        skew.note("identity", &headers("Sun, 01 Mar 2026 12:05:01 GMT"), now);
        skew.note("neutron", &headers("Sun, 01 Mar 2026 12:00:00 GMT"), now);
        skew.note("nova", &headers("no date"), now);
        skew.goes_to(Service::Network, "", "neutron");
        skew.goes_to(Service::Compute, "", "nova");
        let later = at("2026-03-01T12:06:00.4Z");
        for (service, region, expected) in [
            (Service::Network, "", "2026-03-01T12:01:00Z"),
            // Who says nothing may be as far behind as the furthest.
            (Service::Compute, "", "2026-03-01T12:01:00Z"),
            (Service::Network, "elsewhere", "2026-03-01T12:01:00Z"),
        ] {
            assert_eq!(skew.cloud_time(service, region, later), Some(at(expected)), "{service:?}");
        }
        skew.note("neutron", &headers("Sun, 01 Mar 2026 12:10:00 GMT"), now);
        let ahead = skew.cloud_time(Service::Network, "", now);
        assert_eq!(ahead, Some(at("2026-03-01T12:10:00Z")), "clocks are set right");
    }
}
