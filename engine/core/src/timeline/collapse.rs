//! Instances that share their times become one row, and leases that share everything one group.

use std::collections::HashMap;

use terrarium_address::{ConfigAddr, InstanceKey, ModuleCallStep, ModulePath, ResourceAddr};
use terrarium_provider::{Cost, Window};

use super::{Group, Row, Stage};

/// Collapses the rows of each group, then the groups.
pub(super) fn collapse(groups: Vec<Group>) -> Vec<Group> {
    let mut kept: Vec<Group> = Vec::with_capacity(groups.len());
    let mut places: HashMap<Option<Sort>, Vec<usize>> = HashMap::new();
    for mut group in groups {
        group.rows = merge(group.rows);
        let places = places.entry(group.head.as_ref().map(sort)).or_default();
        let twin = places.iter().find(|at| alike(&kept[**at], &group)).copied();
        let Some(one) = twin.and_then(|at| kept.get_mut(at)) else {
            places.push(kept.len());
            kept.push(group);
            continue;
        };
        if let (Some(head), Some(other)) = (&mut one.head, group.head) {
            absorb(head, other);
        }
        for (row, other) in one.rows.iter_mut().zip(group.rows) {
            absorb(row, other);
        }
    }
    for row in kept.iter_mut().flat_map(|group| group.head.iter_mut().chain(&mut group.rows)) {
        if row.addrs.len() > 1 {
            row.name = name(&row.addrs);
        }
    }
    kept
}

fn merge(rows: Vec<Row>) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    let mut places: HashMap<Sort, Vec<usize>> = HashMap::new();
    for row in rows {
        let places = places.entry(sort(&row)).or_default();
        let twin = places.iter().find(|at| same(&kept[**at], &row)).copied();
        if let Some(one) = twin.and_then(|at| kept.get_mut(at)) {
            absorb(one, row);
        } else {
            places.push(kept.len());
            kept.push(row);
        }
    }
    kept
}

/// What rows that are one agree in, and what tells most others apart: rows are compared with their like only.
type Sort = (Option<ConfigAddr>, Option<Window>, Option<Window>, std::mem::Discriminant<Stage>);

fn sort(row: &Row) -> Sort {
    let block = row.addrs.first().map(|addr| addr.block.config());
    (block, row.window, row.was, std::mem::discriminant(&row.stage))
}

/// Groups are merged where their heads are instances of one block, and the rows below agree pairwise.
fn alike(a: &Group, b: &Group) -> bool {
    let heads = match (&a.head, &b.head) {
        (Some(a), Some(b)) => same(a, b),
        _ => false,
    };
    heads && a.rows.len() == b.rows.len() && a.rows.iter().zip(&b.rows).all(|(a, b)| same(a, b))
}

/// Rows are one where they are instances of one block and agree in everything but their cost.
fn same(a: &Row, b: &Row) -> bool {
    let block = |row: &Row| row.addrs.first().map(|addr| addr.block.config());
    let unit = |row: &Row| row.cost.as_ref().map(|cost| cost.unit.clone());
    block(a).is_some()
        && block(a) == block(b)
        && unit(a) == unit(b)
        && (a.window, a.was, a.then, a.stage) == (b.window, b.was, b.then, b.stage)
        && (&a.marks, a.overdue_since, &a.zone) == (&b.marks, b.overdue_since, &b.zone)
}

fn absorb(row: &mut Row, other: Row) {
    row.addrs.extend(other.addrs);
    if let (Some(sum), Some(cost)) = (&mut row.cost, &other.cost) {
        add(sum, cost);
    }
    if row.waits_for != other.waits_for {
        row.waits_for = row.waits_for.take().or(other.waits_for);
    }
}

/// Adds a cost to a sum of the same unit.
pub(super) fn add(sum: &mut Cost, cost: &Cost) {
    sum.total_milli = sum.total_milli.saturating_add(cost.total_milli);
    sum.hourly_milli = sum.hourly_milli.saturating_add(cost.hourly_milli);
}

/// Names several instances of one block: `lab_server.gpu[0-39]`, `lab_server.gpu["a", "b"]`, and
/// `module.lab[*].lab_server.gpu` over the instances of a module.
fn name(addrs: &[ResourceAddr]) -> String {
    let Some(first) = addrs.first() else { return String::new() };
    if addrs.iter().all(|addr| addr.block == first.block) {
        return format!("{}[{}]", first.block, keys(addrs));
    }
    // The keys that differ are left out, wherever they stand.
    let any = || InstanceKey::Str(ANY.into());
    let steps = first.block.module.steps().iter().enumerate().map(|(at, step)| {
        let differs = addrs.iter().any(|addr| addr.block.module.steps().get(at) != Some(step));
        let key = if differs { any() } else { step.key.clone() };
        ModuleCallStep { name: step.name.clone(), key }
    });
    let block = ConfigAddr { module: ModulePath::new(steps), ..first.block.clone() };
    let differs = addrs.iter().any(|addr| addr.key != first.key);
    let key = if differs { any() } else { first.key.clone() };
    block.instance(key).to_string().replace(&format!("[\"{ANY}\"]"), "[*]")
}

/// Stands for the keys that differ.
const ANY: &str = "*";

/// Most keys of a `for_each` that are named.
const KEYS_SHOWN: usize = 3;

fn keys(addrs: &[ResourceAddr]) -> String {
    let mut numbers: Vec<u64> = Vec::new();
    let mut others: Vec<String> = Vec::new();
    for addr in addrs {
        match &addr.key {
            InstanceKey::Int(at) => numbers.push(*at),
            InstanceKey::Str(_) => {
                let key = addr.key.to_string();
                others.push(key.trim_start_matches('[').trim_end_matches(']').to_owned());
            }
            InstanceKey::None => {}
        }
    }
    numbers.sort_unstable();
    let mut parts = ranges(&numbers);
    parts.extend(others);
    if parts.len() > KEYS_SHOWN {
        let (first, last) = (parts.first().cloned(), parts.last().cloned());
        return format!("{} … {}", first.unwrap_or_default(), last.unwrap_or_default());
    }
    parts.join(", ")
}

/// Writes sorted numbers as ranges: `0-3`, `5`.
fn ranges(numbers: &[u64]) -> Vec<String> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for at in numbers {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == *at => *last = *at,
            _ => found.push((*at, *at)),
        }
    }
    let text = |(first, last): (u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    found.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn several_instances_have_one_name() {
        for (addrs, expected) in [
            (&["lab.a[0]", "lab.a[1]", "lab.a[2]"][..], "lab.a[0-2]"),
            (&["lab.a[0]", "lab.a[2]", "lab.a[3]"][..], "lab.a[0, 2-3]"),
            (&["lab.a[\"x\"]", "lab.a[\"y\"]"][..], "lab.a[\"x\", \"y\"]"),
            (
                &["lab.a[\"k\"]", "lab.a[\"l\"]", "lab.a[\"m\"]", "lab.a[\"n\"]"][..],
                "lab.a[\"k\" … \"n\"]",
            ),
            (&["module.g[\"x\"].lab.a", "module.g[\"y\"].lab.a"][..], "module.g[*].lab.a"),
            (&["module.g[0].lab.a[0]", "module.g[1].lab.a[0]"][..], "module.g[*].lab.a[0]"),
        ] {
            let parsed: Vec<_> = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
            assert_eq!(name(&parsed), expected);
        }
    }
}
