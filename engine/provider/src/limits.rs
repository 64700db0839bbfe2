//! Calls in flight: how many may be under way at an endpoint, and who says so when one has to wait.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

/// Bounds the calls in flight, per endpoint and over all of them.
///
/// A provider takes a [`Slot`] around each send and holds it for no longer: never while it waits for
/// another slot, for a list that others read, or for a service to have time again.
#[async_trait]
pub trait Limits: fmt::Debug + Send + Sync {
    /// Waits for leave to send one request to an endpoint.
    ///
    /// # Cancel safety
    /// A dropped call has taken nothing.
    async fn enter(&self, endpoint: &str) -> Slot;

    /// Returns how many calls may be in flight at most: who has more to send need not make them ready before.
    fn width(&self) -> usize;

    /// Says that a call waits: for its answer, or before it is repeated.
    fn tell(&self, _patience: Patience) {}
}

/// What a call waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The call: method and address.
    pub call: String,
    /// Why: what the service said, or that it says nothing.
    pub why: String,
    /// The attempt that is under way or comes next, the first being 1.
    pub attempt: u32,
    /// How many there may be.
    pub attempts: u32,
    /// When the next attempt begins; `None` while one is under way.
    pub until: Option<Timestamp>,
}

/// How an endpoint took a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// As usual.
    Usual,
    /// It had no time for the request (429, 503).
    Busy {
        /// When it wants to be asked again, where it said so.
        again: Option<Timestamp>,
    },
}

/// Leave to send one request. Dropping it lets the next one go.
pub struct Slot {
    load: Load,
    release: Option<Box<dyn FnOnce(Load) + Send>>,
}

impl Slot {
    /// Builds a slot that is given back by calling this.
    pub fn new(release: impl FnOnce(Load) + Send + 'static) -> Self {
        Self { load: Load::Usual, release: Some(Box::new(release)) }
    }

    /// Notes that the endpoint had no time for the request.
    pub fn busy(&mut self, again: Option<Timestamp>) {
        self.load = Load::Busy { again };
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release(self.load);
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({:?})", self.load)
    }
}

/// No bound: for providers that are served to another engine, which has its own, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

#[async_trait]
impl Limits for Unlimited {
    async fn enter(&self, _endpoint: &str) -> Slot {
        Slot { load: Load::Usual, release: None }
    }

    fn width(&self) -> usize {
        10
    }
}
