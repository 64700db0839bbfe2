//! A configuration, its state and its cloud; the one door to the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use terrarium_address::Name;
use terrarium_core::{
    ApplyOptions, CallLimits, Cancel, Deadlines, Depth, Event, Held, HeldBack, InputValue, Inputs,
    Mode, Parallelism, Plan, PlanOptions, Progress, ProviderSet, RecoverOptions, RunSummary,
};
use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::expr::{Environment, Files};
use terrarium_provider::Clock;
use terrarium_state::{Fence, LockRequest, MemoryDisk, MemoryStore, Script, State, Store};
use terrarium_value::Value;

use crate::fake::{Cloud, FakeKind, Minute};

/// Puts something around a store.
pub(crate) type Wrap = Box<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store>>;

pub(crate) struct Scene {
    pub(crate) files: BTreeMap<PathBuf, String>,
    /// How many files were read, by whomever.
    pub(crate) reads: Arc<AtomicUsize>,
    pub(crate) variables: BTreeMap<Name, Value>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<Leap>,
    /// Wraps the store: for planted bugs.
    pub(crate) wrap: Wrap,
    /// Whether a provider is waited for only so long.
    pub(crate) impatient: bool,
    locks: u64,
}

/// What one command is run with.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) options: PlanOptions,
    /// How much goes on at a time.
    pub(crate) parallelism: Parallelism,
    /// The engine is killed when it was polled that often.
    pub(crate) crash: Option<usize>,
    /// Ctrl-C when that many actions have begun.
    pub(crate) cancel: Option<usize>,
}

impl Default for Command {
    fn default() -> Self {
        let options = PlanOptions {
            mode: Mode::Normal,
            refresh: true,
            targets: Vec::new(),
            replace: Vec::new(),
            offline: false,
            imports: Vec::new(),
            time: terrarium_core::TimeOptions::default(),
        };
        Self { options, parallelism: Parallelism::default(), crash: None, cancel: None }
    }
}

/// What a command came to.
pub(crate) struct Outcome {
    pub(crate) plan: Plan,
    pub(crate) found: Diagnostics,
    pub(crate) sources: Sources,
    pub(crate) run: Option<(RunSummary, Diagnostics)>,
    pub(crate) told: Vec<String>,
    /// What a run held back.
    pub(crate) held: Vec<HeldBack>,
    /// When the next scheduled action falls due, after a run.
    pub(crate) next: Option<Timestamp>,
}

/// How far a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Plan,
    /// The plan is approved and carried out.
    Apply,
    /// What is approved and due is carried out: `run -once`.
    Run,
}

/// A clock that jumps; the cloud's clock is the same.
pub(crate) struct Leap(Arc<Cloud>);

#[async_trait]
impl Clock for Leap {
    fn now(&self) -> Timestamp {
        self.0.inside().now
    }

    async fn wait_until(&self, at: Timestamp) {
        let mut inside = self.0.inside();
        inside.now = inside.now.max(at);
    }

    fn jumps(&self) -> bool {
        true
    }
}

struct MemoryFiles {
    files: BTreeMap<PathBuf, String>,
    reads: Arc<AtomicUsize>,
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let text = self.files.get(&clean(path));
        text.map(|it| it.clone().into_bytes()).ok_or(std::io::ErrorKind::NotFound.into())
    }

    fn list(&self, dir: &Path) -> std::io::Result<Vec<(String, bool)>> {
        let dir = clean(dir);
        let inside = self.files.keys().filter_map(|path| path.strip_prefix(&dir).ok());
        let entries: BTreeSet<(String, bool)> = inside
            .filter_map(|rest| {
                let mut parts = rest.components();
                let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
                Some((first, parts.next().is_some()))
            })
            .collect();
        if entries.is_empty() {
            Err(std::io::ErrorKind::NotFound.into())
        } else {
            Ok(entries.into_iter().collect())
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(&clean(path))
    }
}

fn clean(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != std::path::Component::CurDir).collect()
}

impl Scene {
    pub(crate) fn new() -> Self {
        let cloud = Arc::new(Cloud::default());
        cloud.inside().now = "2026-03-01T12:00:00Z".parse().unwrap();
        Self {
            files: BTreeMap::new(),
            reads: Arc::default(),
            variables: BTreeMap::new(),
            clock: Arc::new(Leap(cloud.clone())),
            cloud,
            disk: MemoryDisk::new(Script::Calm),
            wrap: Box::new(|store| store),
            impatient: false,
            locks: 0,
        }
    }

    pub(crate) fn of(text: &str) -> Self {
        let mut scene = Self::new();
        scene.file("main.tf", text);
        scene
    }

    pub(crate) fn file(&mut self, name: &str, text: &str) {
        self.files.insert(Path::new("project").join(name), text.to_owned());
    }

