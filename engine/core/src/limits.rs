//! Calls in flight, bounded: over all endpoints by the run's own bound, at each by what it bears.
//!
//! An endpoint that answers *busy* (429, 503) halves what may be under way there, at most once for the
//! calls that were sent together; as many good answers as may be under way let one more in. So a tamed
//! service is found within a few answers, and a spared one is used fully again, without a number that
//! anybody has to know. Where the service says when to come again, nobody is let in before.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_provider::{Clock, Limits, Load, Patience, Slot};
use tokio::sync::oneshot;

use crate::{Event, Progress};

/// How much goes on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parallelism {
    /// So many calls in flight; what services are at work on costs nothing.
    Calls(usize),
    /// As many calls, and no more actions under way, however long services are at work on them: some
    /// services bear few builds at a time.
    Work(usize),
}

impl Default for Parallelism {
    fn default() -> Self {
        Self::Calls(10)
    }
}

/// Bounds the calls of a run, in all its phases.
#[derive(Clone)]
pub struct CallLimits(Arc<Shared>);

struct Shared {
    parallelism: Parallelism,
    bound: usize,
    clock: Arc<dyn Clock>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    in_flight: usize,
    endpoints: HashMap<Arc<str>, Endpoint>,
    waiting: VecDeque<Waiting>,
    progress: Option<Arc<dyn Progress>>,
}

/// One endpoint.
struct Endpoint {
    in_flight: usize,
    /// How many may be under way; at least one.
    window: usize,
    /// Good answers since the window last changed.
    good: usize,
    /// How often the window was halved: calls from before the last time don't halve it again.
    halved: u64,
    /// Nobody is let in before.
    closed_until: Option<Timestamp>,
}

/// Somebody who waits for room.
struct Waiting {
    endpoint: Arc<str>,
    /// A slot; `None` to look anew.
    to: oneshot::Sender<Option<Slot>>,
}

/// What whoever wants in has to wait for.
enum Gate {
    Open(Slot),
    Full(oneshot::Receiver<Option<Slot>>),
    Closed(Timestamp),
}

impl CallLimits {
    /// Allows so much, at least one call.
    pub fn new(parallelism: Parallelism, clock: Arc<dyn Clock>) -> Self {
        let (Parallelism::Calls(bound) | Parallelism::Work(bound)) = parallelism;
        let inside = Mutex::default();
        Self(Arc::new(Shared { parallelism, bound: bound.max(1), clock, inside }))
    }

    /// Returns how many more actions may begin, where so many call and so many are under way in all.
    pub(crate) fn room(&self, calling: usize, under_way: usize) -> usize {
        let calls = self.0.bound.saturating_sub(calling);
        match self.0.parallelism {
            Parallelism::Calls(_) => calls,
            Parallelism::Work(_) => calls.min(self.0.bound.saturating_sub(under_way)),
        }
    }

    /// Tells from now on through this what calls wait for.
    pub(crate) fn tell_through(&self, progress: &Arc<dyn Progress>) {
        self.0.inside().progress = Some(progress.clone());
    }
}

impl std::fmt::Debug for CallLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CallLimits({:?})", self.0.parallelism)
    }
}

#[async_trait]
impl Limits for CallLimits {
    async fn enter(&self, endpoint: &str) -> Slot {
        let endpoint: Arc<str> = endpoint.into();
        loop {
            match self.0.gate(&endpoint) {
                Gate::Open(slot) => return slot,
                Gate::Closed(until) => self.0.clock.wait_until(until).await,
                Gate::Full(turn) => {
                    if let Ok(Some(slot)) = turn.await {
                        return slot;
                    }
                }
            }
        }
    }

    fn width(&self) -> usize {
        self.0.bound
    }

