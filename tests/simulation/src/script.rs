//! The script of a semester: configurations, and what happens when.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::Dice;

/// From one step to the next at least, where one is drawn in between.
const APART: SignedDuration = SignedDuration::from_hours(5);

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
    /// Somebody has a run stay until an instant, and start again where it ends before.
    Stay(usize, Timestamp),
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
    pub(crate) fn drawn(&self, dice: &mut Dice) -> Vec<(Timestamp, Act)> {
        let mut all: Vec<(Timestamp, Act)> = Vec::new();
        for (at, act) in &self.steps {
            if let Some((before, last)) = all.last().cloned() {
                // Who stays is there all the time.
                let before = if let Act::Stay(_, until) = last { until } else { before };
                let room = at.duration_since(before) - APART * 2;
                let again = match last {
                    Act::Apply(text) | Act::Run(text) | Act::Stay(text, _) => Some(text),
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
        ["stay", until] => Act::Stay(*current, until.parse().ok()?),
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
