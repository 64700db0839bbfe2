//! Converts values, writes and reads them; the time per element must not rise with the size.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use terrarium_value::{Type, Value, convert, json};

const SIZES: [u64; 4] = [100, 1_000, 10_000, 100_000];

/// What a CSV file or a `for` expression gives: strings where numbers are wanted, in no particular order.
fn row(at: u64) -> Value {
    Value::object_of([
        ("name", Value::string(format!("node-{}", at.wrapping_mul(7_919) % 1_000_003))),
        ("index", Value::string(at.to_string())),
        ("extra", Value::bool(true)),
    ])
}

fn rows(size: u64) -> Value {
    Value::tuple((0..size).map(row))
}

fn node() -> Type {
    Type::object([("name", Type::String), ("index", Type::Number)])
}

fn conversion(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("convert");
    group.sample_size(10);
    let targets = [
        ("list", Type::list(node())),
        ("list_of_any", Type::list(Type::Dynamic)),
        ("set", Type::set(node())),
    ];
    for (name, to) in targets {
        for size in SIZES {
            let value = rows(size);
            group.throughput(Throughput::Elements(size));
            group.bench_function(BenchmarkId::new(name, size), |bench| {
                bench.iter(|| convert(black_box(&value), &to).unwrap());
            });
        }
    }
    group.finish();
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json");
    group.sample_size(10);
    let ty = Type::list(node());
    for size in SIZES {
        let value = convert(&rows(size), &ty).unwrap();
        let text = json::to_typed(&value, &ty).unwrap();
        group.throughput(Throughput::Elements(size));
        group.bench_function(BenchmarkId::new("to_typed", size), |bench| {
            bench.iter(|| json::to_typed(black_box(&value), &ty).unwrap());
        });
        group.bench_function(BenchmarkId::new("from_typed", size), |bench| {
            bench.iter(|| json::from_typed(black_box(&text), &ty).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, conversion, codec);
criterion_main!(benches);
