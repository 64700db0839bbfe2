//! Evaluates expressions over `size` rows; the time per row must not rise with the rows.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use terrarium_address::InstanceKey;
use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::config::BlockRef;
use terrarium_lang::expr::{
    EachPart, Environment, Expr, PathPart, Scope, ScopeResult, TerraformPart,
};
use terrarium_lang::{StdFiles, tfvars};
use terrarium_value::Value;

/// Expressions over `local.rows`, the numbers from 0.
const EXPRESSIONS: [(&str, &str); 6] = [
    (
        "object",
        r#"{ for i in local.rows : "node-${i}" => { name = "node-${i}", index = i, even = i % 2 == 0 } }"#,
    ),
    ("cidr", r#"[for i in local.rows : cidrhost(cidrsubnet("10.0.0.0/8", 20, i), 10)]"#),
    (
        "template",
        "<<-EOT\n%{ for i in local.rows ~}\nnode-${i} ansible_port=22\n%{ endfor ~}\nEOT\n",
    ),
    ("group", "{ for i in local.rows : floor(i / 4) => i... }"),
    ("distinct", "distinct(concat(local.rows, local.rows))"),
    ("index", "[for i in local.rows : local.rows[i]]"),
];

fn evaluate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluate");
    group.sample_size(10);
    for (name, text) in EXPRESSIONS {
        let expr = compile(text);
        for size in [100, 1_000, 10_000, 100_000] {
            let rows = Rows::new(size);
            group.throughput(Throughput::Elements(size));
            group.bench_function(BenchmarkId::new(name, size), |bench| {
                bench.iter(|| value_of(&expr, &rows));
            });
        }
    }
    group.finish();
}

fn compile(text: &str) -> Expr {
    let text: Arc<str> = text.into();
    let file = Sources::default().add_text("bench", text.clone());
    let (expr, diagnostics) = tfvars::read_expression(file, &text);
    assert!(!diagnostics.has_errors(), "{text}: {diagnostics:?}");
    expr.unwrap()
}

fn value_of(expr: &Expr, rows: &Rows) -> Value {
    let mut diagnostics = Diagnostics::new();
    let value = expr.eval_in(rows, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    value
}

/// A scope in which every local is the list of rows, and nothing else is there.
struct Rows {
    rows: Value,
    environment: Environment,
}

impl Rows {
    fn new(size: u64) -> Self {
        let environment = Environment::new(".", Arc::new(StdFiles), Timestamp::UNIX_EPOCH);
        let rows = (0..size).map(|at| Value::number(i64::try_from(at).unwrap()));
        Self { rows: Value::tuple(rows), environment }
    }
}

impl Scope for Rows {
    fn variable(&self, _: &str) -> ScopeResult {
        unreachable!("the expressions read locals")
    }

    fn local(&self, _: &str) -> ScopeResult {
        Ok(self.rows.clone())
    }

    fn resource(&self, _: &BlockRef, _: Option<&InstanceKey>) -> ScopeResult {
        unreachable!("the expressions read locals")
    }

    fn module(&self, _: &str, _: Option<&InstanceKey>, _: Option<&str>) -> ScopeResult {
        unreachable!("the expressions read locals")
    }

    fn each(&self, _: EachPart) -> ScopeResult {
        unreachable!("the expressions read locals")
    }

    fn count_index(&self) -> ScopeResult {
        unreachable!("the expressions read locals")
    }

    fn this(&self) -> ScopeResult {
        unreachable!("the expressions read locals")
    }

    fn path(&self, _: PathPart) -> ScopeResult {
        unreachable!("the expressions read locals")
    }

    fn terraform(&self, _: TerraformPart) -> ScopeResult {
        unreachable!("the expressions read locals")
    }

    fn environment(&self) -> &Environment {
        &self.environment
    }
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
