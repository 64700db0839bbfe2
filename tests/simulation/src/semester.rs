//! A semester: configurations with leases that follow each other at fixed instants, while the clock
//! jumps over starts and ends and other people change leases.
//!
//! The same steps are led twice: through calm weather, which tells what must exist after each, and
//! through the storms of the seed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use terrarium_address::ResourceAddr;

use crate::judge::{no_leak, same};
use crate::script::{Act, Semester};
use crate::{Command, Dice, Inventory, Plant, Report, Task, Verdict, Weather, World};

/// Runs within which a world comes to rest.
const RUNS: usize = 3;

/// Steps of the simulation that a run takes; crashes are drawn among them.
const STEPS: u64 = 420;

/// From a step to the rest after it, so that storms that last differently end at one instant.
const UNTIL_REST: SignedDuration = SignedDuration::from_hours(3);

/// How soon a run has done what was due once all is calm.
const CATCHES_UP: SignedDuration = SignedDuration::from_hours(2);

/// For how long services are left to themselves after a rest.
const AFTERWARDS: SignedDuration = SignedDuration::from_mins(40);

/// Sites whose leases are looked at.
const SITES: &[&str] = &["kvm-tacc", "chi-nu"];

/// What there is after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Scene {
    inventory: Inventory,
    recorded: BTreeSet<String>,
    scheduled: BTreeSet<String>,
}

/// Leads a semester through the storms of a seed, and judges what becomes of it.
pub fn judge_semester(seed: u64, semester: &Semester, plant: Plant) -> Verdict {
    let steps = semester.drawn(&mut Dice::new(seed));
    let worlds = World::new(seed).and_then(|calm| Ok((calm, World::new(seed)?.planted(plant))));
    let (calm, world) = match worlds {
        Ok(worlds) => worlds,
        Err(why) => return Verdict { trace: String::new(), wrong: Some(why) },
    };
    let mut leading = Leading::begin(calm, semester, false);
    let mut expected = Vec::new();
    for step in &steps {
        match leading.step(step) {
            Ok(scene) => expected.push(scene),
            Err(why) => return leading.verdict(seed, Some(format!("in calm weather: {why}"))),
        }
    }
    let mut leading = Leading::begin(world, semester, true);
    for (step, expected) in steps.iter().zip(&expected) {
        let found = leading.step(step).and_then(|scene| scene.like(expected));
        if let Err(why) = found {
            let (at, act) = step;
            return leading.verdict(seed, Some(format!("{at} {act:?}: {why}")));
        }
    }
    leading.verdict(seed, None)
}

impl Scene {
    fn like(&self, expected: &Self) -> Result<(), String> {
        same(&self.inventory, &expected.inventory)?;
        for (what, found, expected) in [
            ("recorded", &self.recorded, &expected.recorded),
            ("scheduled", &self.scheduled, &expected.scheduled),
        ] {
            if found != expected {
                return Err(format!("{what}: {found:?} instead of {expected:?}"));
            }
        }
        Ok(())
    }
}

/// A semester under way.
struct Leading<'a> {
    world: World,
    semester: &'a Semester,
    stormy: bool,
    /// Leases that the world began with.
    foreign: BTreeSet<String>,
}

impl<'a> Leading<'a> {
    fn begin(world: World, semester: &'a Semester, stormy: bool) -> Self {
        let begun = Self { world, semester, stormy, foreign: BTreeSet::new() };
        let foreign = SITES.iter().flat_map(|site| begun.live(site)).map(|(id, _)| id).collect();
        Self { foreign, ..begun }
    }

    fn verdict(&self, seed: u64, wrong: Option<String>) -> Verdict {
        let (name, story) = (&self.semester.name, self.world.story());
        let wrong =
            wrong.map(|why| format!("seed {seed}, {name}: {why}\n\n{story}\n\nseed {seed}: {why}"));
        Verdict { trace: self.world.trace(), wrong }
    }

