//! The seams to the outside that a provider sees: the transport, the clock, the sites.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use terrarium_openstack::{Hint, Request, Response, Site, Sites, Transport, TransportError};
use terrarium_provider::Clock;

use crate::Plant;
use crate::traffic::Traffic;

/// Scheme and host of the simulated clouds.
pub(crate) const ORIGIN: &str = "http://testbed.invalid";

/// A transport that hands requests to the traffic.
pub(crate) struct Wire {
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) plant: Plant,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let leases = request.url.contains("/leases");
        let reply = self.traffic.send(request).await;
        let reply =
            reply.unwrap_or_else(|_| Err(TransportError::MaybeSent("the world ended".into())));
        if !leases || self.plant != Plant::Rosy {
            return reply;
        }
        reply.map(|response| {
            let text = String::from_utf8_lossy(&response.body).replace("PENDING", "ACTIVE");
            Response { body: text.into_bytes().into(), ..response }
        })
    }
}

/// The world's clock: it is moved when nothing else is under way, or little.
pub(crate) struct WorldClock {
    pub(crate) traffic: Arc<Traffic>,
    /// What it says of itself; both kinds exist outside.
    pub(crate) jumps: bool,
    /// How far the engine's clock is ahead of the world's.
    pub(crate) ahead: SignedDuration,
}

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.traffic.now().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    async fn wait_until(&self, at: Timestamp) {
        let at = at.saturating_sub(self.ahead).unwrap_or(Timestamp::MIN);
        if at > self.traffic.now() {
            // A world that ends wakes nobody.
            let _ended = self.traffic.timer(at).await;
        }
    }

    fn jumps(&self) -> bool {
        self.jumps
    }
}

/// Leads every cloud to the testbed.
pub(crate) struct AllSites {
    pub(crate) realm: String,
}

impl Sites for AllSites {
    fn site(&self, hint: &Hint) -> Site {
        let found = terrarium_testbed::site_for(
            hint.region.as_deref(),
            hint.cloud.as_deref(),
            hint.auth_url.as_deref(),
        );
        Site {
            auth_url: found.auth_url(ORIGIN),
            region: found.region.to_owned(),
            realm: self.realm.clone(),
        }
    }
}
