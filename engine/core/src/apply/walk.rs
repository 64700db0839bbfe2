//! The walk: one loop that owns the run's state and decides; provider calls do one thing and report.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use terrarium_address::{Name, ResourceAddr};
use terrarium_provider::{
    Action, ApplyReply, ApplyRequest, Clock, Connection, DataReply, DataRequest, Intent, IntentId,
    NotRecorded, Pending, Permit, PollReply, Prepared, Provider, Recorded, Recorder, Window,
};
use terrarium_state::{Batch, CommitError, Durability, IntentOutcome, Ticket};

use super::begin::Ready;
use super::doubt::InDoubt;
use super::rows::{Became, Kept};
use super::tasks::{Order, Step, Task};
use super::turns::Turns;
use crate::held::{Held, TOGETHER, store_failed};
use crate::providers::Providers;
use crate::task::{Fact, Seen, TaskState};
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
    /// It was looked what came of calls without an answer.
    Looked(Vec<usize>, Vec<Seen>),
    /// It is durable (or not) that a service took work on; it is asked after this time.
    Accepted(usize, Duration, Result<u64, CommitError>),
    /// An outcome is durable (or not).
    Durable(usize, Result<u64, CommitError>),
    /// A timer is due.
    Tick,
}

/// What closes an intent.
pub(super) type Closing = (IntentId, IntentOutcome);

/// Work of one provider that is due to be asked about.
type Due = (Arc<dyn Provider>, Vec<usize>, Vec<Pending>);

pub(super) type Running<'w> = FuturesUnordered<Pin<Box<dyn Future<Output = Event> + 'w>>>;

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
    pub(super) ready: VecDeque<usize>,
    pub(super) turns: Turns,
    /// What a service asked to go on with: its next call waits for room like any other.
    pub(super) resumed: VecDeque<usize>,
    /// Everything that has begun and is not done, what services are at work on included.
    pub(super) busy: BTreeSet<usize>,
    /// Those of them that have a call under way, or an intent that is written down for one.
    pub(super) calling: BTreeSet<usize>,
    timers: BTreeSet<(Timestamp, usize)>,
    blocked: HashMap<usize, Blocked>,
    pub(super) progress: &'a Arc<dyn Progress>,
    /// Whether the lock is: nothing more begins.
    pub(super) lost: bool,
}

