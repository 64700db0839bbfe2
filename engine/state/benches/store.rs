//! What the store promises for large courses: everything is linear in the number of objects.
//!
//! `commit` hands over one batch per object, as the walk does, and waits for the last; `load` reads
//! the state; `pull` and `read` write and read it as Terraform's state file.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't go on stops")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use terrarium_state::{
    Batch, Dep, Durability, Location, LockRequest, LockScope, Object, ObjectChange, SqliteStore,
    Store, v4,
};

const SIZES: [u64; 3] = [100, 1_000, 10_000];

/// An object of a course: 600 bytes of values, two dependencies.
fn change(number: u64) -> ObjectChange {
    let address = |block: &str| {
        format!("module.lab[\"group-{}\"].{block}[{number}]", number % 100).parse().unwrap()
    };
    let attributes = format!(
        "{{\"id\":\"{number:036}\",\"name\":\"node-{number}\",\"tags\":[],\"metadata\":{{}},\"text\":\"{}\"}}",
        "x".repeat(500)
    );
    let deps = ["openstack_networking_port_v2.port", "openstack_compute_keypair_v2.key"];
    ObjectChange {
        addr: address("openstack_compute_instance_v2.node"),
        deposed: None,
        provider: r#"provider["registry.terraform.io/terraform-provider-openstack/openstack"]"#
            .into(),
        object: Some(Object {
            attributes: attributes.into(),
            deps: deps.map(|block| Dep::Instance(address(block))).into(),
            ..Object::default()
        }),
    }
}

fn batch(number: u64) -> Batch {
    Batch { objects: vec![change(number)], ..Batch::default() }
}

fn request() -> LockRequest {
    LockRequest {
        id: "bench".into(),
        scope: LockScope::Workspace,
        operation: "apply".into(),
        who: "bench".into(),
        version: "0".into(),
        at: jiff::Timestamp::UNIX_EPOCH,
        timeout: std::time::Duration::ZERO,
    }
}

async fn commit_all(store: &SqliteStore, batches: Vec<Batch>) {
    let fence = store.lock(request()).await.unwrap();
    let tickets: Vec<_> =
        batches.into_iter().map(|batch| store.submit(&fence, batch, Durability::Now)).collect();
    for ticket in tickets {
        ticket.durable().await.unwrap();
    }
    store.unlock(fence).await.unwrap();
}

fn store(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut group = criterion.benchmark_group("store");
    group.sample_size(10);
    for size in SIZES {
        group.throughput(Throughput::Elements(size));
        group.bench_function(BenchmarkId::new("commit", size), |bench| {
            let make = || (tempfile::tempdir().unwrap(), (0..size).map(batch).collect());
            let commit = |(dir, batches): (tempfile::TempDir, Vec<Batch>)| {
                let store = SqliteStore::open(Location::beside(dir.path()), "default").unwrap();
                runtime.block_on(commit_all(&store, batches));
                dir
            };
            bench.iter_batched(make, commit, BatchSize::PerIteration);
        });
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(Location::beside(dir.path()), "default").unwrap();
        runtime.block_on(commit_all(&store, (0..size).map(batch).collect()));
        group.bench_function(BenchmarkId::new("load", size), |bench| {
            bench.iter(|| runtime.block_on(store.load()).unwrap());
        });
        let state = runtime.block_on(store.load()).unwrap();
        group.bench_function(BenchmarkId::new("pull", size), |bench| {
            bench.iter(|| v4::write(black_box(&state)));
        });
        let text = v4::write(&state);
        group.bench_function(BenchmarkId::new("read", size), |bench| {
            bench.iter(|| v4::read(black_box(text.as_bytes())).unwrap());
        });
    }
}

criterion_group!(benches, store);
criterion_main!(benches);