    /// Takes one step, and returns what there is after it.
    fn step(&mut self, (at, act): &(Timestamp, Act)) -> Result<Scene, String> {
        self.world.tell(format!("==== {at} {act:?}"));
        self.world.pass(*at);
        match act {
            Act::Apply(text) => self.weathered(*text, Command::Apply, *at)?,
            Act::Run(text) => self.weathered(*text, Command::Run, *at)?,
            Act::Stay(text, until) => self.stayed(*text, *until)?,
            Act::Destroy(text) => {
                self.weathered(*text, Command::Destroy, *at)?;
                let scene = self.scene()?;
                let over = |(kind, _, status): &(String, String, String)| {
                    kind == "lease" && status == "TERMINATED"
                };
                let gone = scene.recorded.is_empty() && scene.scheduled.is_empty();
                if !gone || !scene.inventory.keys().all(over) {
                    return Err(format!("not all is gone: {scene:?}"));
                }
            }
            Act::Refused(text) => self.refused(*text)?,
            Act::Others { site, lease, end } => self.others(site, lease, end.as_deref())?,
            Act::FailStart => {
                let faults = json!({"lease_faults": [{"event": "start"}]});
                self.world.settings(&faults);
            }
        }
        let now = self.world.now();
        self.world.pass(now + AFTERWARDS);
        self.scene()
    }

    /// Runs a command in the weather, and again when that is over, until nothing is left to do.
    fn weathered(&mut self, text: usize, command: Command, at: Timestamp) -> Result<(), String> {
        let storms = if self.stormy { self.world.with_dice(|dice| dice.below(3)) } else { 0 };
        for _ in 0..storms {
            let (weather, parallelism) = self
                .world
                .with_dice(|dice| (Weather::drawn_for_leases(dice, STEPS), 1 + dice.index(10)));
            let ended = self.lawful(text, command, (parallelism, &weather))?;
            // Whoever destroys and is killed is followed by the run that waits in another terminal.
            if command == Command::Destroy && ended.is_none() {
                self.lawful(text, Command::Run, (4, &Weather::calm()))?;
            }
        }
        if !self.stormy {
            self.rest(text, command)?;
        }
        self.world.pass(at + UNTIL_REST);
        self.rest(text, command)?;
        self.leases(command)
    }

    /// Has a run stay through the storms, and start again where it was killed or told to stop, as an init system does.
    fn stayed(&mut self, text: usize, until: Timestamp) -> Result<(), String> {
        let storms = if self.stormy { self.world.with_dice(|dice| 1 + dice.below(3)) } else { 0 };
        for _ in 0..storms {
            let (weather, parallelism) = self
                .world
                .with_dice(|dice| (Weather::drawn_for_days(dice, STEPS), 1 + dice.index(10)));
            self.stays(text, until, (parallelism, &weather))?;
        }
        self.stays(text, until, (10, &Weather::calm()))?;
        self.world.pass(until + UNTIL_REST);
        self.rest(text, Command::Run)?;
        self.leases(Command::Run)
    }

    /// Runs until an instant; whoever ends before it was killed, told to stop, or has nothing left to wait for.
    fn stays(
        &mut self,
        text: usize,
        until: Timestamp,
        (parallelism, weather): (usize, &Weather),
    ) -> Result<(), String> {
        if self.world.now() >= until {
            return Ok(());
        }
        let calm = weather.lasts.and_then(|lasts| self.world.now().checked_add(lasts).ok());
        let calm = calm.unwrap_or_else(|| self.world.now());
        let ended = self.lawful(text, Command::Stay(until), (parallelism, weather))?;
        let due = self.world.state()?.schedule.into_iter().find(|entry| {
            entry.schedule.not_before.unwrap_or(until).max(calm) + CATCHES_UP < until
        });
        if let Some(due) = due.filter(|_| self.world.now() >= until) {
            return Err(format!("calm since {calm}, and a run did not do {}", due.addr));
        }
        let Some(report) = ended.filter(|report| report.began && weather.signals.is_empty()) else {
            return Ok(());
        };
        let left = self.world.state()?.schedule.len();
        if self.world.now() < until && left > 0 {
            return Err(format!(
                "a run ends at {} although {left} wait: {report:?}",
                self.world.now()
            ));
        }
        Ok(())
    }

    /// Runs in calm weather until nothing is left to do.
    fn rest(&mut self, text: usize, command: Command) -> Result<(), String> {
        let mut last = Report::default();
        for _ in 0..RUNS {
            let ended = self.lawful(text, command, (10, &Weather::calm()))?;
            last = ended.ok_or("a calm run was killed")?;
            self.world.drain();
            if last.is_quiet() {
                return Ok(());
            }
        }
        Err(format!("no rest within {RUNS} runs: {last:?}"))
    }