    pub(crate) fn inputs(&self, prior: State, planning: bool) -> (Inputs, Sources, Diagnostics) {
        let files = Arc::new(MemoryFiles { files: self.files.clone(), reads: self.reads.clone() });
        let mut sources = Sources::default();
        let (config, diagnostics) =
            terrarium_lang::config::load(Path::new("project"), &*files, &mut sources);
        let variables = self
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), InputValue { value: value.clone(), span: None }))
            .collect();
        let now = self.clock.now();
        let inputs = Inputs {
            config: Arc::new(config),
            variables,
            providers: self.providers(),
            prior: Arc::new(prior),
            workspace: "default".into(),
            cwd: "project".into(),
            environment: Environment { planning, ..Environment::new("project", files, now) },
            limits: CallLimits::new(Parallelism::default(), self.clock.clone()),
            clock: self.clock.clone(),
        };
        (inputs, sources, diagnostics)
    }

    fn providers(&self) -> ProviderSet {
        let all = ProviderSet::new(vec![Arc::new(FakeKind::new(self.cloud.clone()))]);
        if !self.impatient {
            return all;
        }
        let minutes = std::time::Duration::from_mins;
        all.bounded(Deadlines::by(Arc::new(Minute), minutes(1), minutes(3)))
    }

    pub(crate) async fn open(&mut self) -> (Arc<dyn Store>, Fence) {
        let store = (self.wrap)(Arc::new(MemoryStore::open(self.disk.clone())));
        self.locks += 1;
        let fence = store.lock(request(self.locks, self.clock.now())).await.unwrap();
        (store, fence)
    }

    pub(crate) async fn state(&self) -> State {
        MemoryStore::open(self.disk.clone()).load().await.unwrap()
    }

    /// Recovers, plans, and, where asked, applies. `None` after a crash.
    pub(crate) async fn run(&mut self, command: &Command, doing: Doing) -> Option<Outcome> {
        let (store, fence) = self.open().await;
        let held = Held { store: store.clone(), fence: fence.clone() };
        let body = self.carry_out(command, doing, &held);
        let outcome = killed_after(body, command.crash).await?;
        store.unlock(fence).await.unwrap();
        Some(outcome)
    }

    async fn carry_out(&self, command: &Command, doing: Doing, held: &Held) -> Outcome {
        let cancel = Cancel::default();
        let told = Arc::new(Told {
            lines: Mutex::default(),
            left: Mutex::new(command.cancel),
            cancel: cancel.clone(),
        });
        let progress: Arc<dyn Progress> = told.clone();
        let (mut inputs, sources, mut found) = self.inputs(held.store.load().await.unwrap(), true);
        inputs.limits = CallLimits::new(command.parallelism, self.clock.clone());
        let depth = if doing == Doing::Plan { Depth::Look } else { Depth::Resolve };
        if !found.has_errors() {
            let options = RecoverOptions { depth, progress: &progress, cancel: &cancel };
            let recovered = terrarium_core::recover(&inputs, held, &options).await;
            inputs.prior = recovered.state;
            found.extend(recovered.diagnostics);
        }
        let (mut plan, planned) =
            terrarium_core::plan(&inputs, &command.options, &progress, &Cancel::default()).await;
        plan.errored |= found.has_errors();
        found.extend(planned);
        let mut outcome = Outcome {
            plan,
            found,
            sources,
            run: None,
            told: Vec::new(),
            held: Vec::new(),
            next: None,
        };
        if doing != Doing::Plan && !outcome.plan.errored {
            let mut left = None;
            if doing == Doing::Run {
                let turn = terrarium_core::turn(outcome.plan, &inputs.prior, self.clock.now());
                (outcome.plan, outcome.held, outcome.next) = (turn.plan, turn.held, turn.next);
                left = Some(turn.left);
            }
            inputs.environment.planning = false;
            let options = ApplyOptions { progress: &progress, cancel: &cancel, left };
            outcome.run = Some(terrarium_core::apply(&inputs, &outcome.plan, held, &options).await);
        }
        outcome.told = std::mem::take(&mut *told.lines.lock().unwrap());
        outcome
    }

    pub(crate) fn pass(&self, seconds: i64) {
        let mut inside = self.cloud.inside();
        inside.now = inside.now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }
}

/// Asks for the lock, with an id of its own.
pub(crate) fn request(number: u64, at: Timestamp) -> LockRequest {
    LockRequest {
        id: format!("00000000-0000-4000-8000-{number:012}").as_str().into(),
        scope: terrarium_state::LockScope::Workspace,
        operation: "test".into(),
        who: "somebody@here".into(),
        version: "0".into(),
        at,
        timeout: std::time::Duration::ZERO,
    }
}

/// Drops a future when it was polled so often: what a SIGKILL leaves is what the disk and the cloud have.
async fn killed_after<T>(body: impl Future<Output = T>, polls: Option<usize>) -> Option<T> {
    let mut left = polls;
    let mut body = pin!(body);
    std::future::poll_fn(|context| {
        if left == Some(0) {
            return Poll::Ready(None);
        }
        left = left.map(|left| left - 1);
        body.as_mut().poll(context).map(Some)
    })
    .await
}

/// Notes what is told, and presses Ctrl-C in the middle.
struct Told {
    lines: Mutex<Vec<String>>,
    left: Mutex<Option<usize>>,
    cancel: Cancel,
}

impl Progress for Told {
    fn on(&self, event: Event) {
        match event {
            Event::Begun { .. } => {
                let mut left = self.left.lock().unwrap();
                *left = left.map(|it| it.saturating_sub(1));
                if *left == Some(0) {
                    *left = None;
                    self.cancel.raise();
                }
            }
            Event::Recovering { addr, what, left } => {
                let left = left.map(|left| format!(", up to {} s more", left.as_secs()));
                let line = format!("recovering {addr}: {what}{}", left.unwrap_or_default());
                self.lines.lock().unwrap().push(line);
            }
            Event::Recovered { addr, what, .. } => {
                self.lines.lock().unwrap().push(format!("recovered {addr}: {what}"));
            }
            Event::Waiting { addr, status, .. } => {
                self.lines.lock().unwrap().push(format!("waiting for {addr}: {status}"));
            }
            _ => {}
        }
    }
}
