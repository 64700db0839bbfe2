//! Services that have no time for anybody: once a call was sent away to its end, and nobody had an answer
//! meanwhile, those who wait for the same service are spared the same.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::transport::{Response, TransportError};

/// What is known of services, by endpoint.
#[derive(Default)]
pub(super) struct BusyServices(Mutex<HashMap<String, Known>>);

#[derive(Default)]
struct Known {
    /// When it last had time for somebody.
    good: Option<Timestamp>,
    /// When it was given up, and with which words of it.
    given_up: Option<(Timestamp, Response)>,
}

/// Returns whether a service had no time for a request.
pub(super) fn is_busy(outcome: &Result<Response, TransportError>) -> bool {
    outcome.as_ref().is_ok_and(|reply| matches!(reply.status.as_u16(), 429 | 503))
}

impl BusyServices {
    /// Notes that a service had time for a call.
    pub(super) fn had_time(&self, endpoint: &str, now: Timestamp) {
        let mut all = self.all();
        match all.get_mut(endpoint) {
            Some(known) => *known = Known { good: Some(now), given_up: None },
            None => {
                all.insert(endpoint.to_owned(), Known { good: Some(now), given_up: None });
            }
        }
    }

    /// Notes with which words a call that began then was sent away for good; where its service had time for
    /// nobody since, it is given up.
    pub(super) fn sent_away(
        &self,
        endpoint: &str,
        reply: &Response,
        (begun, now): (Timestamp, Timestamp),
    ) {
        let mut all = self.all();
        let known = all.entry(endpoint.to_owned()).or_default();
        if known.good.is_none_or(|good| good < begun) {
            known.given_up = Some((now, reply.clone()));
        }
    }

    /// Returns the words with which a service was given up since a call began.
    pub(super) fn given_up(&self, endpoint: &str, begun: Timestamp) -> Option<Response> {
        let all = self.all();
        let (at, reply) = all.get(endpoint)?.given_up.as_ref()?;
        (begun < *at).then(|| reply.clone())
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    #[test]
    fn a_service_is_given_up_for_those_who_waited_unless_it_had_time_for_somebody() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let reply = || Response {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers: HeaderMap::new(),
            body: "".into(),
        };
        let services = BusyServices::default();
        services.had_time("a", at(5));
        // It had time for another one meanwhile.
        services.sent_away("a", &reply(), (at(4), at(60)));
        assert!(services.given_up("a", at(4)).is_none());
        services.sent_away("a", &reply(), (at(6), at(60)));
        assert!(services.given_up("a", at(59)).is_some());
        // Who comes later tries, and nobody else's service is concerned.
        assert!(services.given_up("a", at(60)).is_none());
        assert!(services.given_up("b", at(4)).is_none());
        services.had_time("a", at(61));
        assert!(services.given_up("a", at(59)).is_none());
    }
}
