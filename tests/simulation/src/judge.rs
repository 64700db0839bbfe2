//! The judge: after the storm the world is exactly as declared, within three runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Command, Dice, Inventory, Plant, Report, Task, Weather, World};

/// Runs within which a world comes to rest.
const RUNS: usize = 3;

/// Steps that a run of a small scenario takes; crashes are drawn among them.
const STEPS: u64 = 260;

/// Configurations that follow each other.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The configurations, with what exists once each is applied in an empty world.
    pub stages: Vec<(String, Inventory)>,
}

/// What became of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Hash of all that happened.
    pub trace: String,
    /// What is wrong, with all that happened; `None`: nothing.
    pub wrong: Option<String>,
}

impl Scenario {
    /// Reads a directory: its files are configurations that follow each other.
    ///
    /// # Errors
    /// Says what can't be read, or goes wrong without any fault.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
        let entries = fs::read_dir(dir).map_err(failed)?.flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        let texts =
            paths.iter().map(fs::read_to_string).collect::<Result<_, _>>().map_err(failed)?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        Self::of(&name, texts)
    }

    /// Reads the stages by applying each in a world of its own, in which nothing goes wrong.
    ///
    /// # Errors
    /// Says what goes wrong all the same.
    pub fn of(name: &str, texts: Vec<String>) -> Result<Self, String> {
        let mut stages = Vec::new();
        for text in texts {
            let mut world = World::new(0)?;
            rest(&mut world, &text, Command::Apply).map_err(|why| format!("{name}: {why}"))?;
            let inventory = world.inventory();
            stages.push((text, inventory));
        }
        Ok(Self { name: name.to_owned(), stages })
    }
}

/// Leads a scenario through the storms of a seed, and judges what becomes of it.
pub fn judge(seed: u64, scenario: &Scenario, plant: Plant) -> Verdict {
    let mut world = match World::new(seed) {
        Ok(world) => world.planted(plant),
        Err(why) => return Verdict { trace: String::new(), wrong: Some(why) },
    };
    let wrong = lead(&mut world, scenario).err();
    let wrong = wrong.map(|why| {
        format!("seed {seed}, {}: {why}\n\n{}\n\nseed {seed}: {why}", scenario.name, world.story())
    });
    Verdict { trace: world.trace(), wrong }
}

fn lead(world: &mut World, scenario: &Scenario) -> Result<(), String> {
    for (text, expected) in &scenario.stages {
        storm(world, text, Command::Apply)?;
        rest(world, text, Command::Apply)?;
        same(&world.inventory(), expected)?;
    }
    let Some((text, _)) = scenario.stages.last() else { return Ok(()) };
    storm(world, text, Command::Destroy)?;
    rest(world, text, Command::Destroy)?;
    same(&world.inventory(), &Inventory::new())?;
    let left = world.state()?.resources.len();
    if left == 0 { Ok(()) } else { Err(format!("{left} objects are recorded after all is gone")) }
}

/// Runs in bad weather.
fn storm(world: &mut World, text: &str, command: Command) -> Result<(), String> {
    let runs = world.with_dice(|dice: &mut Dice| dice.below(3));
    for _ in 0..runs {
        let (weather, parallelism) =
            world.with_dice(|dice| (Weather::drawn(dice, STEPS), 1 + dice.index(10)));
        let task = Task { text, command, parallelism };
        if let Some(report) = world.run(&task, &weather)? {
            no_leak(&report)?;
        }
    }
    Ok(())
}

/// Runs in calm weather until nothing is left to do.
fn rest(world: &mut World, text: &str, command: Command) -> Result<(), String> {
    let mut last = Report::default();
    for _ in 0..RUNS {
        let task = Task { text, command, parallelism: 10 };
        last = world.run(&task, &Weather::calm())?.ok_or("a calm run was killed")?;
        no_leak(&last)?;
        // What was sent before has arrived by now, one way or the other.
        world.drain();
        if last.is_quiet() {
            // Work that a service took on and nobody waits for comes to its end.
            world.settle();
            return Ok(());
        }
    }
    Err(format!("no rest within {RUNS} runs: {last:?}"))
}

pub(crate) fn no_leak(report: &Report) -> Result<(), String> {
    match report.leaked.first() {
        Some(leak) => Err(format!("a secret was shown: {leak}")),
        None => Ok(()),
    }
}

pub(crate) fn same(found: &Inventory, expected: &Inventory) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let mut lines = vec!["other objects exist than declared:".to_owned()];
    for (object, count) in found {
        let wanted = expected.get(object).copied().unwrap_or_default();
        if *count != wanted {
            lines.push(format!("  {object:?}: {count} instead of {wanted}"));
        }
    }
    for (object, wanted) in expected.iter().filter(|(object, _)| !found.contains_key(*object)) {
        lines.push(format!("  {object:?}: 0 instead of {wanted}"));
    }
    Err(lines.join("\n"))
}