    /// Applies while no lease can be had: what is there stays, servers above all.
    fn refused(&mut self, text: usize) -> Result<(), String> {
        let before = self.world.inventory();
        let report = self.lawful(text, Command::Apply, (10, &Weather::without_leases()))?;
        let failed = report.is_some_and(|report| report.failed);
        let (_, removed) = self.world.begun();
        if removed > 0 || !failed {
            return Err(format!("refused: {removed} servers were removed, failed: {failed}"));
        }
        same(&self.world.inventory(), &before)
    }

    /// Runs one command, and looks whether it did what it never may.
    fn lawful(
        &mut self,
        text: usize,
        command: Command,
        (parallelism, weather): (usize, &Weather),
    ) -> Result<Option<Report>, String> {
        let text = self.semester.texts.get(text).ok_or("there is no such configuration")?;
        let before = self.world.state()?.schedule;
        let report = self.world.run(&Task { text, command, parallelism }, weather)?;
        if let Some(report) = &report {
            no_leak(report)?;
        }
        if let Some(wrong) = self.world.wrong().first() {
            return Err(wrong.clone());
        }
        let (begun, _) = self.world.begun();
        match command {
            Command::Apply => {}
            Command::Run | Command::Stay(_) => {
                let scheduled =
                    |addr: &ResourceAddr| before.iter().any(|entry| entry.addr == *addr);
                if let Some((addr, action)) = begun.iter().find(|(addr, _)| !scheduled(addr)) {
                    return Err(format!("a run does what nobody approved: {action:?} {addr}"));
                }
            }
            Command::Destroy => {
                if !begun.is_empty() && !self.world.state()?.schedule.is_empty() {
                    return Err("things go, and what is scheduled stays".to_owned());
                }
            }
        }
        Ok(report)
    }

    fn others(&self, site: &str, lease: &str, end: Option<&str>) -> Result<(), String> {
        let found = self.live(site).into_iter().find(|one| one.1 == lease);
        let (id, _) = found.ok_or_else(|| format!("there is no lease {lease}"))?;
        let path = format!("/{site}/reservation/v1/leases/{id}");
        let (status, said) = match end {
            Some(end) => self.world.others("PUT", &path, &json!({"end_date": end})),
            None => self.world.others("DELETE", &path, &Json::Null),
        };
        if status < 300 { Ok(()) } else { Err(format!("{path}: {status} {said}")) }
    }

    /// Returns id and name of a site's leases that are not over.
    fn live(&self, site: &str) -> Vec<(String, String)> {
        let path = format!("/{site}/reservation/v1/leases");
        let (_, listed) = self.world.others("GET", &path, &Json::Null);
        let leases = listed.get("leases").and_then(Json::as_array);
        let text = |lease: &Json, key: &str| {
            lease.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
        };
        let live =
            leases.into_iter().flatten().filter(|lease| text(lease, "status") != "TERMINATED");
        live.map(|lease| (text(lease, "id"), text(lease, "name"))).collect()
    }

    /// Compares the leases that there are with those that are recorded.
    fn leases(&self, command: Command) -> Result<(), String> {
        let there: BTreeSet<String> =
            SITES.iter().flat_map(|site| self.live(site)).map(|(id, _)| id).collect();
        let there = &there - &self.foreign;
        let now = self.world.now();
        let mut recorded = BTreeSet::new();
        for (addr, instance) in self.world.state()?.resources {
            if !addr.to_string().contains("openstack_reservation_") {
                continue;
            }
            for object in instance.current.iter().chain(instance.deposed.values()) {
                let values: Json = serde_json::from_str(&object.attributes).unwrap_or_default();
                let id = values.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
                let over =
                    object.window.and_then(|window| window.until()).is_some_and(|at| at <= now);
                if command == Command::Apply && !over && !there.contains(&id) {
                    return Err(format!("{addr} is recorded and is not there"));
                }
                recorded.insert(id);
            }
        }
        match there.difference(&recorded).next() {
            Some(orphan) => Err(format!("the lease {orphan} is there and nobody knows it")),
            None => Ok(()),
        }
    }

    fn scene(&self) -> Result<Scene, String> {
        let state = self.world.state()?;
        let living = state.resources.iter().filter(|(_, instance)| {
            instance.current.as_ref().is_some_and(|object| object.ended.is_none())
        });
        let recorded = living.map(|(addr, _)| addr.to_string()).collect();
        let scheduled = state.schedule.iter();
        let scheduled = scheduled.map(|one| format!("{:?} {}", one.action, one.addr)).collect();
        Ok(Scene { inventory: self.world.inventory(), recorded, scheduled })
    }
}
