//! The walk: one loop that owns the run's state and decides; provider calls do one thing and report.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_provider::{
    Action, ApplyReply, ApplyRequest, Clock, Connection, DataReply, DataRequest, IntentId,
    NotRecorded, Pending, Permit, PollReply, Prepared, Provider, Recorded, Recorder, Window,
};
use terrarium_state::{Batch, CommitError, Durability, Ticket};

use super::Held;
use super::begin::Ready;
use super::tasks::{Order, Step, Task};
use crate::providers::Providers;
use crate::world::World;
use crate::{Blocked, Cancel, Event as Told, Failure, Inputs, Plan, Progress, RunSummary, Skipped};

/// Everything that can happen.
pub(super) enum Event {
    /// Intents are durable (or not), and their actions may be sent.
    Recorded(Vec<usize>, Result<Vec<Recorded>, NotRecorded>),
    /// A provider answered.
    Applied(usize, Option<IntentId>, Box<ApplyReply>),
    /// A data source answered.
    Read(usize, Box<DataReply>),
    /// A provider told how accepted work stands.
    Polled(Vec<usize>, Vec<PollReply>),
    /// It is durable (or not) that a service took work on; it is asked after this time.
    Accepted(usize, Duration, Result<u64, CommitError>),
    /// An outcome is durable (or not).
    Durable(usize, Result<u64, CommitError>),
    /// A timer is due.
    Tick,
}

/// Work of one provider that is due to be asked about.
type Due = (Arc<dyn Provider>, Vec<usize>, Vec<Pending>);

type Running<'w> = FuturesUnordered<Pin<Box<dyn Future<Output = Event> + 'w>>>;

pub(super) struct Walk<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) plan: &'a Plan,
    pub(super) world: &'a World<'a>,
    pub(super) providers: Providers<'a>,
    pub(super) held: &'a Held,
    pub(super) recorder: Recorder,
    pub(super) summary: RunSummary,
    /// Tickets of outcomes of local effect, awaited at the end.
    pub(super) lazy: Vec<Ticket>,
    pub(super) tasks: BTreeMap<usize, Under>,
    /// Instances whose values are those that their service reported.
    pub(super) published: HashSet<ResourceAddr>,
    /// Windows as their services reported them.
    pub(super) windows: HashMap<ResourceAddr, Window>,
    pub(super) order: Order,
    ready: VecDeque<usize>,
    pub(super) busy: BTreeSet<usize>,
    timers: BTreeSet<(Timestamp, usize)>,
    blocked: HashMap<usize, Blocked>,
    pub(super) progress: &'a Arc<dyn Progress>,
}

