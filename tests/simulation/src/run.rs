//! One command, wired as the command line wires it: a process that drives the engine as it does.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use terrarium_builtin::{Chance, SeededChance};
use terrarium_core::{
    CallLimits, Cancel, Event, Held, Inputs, Judge, Mode, Parallelism, Plan, PlanOptions,
    PlannedAction, Progress, ProviderSet, TimeOptions,
};
use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_drive::{
    Applied, Audience, Caller, Concluded, DriveError, Ground, LastSeen, Notice, Pace, Proposal,
    Request, RunOptions, Runner, Work, Workplace,
};
use terrarium_lang::expr::Environment;
use terrarium_openstack::{CloudSource, OpenStack, Settings};
use terrarium_provider::{Clock, ProviderKind};
use terrarium_state::{LockRequest, LockScope, MemoryStore, State, Store, StoreError};

use crate::Plant;
use crate::desk::Desk;
use crate::files::{MemoryFiles, ROOT};
use crate::traffic::Traffic;
use crate::wire::{AllSites, Wire, WorldClock};

/// What scenarios use for a secret; no diagnostic may show it.
const SECRET: &str = "s3cret-of-the-simulation";

/// The commands that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Whatever is planned.
    Apply,
    /// Everything goes.
    Destroy,
    /// What is due and approved.
    Run,
    /// The same, and what falls due until an instant.
    Stay(Timestamp),
}

/// What a command is to do.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// The configuration: `main.tf`.
    pub text: &'a str,
    /// What is done with it.
    pub command: Command,
    /// Most actions at a time.
    pub parallelism: usize,
}

/// What a command came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether something failed.
    pub failed: bool,
    /// How many changes were planned, of a run: how many are due and approved.
    pub planned: usize,
    /// Whether something was planned for later that nobody has approved yet.
    pub unapproved: bool,
    /// Whether a run that stays began to wait.
    pub began: bool,
    /// How often something that was due failed.
    pub tries: usize,
    /// How many rounds could not be planned.
    pub troubles: usize,
    /// How many pages of memory the process had, now and then among those.
    pub pages: Vec<usize>,
    /// How many intents are open at its end.
    pub open: usize,
    /// What was said, in lines.
    pub said: Vec<String>,
    /// What was said and shows a secret.
    pub leaked: Vec<String>,
}

impl Report {
    /// Returns whether there was nothing to do, and nothing is left.
    pub fn is_quiet(&self) -> bool {
        !self.failed && self.planned == 0 && !self.unapproved && self.open == 0
    }

    fn fail(&mut self, error: &DriveError) {
        self.failed = true;
        match error {
            DriveError::Found(found) => self.hear(found),
            other => self.said.push(other.to_string()),
        }
    }

    fn hear(&mut self, diagnostics: &Diagnostics) {
        self.failed |= diagnostics.has_errors();
        for diagnostic in diagnostics {
            let line = format!("{}: {}", diagnostic.summary, diagnostic.detail);
            let all = format!("{diagnostic:?}");
            if shows_a_secret(&all) {
                self.leaked.push(all);
            }
            self.said.push(line);
        }
    }
}

fn shows_a_secret(text: &str) -> bool {
    let encoded = base64::engine::general_purpose::STANDARD.encode(SECRET);
    let whole = encoded.get(..24).unwrap_or_default();
    text.contains(SECRET) || text.contains(whole) || text.contains("PRIVATE KEY")
}

/// A process of the engine.
pub(crate) struct Process {
    pub(crate) seed: u64,
    /// How many there were before it, and it.
    pub(crate) number: u64,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) plant: Plant,
    /// How far its clock is ahead of the world's, in seconds.
    pub(crate) ahead_s: i64,
    pub(crate) cancel: Cancel,
}

/// Runs a command to its end.
pub(crate) async fn command(process: Process, task: &Task<'_>) -> Report {
    let ear = Ear::new(task.command);
    let ended = match task.command {
        Command::Apply | Command::Destroy => change(&process, task, &ear).await,
        Command::Run | Command::Stay(_) => stay(&process, task, &ear).await,
    };
    let mut report = ear.report.into_inner();
    match ended {
        Ok(failed) => report.failed |= failed,
        Err(error) => report.fail(&error),
    }
    match process.state().await {
        Ok(state) => report.open = state.intents.len(),
        Err(error) => report.fail(&error.into()),
    }
    report
}

