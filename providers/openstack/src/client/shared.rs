//! What several ask for is asked once: lists and names, shared by all instances of a round.
//!
//! Whoever asks first asks the service, the others wait for that answer, be it good or bad. No lock is
//! held meanwhile, and no room for a call is taken by those who wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::sync::OnceCell;

use super::call::{Call, Verb};
use super::catalog::Service;
use super::error::ApiError;
use super::session::query_text;

/// How long a list is believed, and that something is not there or can't be read.
const LIST_AGE: Duration = Duration::from_mins(1);

/// Objects as a service listed them.
pub(crate) type Listed = Result<Arc<Vec<Json>>, ApiError>;

/// Until when an answer is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    /// For a while, and not beyond the next call that changes one of its objects.
    List,
    /// What names and ids mean: as long as nothing of the same collection is changed.
    Name,
    /// What no change in place alters, an address's id: as long as nothing comes to the collection or
    /// leaves it.
    Identity,
}

/// Answers by what was asked.
#[derive(Default)]
pub(super) struct Shared(Mutex<HashMap<Question, Entry>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    service: Service,
    region: String,
    path: String,
    query: String,
    microversion: Option<String>,
}

struct Entry {
    since: Timestamp,
    belief: Belief,
    answer: Arc<OnceCell<Listed>>,
}

impl Entry {
    fn holds(&self, now: Timestamp) -> bool {
        let fresh = now.duration_since(self.since).unsigned_abs() < LIST_AGE;
        match self.answer.get() {
            // Somebody is asking.
            None => true,
            Some(Ok(found)) if self.belief != Belief::List && !found.is_empty() => true,
            Some(_) => fresh,
        }
    }
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, HashMap<Question, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what a call answers, from `ask` where nobody asked before.
    ///
    /// # Cancel safety
    /// Where the one who asks is dropped, the next who waits asks.
    pub(super) async fn answer(
        &self,
        call: &Call<'_>,
        belief: Belief,
        now: Timestamp,
        ask: impl Future<Output = Result<Vec<Json>, ApiError>>,
    ) -> Listed {
        let question = Question::of(call);
        let answer = {
            let mut entries = self.entries();
            let known = entries.get(&question).filter(|entry| entry.holds(now));
            if let Some(entry) = known {
                entry.answer.clone()
            } else {
                let answer = Arc::<OnceCell<Listed>>::default();
                entries.insert(question, Entry { since: now, belief, answer: answer.clone() });
                answer
            }
        };
        answer.get_or_init(|| async { ask.await.map(Arc::new) }).await.clone()
    }

    /// Forgets lists; those who wait for one still get it.
    pub(super) fn forget_lists(&self) {
        self.entries().retain(|_, entry| entry.belief != Belief::List);
    }

    /// Forgets lists of what work changed that is over: its service was at it since the call.
    pub(super) fn settled(&self, call: &Call<'_, Verb>) {
        self.entries()
            .retain(|question, entry| entry.belief != Belief::List || !question.is_touched(call));
    }

    /// Forgets what a call may have changed; those who wait for an answer still get it.
    pub(super) fn changed_by(&self, call: &Call<'_, Verb>) {
        self.entries().retain(|question, entry| match entry.belief {
            Belief::List => !question.is_touched(call),
            Belief::Name => !question.is_about(call),
            Belief::Identity => call.verb == Verb::Put || !question.is_about(call),
        });
    }
}

impl Question {
    fn of(call: &Call<'_>) -> Self {
        Self {
            service: call.service,
            region: call.region.to_owned(),
            path: call.path.clone(),
            query: query_text(&call.query),
            microversion: call.microversion.map(str::to_owned),
        }
    }

    /// Returns whether a call may change what a name means. A lease brings networks and flavors.
    fn is_about(&self, call: &Call<'_, Verb>) -> bool {
        call.service == Service::Reservation
            || (call.service == self.service && collection(&call.path) == collection(&self.path))
    }

    /// Returns whether a call may change what is listed: its own collection, and those that its type touches.
    fn is_touched(&self, call: &Call<'_, Verb>) -> bool {
        let of = collection(&self.path);
        // What is counted is counted anew whatever comes or goes.
        let counts = call.service == self.service && COUNTERS.contains(&of);
        counts || self.is_about(call) || call.touches.contains(&(self.service, of))
    }
}

/// Collections that say how much of a service is used.
const COUNTERS: &[&str] = &["quotas", "os-quota-sets", "limits"];

