//! Plans and applies `terraform_data` in one batch; the time per object must not rise with the batch.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench fails by panicking")]

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use terrarium_builtin::{OsChance, kinds};
use terrarium_provider::{
    Action, ApplyOutcome, ApplyRequest, ConfigureRequest, Connection, FixedClock, Permit,
    PlanOutcome, PlanRequest, Provider, Unlimited,
};
use terrarium_value::{Map, Type, Value};

const KIND: &str = "terraform_data";

fn plan_and_apply(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let provider = runtime.block_on(provider());
    let mut group = criterion.benchmark_group("plan_and_apply");
    group.sample_size(10);
    for size in [100, 1_000, 10_000, 100_000] {
        let requests: Vec<_> = (0..size).map(request).collect();
        group.throughput(Throughput::Elements(size));
        group.bench_with_input(BenchmarkId::from_parameter(size), &requests, |bench, requests| {
            bench.iter(|| runtime.block_on(create(&*provider, requests)));
        });
    }
    group.finish();
}

async fn provider() -> Arc<dyn Provider> {
    let kinds =
        kinds(&(Arc::new(OsChance) as _), &(Arc::new(FixedClock(Timestamp::UNIX_EPOCH)) as _));
    let request = ConfigureRequest {
        config: Value::object(Map::new()),
        version: String::new(),
        connection: Connection::Online,
        limits: Arc::new(Unlimited),
    };
    kinds.first().unwrap().configure(request).await.provider.unwrap()
}

fn request(at: u64) -> PlanRequest {
    let input = Value::object_of([
        ("index", Value::number(i64::try_from(at).unwrap())),
        ("name", Value::string("node")),
    ]);
    let config = Value::object_of([
        ("id", Value::null(Type::String)),
        ("input", input),
        ("output", Value::null(Type::Dynamic)),
        ("triggers_replace", Value::null(Type::Dynamic)),
    ]);
    let addr = format!("{KIND}.node[{at}]").parse().unwrap();
    PlanRequest {
        kind: KIND.into(),
        addr,
        prior: None,
        proposed: config.clone(),
        config,
        private: None,
        ended: None,
        replaces: None,
        claims: Arc::default(),
    }
}

async fn create(provider: &dyn Provider, requests: &[PlanRequest]) {
    let replies = provider.plan_many(requests.to_vec()).await;
    for (reply, request) in replies.into_iter().zip(requests) {
        let PlanOutcome::Planned(change) = reply.outcome else { panic!("not planned") };
        let apply = ApplyRequest {
            addr: request.addr.clone(),
            action: Action::Create,
            prior: None,
            planned: Some(change.planned),
            config: Some(request.config.clone()),
            private: None,
            permit: Permit::Local,
        };
        let reply = provider.apply(KIND, apply).await;
        assert!(matches!(reply.outcome, ApplyOutcome::Done { .. }));
    }
}

criterion_group!(benches, plan_and_apply);
criterion_main!(benches);
