//! A semester: configurations with leases that follow each other at fixed instants, while the clock
//! jumps over starts and ends and other people change leases.
//!
//! The same steps are led twice: through calm weather, which tells what must exist after each, and
//! through the storms of the seed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use terrarium_address::ResourceAddr;

use crate::judge::{no_leak, same};
use crate::{Command, Dice, Inventory, Plant, Report, Task, Verdict, Weather, World};

/// Runs within which a world comes to rest.
const RUNS: usize = 3;

/// Steps of the simulation that a run takes; crashes are drawn among them.
const STEPS: u64 = 420;

/// From a step to the rest after it, so that storms that last differently end at one instant.
const UNTIL_REST: SignedDuration = SignedDuration::from_hours(3);

/// From one step to the next at least, where one is drawn in between.
const APART: SignedDuration = SignedDuration::from_hours(5);

/// For how long services are left to themselves after a rest.
const AFTERWARDS: SignedDuration = SignedDuration::from_mins(40);

/// Sites whose leases are looked at.
const SITES: &[&str] = &["kvm-tacc", "chi-nu"];

/// Configurations and what happens when.
#[derive(Clone, Debug)]
pub struct Semester {
    /// Its name.
    pub name: String,
    /// The configurations, by the numbers of their files from 1 on.
    pub texts: Vec<String>,
    /// What happens when, in order.
    pub steps: Vec<(Timestamp, Act)>,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A configuration is applied.
    Apply(usize),
    /// A configuration is applied while no lease can be had: what is there stays.
    Refused(usize),
    /// What is due is carried out.
    Run(usize),
    /// All of a configuration is destroyed; what was scheduled stays cancelled.
    Destroy(usize),
    /// Somebody asks a site's Blazar to end a lease at another time, or to delete it.
    Others {
        /// The site's short name.
        site: String,
        /// The lease's name.
        lease: String,
        /// When it ends now; `None`: it is deleted.
        end: Option<String>,
    },
    /// The next start of a lease fails.
    FailStart,
}

/// What there is after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Scene {
    inventory: Inventory,
    recorded: BTreeSet<String>,
    scheduled: BTreeSet<String>,
}

impl Semester {
    /// Reads a directory: `steps`, and configurations `1.tf`, `2.tf` and so on.
    ///
    /// # Errors
    /// Says what can't be read.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = dir.join(name);
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let mut texts = Vec::new();
        while let Ok(text) = read(&format!("{}.tf", texts.len() + 1)) {
            texts.push(text);
        }
        let steps = read("steps")?;
        let lines = steps.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut current = 0;
        let steps = lines.map(|line| {
            step(line, &mut current).ok_or_else(|| format!("{}: what is {line:?}?", dir.display()))
        });
        let steps = steps.collect::<Result<_, _>>()?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, texts, steps })
    }

    /// Draws the steps of a seed: more of them, at any instant between those that are written down.
    fn drawn(&self, dice: &mut Dice) -> Vec<(Timestamp, Act)> {
        let mut all: Vec<(Timestamp, Act)> = Vec::new();
        for (at, act) in &self.steps {
            if let Some((before, last)) = all.last().cloned() {
                let room = at.duration_since(before) - APART * 2;
                let again = match last {
                    Act::Apply(text) | Act::Run(text) => Some(text),
                    _ => None,
                };
                if let Some(text) = again.filter(|_| room.is_positive() && dice.one_in(3)) {
                    let minutes = u64::try_from(room.as_mins()).unwrap_or_default();
                    let later = i64::try_from(dice.below(minutes)).unwrap_or_default();
                    let between = before + APART + SignedDuration::from_mins(later);
                    let act = if dice.one_in(2) { Act::Apply(text) } else { Act::Run(text) };
                    all.push((between, act));
                }
            }
            all.push((*at, act.clone()));
        }
        all
    }
}

/// Reads a line: `2026-03-05T12:00Z apply 2`.
fn step(line: &str, current: &mut usize) -> Option<(Timestamp, Act)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (at, words) = words.split_first()?;
    let mut text = |number: &str| {
        *current = number.parse::<usize>().ok()?.checked_sub(1)?;
        Some(*current)
    };
    let act = match words {
        ["apply", number] => Act::Apply(text(number)?),
        ["refused", number] => Act::Refused(text(number)?),
        ["run"] => Act::Run(*current),
        ["destroy"] => Act::Destroy(*current),
        ["others", "delete", site, lease] => {
            Act::Others { site: (*site).into(), lease: (*lease).into(), end: None }
        }
        ["others", "end", site, lease, at] => Act::Others {
            site: (*site).into(),
            lease: (*lease).into(),
            end: Some(at.replace('T', " ")),
        },
        ["starts", "fail"] => Act::FailStart,
        _ => return None,
    };
    Some((at.parse().ok()?, act))
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
            Command::Run => {
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