/// A task under way.
pub(super) struct Under {
    pub(super) task: Task,
    pub(super) begun: Timestamp,
    pub(super) ready: Option<Ready>,
    pub(super) intent: Option<IntentId>,
    /// Where it stands; only the task machine says so.
    pub(super) state: TaskState,
    pub(super) pending: Option<Pending>,
    /// The intent of the last call that was sent.
    pub(super) sent: Option<Intent>,
    /// How often that call was sent.
    pub(super) sends: u32,
    /// Whether nobody knows what came of it.
    pub(super) doubt: Option<InDoubt>,
    /// Whether what follows a create must still be sent, once it is made.
    pub(super) owes: bool,
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
            turns: Turns::default(),
            resumed: VecDeque::new(),
            busy: BTreeSet::new(),
            calling: BTreeSet::new(),
            timers: BTreeSet::new(),
            blocked: HashMap::new(),
            progress,
            lost: false,
        }
    }

    /// Carries out what can be, until nothing is left or the run is to stop.
    pub(super) async fn run(&mut self, cancel: &Cancel) {
        let clock = self.inputs.clock.clone();
        let mut running: Running<'_> = FuturesUnordered::new();
        let held = self.held;
        let mut lost = pin!(crate::keep::lost(held));
        loop {
            let stops = cancel.is_raised() || self.lost;
            if !stops {
                self.begin(&mut running).await;
            }
            let stopping = cancel.is_urgent() || (stops && running.is_empty());
            if stopping || (running.is_empty() && self.timers.is_empty()) {
                break;
            }
            let due = self.timers.first().map(|(at, _)| *at);
            tokio::select! {
                biased;
                event = next(&mut running, due, clock.as_ref()) => self.fold(event, &mut running),
                // A request to stop is looked at when the loop begins anew.
                () = cancel.beyond(cancel.count()) => {}
                why = &mut lost, if !self.lost => {
                    self.world.report(store_failed(&why.to_string()));
                    self.lost = true;
                }
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
                    self.stepped(node, Fact::Durable, false);
                    self.send(node, Permit::External(recorded), running);
                }
            }
            Event::Recorded(nodes, Err(error)) => {
                self.world.report(store_failed(&error.message));
                for node in nodes {
                    self.fail(node, &error.message);
                }
            }
            Event::Applied(node, intent, reply) => {
                self.answered(node);
                self.settle_apply(node, intent, *reply, running);
            }
            Event::Read(node, reply) => {
                self.calling.remove(&node);
                self.settle_read(node, *reply);
            }
            Event::Polled(nodes, replies) => {
                for (node, reply) in nodes.into_iter().zip(replies) {
                    self.settle_poll(node, reply, running);
                }
            }
            Event::Looked(nodes, seen) => {
                for (node, seen) in nodes.into_iter().zip(seen) {
                    self.settle_look(node, seen, running);
                }
            }
            Event::Accepted(node, poll_after, Ok(_)) => self.set_timer(node, poll_after),
            Event::Durable(node, Ok(_)) => self.complete(node),
            Event::Durable(node, Err(error)) | Event::Accepted(node, _, Err(error)) => {
                self.world.report(store_failed(&error.to_string()));
                self.fail(node, &error.to_string());
            }
            Event::Tick => self.poll(running),
        }
    }

    /// Begins what is ready, as far as there is room; intents are recorded together, and only where
    /// their calls may follow at once.
    async fn begin<'w>(&mut self, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        let limits = &self.inputs.limits;
        let mut drafts: Vec<(usize, Prepared)> = Vec::new();
        let mut closings: Vec<Closing> = Vec::new();
        // What goes on is under way already: only its call needs room.
        while limits.room(self.calling.len(), 0) > 0
            && let Some(node) = self.resumed.pop_front()
        {
            if !self.has_turn_again(node) {
                continue;
            }
            let before = self.tasks.get_mut(&node).and_then(|under| under.intent.take());
            let Some(prepared) = self.drafted(node) else { continue };
            let next = prepared.intent().id;
            closings.extend(before.map(|before| self.closing(node, before, next)));
            drafts.push((node, prepared));
        }
        while limits.room(self.calling.len(), self.busy.len()) > 0
            && let Some(node) = self.ready.pop_front()
        {
            match self.begun(node, running).await {
                Some(Step::Read) => self.read(node, running).await,
                Some(_) => match self.drafted(node) {
                    Some(draft) => drafts.push((node, draft)),
                    None if self.tasks.contains_key(&node) => {
                        // What has no effect outside needs no intent.
                        self.stepped(node, Fact::Drafted, false);
                        self.stepped(node, Fact::Durable, false);
                        self.send(node, Permit::Local, running);
                    }
                    None => {}
                },
                None => {}
            }
        }
        if drafts.is_empty() {
            return;
        }
        let (recorder, held) = (self.recorder.clone(), self.held);
        let (nodes, intents): (Vec<_>, Vec<_>) = drafts.into_iter().unzip();
        running.push(Box::pin(async move {
            let recorded = recorder.record(intents).await;
            if recorded.is_ok() && !closings.is_empty() {
                // Once the next intents are durable; a commit that fails spoils those after it, which tell.
                let batch = Batch { outcomes: closings, ..Batch::default() };
                drop(held.store.submit(&held.fence, batch, Durability::Lazy));
            }
            Event::Recorded(nodes, recorded)
        }));
    }

    /// Begins a task; returns its step where a call follows.
    async fn begun<'w>(&mut self, node: usize, running: &mut Running<'w>) -> Option<Step>
    where
        'a: 'w,
    {
        let Some(task) = self.order.tasks.get(node).copied() else {
            self.release(node);
            return None;
        };
        if let Some(because) = self.blocked.get(&node).cloned() {
            self.skip(node, because);
            return None;
        }
        if task.step == Step::Forget {
            self.forget(node, task);
            return None;
        }
        if task.step == Step::Read {
            self.enter(node, task, None);
            return Some(task.step);
        }
        let ready = match self.unparked(node) {
            Some(ready) => Some(ready),
            None => self.prepare(task).await,
        };
        let Some(ready) = ready else {
            self.enter(node, task, None);
            self.fail(node, "its configuration or provider has errors");
            return None;
        };
        let ready = self.has_turn(node, task, ready)?;
        self.enter(node, task, Some(ready));
        if self.is_its_successor(node) {
            self.finish_task(node, &Became::Gone, Kept::default(), running);
            return None;
        }
        self.make_room(task);
        Some(task.step)
    }

    /// A task is under way from now on.
    fn enter(&mut self, node: usize, task: Task, ready: Option<Ready>) {
        self.busy.insert(node);
        self.tell_begun(task);
        let begun = self.inputs.clock.now();
        let under = Under {
            task,
            begun,
            ready,
            intent: None,
            state: TaskState::Preparing,
            pending: None,
            sent: None,
            sends: 0,
            doubt: None,
            owes: false,
        };
        self.tasks.insert(node, under);
    }

    /// Drafts the intent of a task's next call; `None` where that is local.
    fn drafted(&mut self, node: usize) -> Option<Prepared> {
        let under = self.tasks.get(&node)?;
        let draft = self.draft(under.task, under.ready.as_ref()?)?;
        let prepared = self.recorder.prepare(draft);
        if let Some(under) = self.tasks.get_mut(&node) {
            under.intent = Some(prepared.intent().id);
        }
        self.stepped(node, Fact::Drafted, false);
        self.calling.insert(node);
        Some(prepared)
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
        under.sends += 1;
        under.sent = match &permit {
            Permit::External(recorded) => Some(recorded.intent().clone()),
            Permit::Local => None,
        };
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
        self.calling.insert(node);
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
        self.calling.insert(node);
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
        let mut groups: BTreeMap<Name, Due> = BTreeMap::new();
        let mut in_doubt = Vec::new();
        for node in self.due() {
            if self.is_in_doubt(node) {
                in_doubt.push(node);
                continue;
            }
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
        self.look(in_doubt, running);
        for (provider, nodes, pending) in groups.into_values() {
            running.push(Box::pin(async move {
                let replies = provider.poll_many(&pending).await;
                Event::Polled(nodes, replies)
            }));
        }
    }

    /// Takes out the timers that are due, and those that are nearly: where time passes by itself, work
    /// that was accepted one after the other is asked about together from then on.
    fn due(&mut self) -> Vec<usize> {
        let now = self.inputs.clock.now();
        let slack = if self.inputs.clock.jumps() { SignedDuration::ZERO } else { TOGETHER };
        let until = now.saturating_add(slack).unwrap_or(now);
        if self.timers.first().is_none_or(|(at, _)| *at > now) {
            return Vec::new();
        }
        let later = self.timers.split_off(&(until, usize::MAX));
        std::mem::replace(&mut self.timers, later).into_iter().map(|(_, node)| node).collect()
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
        self.rest(node);
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
        self.rest(node);
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
        self.block_all(node, because, |walk, next| {
            walk.order.tasks.get(next).is_some_and(|task| walk.releases(failed, *task))
        });
    }

    fn block_followers(&mut self, node: usize, because: &Blocked) {
        self.block_all(node, because, |_, _| false);
    }

    /// Blocks the tasks behind a node, through joints, but for those that go on all the same.
    fn block_all(&mut self, node: usize, because: &Blocked, free: impl Fn(&Self, usize) -> bool) {
        let tasks = self.order.tasks.len();
        let mut open: Vec<usize> = self.order.followers[node].clone();
        while let Some(next) = open.pop() {
            if free(self, next) || self.blocked.insert(next, because.clone()).is_some() {
                continue;
            }
            if next >= tasks {
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
                self.world.report(store_failed(&error.to_string()));
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
            biased;
            Some(event) = running.next() => event,
            () = clock.wait_until(at) => Event::Tick,
        },
        _ => running.next().await.unwrap_or(Event::Tick),
    }
}