/// Applies or destroys, as whoever agrees to each plan; returns whether it failed.
async fn change(process: &Process, task: &Task<'_>, ear: &Ear) -> Result<bool, DriveError> {
    let Ground { mut inputs, held } = process.open(task, None).await?;
    let options = PlanOptions {
        mode: if task.command == Command::Destroy { Mode::Destroy } else { Mode::Normal },
        refresh: true,
        targets: Vec::new(),
        replace: Vec::new(),
        offline: false,
        imports: Vec::new(),
        time: TimeOptions { judge: Judge::Providers, ..TimeOptions::default() },
    };
    let request = Request::Options { options, warnings: Diagnostics::new() };
    let caller = Agreeable { ear, plant: process.plant };
    let applied =
        terrarium_drive::apply(&mut inputs, &held, request, (&caller, &process.cancel)).await;
    held.store.unlock(held.fence).await?;
    Ok(!matches!(applied?, Applied::Good(_)))
}

/// Carries out what is due, once or for as long as the task says; returns whether something failed for good.
async fn stay(process: &Process, task: &Task<'_>, ear: &Ear) -> Result<bool, DriveError> {
    let place = Place { process, task, store: process.store() };
    let clock = process.clock();
    let options = match task.command {
        Command::Stay(until) => RunOptions { once: false, until: Some(until) },
        _ => RunOptions { once: true, until: None },
    };
    let runner = Runner {
        place: &place,
        rules: process.plant.rules(),
        clock: &*clock,
        pace: &Passing(clock.clone()),
        audience: ear,
        cancel: &process.plant.cancel(&process.cancel),
    };
    Ok(terrarium_drive::run(runner, options).await? == terrarium_drive::Verdict::Failed)
}

/// Where a run works: a new process's view of the same disk for each round would be another process.
struct Place<'a> {
    process: &'a Process,
    task: &'a Task<'a>,
    store: Arc<dyn Store>,
}

#[async_trait(?Send)]
impl Workplace for Place<'_> {
    fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    async fn open(&self, seen: &LastSeen) -> Result<Ground, DriveError> {
        self.process.open(self.task, Some(seen)).await
    }
}

/// Time passes for a run as for everybody.
struct Passing(Arc<dyn Clock>);

/// For how long a run that waits does not look at the state.
const LOOK: SignedDuration = SignedDuration::from_hours(1);

#[async_trait(?Send)]
impl Pace for Passing {
    fn jumps(&self) -> bool {
        false
    }

    async fn pass(&self, until: Option<Timestamp>) {
        let look = self.0.now().saturating_add(LOOK).unwrap_or(Timestamp::MAX);
        self.0.wait_until(until.map_or(look, |until| until.min(look))).await;
    }
}

/// Hears what a driver tells.
struct Ear {
    command: Command,
    report: RefCell<Report>,
    told: Arc<Told>,
}

impl Ear {
    fn new(command: Command) -> Self {
        Self { command, report: RefCell::default(), told: Arc::default() }
    }

    fn is_run(&self) -> bool {
        matches!(self.command, Command::Run | Command::Stay(_))
    }
}

impl Audience for Ear {
    fn on(&self, notice: Notice<'_>) {
        let report = &mut *self.report.borrow_mut();
        match notice {
            Notice::Planned(plan) if !self.is_run() => {
                report.planned += planned(plan, self.command);
                report.unapproved |= plan.has_unapproved();
            }
            // Of what a run plans, it is what is due and approved that counts.
            Notice::CarriedOut { plan, summary, .. } if self.is_run() => {
                report.planned += planned(plan, self.command);
                report.failed |= !summary.failed.is_empty() || summary.interrupted;
            }
            Notice::Found(found) => report.hear(found),
            Notice::Begins { .. } => report.began = true,
            Notice::Trouble { error, .. } => {
                report.fail(error);
                report.troubles += 1;
                if report.troubles.is_multiple_of(SAMPLED) {
                    report.pages.extend(pages());
                }
            }
            Notice::HeldBack(held) => {
                let held = held.iter();
                let lines = held.map(|held| format!("{} is held back: {}", held.addr, held.why));
                report.said.extend(lines);
            }
            Notice::Failed(failed) => {
                report.tries += 1;
                let lines = failed.iter().map(|one| format!("{}: {}", one.addrs.len(), one.why));
                report.said.extend(lines);
            }
            Notice::Missed(missed) => {
                report.said.extend(missed.iter().map(|one| format!("{} was missed", one.addr)));
            }
            _ => {}
        }
        // It goes on for days at times, and nobody reads all of it.
        let much = report.said.len().saturating_sub(SAID);
        report.said.drain(..much);
    }

    fn progress(&self, _work: Work) -> Arc<dyn Progress> {
        self.told.clone()
    }

    fn finish(&self) {
        let said = &mut *self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.report.borrow_mut().said.append(said);
    }
}

/// Lines that a report keeps.
const SAID: usize = 200;

/// After how many rounds that could not be planned the memory is looked at.
const SAMPLED: usize = 50;

/// Returns how many pages this process has in memory, where the system says so.
fn pages() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

/// Agrees to every plan.
struct Agreeable<'a> {
    ear: &'a Ear,
    plant: Plant,
}

