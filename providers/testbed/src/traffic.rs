//! What came over the socket of this process: how many requests at a time, and which.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// The traffic of a server since it began, or since it was asked to count anew.
#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    in_flight: usize,
    peak: usize,
    requests: BTreeMap<String, u64>,
}

/// A request under way; it ends when dropped.
pub(crate) struct UnderWay<'a>(&'a Traffic);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut counts = self.0.counts();
        counts.in_flight = counts.in_flight.saturating_sub(1);
    }
}

impl Traffic {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request that came, whatever becomes of it.
    pub(crate) fn begin(&self, method: &str, path: &str) -> UnderWay<'_> {
        let mut counts = self.counts();
        counts.in_flight += 1;
        counts.peak = counts.peak.max(counts.in_flight);
        *counts.requests.entry(format!("{method} {}", shape(path))).or_default() += 1;
        UnderWay(self)
    }

    /// Tells what was counted.
    pub(crate) fn told(&self) -> Value {
        let counts = self.counts();
        json!({"in_flight": counts.in_flight, "peak": counts.peak, "requests": counts.requests})
    }

    /// Counts anew; what is under way stays so.
    pub(crate) fn reset(&self) {
        let mut counts = self.counts();
        counts.peak = counts.in_flight;
        counts.requests.clear();
    }
}

/// Returns a path without its query, with a star for each id.
fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let star = |part| if is_id(part) { "*" } else { part };
    path.split('/').map(star).collect::<Vec<_>>().join("/")
}

/// Returns whether a part of a path is an id: 32 hexadecimal digits, with hyphens or without.
fn is_id(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_what_was_under_way_at_once() {
        let traffic = Traffic::default();
        let first = traffic
            .begin("GET", "/s/compute/v2.1/servers/0a1b2c3d-0a1b-4c3d-8e5f-0a1b2c3d4e5f?x=1");
        let second =
            traffic.begin("GET", "/s/compute/v2.1/servers/0a1b2c3d0a1b4c3d8e5f0a1b2c3d4e5f");
        drop(first);
        let third = traffic.begin("POST", "/s/network/v2.0/ports");
        let requests = json!({"GET /s/compute/v2.1/servers/*": 2, "POST /s/network/v2.0/ports": 1});
        assert_eq!(traffic.told(), json!({"in_flight": 2, "peak": 2, "requests": requests}));
        drop((second, third));
        traffic.reset();
        assert_eq!(traffic.told(), json!({"in_flight": 0, "peak": 0, "requests": {}}));
    }
}