/// Returns the first part of a path.
fn collection(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn call(path: &str) -> Call<'static> {
        Call::get(Service::Network, "", path)
    }

    #[test]
    fn a_list_is_forgotten_where_a_call_touches_it_and_nowhere_else() {
        const PORTS: &[(Service, &str)] = &[(Service::Network, "ports")];
        let lists = ["/networks", "/ports", "/quotas/p/details.json"];
        for (service, path, touches, left) in [
            (Service::Network, "/subnets", &[][..], &["/networks", "/ports"][..]),
            (Service::Network, "/subnets", PORTS, &["/networks"]),
            (Service::Network, "/networks/n/tags", &[], &["/ports"]),
            (Service::Compute, "/servers", PORTS, &["/networks", "/quotas/p/details.json"]),
            (Service::Compute, "/networks", &[], &lists),
            // A lease brings and takes anything.
            (Service::Reservation, "/leases", &[], &[]),
        ] {
            let shared = Shared::default();
            for list in lists {
                let found = async { Ok(Vec::new()) };
                now(shared.answer(&call(list), Belief::List, at(0), found)).unwrap();
            }
            let change = Call::get(service, "", path).touching(touches).sending(Verb::Post);
            shared.changed_by(&change);
            let mut kept: Vec<String> =
                shared.entries().keys().map(|question| question.path.clone()).collect();
            kept.sort();
            assert_eq!(kept, left, "{path} {touches:?}");
        }
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }

    /// Asks at an instant, and returns how often the service was asked in all.
    fn asked(
        shared: &Shared,
        count: &Cell<u32>,
        belief: Belief,
        second: i64,
        found: &Listed,
    ) -> u32 {
        let ask = async {
            count.set(count.get() + 1);
            found.clone().map(|all| all.to_vec())
        };
        let answer = now(shared.answer(&call("/networks"), belief, at(second), ask));
        assert_eq!(answer.is_ok(), found.is_ok());
        count.get()
    }

    #[test]
    fn a_name_is_asked_once_until_its_collection_changes_and_what_is_missing_for_a_minute() {
        let one: Listed = Ok(Arc::new(vec![json!({"id": "n"})]));
        let none: Listed = Ok(Arc::default());
        let failed: Listed = Err(ApiError::Other("no".into()));
        for (belief, found, change, second, expected) in [
            (Belief::Name, &one, None, 9_000, 1),
            (Belief::Name, &one, Some("/ports"), 1, 1),
            (Belief::Name, &one, Some("/networks/n"), 1, 2),
            (Belief::Name, &none, None, 59, 1),
            (Belief::Name, &none, None, 60, 2),
            (Belief::Name, &failed, None, 59, 1),
            (Belief::Name, &failed, None, 60, 2),
            (Belief::Identity, &one, Some("/networks/n"), 1, 1),
            (Belief::List, &one, None, 59, 1),
            (Belief::List, &one, None, 60, 2),
            (Belief::List, &one, Some("/ports"), 1, 1),
            (Belief::List, &one, Some("/networks/n"), 1, 2),
        ] {
            let (shared, count) = (Shared::default(), Cell::new(0));
            assert_eq!(asked(&shared, &count, belief, 0, found), 1);
            if let Some(path) = change {
                shared.changed_by(&call(path).sending(Verb::Put));
            }
            let times = asked(&shared, &count, belief, second, found);
            assert_eq!(times, expected, "{belief:?} {found:?} {change:?} {second}");
        }
    }

    #[test]
    fn all_who_ask_at_once_wait_for_one_answer_and_the_next_asks_where_that_one_is_gone() {
        let shared = Shared::default();
        let count = Cell::new(0);
        let (to, reply) = tokio::sync::oneshot::channel::<()>();
        let reply = std::cell::RefCell::new(Some(reply));
        let question = call("/networks");
        let ask = || async {
            count.set(count.get() + 1);
            let reply = reply.borrow_mut().take();
            if let Some(reply) = reply {
                let _ = reply.await;
            }
            Ok(vec![json!({"id": "n"})])
        };
        let mut context = Context::from_waker(Waker::noop());
        let mut first = Box::pin(shared.answer(&question, Belief::Name, at(0), ask()));
        let mut second = pin!(shared.answer(&question, Belief::Name, at(0), ask()));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert_eq!(count.get(), 1);
        drop(first);
        drop(to);
        assert!(matches!(second.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
        assert_eq!(count.get(), 2);
    }
}