/// A task under way.
pub(super) struct Under {
    pub(super) task: Task,
    pub(super) begun: Timestamp,
    pub(super) ready: Option<Ready>,
    pub(super) intent: Option<IntentId>,
    pub(super) pending: Option<Pending>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        world: &'a World<'a>,
        plan: &'a Plan,
        order: Order,
        held: &'a Held,
        progress: &'a Arc<dyn Progress>,
    ) -> Self {
        let inputs = world.inputs;
        let ready = (0..order.waits.len()).filter(|at| order.waits[*at] == 0).collect();
        Self {
            inputs,
            plan,
            world,
            providers: Providers::new(inputs, Connection::Online),
            held,
            recorder: Recorder::new(held.store.intents(&held.fence)),
            summary: RunSummary::default(),
            lazy: Vec::new(),
            tasks: BTreeMap::new(),
            published: HashSet::new(),
            windows: HashMap::new(),
            order,
            ready,
            busy: BTreeSet::new(),
            timers: BTreeSet::new(),
            blocked: HashMap::new(),
            progress,
        }
    }

    /// Carries out what can be, until nothing is left or the run is to stop.
    pub(super) async fn run(&mut self, parallelism: usize, cancel: &Cancel) {
        let clock = self.inputs.clock.clone();
        let mut running: Running<'_> = FuturesUnordered::new();
        loop {
            if !cancel.is_raised() {
                self.begin(parallelism.saturating_sub(self.busy.len()), &mut running).await;
            }
            let stopping = cancel.is_urgent() || (cancel.is_raised() && running.is_empty());
            if stopping || (running.is_empty() && self.timers.is_empty()) {
                break;
            }
            let due = self.timers.first().map(|(at, _)| *at);
            tokio::select! {
                event = next(&mut running, due, clock.as_ref()) => self.fold(event, &mut running),
                // A request to stop is looked at when the loop begins anew.
                () = cancel.beyond(cancel.count()) => {}
            }
        }
        self.leave(cancel);
    }

    fn fold<'w>(&mut self, event: Event, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        match event {
            Event::Recorded(nodes, Ok(recorded)) => {
                for (node, recorded) in nodes.into_iter().zip(recorded) {
                    self.send(node, Permit::External(recorded), running);
                }
            }
            Event::Recorded(nodes, Err(error)) => {
                self.world.report(super::store_failed(&error.message));
                for node in nodes {
                    self.fail(node, &error.message);
                }
            }
            Event::Applied(node, intent, reply) => self.settle_apply(node, intent, *reply, running),
            Event::Read(node, reply) => self.settle_read(node, *reply),
            Event::Polled(nodes, replies) => {
                for (node, reply) in nodes.into_iter().zip(replies) {
                    self.settle_poll(node, reply, running);
                }
            }
            Event::Accepted(node, poll_after, Ok(_)) => self.set_timer(node, poll_after),
            Event::Durable(node, Ok(_)) => self.complete(node),
            Event::Durable(node, Err(error)) | Event::Accepted(node, _, Err(error)) => {
                self.world.report(super::store_failed(&error.to_string()));
                self.fail(node, &error.to_string());
            }
            Event::Tick => self.poll(running),
        }
    }

    /// Begins what is ready, as far as there is room; intents are recorded together.
    async fn begin<'w>(&mut self, mut room: usize, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        let mut drafts: Vec<(usize, Prepared)> = Vec::new();
        while room > 0 {
            let Some(node) = self.ready.pop_front() else { break };
            let Some(task) =
                self.order.tasks.get(node).copied().filter(|_| node < self.order.tasks.len())
            else {
                self.release(node);
                continue;
            };
            if let Some(because) = self.blocked.get(&node).cloned() {
                self.skip(node, because);
                continue;
            }
            if task.step == Step::Forget {
                self.forget(node, task);
                continue;
            }
            self.busy.insert(node);
            self.tell_begun(task);
            let begun = self.inputs.clock.now();
            let mut under = Under { task, begun, ready: None, intent: None, pending: None };
            if task.step == Step::Read {
                self.tasks.insert(node, under);
                self.read(node, running).await;
                room = room.saturating_sub(usize::from(self.busy.contains(&node)));
                continue;
            }
            let ready = self.prepare(task).await;
            let draft = ready.as_ref().and_then(|ready| self.draft(task, ready));
            under.ready = ready;
            let prepared = under.ready.is_some();
            self.tasks.insert(node, under);
            match draft {
                _ if !prepared => self.fail(node, "its configuration or provider has errors"),
                Some(draft) => {
                    self.make_room(task);
                    let prepared = self.recorder.prepare(draft);
                    if let Some(under) = self.tasks.get_mut(&node) {
                        under.intent = Some(prepared.intent().id);
                    }
                    drafts.push((node, prepared));
                    room -= 1;
                }
                None => {
                    self.make_room(task);
                    self.send(node, Permit::Local, running);
                    room -= 1;
                }
            }
        }
        if !drafts.is_empty() {
            let recorder = self.recorder.clone();
            let (nodes, intents): (Vec<_>, Vec<_>) = drafts.into_iter().unzip();
            running.push(Box::pin(async move {
                Event::Recorded(nodes, recorder.record(intents).await)
            }));
        }
    }

    /// Sends a prepared action.
    pub(super) fn send<'w>(&mut self, node: usize, permit: Permit, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        let Some(under) = self.tasks.get_mut(&node) else { return };
        let Some(ready) = &under.ready else { return };
        let change = &self.plan.changes[under.task.change];
        let intent = match &permit {
            Permit::External(recorded) => Some(recorded.intent().id),
            Permit::Local => None,
        };
        under.intent = intent;
        let request = ApplyRequest {
            addr: change.addr.clone(),
            action: ready.action,
            prior: ready.prior.clone(),
            planned: ready.planned.clone(),
            config: ready.config.clone(),
            private: ready.private.clone(),
            permit,
        };
        let provider = ready.provider.clone();
        let kind: Name = change.addr.block.kind.clone();
        running.push(Box::pin(async move {
            Event::Applied(node, intent, Box::new(provider.apply(&kind, request).await))
        }));
    }

    async fn read<'w>(&mut self, node: usize, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        let Some(task) = self.tasks.get(&node).map(|under| under.task) else { return };
        let change = &self.plan.changes[task.change];
        let request = async {
            let (module, resource) = self.block(change)?;
            let config = self.configuration(module, &resource, change)?.unmarked_deep();
            let addr = self.provider_addr(change)?;
            Some((self.providers.configured(self.world, &addr).await?, config))
        };
        let Some((provider, config)) = request.await else {
            self.fail(node, "its configuration or provider has errors");
            return;
        };
        let (kind, addr) = (change.addr.block.kind.clone(), change.addr.clone());
        let request = DataRequest { kind, addr, config };
        running.push(Box::pin(async move {
            let mut replies = provider.read_data_many(vec![request]).await;
            let none = terrarium_diagnostic::Diagnostics::new();
            Event::Read(node, Box::new(replies.pop().unwrap_or_else(|| DataReply::refused(none))))
        }));
    }

    /// Asks about accepted work that is due, one call per provider.
    fn poll<'w>(&mut self, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        let now = self.inputs.clock.now();
        let mut groups: BTreeMap<Name, Due> = BTreeMap::new();
        while let Some((at, node)) = self.timers.first().copied() {
            if at > now {
                break;
            }
            self.timers.remove(&(at, node));
            let Some(under) = self.tasks.get_mut(&node) else { continue };
            let (Some(pending), Some(ready)) = (&mut under.pending, &under.ready) else { continue };
            pending.polls += 1;
            let change = &self.plan.changes[under.task.change];
            let group = groups
                .entry(change.provider.clone())
                .or_insert_with(|| (ready.provider.clone(), Vec::new(), Vec::new()));
            group.1.push(node);
            group.2.push(pending.clone());
        }
        for (provider, nodes, pending) in groups.into_values() {
            running.push(Box::pin(async move {
                let replies = provider.poll_many(&pending).await;
                Event::Polled(nodes, replies)
            }));
        }
    }

    pub(super) fn set_timer(&mut self, node: usize, after: Duration) {
        let now = self.inputs.clock.now();
        let at = jiff::SignedDuration::try_from(after)
            .ok()
            .and_then(|d| now.checked_add(d).ok())
            .unwrap_or(now);
        self.timers.insert((at, node));
    }

    /// A task is done and durable: who waited for it may go on.
    pub(super) fn complete(&mut self, node: usize) {
        self.busy.remove(&node);
        if let Some(under) = self.tasks.remove(&node) {
            self.tell_done(&under);
            if !self.holds_after(under.task) {
                let addr = self.plan.changes[under.task.change].addr.clone();
                let action = under.task.step.action();
                let why = "a postcondition does not hold".to_owned();
                self.block_followers(node, &Blocked::By(addr.clone()));
                self.summary.failed.push(Failure { addr, action, why });
            }
        }
        self.release(node);
    }

    fn release(&mut self, node: usize) {
        for next in std::mem::take(&mut self.order.followers[node]) {
            self.order.waits[next] -= 1;
            if self.order.waits[next] == 0 {
                self.ready.push_back(next);
            }
        }
    }

    /// A task failed: what waits for it, however far, is skipped.
    pub(super) fn fail(&mut self, node: usize, why: &str) {
        self.busy.remove(&node);
        let Some(under) = self.tasks.remove(&node) else { return };
        let addr = self.plan.changes[under.task.change].addr.clone();
        let action = under.task.step.action();
        self.progress.on(Told::Failed { addr: addr.clone(), action });
        self.summary.failed.push(Failure { addr: addr.clone(), action, why: why.to_owned() });
        self.block_followers_of(node, under.task, &Blocked::By(addr));
        self.release(node);
    }

    fn skip(&mut self, node: usize, because: Blocked) {
        self.block_followers(node, &because);
        if let Some(task) = self.order.tasks.get(node) {
            let addr = self.plan.changes[task.change].addr.clone();
            self.summary.skipped.push(Skipped { addr, action: task.step.action(), because });
        }
        self.release(node);
    }

    /// Blocks what waits for a failed task, but for what it does not keep.
    fn block_followers_of(&mut self, node: usize, failed: Task, because: &Blocked) {
        let followers = std::mem::take(&mut self.order.followers[node]);
        let (free, bound): (Vec<usize>, Vec<usize>) = followers.into_iter().partition(|next| {
            self.order.tasks.get(*next).is_some_and(|task| self.releases(failed, *task))
        });
        self.order.followers[node] = bound;
        self.block_followers(node, because);
        self.order.followers[node].extend(free);
    }

    fn block_followers(&mut self, node: usize, because: &Blocked) {
        let tasks = self.order.tasks.len();
        let mut open: Vec<usize> = self.order.followers[node].clone();
        while let Some(next) = open.pop() {
            if self.blocked.insert(next, because.clone()).is_none() && next >= tasks {
                open.extend(self.order.followers[next].iter().copied());
            }
        }
    }

    /// Waits until everything is durable, and returns what came of the run.
    pub(super) async fn finish(mut self) -> RunSummary {
        if !self.lazy.is_empty() {
            // Nobody would hurry with what is lazy otherwise.
            let last = self.submit(Batch::default(), Durability::Now);
            self.lazy.push(last);
        }
        for ticket in std::mem::take(&mut self.lazy) {
            if let Err(error) = ticket.durable().await {
                self.world.report(super::store_failed(&error.to_string()));
                break;
            }
        }
        self.summary
    }

    pub(super) fn action_of(step: Step) -> Action {
        match step {
            Step::Delete => Action::Delete,
            Step::Update => Action::Update,
            Step::Create | Step::Read | Step::Forget => Action::Create,
        }
    }
}

/// Waits for the next thing to happen.
///
/// # Cancel safety
/// Nothing is lost: what runs goes on when it is waited for again.
async fn next(running: &mut Running<'_>, due: Option<Timestamp>, clock: &dyn Clock) -> Event {
    match due {
        // A clock that jumps may only be moved when nothing else can happen.
        Some(at) if running.is_empty() => {
            clock.wait_until(at).await;
            Event::Tick
        }
        Some(at) if !clock.jumps() => tokio::select! {
            Some(event) = running.next() => event,
            () = clock.wait_until(at) => Event::Tick,
        },
        _ => running.next().await.unwrap_or(Event::Tick),
    }
}
