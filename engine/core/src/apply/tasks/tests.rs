//! Orders of small plans as text, and laws of all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use terrarium_address::{AttrPath, ResourceAddr, Target};
use terrarium_provider::{Exclusive, HeldBy, Holds, Schema};
use terrarium_state::{Dep, Object, State};
use terrarium_value::Value;

use super::{Order, Step};
use crate::{Mode, Plan, PlannedAction, ReplaceOrder, ResourceChange};

/// Names are short: `a[0]` is `t.a[0]`, `module.m.data.d` is `module.m.data.t.d`.
fn full(name: &str) -> String {
    let at = name.rfind("data.").map(|at| at + 5).or_else(|| {
        let module = name.rfind("module.")?;
        Some(module + name.get(module..)?.rfind('.')? + 1)
    });
    let (path, last) = name.split_at(at.unwrap_or(0));
    format!("{path}t.{last}")
}

fn addr(name: &str) -> ResourceAddr {
    full(name).parse().unwrap()
}

fn dep(name: &str) -> Dep {
    match name.strip_suffix("[*]") {
        Some(block) => match full(block).parse().unwrap() {
            Target::Block(block) => Dep::Block(block),
            Target::Instance(addr) => Dep::Block(addr.block),
            Target::Module(_) => panic!("{block} is no block"),
        },
        None => Dep::Instance(addr(name)),
    }
}

/// A plan and a state that are built bit by bit.
struct Scene {
    plan: Plan,
    state: State,
}

impl Scene {
    fn new() -> Self {
        let plan = Plan {
            mode: Mode::Normal,
            changes: Vec::new(),
            drift: Vec::new(),
            data: Vec::new(),
            outputs: BTreeMap::new(),
            deferred: Vec::new(),
            leftovers: Vec::new(),
            under_way: Vec::new(),
            lineage: "l".into(),
            serial: 1,
            variables: BTreeMap::new(),
            given_again: std::collections::BTreeSet::new(),
            targets: Vec::new(),
            complete: true,
            errored: false,
            at: Timestamp::UNIX_EPOCH,
            realms: BTreeMap::new(),
            zone: None,
        };
        Self { plan, state: State::default() }
    }

    fn record(&mut self, name: &str, needs: &[Dep]) {
        let instance = self.state.resources.entry(addr(name)).or_default();
        let object = instance.current.get_or_insert_with(Object::default);
        object.deps.extend_from_slice(needs);
    }

    fn change(&mut self, sign: &str, name: &str, needs: Vec<Dep>) {
        let schema = Schema {
            holds: vec![Holds { path: AttrPath::attr("holds"), by: HeldBy::Id }],
            exclusive: vec![Exclusive { path: AttrPath::attr("alone"), ..Exclusive::default() }],
            ..Schema::default()
        };
        let change = ResourceChange::new(addr(name), "p".into(), Arc::new(schema), action(sign));
        let before = Value::object_of([("id", Value::string(name))]);
        self.plan.changes.push(ResourceChange { deps: needs, before, ..change });
    }

    fn hold(&mut self, holder: &str, held: &str) {
        let holder = addr(holder);
        let change = self.plan.changes.iter_mut().find(|it| it.addr == holder).unwrap();
        change.before = Value::object_of([("holds", Value::string(held))]);
    }

    /// `b: 7 -> 8`: what an instance holds alone before and after; `-` is nothing.
    fn hold_alone(&mut self, said: &str) {
        let (holder, values) = said.split_once(": ").unwrap();
        let (before, after) = values.split_once(" -> ").unwrap();
        let holder = addr(holder);
        let change = self.plan.changes.iter_mut().find(|it| it.addr == holder).unwrap();
        let value =
            |thing: &str| Value::object_of([("alone", Value::string(thing.trim_matches('-')))]);
        (change.before, change.after) = (value(before), value(after));
    }

    fn step(text: &str) -> (ResourceAddr, Step) {
        let (sign, name) = text.split_at(1);
        let step = match sign {
            "+" => Step::Create,
            "~" => Step::Update,
            "-" => Step::Delete,
            "?" => Step::Read,
            _ => panic!("{text} is no step"),
        };
        (addr(name), step)
    }