impl Audience for Agreeable<'_> {
    fn on(&self, notice: Notice<'_>) {
        self.ear.on(notice);
    }

    fn progress(&self, work: Work) -> Arc<dyn Progress> {
        self.ear.progress(work)
    }

    fn finish(&self) {
        self.ear.finish();
    }
}

#[async_trait(?Send)]
impl Caller for Agreeable<'_> {
    async fn agree(
        &self,
        _inputs: &Inputs,
        proposal: Proposal,
        _round: usize,
    ) -> Result<Option<Plan>, DriveError> {
        if proposal.has_errors() {
            return Err(proposal.diagnostics.into());
        }
        self.ear.report.borrow_mut().hear(&proposal.diagnostics);
        let mut plan = proposal.plan;
        self.plant.plan(&mut plan);
        Ok(Some(plan))
    }

    fn concluded(&self, round: Concluded<'_>) {
        self.ear.report.borrow_mut().hear(&round.diagnostics);
    }
}

/// Returns how much a plan would change; reading data changes nothing.
fn planned(plan: &Plan, command: Command) -> usize {
    let still = [PlannedAction::NoOp, PlannedAction::Read];
    let objects = plan.changes.iter().filter(|change| !still.contains(&change.action));
    let outputs = plan
        .outputs
        .values()
        .filter(|output| output.action != PlannedAction::NoOp && !output.waits());
    // A run leaves outputs of what it does not carry out as they are.
    let outputs = match command {
        Command::Run | Command::Stay(_) => 0,
        Command::Apply | Command::Destroy => outputs.count(),
    };
    objects.count() + outputs
}

impl Process {
    fn request(&self) -> LockRequest {
        LockRequest {
            id: format!("{:08x}-0000-4000-8000-{:012x}", self.seed, self.number).into(),
            scope: LockScope::Workspace,
            operation: "apply".to_owned(),
            who: "somebody@here".to_owned(),
            version: "0".to_owned(),
            at: self.traffic.now(),
            timeout: Duration::ZERO,
        }
    }

    /// Returns its store.
    fn store(&self) -> Arc<dyn Store> {
        let desk = Desk { store: self.store.clone(), traffic: self.traffic.clone() };
        self.plant.store(Arc::new(desk))
    }

    async fn state(&self) -> Result<State, StoreError> {
        self.store().load().await
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(WorldClock {
            traffic: self.traffic.clone(),
            jumps: self.number.is_multiple_of(2),
            ahead: SignedDuration::from_secs(self.ahead_s),
        })
    }

    /// Takes the lock, and brings together what a command rests on.
    async fn open(&self, task: &Task<'_>, seen: Option<&LastSeen>) -> Result<Ground, DriveError> {
        let store = self.store();
        let fence = store.lock(self.request()).await?;
        let held = Held { store, fence };
        let head = held.store.head().await?;
        let prior = match seen.and_then(|seen| seen.under(&held.fence, &head)) {
            Some(state) => state,
            None => Arc::new(held.store.load().await?),
        };
        let files = Arc::new(MemoryFiles(task.text.to_owned()));
        let mut sources = Sources::default();
        let (config, found) = terrarium_lang::config::load(Path::new(ROOT), &*files, &mut sources);
        if found.has_errors() {
            return Err(found.into());
        }
        let clock = self.clock();
        let inputs = Inputs {
            config: Arc::new(config),
            variables: std::collections::BTreeMap::new(),
            providers: self.providers(&clock),
            prior,
            workspace: "default".into(),
            cwd: ROOT.into(),
            environment: Environment::new(ROOT, files, clock.now()),
            limits: CallLimits::new(Parallelism::Calls(task.parallelism), clock.clone()),
            clock,
        };
        Ok(Ground { inputs, held })
    }

    fn providers(&self, clock: &Arc<dyn Clock>) -> ProviderSet {
        let openstack = OpenStack::new(Settings {
            transport: Arc::new(Wire { traffic: self.traffic.clone(), plant: self.plant }),
            clouds: CloudSource::Testbed(Arc::new(AllSites {
                realm: format!("testbed {}", self.seed),
            })),
            clock: clock.clone(),
            env: std::collections::BTreeMap::new(),
        });
        let seed = format!("{} {}", self.seed, self.number);
        let chance: Arc<dyn Chance> = Arc::new(SeededChance::new(&seed));
        let mut kinds: Vec<Arc<dyn ProviderKind>> = vec![Arc::new(openstack)];
        kinds.extend(terrarium_builtin::kinds(&chance, clock));
        ProviderSet::new(kinds)
    }
}

/// Notes what recovery tells.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Progress for Told {
    fn on(&self, event: Event) {
        if let Event::Recovered { addr, what, .. } = event {
            let line = format!("{addr}: {what}");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}
