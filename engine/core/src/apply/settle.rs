//! Settling: what an answer means for the state, written down before anything rests on it.

use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    Accepted, ApplyOutcome, ApplyReply, DataOutcome, DataReply, Effect, Intent, IntentId, Pending,
    PollOutcome, PollReply, Private, Window,
};
use terrarium_state::{Batch, Durability, IntentProgress, Object, ObjectChange, ObjectStatus};
use terrarium_value::{Marks, Value};

use super::tasks::{Step, Task};
use super::walk::{Event, Walk};
use crate::{PlannedAction, ReplaceOrder, ResourceChange, codes, object};

type Running<'w> =
    futures_util::stream::FuturesUnordered<std::pin::Pin<Box<dyn Future<Output = Event> + 'w>>>;

/// What became of a task's object.
enum Became {
    /// It is as planned.
    Whole(Value),
    /// It exists, and must be replaced.
    Broken(Value),
    /// It is gone.
    Gone,
    /// Nothing changed.
    Untouched,
}

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
        match reply.outcome {
            ApplyOutcome::Done { state, private, window } => {
                let became = state.map_or(Became::Gone, Became::Whole);
                self.finish_task(node, became, (private, window), running);
            }
            ApplyOutcome::Accepted(accepted) => self.accept(node, intent, accepted, running),
            ApplyOutcome::Refused { state, private } => self.refuse(node, state, private),
            ApplyOutcome::Unknown(doubt) => {
                let Some(under) = self.tasks.get(&node) else { return };
                let addr = self.plan.changes[under.task.change].addr.clone();
                let error = Diagnostic::error(codes::DOUBTFUL, "Outcome unknown")
                    .detail(format!(
                        "{doubt}. Whether it was carried out is not known; the next command looks what exists before \
                         it does anything."
                    ))
                    .about(addr)
                    .help("run the same command again");
                self.world.report(error);
                if let Some(intent) = intent {
                    let progress = vec![(intent, IntentProgress::Doubtful(doubt.to_string()))];
                    self.lazy
                        .push(self.submit(Batch { progress, ..Batch::default() }, Durability::Now));
                }
                self.fail(node, &doubt.to_string());
            }
        }
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
        match reply.outcome {
            PollOutcome::Waiting { poll_after, status } => {
                if self.timed_out(node, &status) {
                    return;
                }
                self.tell_waiting(node, status);
                self.set_timer(node, poll_after);
            }
            PollOutcome::Continue { state, private } => self.go_on(node, state, private, running),
            PollOutcome::Done { state, private, window } => {
                let became = state.map_or(Became::Gone, Became::Whole);
                self.finish_task(node, became, (private, window), running);
            }
            PollOutcome::Refused { state, private } => self.refuse(node, state, private),
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
                if let Some(batch) = self.data_row(change, &value) {
                    self.lazy.push(self.submit(batch, Durability::Lazy));
                }
                self.complete(node);
            }
            DataOutcome::Refused => self.fail(node, "the data source could not be read"),
            DataOutcome::Deferred(deferral) => self.fail(node, &deferral.reason),
        }
    }

    fn data_row(&self, change: &ResourceChange, value: &Value) -> Option<Batch> {
        let object = object::write(value, &change.schema, None).ok()?;
        let object = Object { deps: change.deps.clone(), ..object };
        Some(Batch { objects: vec![row(change, None, Some(object))], ..Batch::default() })
    }

    /// The service took the work on: that is durable before anybody asks how it stands.
    fn accept<'w>(
        &mut self,
        node: usize,
        intent: Option<IntentId>,
        accepted: Accepted,
        _running: &mut Running<'w>,
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
                accepted.private.clone(),
                None,
                ObjectStatus::Ready,
            ));
        }
        self.lazy.push(self.submit(batch, Durability::Now));
        self.set_timer(node, accepted.poll_after);
    }

    /// A long action needs another call: it gets an intent of its own.
    fn go_on<'w>(
        &mut self,
        node: usize,
        state: Option<Value>,
        private: Private,
        running: &mut Running<'w>,
    ) where
        'a: 'w,
    {
        let Some(under) = self.tasks.get_mut(&node) else { return };
        let before = under.intent;
        if let Some(ready) = &mut under.ready {
            ready.private = private;
            ready.prior = state.or(ready.prior.take());
        }
        let task = under.task;
        let draft = self.tasks.get(&node).and_then(|under| self.draft(task, under.ready.as_ref()?));
        let Some(draft) = draft else { return };
        let draft: Intent = self.recorder.prepare(draft);
        if let Some(under) = self.tasks.get_mut(&node) {
            under.intent = Some(draft.id);
        }
        if let Some(before) = before {
            let progress = vec![(before, IntentProgress::Done)];
            self.lazy.push(self.submit(Batch { progress, ..Batch::default() }, Durability::Lazy));
        }
        let recorder = self.recorder.clone();
        running.push(Box::pin(async move {
            Event::Recorded(vec![node], recorder.record(vec![draft]).await)
        }));
    }

    /// A task reached its end: its outcome is written, and dependents wait for that where it is external.
    fn finish_task<'w>(
        &mut self,
        node: usize,
        became: Became,
        (private, window): (Private, Option<Window>),
        running: &mut Running<'w>,
    ) where
        'a: 'w,
    {
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        if let Became::Whole(value) = &became
            && let Some(path) = value.unknown_paths().first()
        {
            self.internal(change, &format!("the provider left {path} unknown after the apply"));
            self.fail(node, "the provider returned an unknown value");
            return;
        }
        let local = change.schema.effect == Effect::Local;
        let batch = self.outcome(node, &became, private, window, IntentProgress::Done);
        self.publish(node, &became);
        let durability = if local { Durability::Lazy } else { Durability::Now };
        let ticket = self.submit(batch, durability);
        if local {
            self.lazy.push(ticket);
            self.complete(node);
        } else {
            running.push(Box::pin(async move { Event::Durable(node, ticket.durable().await) }));
        }
    }

    fn refuse(&mut self, node: usize, state: Option<Value>, private: Private) {
        let Some(under) = self.tasks.get(&node) else { return };
        let became = match (under.task.step, state) {
            (Step::Create, Some(state)) => Became::Broken(state),
            (Step::Create, None) => Became::Gone,
            (_, Some(state)) => Became::Whole(state),
            (_, None) => Became::Untouched,
        };
        let why = self.world.last_error().unwrap_or_else(|| "the service refused".to_owned());
        let mut batch = self.outcome(node, &became, private, None, IntentProgress::Refused);
        self.restore(node, &became, &mut batch);
        self.lazy.push(self.submit(batch, Durability::Now));
        self.fail(node, &why);
    }

    fn timed_out(&mut self, node: usize, status: &str) -> bool {
        let now = self.inputs.clock.now();
        let Some(under) = self.tasks.get(&node) else { return true };
        let Some(pending) = &under.pending else { return true };
        if now.duration_since(pending.since).unsigned_abs() < pending.accepted.timeout {
            return false;
        }
        let addr = self.plan.changes[under.task.change].addr.clone();
        let (state, private) = (pending.accepted.state.clone(), pending.accepted.private.clone());
        let error = Diagnostic::error(codes::APPLY_FAILED, "Timeout")
            .detail(format!(
                "{addr} is still {status} after {} s, the time allowed for it.",
                pending.accepted.timeout.as_secs()
            ))
            .about(addr)
            .help("raise it with a `timeouts` block, or look at the object with the cloud's own tools");
        self.world.report(error);
        self.refuse(node, state, private);
        true
    }

    /// Lets others read what became of the object.
    fn publish(&self, node: usize, became: &Became) {
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        if let Became::Whole(value) = became {
            let value = self.marked(node, value);
            self.world.set_instance(&change.addr.block, change.addr.key.clone(), Some(value));
        }
    }

    fn marked(&self, node: usize, value: &Value) -> Value {
        let Some(under) = self.tasks.get(&node) else { return value.clone() };
        let change = &self.plan.changes[under.task.change];
        let sensitive =
            under.ready.as_ref().map(|ready| ready.sensitive.as_slice()).unwrap_or_default();
        object::mark_sensitive(
            value.clone().mark_paths(sensitive, Marks::SENSITIVE),
            &change.schema.block,
        )
    }

    /// The batch that records an outcome.
    fn outcome(
        &self,
        node: usize,
        became: &Became,
        private: Private,
        window: Option<Window>,
        progress: IntentProgress,
    ) -> Batch {
        let mut batch = Batch::default();
        let Some(under) = self.tasks.get(&node) else { return batch };
        if let Some(intent) = under.intent {
            batch.progress.push((intent, progress));
        }
        let change = &self.plan.changes[under.task.change];
        match became {
            Became::Whole(value) => {
                batch.objects.extend(self.object_row(
                    node,
                    value,
                    private,
                    window,
                    ObjectStatus::Ready,
                ));
            }
            Became::Broken(value) => {
                batch.objects.extend(self.object_row(
                    node,
                    value,
                    private,
                    window,
                    ObjectStatus::Tainted,
                ));
            }
            Became::Gone => batch.objects.push(row(change, self.deposed_key(under.task), None)),
            Became::Untouched => {}
        }
        batch
    }

    fn object_row(
        &self,
        node: usize,
        value: &Value,
        private: Private,
        window: Option<Window>,
        status: ObjectStatus,
    ) -> Option<ObjectChange> {
        let under = self.tasks.get(&node)?;
        let change = &self.plan.changes[under.task.change];
        let known = if value.is_wholly_known() { value.clone() } else { nulled(value) };
        match object::write(&self.marked(node, &known), &change.schema, private) {
            Ok(object) => {
                let object = Object {
                    status,
                    deps: change.deps.clone(),
                    create_before_destroy: change.action
                        == PlannedAction::Replace(ReplaceOrder::CreateFirst),
                    window: window.or(change.window),
                    ..object
                };
                let deposed = if under.task.step == Step::Delete {
                    self.deposed_key(under.task)
                } else {
                    None
                };
                Some(row(change, deposed, Some(object)))
            }
            Err(why) => {
                self.internal(change, &why);
                None
            }
        }
    }

    /// Returns the deposed key of the object that a task removes.
    pub(super) fn deposed_key(&self, task: Task) -> Option<Name> {
        let change = &self.plan.changes[task.change];
        if change.deposed.is_some() {
            return change.deposed.clone();
        }
        let after_create = change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst);
        (after_create && task.step == Step::Delete).then(|| self.new_deposed_key(change))
    }

    /// The key under which a replaced object waits for its end: the same however often it is asked.
    fn new_deposed_key(&self, change: &ResourceChange) -> Name {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.plan.lineage.as_bytes());
        hasher.update(change.addr.to_string().as_bytes());
        hasher.update(&self.plan.serial.to_le_bytes());
        let hex = hasher.finalize().to_hex();
        hex.as_str().get(..8).unwrap_or_default().into()
    }

    /// Moves the current object aside before its successor is created.
    pub(super) fn make_room(&mut self, task: Task) {
        let change = &self.plan.changes[task.change];
        if task.step != Step::Create
            || change.action != PlannedAction::Replace(ReplaceOrder::CreateFirst)
        {
            return;
        }
        let current = self
            .inputs
            .prior
            .resources
            .get(&change.addr)
            .and_then(|instance| instance.current.clone());
        let key = self.new_deposed_key(change);
        let objects = vec![row(change, Some(key), current), row(change, None, None)];
        self.lazy.push(self.submit(Batch { objects, ..Batch::default() }, Durability::Lazy));
    }

    /// Moves the object back whose successor could not be created.
    fn restore(&self, node: usize, became: &Became, batch: &mut Batch) {
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        let create_first = change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst);
        if under.task.step != Step::Create || !create_first || !matches!(became, Became::Gone) {
            return;
        }
        let current = self
            .inputs
            .prior
            .resources
            .get(&change.addr)
            .and_then(|instance| instance.current.clone());
        batch.objects.push(row(change, Some(self.new_deposed_key(change)), None));
        batch.objects.push(row(change, None, current));
    }

    /// Writes down what needs no call: moves, refreshed values, data that was read.
    pub(super) fn bookkeeping(&mut self) {
        let mut batch = Batch::default();
        if self.inputs.prior.realm.is_none() {
            batch.realm.clone_from(&self.plan.realm);
        }
        for change in &self.plan.changes {
            let Some(from) = &change.moved_from else { continue };
            let object =
                self.inputs.prior.resources.get(from).and_then(|instance| instance.current.clone());
            let old = ResourceChange { addr: from.clone(), ..change.clone() };
            batch.objects.push(row(&old, None, None));
            batch.objects.push(row(change, None, object));
        }
        batch.objects.extend(self.refreshed());
        for data in &self.plan.data {
            if let Ok(object) = object::write(&data.value, &data.schema, None) {
                let object = Object { deps: data.deps.clone(), ..object };
                let recorded =
                    self.inputs.prior.resources.get(&data.addr).and_then(|i| i.current.as_ref());
                if recorded != Some(&object) {
                    let (addr, provider) = (data.addr.clone(), data.provider.clone());
                    batch.objects.push(ObjectChange {
                        addr,
                        deposed: None,
                        provider,
                        object: Some(object),
                    });
                }
            }
        }
        if self.plan.mode == crate::Mode::Destroy {
            let data = self.inputs.prior.resources.iter();
            let data = data.filter(|(addr, _)| addr.block.mode == terrarium_address::Mode::Data);
            batch.objects.extend(data.map(|(addr, instance)| ObjectChange {
                addr: addr.clone(),
                deposed: None,
                provider: instance.provider.clone(),
                object: None,
            }));
        }
        if !batch.objects.is_empty() || batch.realm.is_some() {
            self.lazy.push(self.submit(batch, Durability::Lazy));
        }
    }

    /// Rows of objects that the refresh found changed, or gone, and that nothing else is done to.
    fn refreshed(&self) -> Vec<ObjectChange> {
        let mut rows = Vec::new();
        for drift in &self.plan.drift {
            let recorded =
                self.inputs.prior.resources.get(&drift.addr).and_then(|i| i.current.as_ref());
            if drift.after.is_null() {
                rows.push(row(drift, None, None));
            } else if let (Some(recorded), Ok(object)) =
                (recorded, object::write(&drift.after, &drift.schema, drift.private.clone()))
            {
                let kept = Object {
                    status: recorded.status,
                    deps: recorded.deps.clone(),
                    create_before_destroy: recorded.create_before_destroy,
                    window: recorded.window,
                    identity: recorded.identity.clone(),
                    ..object
                };
                rows.push(row(drift, None, Some(kept)));
            }
        }
        rows
    }

    pub(super) fn forget(&mut self, node: usize, task: Task) {
        let change = &self.plan.changes[task.change];
        let objects = vec![row(change, change.deposed.clone(), None)];
        self.lazy.push(self.submit(Batch { objects, ..Batch::default() }, Durability::Lazy));
        self.complete(node);
    }

    fn submit(&self, batch: Batch, durability: Durability) -> terrarium_state::Ticket {
        self.held.store.submit(&self.held.fence, batch, durability)
    }

    fn report_reply(&self, node: usize, diagnostics: Diagnostics) {
        let Some(under) = self.tasks.get(&node) else { return };
        let change = &self.plan.changes[under.task.change];
        let block = self.block(change);
        for diagnostic in diagnostics {
            self.world.report(match &block {
                Some((_, resource)) => crate::plan::located(diagnostic, resource, &change.addr),
                None => diagnostic.about(change.addr.clone()),
            });
        }
    }
}

fn row(change: &ResourceChange, deposed: Option<Name>, object: Option<Object>) -> ObjectChange {
    ObjectChange { addr: change.addr.clone(), deposed, provider: change.provider.clone(), object }
}

/// What is not known yet of an object that exists is stored as null.
pub(crate) fn nulled(value: &Value) -> Value {
    value.clone().transform(&mut |_: &terrarium_address::AttrPath, part: Value| match part.kind() {
        terrarium_value::Kind::Unknown(unknown) => Value::null(unknown.ty.clone()),
        _ => part,
    })
}
