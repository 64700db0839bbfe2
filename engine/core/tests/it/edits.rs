//! Random semesters whose configuration changes on the way: leases are extended, shortened and replaced,
//! servers are added, runs are killed, and at last everything is destroyed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use terrarium_core::Mode;

use crate::crash::Dice;
use crate::scene::{Command, Doing, Scene};
use crate::semester::{Semester, hour, invent, look, steps};

/// How many semesters are lived through.
const SEEDS: u64 = 30;

/// Hours before its end in which a lease can be extended.
const LAST: i64 = 48;

/// A semester, and the extensions that wait for their time, by lease.
struct Edited {
    semester: Semester,
    waiting: BTreeMap<usize, i64>,
    /// The hour that was looked at before.
    last: i64,
    /// The leases that have a successor.
    moving: BTreeSet<usize>,
    /// What was done, for those who look for a mistake.
    done: String,
}

impl Edited {
    /// Makes the extensions whose time has come.
    fn pass(&mut self, at: i64) {
        let terms = &mut self.semester.terms;
        self.waiting.retain(|lease, wanted| {
            let term = &mut terms[*lease];
            let opens = at >= term.until - LAST;
            if opens {
                term.until = *wanted;
            }
            !opens
        });
    }

    /// Changes one lease; comes back with an hour at which something falls due by it.
    fn edit(&mut self, at: i64, dice: &mut Dice) -> Option<i64> {
        let lease = usize::try_from(dice.below(self.semester.free as u64)).unwrap();
        if self.moving.contains(&lease) {
            return None;
        }
        let term = self.semester.terms[lease];
        let (begun, ended) = (term.from <= at, term.until <= at);
        match dice.below(8) {
            0 | 5.. => {
                let wanted = term.until.max(at) + 1 + dice.small(40);
                self.set(lease, "end", &hour(wanted).to_string());
                let term = &mut self.semester.terms[lease];
                self.waiting.remove(&lease);
                if ended {
                    (term.from, term.until, term.lag) = (at, wanted, 0);
                } else if begun && at < term.until - LAST {
                    let opens = term.until - LAST;
                    self.waiting.insert(lease, wanted);
                    if dice.below(2) == 0 {
                        // What is new on it does not wait for the extension.
                        self.semester.add_server(lease, &format!("x{at}"));
                    }
                    return Some(opens);
                } else {
                    term.until = wanted;
                }
            }
            1 if !ended && term.until - at.max(term.from) > 1 => {
                let until = at.max(term.from) + 1 + dice.small(term.until - at.max(term.from) - 1);
                self.set(lease, "end", &hour(until).to_string());
                self.waiting.remove(&lease);
                self.semester.terms[lease].until = until;
            }
            2 if !ended => {
                self.set(lease, "kind", &format!("since hour {at}"));
                let wanted = self.waiting.remove(&lease);
                let term = &mut self.semester.terms[lease];
                term.until = wanted.unwrap_or(term.until);
                if begun {
                    (term.from, term.lag) = (at, 0);
                }
            }
            3 => self.semester.add_server(lease, &format!("x{at}")),
            // A successor that begins later: until then everything stays where it is.
            4 if term.from + term.lag <= self.last && term.until - at > 3 => {
                if self.waiting.contains_key(&lease) {
                    return None;
                }
                let start = at + 1 + dice.small(term.until - at - 2);
                self.set(lease, "kind", &format!("later than hour {at}"));
                self.set(lease, "start", &hour(start).to_string());
                self.moving.insert(lease);
                return (dice.below(3) > 0).then_some(start + self.semester.lag);
            }
            _ => {}
        }
        None
    }

    /// Sets an attribute of a lease.
    fn set(&mut self, lease: usize, name: &str, value: &str) {
        writeln!(self.done, "l{lease}: {name} = {value}").unwrap();
        let text = &mut self.semester.text;
        let head = format!("resource \"fake_lease\" \"l{lease}\" {{\n");
        let begin = text.find(&head).unwrap() + head.len();
        let end = begin + text[begin..].find("}\n").unwrap();
        let is_other = |line: &&str| !line.trim_start().starts_with(name);
        let mut block = String::new();
        for line in text[begin..end].lines().filter(is_other) {
            writeln!(block, "{line}").unwrap();
        }
        writeln!(block, "  {name} = \"{value}\"").unwrap();
        text.replace_range(begin..end, &block);
    }
}

async fn live(seed: u64) -> Result<(), String> {
    let mut dice = Dice(seed);
    let semester = invent(&mut dice);
    let mut hours: BTreeSet<i64> = steps(&mut dice).into_iter().collect();
    let mut scene = semester.scene();
    let (waiting, moving) = (BTreeMap::new(), BTreeSet::new());
    let mut edited = Edited { semester, waiting, last: -1, moving, done: String::new() };
    while let Some(at) = hours.pop_first() {
        scene.cloud.inside().now = hour(at);
        edited.pass(at);
        let mut doing = if edited.last < 0 { Doing::Apply } else { Doing::Run };
        writeln!(edited.done, "hour {at}").unwrap();
        if edited.last >= 0 && dice.below(2) == 0 {
            hours.extend(edited.edit(at, &mut dice));
            scene.file("main.tf", &edited.semester.text);
            doing = Doing::Apply;
        }
        if dice.below(4) == 0 {
            let crash = Some(usize::try_from(dice.below(60)).unwrap());
            scene.run(&Command { crash, ..Command::default() }, doing).await;
            scene.pass(90);
        }
        let looked = Box::pin(look(&mut scene, &edited.semester, at, doing)).await;
        looked.map_err(|why| format!("{why}\n{}\n{}", edited.done, edited.semester.text))?;
        if dice.below(8) == 0 {
            break;
        }
        edited.last = at;
    }
    destroy(&mut scene).await.map_err(|why| format!("{why}\n{}", edited.done))
}

/// Destroys everything; nothing may be left but leases that are over.
async fn destroy(scene: &mut Scene) -> Result<(), String> {
    let mut command = Command::default();
    command.options.mode = Mode::Destroy;
    let outcome = scene.run(&command, Doing::Apply).await.unwrap();
    if let Some(failed) = outcome.run.iter().find_map(|(summary, _)| summary.failed.first()) {
        return Err(format!("{} failed: {}", failed.addr, failed.why));
    }
    let state = scene.state().await;
    let left = scene.cloud.text();
    let lives = left.lines().any(|line| !line.contains("TERMINATED"));
    if lives || !state.resources.is_empty() || !state.schedule.is_empty() {
        return Err(format!("left over: {left}{:?}", state.schedule));
    }
    Ok(())
}

#[tokio::test]
async fn what_changes_on_the_way_is_followed() {
    let mut wrong = String::new();
    for seed in 0..SEEDS {
        if let Err(why) = Box::pin(live(seed)).await {
            writeln!(wrong, "seed {seed}: {why}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
