//! Settling: what an answer means for the state, written down before anything rests on it.

use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    Accepted, ApplyReply, DataOutcome, DataReply, Effect, IntentId, Pending, PollReply, Private,
};
use terrarium_state::{Batch, Durability, IntentOutcome, IntentProgress, Object, ObjectStatus};
use terrarium_value::{Marks, Value};

use super::rows::{Became, Kept, row};
use super::tasks::{Step, Task};
use super::walk::{Closing, Event, Running, Walk};
use crate::task::{Deed, Fact, Shell, Terms, step};
use crate::{ResourceChange, codes, object};

impl<'a> Walk<'a> {
    pub(super) fn settle_apply<'w>(
        &mut self,
        node: usize,
        intent: Option<IntentId>,
        reply: ApplyReply,
        running: &mut Running<'w>,
    ) where
        'a: 'w,
    {
        self.report_reply(node, reply.diagnostics);
        let deed = self.stepped(node, Fact::Answered(reply.outcome), false);
        self.carry_out(node, intent, deed, running);
    }

    pub(super) fn settle_poll<'w>(
        &mut self,
        node: usize,
        reply: PollReply,
        running: &mut Running<'w>,
    ) where
        'a: 'w,
    {
        self.report_reply(node, reply.diagnostics);
        let owes = self.tasks.get(&node).is_some_and(|under| under.owes);
        let deed = self.stepped(node, Fact::Polled(reply.outcome), owes);
        self.carry_out(node, None, deed, running);
    }

    /// Lets the machine decide what a fact means for a task.
    pub(super) fn stepped(&mut self, node: usize, fact: Fact, owes: bool) -> Deed {
        let now = self.inputs.clock.now();
        let Some(under) = self.tasks.get_mut(&node) else { return Deed::Stay };
        let terms = Terms {
            shell: Shell::Apply,
            action: Self::action_of(under.task.step),
            owes,
            sends: under.sends,
            recorded_at: under.sent.as_ref().map(|intent| intent.at),
            now,
        };
        let (state, deed) = step(under.state, fact, &terms);
        under.state = state;
        deed
    }

    /// Carries out what the machine decided after an answer or a poll.
    pub(super) fn carry_out<'w>(
        &mut self,
        node: usize,
        intent: Option<IntentId>,
        deed: Deed,
        running: &mut Running<'w>,
    ) where
        'a: 'w,
    {
        match deed {
            Deed::Keep(accepted) => self.accept(node, intent, &accepted, running),
            Deed::Ask { after, status } => {
                self.tell_waiting(node, status);
                self.set_timer(node, after);
            }
            Deed::GoOn { state, private } => self.go_on(node, state, private),
            Deed::Finish { state, private, window } => {
                let became = state.map_or(Became::Gone, Became::Whole);
                self.finish_task(node, &became, Kept { private, window }, running);
            }
            Deed::Refuse { state, private } => self.refuse(node, state, private),
            Deed::GiveUp { status } => self.give_up(node, &status),
            Deed::Doubt { doubt, look } => self.doubt(node, intent, doubt, look),
            // A look's deeds are carried out where it is looked; recording and sending follow their batch.
            Deed::LookAgain { .. }
            | Deed::SendAgain
            | Deed::Failed
            | Deed::Adopt(_)
            | Deed::LeaveOpen
            | Deed::LeaveAtWork { .. }
            | Deed::Reread
            | Deed::Record
            | Deed::Send
            | Deed::Stay => {}
        }
    }

    pub(super) fn settle_read(&mut self, node: usize, reply: DataReply) {
        self.report_reply(node, reply.diagnostics);
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        match reply.outcome {
            DataOutcome::Read { state, .. } => {
                let sensitive = change.after.paths_with_mark(Marks::SENSITIVE);
                let value = object::mark_sensitive(
                    state.mark_paths(&sensitive, Marks::SENSITIVE),
                    &change.schema.block,
                );
                self.world.set_instance(
                    &change.addr.block,
                    change.addr.key.clone(),
                    Some(value.clone()),
                );
                self.published.insert(change.addr.clone());
                if let Some(batch) = Self::data_row(change, &value) {
                    self.lazy.push(self.submit(batch, Durability::Lazy));
                }
                self.complete(node);
            }
            DataOutcome::Refused => self.fail(node, "the data source could not be read"),
            DataOutcome::Deferred(deferral) => self.fail(node, &deferral.reason),
        }
    }

    fn data_row(change: &ResourceChange, value: &Value) -> Option<Batch> {
        let object = object::write(value, &change.schema, None).ok()?;
        let object = Object { deps: change.deps.clone(), ..object };
        Some(Batch { objects: vec![row(change, None, Some(object))], ..Batch::default() })
    }

    /// The service took the work on: that is durable before anybody asks how it stands.
    pub(super) fn accept<'w>(
        &mut self,
        node: usize,
        intent: Option<IntentId>,
        accepted: &Accepted,
        running: &mut Running<'w>,
    ) where
        'a: 'w,
    {
        let since = self.inputs.clock.now();
        let Some(under) = self.tasks.get_mut(&node) else { return };
        let task = under.task;
        let (planned, config) =
            under.ready.as_ref().map(|r| (r.planned.clone(), r.config.clone())).unwrap_or_default();
        let change = &self.plan.changes[task.change];
        under.pending = Some(Pending {
            kind: change.addr.block.kind.clone(),
            addr: change.addr.clone(),
            action: Self::action_of(task.step),
            accepted: accepted.clone(),
            since,
            planned,
            config,
            polls: 0,
        });
        let mut batch = Batch::default();
        if let Some(intent) = intent {
            batch.progress.push((intent, IntentProgress::Accepted(Box::new(accepted.clone()))));
        }
        if task.step == Step::Create
            && let Some(state) = &accepted.state
        {
            batch.objects.extend(self.object_row(
                node,
                state,
                Kept { private: accepted.private.clone(), window: None },
                ObjectStatus::Ready,
            ));
        }
        let ticket = self.submit(batch, Durability::Now);
        let poll_after = accepted.poll_after;
        running.push(Box::pin(
            async move { Event::Accepted(node, poll_after, ticket.durable().await) },
        ));
    }

    /// A long action needs another call, which waits for room like any other. Until then its intent
    /// stays open as it is, so that whoever comes later follows it.
    pub(super) fn go_on(&mut self, node: usize, state: Option<Value>, private: Private) {
        let Some(under) = self.tasks.get_mut(&node) else { return };
        under.owes = false;
        under.sends = 0;
        if let Some(ready) = &mut under.ready {
            ready.private = private;
            ready.prior = state.or(ready.prior.take());
        }
        if self.plan.changes[under.task.change].schema.effect == Effect::Local {
            self.fail(node, "only an external action can be continued");
            return;
        }
        self.resumed.push_back(node);
    }

    /// Says what closes the intent of a call that another one follows, once that one's is durable. That
    /// and keeping what it made are one: otherwise a crash loses the object.
    pub(super) fn closing(&self, node: usize, before: IntentId, next: IntentId) -> Closing {
        let made = self.tasks.get(&node).filter(|under| under.task.step == Step::Create);
        let made = made.and_then(|under| under.ready.as_ref());
        let made = made.and_then(|ready| Some((ready.prior.clone()?, ready.private.clone())));
        let made = made.and_then(|(state, private)| {
            let kept = Kept { private, window: None };
            self.object_row(node, &state, kept, ObjectStatus::Unprovisioned)
        });
        (before, made.map_or(IntentOutcome::Continued(next), IntentOutcome::Row))
    }

    /// A task reached its end: its outcome is written, and dependents wait for that where it is external.
    pub(super) fn finish_task<'w>(
        &mut self,
        node: usize,
        became: &Became,
        kept: Kept,
        running: &mut Running<'w>,
    ) where
        'a: 'w,
    {
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        if let Became::Whole(value) = became
            && let Some(path) = value.unknown_paths().first()
        {
            self.internal(change, &format!("the provider left {path} unknown after the apply"));
            self.fail(node, "the provider returned an unknown value");
            return;
        }
        let local = change.schema.effect == Effect::Local;
        if let Some(window) = kept.window {
            self.windows.insert(change.addr.clone(), window);
        }
        let batch = self.outcome(node, became, kept);
        self.publish(node, became);
        let durability = if local { Durability::Lazy } else { Durability::Now };
        let ticket = self.submit(batch, durability);
        if local {
            self.lazy.push(ticket);
            self.complete(node);
        } else {
            running.push(Box::pin(async move { Event::Durable(node, ticket.durable().await) }));
        }
    }

    pub(super) fn refuse(&mut self, node: usize, state: Option<Value>, private: Private) {
        let Some(under) = self.tasks.get(&node) else { return };
        let became = match (under.task.step, state) {
            (Step::Create, Some(state)) => Became::Broken(state),
            (Step::Create, None) => Became::Gone,
            (_, Some(state)) => Became::Whole(state),
            (_, None) => Became::Untouched,
        };
        let why = self.world.last_error().unwrap_or_else(|| "the service refused".to_owned());
        let mut batch = self.outcome(node, &became, Kept { private, window: None });
        self.restore(node, &became, &mut batch);
        self.publish(node, &became);
        self.lazy.push(self.submit(batch, Durability::Now));
        self.fail(node, &why);
    }

    /// Stops waiting for work that takes longer than it may.
    fn give_up(&mut self, node: usize, status: &str) {
        let Some(under) = self.tasks.get(&node) else { return };
        let Some(pending) = &under.pending else { return };
        let addr = self.plan.changes[under.task.change].addr.clone();
        let (state, private) = (pending.accepted.state.clone(), pending.accepted.private.clone());
        let error = Diagnostic::error(codes::APPLY_FAILED, "Timeout")
            .detail(format!(
                "{addr} was not done after {} s, the time allowed for it: {status}",
                pending.accepted.timeout.as_secs()
            ))
            .cause(format!("{} {status}", addr.block.kind))
            .about(addr)
            .help("raise it with a `timeouts` block, or look at the object with the cloud's own tools");
        self.world.report(error);
        let create = self.tasks.get(&node).is_some_and(|under| under.task.step == Step::Create);
        if create && state.is_none() {
            // Something may come of it yet: the intent stays open, and the next command looks.
            self.fail(node, "Timeout");
        } else {
            self.refuse(node, state, private);
        }
    }

    /// Lets others read what became of the object.
    pub(super) fn publish(&mut self, node: usize, became: &Became) {
        let Some(under) = self.tasks.get(&node) else { return };
        let plan = self.plan;
        let change = &plan.changes[under.task.change];
        if let Became::Whole(value) | Became::Broken(value) = became {
            let value = self.marked(node, value);
            let window = self.windows.get(&change.addr).copied().or(*change.window);
            let now = self.inputs.clock.now();
            let coming = window.map(|window| window.from()).filter(|from| *from > now);
            let value = match coming {
                Some(from) => object::mask_late(&value, &change.schema, &change.addr, from),
                None => value,
            };
            self.world.set_instance(&change.addr.block, change.addr.key.clone(), Some(value));
            self.published.insert(change.addr.clone());
        }
    }

    pub(super) fn forget(&mut self, node: usize, task: Task) {
        let change = &self.plan.changes[task.change];
        let objects = vec![row(change, change.deposed.clone(), None)];
        self.lazy.push(self.submit(Batch { objects, ..Batch::default() }, Durability::Lazy));
        self.complete(node);
    }

    pub(super) fn submit(&self, batch: Batch, durability: Durability) -> terrarium_state::Ticket {
        self.held.store.submit(&self.held.fence, batch, durability)
    }

    fn report_reply(&self, node: usize, diagnostics: Diagnostics) {
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        for diagnostic in diagnostics {
            self.world.report(match self.declared(change) {
                Some(resource) => crate::plan::located(diagnostic, resource, &change.addr),
                None => diagnostic.about(change.addr.clone()),
            });
        }
    }
}
