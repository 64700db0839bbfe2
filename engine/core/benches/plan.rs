//! Validates, plans and applies courses of local resources; the time per resource must not rise with the size.
//!
//! The state is kept in memory: what a disk costs is in the store's own bench.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use terrarium_builtin::{OsChance, kinds};
use terrarium_core::{
    ApplyOptions, CallLimits, Cancel, Held, Inputs, Mode, Parallelism, Plan, PlanOptions, Progress,
    ProviderSet, Silent, apply, plan, validate,
};
use terrarium_diagnostic::Sources;
use terrarium_lang::config;
use terrarium_lang::expr::Environment;
use terrarium_provider::{Clock, FixedClock};
use terrarium_state::{LockRequest, MemoryDisk, MemoryStore, Script, State, Store};
use tokio::runtime::Runtime;

#[path = "../../lang/benches/shapes/mod.rs"]
mod shapes;

use shapes::Shape;

fn engine(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("engine");
    group.sample_size(10);
    for shape in [Shape::Flat, Shape::Course] {
        for size in [100, 1_000, 10_000] {
            let bench = Bench::new(&runtime, shape, size);
            let id = |step: &str| BenchmarkId::new(format!("{step}/{}", shape.name()), size);
            group.throughput(Throughput::Elements(size));
            group.bench_function(id("validate"), |bencher| {
                bencher.iter(|| {
                    let said = runtime.block_on(validate(&bench.inputs));
                    assert!(!said.has_errors());
                });
            });
            group.bench_function(id("plan"), |bencher| {
                bencher.iter(|| bench.plan(&bench.inputs, Mode::Normal));
            });
            let create = bench.plan(&bench.inputs, Mode::Normal);
            group.bench_function(id("apply"), |bencher| {
                let held = || bench.held(&MemoryDisk::new(Script::Calm));
                bencher.iter_batched(
                    held,
                    |held| bench.apply(&create, &held),
                    BatchSize::PerIteration,
                );
            });
            let applied = bench.after(&create);
            group.bench_function(id("replan"), |bencher| {
                bencher.iter(|| assert!(!bench.plan(&applied, Mode::Normal).has_changes()));
            });
            group.bench_function(id("plan_destroy"), |bencher| {
                bencher.iter(|| bench.plan(&applied, Mode::Destroy));
            });
        }
    }
    group.finish();
}

/// A configuration, and what it takes to run the engine on it.
struct Bench<'r> {
    runtime: &'r Runtime,
    inputs: Inputs,
    progress: Arc<dyn Progress>,
}

impl<'r> Bench<'r> {
    fn new(runtime: &'r Runtime, shape: Shape, size: u64) -> Self {
        let files = Arc::new(shape.files(size));
        let (configuration, diagnostics) =
            config::load(Path::new("."), &*files, &mut Sources::default());
        assert!(!diagnostics.has_errors(), "{diagnostics:?}");
        let now = Timestamp::UNIX_EPOCH;
        let clock: Arc<dyn Clock> = Arc::new(FixedClock(now));
        let inputs = Inputs {
            config: Arc::new(configuration),
            variables: BTreeMap::new(),
            providers: ProviderSet::new(kinds(&(Arc::new(OsChance) as _), &clock)),
            prior: Arc::new(State::default()),
            workspace: "default".into(),
            cwd: ".".into(),
            environment: Environment::new(".", files, now),
            limits: CallLimits::new(Parallelism::default(), clock.clone()),
            clock,
        };
        let inputs = runtime.block_on(async { inputs.fetched().await.0.into_owned() });
        Self { runtime, inputs, progress: Arc::new(Silent) }
    }

    fn plan(&self, inputs: &Inputs, mode: Mode) -> Plan {
        let options = PlanOptions {
            mode,
            refresh: true,
            targets: Vec::new(),
            replace: Vec::new(),
            offline: false,
            imports: Vec::new(),
            time: terrarium_core::TimeOptions::default(),
        };
        let cancel = Cancel::default();
        let planned = plan(inputs, &options, &self.progress, &cancel);
        let (plan, diagnostics) = self.runtime.block_on(planned);
        assert!(!diagnostics.has_errors(), "{diagnostics:?}");
        plan
    }

    fn held(&self, disk: &MemoryDisk) -> Held {
        let store = Arc::new(MemoryStore::open(disk.clone()));
        let request = LockRequest {
            id: "bench".into(),
            scope: terrarium_state::LockScope::Workspace,
            operation: "apply".into(),
            who: "bench".into(),
            version: "0".into(),
            at: Timestamp::UNIX_EPOCH,
            timeout: std::time::Duration::ZERO,
        };
        let fence = self.runtime.block_on(store.lock(request)).unwrap();
        Held { store, fence }
    }

    fn apply(&self, plan: &Plan, held: &Held) {
        let mut inputs = self.inputs.clone();
        inputs.environment.planning = false;
        let options =
            ApplyOptions { progress: &self.progress, cancel: &Cancel::default(), left: None };
        let (_, diagnostics) = self.runtime.block_on(apply(&inputs, plan, held, &options));
        assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    }

    /// Returns the inputs of the command after the plan was applied.
    fn after(&self, plan: &Plan) -> Inputs {
        let held = self.held(&MemoryDisk::new(Script::Calm));
        self.apply(plan, &held);
        let state = self.runtime.block_on(held.store.load()).unwrap();
        Inputs { prior: Arc::new(state), ..self.inputs.clone() }
    }
}

criterion_group!(benches, engine);
criterion_main!(benches);
