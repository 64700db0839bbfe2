//! One command, wired as the command line wires it: load, lock, recover, plan, apply, unlock.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use jiff::SignedDuration;
use terrarium_builtin::{Chance, SeededChance};
use terrarium_core::{
    ApplyOptions, CallLimits, Cancel, Depth, Event, Held, Inputs, Judge, Mode, Parallelism, Plan,
    PlanOptions, PlannedAction, Progress, ProviderSet, RecoverOptions, TimeOptions,
};
use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::expr::Environment;
use terrarium_openstack::{CloudSource, OpenStack, Settings};
use terrarium_provider::{Clock, ProviderKind};
use terrarium_state::{LockRequest, LockScope, MemoryStore, State};

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
    let mut report = Report::default();
    if let Err(why) = whole(&process, task, &mut report).await {
        report.failed = true;
        report.said.push(why);
    }
    report
}

async fn whole(process: &Process, task: &Task<'_>, report: &mut Report) -> Result<(), String> {
    let desk = Desk { store: process.store.clone(), traffic: process.traffic.clone() };
    let store = process.plant.store(Arc::new(desk));
    let fence = store.lock(process.request()).await.map_err(|error| error.to_string())?;
    let held = Held { store: store.clone(), fence: fence.clone() };
    let state = store.load().await.map_err(|error| error.to_string())?;
    let mut inputs = process.inputs(task, state, report);
    if !report.failed {
        carry_out(process, task, (&mut inputs, &held), report).await;
    }
    let left = store.load().await.map_err(|error| error.to_string())?;
    report.open = left.intents.len();
    store.unlock(fence).await.map_err(|error| error.to_string())
}

async fn carry_out(
    process: &Process,
    task: &Task<'_>,
    (inputs, held): (&mut Inputs, &Held),
    report: &mut Report,
) {
    let told = Arc::new(Told(Mutex::default()));
    let progress: Arc<dyn Progress> = told.clone();
    let cancel = &process.cancel;
    let options = RecoverOptions { depth: Depth::Resolve, progress: &progress, cancel };
    let found = terrarium_core::recover(inputs, held, &options).await;
    inputs.prior = found.state;
    report.hear(&found.diagnostics);
    let judge = match task.command {
        Command::Run => Judge::Services,
        Command::Apply | Command::Destroy => Judge::Providers,
    };
    let options = PlanOptions {
        mode: match task.command {
            Command::Apply | Command::Run => Mode::Normal,
            Command::Destroy => Mode::Destroy,
        },
        refresh: true,
        targets: Vec::new(),
        replace: Vec::new(),
        offline: false,
        imports: Vec::new(),
        time: TimeOptions { judge, ..TimeOptions::default() },
    };
    let (mut plan, found) =
        terrarium_core::plan(inputs, &options, &progress, &process.cancel).await;
    report.hear(&found);
    report.failed |= plan.errored;
    let mut left = None;
    if task.command == Command::Run && !report.failed && process.plant != Plant::Blanket {
        let turn = terrarium_core::turn(plan, &inputs.prior, inputs.clock.now());
        let held = turn.held.iter().map(|held| format!("{} is held back: {}", held.addr, held.why));
        report.said.extend(held);
        (plan, left) = (turn.plan, Some(turn.left));
    }
    process.plant.plan(&mut plan);
    report.planned = planned(&plan, task.command);
    report.unapproved = left.is_none() && plan.has_unapproved();
    if !report.failed {
        inputs.environment.planning = false;
        let options = ApplyOptions { progress: &progress, cancel: &process.cancel, left };
        let (summary, found) = terrarium_core::apply(inputs, &plan, held, &options).await;
        report.hear(&found);
        report.failed |= !summary.failed.is_empty() || summary.interrupted;
    }
    report.said.append(&mut told.0.lock().unwrap_or_else(PoisonError::into_inner));
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
    let outputs = if command == Command::Run { 0 } else { outputs.count() };
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

    fn inputs(&self, task: &Task<'_>, prior: State, report: &mut Report) -> Inputs {
        let files = Arc::new(MemoryFiles(task.text.to_owned()));
        let mut sources = Sources::default();
        let (config, found) = terrarium_lang::config::load(Path::new(ROOT), &*files, &mut sources);
        report.hear(&found);
        let jumps = self.number.is_multiple_of(2);
        let clock: Arc<dyn Clock> = Arc::new(WorldClock {
            traffic: self.traffic.clone(),
            jumps,
            ahead: SignedDuration::from_secs(self.ahead_s),
        });
        Inputs {
            config: Arc::new(config),
            variables: std::collections::BTreeMap::new(),
            providers: self.providers(&clock),
            prior: Arc::new(prior),
            workspace: "default".into(),
            cwd: ROOT.into(),
            environment: Environment::new(ROOT, files, clock.now()),
            limits: CallLimits::new(Parallelism::Calls(task.parallelism), clock.clone()),
            clock,
        }
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
struct Told(Mutex<Vec<String>>);

impl Progress for Told {
    fn on(&self, event: Event) {
        if let Event::Recovered { addr, what, .. } = event {
            let line = format!("{addr}: {what}");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}