    fn tell(&self, patience: Patience) {
        let progress = self.0.inside().progress.clone();
        if let Some(progress) = progress {
            progress.on(Event::Patient(patience));
        }
    }
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gate(self: &Arc<Self>, endpoint: &Arc<str>) -> Gate {
        let now = self.clock.now();
        let mut inside = self.inside();
        if let Some(until) = inside.endpoint(endpoint, self.bound).closed(now) {
            return Gate::Closed(until);
        }
        // Nobody overtakes those who wait for the same endpoint.
        let queued = inside.waiting.iter().any(|one| one.endpoint == *endpoint);
        if !queued && let Some(halved) = inside.take(endpoint, self.bound) {
            drop(inside);
            return Gate::Open(self.slot(endpoint.clone(), halved));
        }
        let (to, turn) = oneshot::channel();
        inside.waiting.push_back(Waiting { endpoint: endpoint.clone(), to });
        Gate::Full(turn)
    }

    fn slot(self: &Arc<Self>, endpoint: Arc<str>, halved: u64) -> Slot {
        let shared = self.clone();
        Slot::new(move |load| shared.release(&endpoint, halved, load))
    }

    /// Takes a slot back, and lets in who has room now.
    fn release(self: &Arc<Self>, endpoint: &Arc<str>, halved: u64, load: Load) {
        let now = self.clock.now();
        let bound = self.bound;
        let mut inside = self.inside();
        inside.in_flight = inside.in_flight.saturating_sub(1);
        let at = inside.endpoint(endpoint, bound);
        at.in_flight = at.in_flight.saturating_sub(1);
        at.note(load, halved, bound);
        let sent_away =
            if at.closed(now).is_some() { inside.send_away(endpoint) } else { Vec::new() };
        let mut let_in = Vec::new();
        while let Some((waiting, halved)) = inside.next(now, bound) {
            let_in.push((waiting, halved));
        }
        // A slot that comes back from somebody who is gone takes the lock anew.
        drop(inside);
        for waiting in sent_away {
            let _gone = waiting.to.send(None);
        }
        for (waiting, halved) in let_in {
            let slot = self.slot(waiting.endpoint, halved);
            let _gone = waiting.to.send(Some(slot));
        }
    }
}

impl Inside {
    fn endpoint(&mut self, name: &Arc<str>, bound: usize) -> &mut Endpoint {
        self.endpoints.entry(name.clone()).or_insert(Endpoint {
            in_flight: 0,
            window: bound,
            good: 0,
            halved: 0,
            closed_until: None,
        })
    }

    /// Takes room at an endpoint, where there is some.
    fn take(&mut self, name: &Arc<str>, bound: usize) -> Option<u64> {
        if self.in_flight >= bound {
            return None;
        }
        let at = self.endpoint(name, bound);
        if at.in_flight >= at.window {
            return None;
        }
        at.in_flight += 1;
        let halved = at.halved;
        self.in_flight += 1;
        Some(halved)
    }

    /// Takes the first who waits and has room now out of the queue.
    fn next(&mut self, now: Timestamp, bound: usize) -> Option<(Waiting, u64)> {
        if self.in_flight >= bound {
            return None;
        }
        let mut at = 0;
        while at < self.waiting.len() {
            if self.waiting[at].to.is_closed() {
                self.waiting.remove(at);
                continue;
            }
            let name = self.waiting[at].endpoint.clone();
            let closed = self.endpoint(&name, bound).closed(now).is_some();
            if !closed && let Some(halved) = self.take(&name, bound) {
                return Some((self.waiting.remove(at)?, halved));
            }
            at += 1;
        }
        None
    }

    /// Takes those who wait for an endpoint out of the queue: they wait for its time now.
    fn send_away(&mut self, name: &Arc<str>) -> Vec<Waiting> {
        let all = std::mem::take(&mut self.waiting);
        let (away, stay): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.endpoint == *name);
        self.waiting = stay.into();
        away
    }
}

impl Endpoint {
    fn closed(&self, now: Timestamp) -> Option<Timestamp> {
        self.closed_until.filter(|until| *until > now)
    }

