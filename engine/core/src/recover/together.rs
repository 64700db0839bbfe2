//! Many cases at a time: each goes its own way, and what they ask is asked together.
//!
//! Nothing is sent before everybody waits for an answer or for a timer: so what is asked of a provider is one
//! batch, however many cases there are, and a clock that jumps is moved only when nothing else can happen.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use terrarium_address::Name;
use terrarium_provider::{
    Clock, FindReply, FindRequest, Pending, PollReply, Provider, ReadReply, ReadRequest,
};
use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::Cancel;
use crate::held::TOGETHER;

type Work<'w> = Pin<Box<dyn Future<Output = ()> + 'w>>;

/// Questions of one kind, with whom their answers go to.
struct Questions<Q, A>(Vec<(Q, Sender<A>)>);

impl<Q, A> Default for Questions<Q, A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<Q, A> Questions<Q, A> {
    fn ask(&mut self, question: Q) -> Receiver<A> {
        let (to, answer) = channel();
        self.0.push((question, to));
        answer
    }

    fn prune(&mut self) -> usize {
        self.0.retain(|(_, to)| !to.is_closed());
        self.0.len()
    }

    fn split(self) -> (Vec<Q>, Vec<Sender<A>>) {
        self.0.into_iter().unzip()
    }
}

fn deliver<A>(to: Vec<Sender<A>>, answers: Vec<A>) {
    for (to, answer) in to.into_iter().zip(answers) {
        // Who was stopped does not listen any more.
        drop(to.send(answer));
    }
}

/// What is asked of one provider.
struct Batch {
    provider: Arc<dyn Provider>,
    find: Questions<FindRequest, FindReply>,
    poll: Questions<Pending, PollReply>,
    read: Questions<ReadRequest, ReadReply>,
}

impl Batch {
    fn of(provider: &Arc<dyn Provider>) -> Self {
        Self {
            provider: provider.clone(),
            find: Questions::default(),
            poll: Questions::default(),
            read: Questions::default(),
        }
    }

    async fn send(self) {
        let Self { provider, find, poll, read } = self;
        let find = async {
            let (questions, to) = find.split();
            if !questions.is_empty() {
                deliver(to, provider.find_many(&questions).await);
            }
        };
        let poll = async {
            let (questions, to) = poll.split();
            if !questions.is_empty() {
                deliver(to, provider.poll_many(&questions).await);
            }
        };
        let read = async {
            let (questions, to) = read.split();
            if !questions.is_empty() {
                deliver(to, provider.read_many(questions).await);
            }
        };
        tokio::join!(find, poll, read);
    }
}

/// Where cases meet: what they ask, and what they wait for.
#[derive(Default)]
pub(super) struct Together {
    /// By provider configuration.
    asked: RefCell<BTreeMap<Name, Batch>>,
    timers: RefCell<Vec<(Timestamp, Sender<()>)>>,
}

/// What those who can't go on by themselves wait for.
enum Stand {
    /// All came to their end.
    Over,
    /// All that is left waits for answers or timers.
    Still,
}

impl Together {
    /// Asks what exists that an intent may have made; nothing where there is no answer.
    pub(super) fn find(
        &self,
        (name, provider): (&Name, &Arc<dyn Provider>),
        request: FindRequest,
    ) -> Receiver<FindReply> {
        self.with(name, provider, |batch| batch.find.ask(request))
    }

    /// Asks how accepted work stands.
    pub(super) fn poll(
        &self,
        (name, provider): (&Name, &Arc<dyn Provider>),
        pending: Pending,
    ) -> Receiver<PollReply> {
        self.with(name, provider, |batch| batch.poll.ask(pending))
    }

    /// Asks how an object looks.
    pub(super) fn read(
        &self,
        (name, provider): (&Name, &Arc<dyn Provider>),
        request: ReadRequest,
    ) -> Receiver<ReadReply> {
        self.with(name, provider, |batch| batch.read.ask(request))
    }

    fn with<A>(
        &self,
        name: &Name,
        provider: &Arc<dyn Provider>,
        ask: impl FnOnce(&mut Batch) -> Receiver<A>,
    ) -> Receiver<A> {
        let mut asked = self.asked.borrow_mut();
        ask(asked.entry(name.clone()).or_insert_with(|| Batch::of(provider)))
    }

    /// Waits until about then: what is due nearly at the same time goes on together.
    pub(super) async fn until(&self, at: Timestamp) {
        let (to, rung) = channel();
        self.timers.borrow_mut().push((at, to));
        // A bell that is dropped rings, too.
        drop(rung.await);
    }

    /// Lets all cases come to their end.
    pub(super) async fn run(&self, cases: Vec<Work<'_>>, clock: &dyn Clock, cancel: &Cancel) {
        let mut cases: FuturesUnordered<Work<'_>> = cases.into_iter().collect();
        loop {
            if let Stand::Over = self.stand(&mut cases, None).await {
                return;
            }
            let batches = std::mem::take(&mut *self.asked.borrow_mut());
            if batches.is_empty() {
                self.ring(&mut cases, clock, cancel).await;
                continue;
            }
            let sent: FuturesUnordered<_> = batches.into_values().map(Batch::send).collect();
            let mut sent: Work<'_> = Box::pin(sent.collect::<()>());
            if let Stand::Over = self.stand(&mut cases, Some(&mut sent)).await {
                return;
            }
        }
    }

    /// Lets cases go on, and with them what was asked, until all of them wait and nothing is under way.
    async fn stand(
        &self,
        cases: &mut FuturesUnordered<Work<'_>>,
        mut sent: Option<&mut Work<'_>>,
    ) -> Stand {
        std::future::poll_fn(|context| {
            loop {
                while let Poll::Ready(done) = cases.poll_next_unpin(context) {
                    if done.is_none() {
                        return Poll::Ready(Stand::Over);
                    }
                }
                let Some(work) = &mut sent else {
                    let still = self.waiting() >= cases.len();
                    return if still { Poll::Ready(Stand::Still) } else { Poll::Pending };
                };
                if work.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                sent = None;
            }
        })
        .await
    }

    /// Returns how many wait for what was not sent yet, or for a timer.
    fn waiting(&self) -> usize {
        let mut asked = self.asked.borrow_mut();
        let mut waiting = 0;
        asked.retain(|_, batch| {
            let open = batch.find.prune() + batch.poll.prune() + batch.read.prune();
            waiting += open;
            open > 0
        });
        let mut timers = self.timers.borrow_mut();
        timers.retain(|(_, to)| !to.is_closed());
        waiting + timers.len()
    }

    /// Waits for the first timer, and rings those that are due nearly then.
    async fn ring(
        &self,
        cases: &mut FuturesUnordered<Work<'_>>,
        clock: &dyn Clock,
        cancel: &Cancel,
    ) {
        let first = self.timers.borrow().iter().map(|(at, _)| *at).min();
        let Some(first) = first else {
            // Somebody waits for what is neither: that is not forgotten, but waited for.
            let _over: Option<()> = cases.next().await;
            return;
        };
        tokio::select! {
            biased;
            () = clock.wait_until(first) => {}
            // The cases themselves see to it that they end.
            () = cancel.raised() => return,
        }
        let slack = if clock.jumps() { SignedDuration::ZERO } else { TOGETHER };
        let until = first.saturating_add(slack).unwrap_or(first);
        self.timers.borrow_mut().retain(|(at, _)| *at > until);
    }
}