    fn order(&mut self) -> Result<Reach, String> {
        self.plan.changes.sort_by(|a, b| a.addr.cmp(&b.addr));
        match Order::of(&self.plan, &self.state) {
            Ok(order) => Ok(Reach::of(&order, &self.plan)),
            Err(circle) => {
                assert!(circle.told(&self.plan).detail.contains("Nothing was changed"));
                let steps = circle.0.iter().map(|task| {
                    let name = self.plan.changes[task.change].addr.to_string().replace("t.", "");
                    let sign = match task.step {
                        Step::Create => "+",
                        Step::Update => "~",
                        Step::Delete => "-",
                        Step::Read => "?",
                        Step::Forget => ".",
                    };
                    format!("{sign}{name}")
                });
                Err(steps.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

fn action(sign: &str) -> PlannedAction {
    match sign {
        "+" => PlannedAction::Create,
        "~" => PlannedAction::Update,
        "-" => PlannedAction::Delete,
        "?" => PlannedAction::Read,
        "." => PlannedAction::Forget,
        "=" => PlannedAction::NoOp,
        "-/+" => PlannedAction::Replace(ReplaceOrder::DeleteFirst),
        "+/-" => PlannedAction::Replace(ReplaceOrder::CreateFirst),
        _ => panic!("{sign} is no sign"),
    }
}

/// What comes before what.
struct Reach {
    nodes: HashMap<(ResourceAddr, Step), usize>,
    after: Vec<Vec<bool>>,
}

impl Reach {
    fn of(order: &Order, plan: &Plan) -> Self {
        let tasks = order.tasks.iter().enumerate();
        let nodes = tasks
            .map(|(at, task)| ((plan.changes[task.change].addr.clone(), task.step), at))
            .collect();
        let after = (0..order.tasks.len()).map(|at| {
            let mut seen = vec![false; order.waits.len()];
            let mut open = vec![at];
            while let Some(at) = open.pop() {
                for next in &order.followers[at] {
                    if !std::mem::replace(&mut seen[*next], true) {
                        open.push(*next);
                    }
                }
            }
            seen
        });
        Self { nodes, after: after.collect() }
    }

    fn has(&self, step: &(ResourceAddr, Step)) -> bool {
        self.nodes.contains_key(step)
    }

    fn before(&self, first: &(ResourceAddr, Step), then: &(ResourceAddr, Step)) -> bool {
        self.after[self.nodes[first]][self.nodes[then]]
    }
}

fn needs(text: &str) -> (&str, Vec<Dep>) {
    let (name, needs) = text.split_once("<-").unwrap_or((text, ""));
    let needs = needs.split(',').map(str::trim).filter(|it| !it.is_empty()).map(dep).collect();
    (name.trim(), needs)
}

/// Plays one case; returns what is not as it says.
fn play(case: &str) -> Vec<String> {
    let (title, lines) = case.split_once('\n').unwrap();
    let mut scene = Scene::new();
    let mut claims = Vec::new();
    let mut holds = Vec::new();
    let mut alone = Vec::new();
    let mut circle = None;
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(recorded) = line.strip_prefix("state ") {
            for one in recorded.split(", ") {
                let (name, needs) = needs(one);
                scene.record(name, &needs);
            }
        } else if let Some(pair) = line.strip_prefix("held ") {
            holds.push(pair.split_once(' ').unwrap());
        } else if let Some(said) = line.strip_prefix("alone ") {
            alone.push(said);
        } else if let Some(path) = line.strip_prefix("circle ") {
            circle = Some(path.to_owned());
        } else if line.contains(" < ") || line.contains(" | ") {
            claims.push(line);
        } else {
            let (sign, rest) = line.split_once(' ').unwrap();
            let (name, needs) = needs(rest);
            scene.change(sign, name, needs);
        }
    }
    for (holder, held) in holds {
        scene.hold(holder, held);
    }
    for said in alone {
        scene.hold_alone(said);
    }
    let order = match (scene.order(), circle) {
        (Ok(order), None) => order,
        (Err(told), Some(path)) if told == path => return Vec::new(),
        (other, path) => {
            return vec![format!("{title}: expected {path:?}, got {:?}", other.err())];
        }
    };
    let wrong = claims.into_iter().filter(|claim| {
        if let Some((first, then)) = claim.split_once(" < ") {
            return !order.before(&Scene::step(first), &Scene::step(then));
        }
        let (one, other) = claim.split_once(" | ").unwrap();
        let (one, other) = (Scene::step(one), Scene::step(other));
        order.before(&one, &other) || order.before(&other, &one)
    });
    wrong.map(|claim| format!("{title}: {claim}")).collect()
}

#[test]
fn every_case_has_its_order() {
    let cases: Vec<&str> = include_str!("cases.txt").split("\n== ").skip(1).collect();
    assert!(cases.len() > 20, "the cases are there");
    let wrong: Vec<String> = cases.into_iter().flat_map(play).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn readers_of_many_cost_no_edge_for_each_pair() {
    let mut scene = Scene::new();
    for at in 0..300 {
        scene.change("+", &format!("a[{at}]"), Vec::new());
        scene.change("+", &format!("b[{at}]"), vec![dep("a[*]")]);
    }
    scene.plan.changes.sort_by(|a, b| a.addr.cmp(&b.addr));
    let order = Order::of(&scene.plan, &scene.state).unwrap();
    let edges: usize = order.followers.iter().map(Vec::len).sum();
    assert_eq!(edges, 600);
}

#[test]
fn a_long_chain_of_what_stays_costs_no_stack() {
    let mut scene = Scene::new();
    scene.change("~", "r[0]", Vec::new());
    for at in 1..20_000 {
        let needs = vec![dep(&format!("r[{}]", at - 1))];
        scene.record(&format!("r[{at}]"), &needs);
        scene.change("=", &format!("r[{at}]"), needs);
    }
    scene.change("+", "last", vec![dep("r[19999]")]);
    let order = scene.order().unwrap();
    assert!(order.before(&Scene::step("~r[0]"), &Scene::step("+last")));
}

/// A plan from a random graph: what each instance was recorded to read, what it is planned to read, and
/// what is done to it.
#[derive(Clone, Debug)]
struct Random {
    nodes: Vec<(usize, Vec<usize>, Vec<usize>)>,
}

const SIGNS: [&str; 6] = ["=", "~", "+", "-", "-/+", "+/-"];

fn random() -> impl Strategy<Value = Random> {
    let node = |at: usize| {
        let needs = || proptest::collection::vec(0..at.max(1), 0..3.min(at + 1));
        (0..SIGNS.len(), needs(), needs())
    };
    (2_usize..14).prop_flat_map(move |nodes| {
        let all: Vec<_> = (0..nodes).map(node).collect();
        all.prop_map(|mut nodes| {
            nodes[0].1.clear();
            nodes[0].2.clear();
            Random { nodes }.consistent()
        })
    })
}

impl Random {
    /// Makes it a plan that the planner could make: nothing reads what goes, and what is made first takes
    /// along what it needs. (What it no longer needs and is removed first may leave no order: a case.)
    fn consistent(mut self) -> Self {
        let mut first = vec![false; self.nodes.len()];
        for at in (0..self.nodes.len()).rev() {
            let (sign, recorded, planned) = &self.nodes[at];
            first[at] |= SIGNS[*sign] == "+/-";
            for needed in recorded.iter().chain(planned) {
                first[*needed] |= first[at];
            }
            if first[at] && SIGNS[*sign] == "-/+" {
                self.nodes[at].0 = SIGNS.len() - 1;
            }
        }
        let goes: Vec<bool> = self.nodes.iter().map(|(sign, ..)| SIGNS[*sign] == "-").collect();
        for (_, _, planned) in &mut self.nodes {
            planned.retain(|needed| !goes[*needed]);
        }
        self
    }

    fn scene(&self) -> Scene {
        let mut scene = Scene::new();
        let deps = |needs: &[usize]| needs.iter().map(|at| dep(&name(*at))).collect::<Vec<_>>();
        for (at, (sign, recorded, planned)) in self.nodes.iter().enumerate() {
            scene.record(&name(at), &deps(recorded));
            let planned = if SIGNS[*sign] == "-" { Vec::new() } else { deps(planned) };
            scene.change(SIGNS[*sign], &name(at), planned);
        }
        scene
    }

    fn has_first(&self) -> bool {
        self.nodes.iter().any(|(sign, ..)| SIGNS[*sign] == "+/-")
    }

    /// Returns what an instance was recorded to need, however far.
    fn all_recorded(&self, at: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            for needed in &self.nodes[at].1 {
                if !found.contains(needed) {
                    found.push(*needed);
                    open.push(*needed);
                }
            }
        }
        found
    }
}

fn name(at: usize) -> String {
    format!("n{at}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn every_plan_has_an_order_that_respects_each_rule(random in random()) {
        let mut scene = random.scene();
        let order = match scene.order() {
            Ok(order) => order,
            Err(circle) => return Err(TestCaseError::fail(format!("circle {circle}"))),
        };
        let forward = |at: usize| {
            let steps = [Step::Create, Step::Update].map(|step| (addr(&name(at)), step));
            steps.into_iter().find(|step| order.has(step))
        };
        let end = |at: usize| Some((addr(&name(at)), Step::Delete)).filter(|step| order.has(step));
        let before = |first: &Option<_>, then: &Option<_>| match (first, then) {
            (Some(first), Some(then)) => order.before(first, then),
            _ => true,
        };
        for (at, (sign, recorded, planned)) in random.nodes.iter().enumerate() {
            for needed in planned {
                prop_assert!(before(&forward(*needed), &forward(at)), "{at} reads {needed}");
            }
            for needed in random.all_recorded(at) {
                prop_assert!(before(&end(at), &end(needed)), "{at} rested on {needed}");
                let changed = matches!(SIGNS[random.nodes[needed].0], "~" | "+");
                let early = SIGNS[*sign] != "+/-" && !random.has_first();
                if changed && early {
                    prop_assert!(before(&end(at), &forward(needed)), "{at} goes before {needed} changes");
                }
            }
            for needed in recorded {
                if SIGNS[random.nodes[*needed].0] == "+/-" {
                    prop_assert!(before(&forward(at), &end(*needed)), "{at} moves off {needed}");
                }
            }
        }
    }
}