    fn note(&mut self, load: Load, halved: u64, bound: usize) {
        match load {
            Load::Usual => {
                self.good += 1;
                if self.good >= self.window && self.window < bound {
                    (self.window, self.good) = (self.window + 1, 0);
                }
            }
            Load::Busy { again } => {
                self.closed_until = self.closed_until.max(again);
                self.good = 0;
                if halved == self.halved {
                    self.window = (self.window / 2).max(1);
                    self.halved += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use terrarium_provider::FixedClock;

    use super::*;

    /// A clock that is set.
    struct Set(Mutex<Timestamp>);

    #[async_trait]
    impl Clock for Set {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        async fn wait_until(&self, at: Timestamp) {
            std::future::poll_fn(|_| if self.now() < at { Poll::Pending } else { Poll::Ready(()) })
                .await;
        }
    }

    fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn limits(bound: usize) -> CallLimits {
        CallLimits::new(Parallelism::Calls(bound), Arc::new(FixedClock(at(0))))
    }

    /// Takes slots until there is no room.
    fn fill(limits: &CallLimits, endpoint: &str) -> Vec<Slot> {
        std::iter::from_fn(|| poll(pin!(limits.enter(endpoint)))).collect()
    }

    #[test]
    fn no_more_are_let_in_than_the_bound_whatever_the_endpoint() {
        let limits = limits(3);
        let held = fill(&limits, "a");
        assert_eq!(held.len(), 3);
        let mut other = pin!(limits.enter("b"));
        assert!(poll(other.as_mut()).is_none());
        drop(held);
        assert!(poll(other.as_mut()).is_some());
        assert_eq!(fill(&limits, "a").len(), 3);
    }

    #[test]
    fn whoever_waits_longest_goes_first_and_who_is_gone_takes_no_room() {
        let limits = limits(1);
        let held = fill(&limits, "a");
        let mut gone = Box::pin(limits.enter("a"));
        let mut first = pin!(limits.enter("a"));
        let mut second = pin!(limits.enter("a"));
        assert!(poll(gone.as_mut()).is_none());
        assert!(poll(first.as_mut()).is_none() && poll(second.as_mut()).is_none());
        drop(gone);
        drop(held);
        assert!(poll(second.as_mut()).is_none());
        let slot = poll(first.as_mut()).unwrap();
        // A slot that was given to somebody who never took it comes back.
        let mut late = Box::pin(limits.enter("a"));
        assert!(poll(late.as_mut()).is_none());
        drop(slot);
        assert!(poll(second.as_mut()).is_some());
        drop(late);
        assert_eq!(fill(&limits, "a").len(), 1);
    }

    #[test]
    fn a_busy_endpoint_is_given_half_once_for_calls_sent_together_and_slowly_more_again() {
        let limits = limits(8);
        let mut held = fill(&limits, "a");
        for slot in &mut held {
            slot.busy(None);
        }
        drop(held);
        assert_eq!(fill(&limits, "a").len(), 4);
        // The others are not concerned.
        assert_eq!(fill(&limits, "b").len(), 8);
        let mut held = fill(&limits, "a");
        held[0].busy(None);
        drop(held);
        // Halved to 2; three good answers after it made it 3.
        assert_eq!(fill(&limits, "a").len(), 3);
        for _ in 0..8 {
            drop(fill(&limits, "a"));
        }
        assert_eq!(fill(&limits, "a").len(), 8);
    }

    #[test]
    fn nobody_is_let_in_before_the_time_that_a_service_named() {
        let clock = Arc::new(Set(Mutex::new(at(0))));
        let limits = CallLimits::new(Parallelism::Calls(2), clock.clone());
        let mut held = fill(&limits, "a");
        let mut queued = pin!(limits.enter("a"));
        assert!(poll(queued.as_mut()).is_none());
        held[0].busy(Some(at(7)));
        drop(held);
        assert!(poll(queued.as_mut()).is_none());
        assert!(poll(pin!(limits.enter("a"))).is_none());
        assert!(poll(pin!(limits.enter("b"))).is_some());
        *clock.0.lock().unwrap() = at(7);
        assert!(poll(queued.as_mut()).is_some());
    }
}
