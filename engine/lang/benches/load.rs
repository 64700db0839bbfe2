//! Loads configurations; the time per resource must not rise with the size.
//!
//! `flat` has a block per resource; `calls` a call per 12 resources, so that the module tree grows while
//! its source stays.

#![allow(clippy::panic, reason = "a bench fails by panicking")]

use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use terrarium_diagnostic::Sources;
use terrarium_lang::{Configuration, config};

mod shapes;

use shapes::{MemoryFiles, Shape};

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    for shape in [Shape::Flat, Shape::Calls] {
        for size in [100, 1_000, 10_000, 100_000] {
            let files = shape.files(size);
            group.throughput(Throughput::Elements(size));
            group.bench_function(BenchmarkId::new(shape.name(), size), |bench| {
                bench.iter(|| read(&files));
            });
        }
    }
    group.finish();
}

fn read(files: &MemoryFiles) -> Configuration {
    let (configuration, diagnostics) = config::load(Path::new("."), files, &mut Sources::default());
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    configuration
}

criterion_group!(benches, load);
criterion_main!(benches);
