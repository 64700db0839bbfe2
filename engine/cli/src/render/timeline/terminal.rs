//! The timeline for a terminal: a name, a bar of characters, a state.

use std::fmt::Write;

use terrarium_core::{Group, Mark, Row, Stage, Timeline};
use terrarium_provider::Window;

use super::axis::Axis;
use super::lasting::Drawn;
use super::words::{self, Names, flow};
use crate::render::instant::Times;
use crate::render::paint::{bold, cyan, dim, green, red, yellow};
use crate::render::wrap::wrap;

/// Most rows in a plan's text.
const EXCERPT_ROWS: usize = 30;
/// Narrowest text that still holds a chart.
const LEAST_WIDTH: usize = 60;
/// Widest column of names.
const MOST_NAME: usize = 44;

/// Returns the whole timeline; empty where nothing has a time.
pub fn text(timeline: &Timeline, times: &Times, width: usize) -> String {
    chart(timeline, times, width, usize::MAX)
}

/// Returns the timeline as a plan shows it: of very many rows the first ones; nothing where all is over.
pub fn excerpt(timeline: &Timeline, times: &Times, width: usize) -> String {
    if timeline.is_over() {
        return String::new();
    }
    chart(timeline, times, width, EXCERPT_ROWS)
}

fn chart(whole: &Timeline, times: &Times, width: usize, most: usize) -> String {
    let Drawn { timeline, lasting } = Drawn::of(whole, times);
    let lasting = lasting.map(|line| wrap(&line, width.max(LEAST_WIDTH))).unwrap_or_default();
    let mut out = bars(&timeline, times, (width, words::costs(whole)), most);
    if !lasting.is_empty() {
        let between = if out.is_empty() { "" } else { "\n" };
        let _infallible = writeln!(out, "{between}{lasting}");
    }
    out
}

/// Draws what has a time of its own.
fn bars(
    timeline: &Timeline,
    times: &Times,
    (width, costs): (usize, Vec<String>),
    most: usize,
) -> String {
    let columns = Columns::new(timeline, times, width);
    #[expect(clippy::cast_precision_loss, reason = "a terminal has few columns")]
    let letters = columns.chart as f64;
    let Some(axis) = Axis::new(timeline, times, letters) else { return String::new() };
    let names = Names::new(timeline);
    let page = Page { timeline, times, axis, names, columns, costs };
    let mut out = page.header();
    let mut shown = 0;
    let all = timeline.rows().count();
    for group in &timeline.groups {
        if shown >= most {
            break;
        }
        out.push('\n');
        let rows = group.rows.len() + usize::from(group.head.is_some());
        page.group(&mut out, group, most - shown);
        shown += rows.min(most - shown);
    }
    if shown < all {
        let rest = all - shown;
        let _infallible =
            writeln!(out, "\n… and {rest} more rows; \"terrarium timeline\" shows them all.");
    }
    page.legend(&mut out);
    out
}

/// What stands before the first line.
const TITLE: &str = "Timeline:";
/// What stands over the present.
const NOW: &str = "now";

/// How the width is shared out.
struct Columns {
    width: usize,
    name: usize,
    chart: usize,
    state: usize,
}

impl Columns {
    fn new(timeline: &Timeline, times: &Times, width: usize) -> Self {
        let width = width.max(LEAST_WIDTH);
        let names = Names::new(timeline);
        let longest = |text: &dyn Fn(&Row) -> String| {
            timeline.rows().map(|row| text(row).chars().count()).max().unwrap_or_default()
        };
        let state = longest(&|row| state(row, times)).min(20);
        let name =
            (longest(&|row| names.fitting(row, MOST_NAME)) + 2).min(MOST_NAME).min(width * 2 / 5);
        Self { width, name, chart: width - name - state - 2, state }
    }
}

/// Says how a row stands in few characters: an action that comes later is told by its instant.
fn state(row: &Row, times: &Times) -> String {
    match row.stage {
        Stage::Later { .. } | Stage::Now(_) if row.overdue_since.is_some() => "overdue".to_owned(),
        Stage::Later { at: Some(at), .. } => format!("at {}", times.bare(at)),
        Stage::Later { at: None, .. } => "later".to_owned(),
        Stage::Ended(_) => "ended".to_owned(),
        Stage::Closed(_) => "can't: closed".to_owned(),
        Stage::Upcoming => "booked".to_owned(),
        Stage::Stands | Stage::Now(_) => words::stage(row, times),
    }
}

/// How a cell of the chart is filled; a stronger one covers a weaker one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Empty,
    Now,
    Ghost,
    Ended,
    Later,
    There,
    Lease,
    OnAndOn,
    Mark,
}

impl Cell {
    fn glyph(self) -> char {
        match self {
            Self::Empty => ' ',
            Self::Now => '│',
            Self::Ghost => '╌',
            Self::Ended => '·',
            Self::Later => '░',
            Self::There => '▒',
            Self::Lease => '█',
            Self::OnAndOn => '▶',
            Self::Mark => '◆',
        }
    }

    fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::Empty | Self::OnAndOn => return None,
            Self::Now => "now",
            Self::Ghost => "as it was, or will be",
            Self::Ended => "ended",
            Self::Later => "comes later",
            Self::There => "there, or made now",
            Self::Lease => "lease",
            Self::Mark => "falls due",
        })
    }
}

struct Page<'a> {
    timeline: &'a Timeline,
    times: &'a Times,
    axis: Axis,
    names: Names,
    columns: Columns,
    /// What everything costs, also what is not drawn.
    costs: Vec<String>,
}

impl Page<'_> {
    /// Writes whose time it is, and the axis.
    fn header(&self) -> String {
        let mut parts = vec![format!("now {}", self.times.both(self.timeline.now))];
        parts.extend(words::zone(self.times));
        parts.extend(self.costs.iter().cloned());
        let lines = flow(&parts, ", ", self.columns.width - TITLE.len() - 1);
        let indent = format!("\n{}", " ".repeat(TITLE.len() + 1));
        let mut out = format!("{} {}\n\n", bold(TITLE), lines.join(&indent));
        let (labels, line) = self.axis_lines();
        let indent = " ".repeat(self.columns.name + 1);
        let _infallible = writeln!(out, "{}", format!("{indent}{labels}").trim_end());
        let _infallible = writeln!(out, "{indent}{}", dim(line.trim_end()));
        out
    }

    /// Returns the labels of the ticks, and the line with the ticks and the present.
    fn axis_lines(&self) -> (String, String) {
        let width = self.columns.chart;
        let mut labels: Vec<char> = vec![' '; width + self.columns.state];
        let mut line: Vec<char> = vec!['─'; width];
        let now = self.now();
        let label = now.min(width.saturating_sub(NOW.len()));
        write_at(&mut labels, label, NOW);
        let mut free = 0;
        for tick in &self.axis.ticks {
            let at = self.cell(tick.at);
            let length = tick.label.chars().count();
            write_at(&mut line, at, "┴");
            let meets_now = at <= label + NOW.len() && label <= at + length;
            if at < free || at + length > labels.len() || meets_now {
                continue;
            }
            write_at(&mut labels, at, &tick.label);
            free = at + length + 1;
        }
        write_at(&mut line, now, "┬");
        (labels.into_iter().collect(), line.into_iter().collect())
    }

    fn group(&self, out: &mut String, group: &Group, most: usize) {
        let mut left = most;
        if let Some(head) = &group.head {
            self.row(out, head, 0);
            for line in self.facts(head) {
                let _infallible = writeln!(out, "  {}", dim(&line));
            }
            left -= 1;
        }
        let indent = if group.head.is_some() { 2 } else { 0 };
        for row in group.rows.iter().take(left) {
            self.row(out, row, indent);
        }
    }

    fn row(&self, out: &mut String, row: &Row, indent: usize) {
        let room = self.columns.name - indent;
        let name = self.names.fitting(row, room);
        let padding = " ".repeat(room - name.chars().count());
        let name = if indent == 0 { bold(&name) } else { name };
        let cells = self.cells(row, indent == 0);
        let bar: String = cells.iter().map(|cell| cell.glyph()).collect();
        let state = paint(row.stage, &state(row, self.times));
        let line = format!("{}{name}{padding} {bar} {state}", " ".repeat(indent));
        let _infallible = writeln!(out, "{}", line.trim_end());
    }

    /// Returns the times of a lease, its cost, and what is special about it.
    fn facts(&self, row: &Row) -> Vec<String> {
        let times = &self.times.in_zone(row.zone.as_deref());
        let mut facts = Vec::new();
        if let Some(window) = row.window {
            facts.push(words::span(window, times));
            facts.extend(words::length(window));
        }
        facts.extend(words::price(row).map(words::cost));
        facts.extend(row.was.map(|was| format!("was {}", words::span(was, times))));
        facts.extend(words::later(row, times));
        facts.extend(row.overdue_since.map(|at| format!("overdue since {}", times.both(at))));
        flow(&facts, ", ", self.columns.width - 2)
    }

    /// Draws a row's bar.
    fn cells(&self, row: &Row, head: bool) -> Vec<Cell> {
        let mut cells = vec![Cell::Empty; self.columns.chart];
        put(&mut cells, self.now(), Cell::Now);
        for ghost in row.was.iter().chain(&row.then) {
            self.bar(&mut cells, *ghost, Cell::Ghost);
        }
        let look = match row.stage {
            Stage::Ended(_) | Stage::Closed(_) => Cell::Ended,
            _ if head => Cell::Lease,
            Stage::Later { .. } => Cell::Later,
            Stage::Stands | Stage::Upcoming | Stage::Now(_) => Cell::There,
        };
        if let Some(window) = row.window {
            self.bar(&mut cells, window, look);
        }
        for Mark { at, .. } in &row.marks {
            put(&mut cells, self.cell(self.axis.place(*at)), Cell::Mark);
        }
        cells
    }

    fn bar(&self, cells: &mut [Cell], window: Window, look: Cell) {
        let first = self.cell(self.axis.place(window.from()));
        let end = match window.until() {
            // The cell in which it ends belongs to what comes after, unless it is the only one.
            Some(until) => self.cell(self.axis.place(until)).max(first + 1),
            None => cells.len(),
        };
        for at in first..end {
            put(cells, at, look);
        }
        if window.until().is_none() {
            put(cells, end.saturating_sub(1), Cell::OnAndOn);
        }
    }

    fn now(&self) -> usize {
        self.cell(self.axis.place(self.timeline.now))
    }

    /// Returns the cell of a place between 0 and 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place lies between 0 and 1, and a terminal has few columns"
    )]
    fn cell(&self, place: f64) -> usize {
        let width = self.columns.chart;
        ((place * width as f64) as usize).min(width.saturating_sub(1))
    }

    /// Says what the characters mean: those that were used.
    fn legend(&self, out: &mut String) {
        let mut used: Vec<Cell> = Vec::new();
        for group in &self.timeline.groups {
            let heads = group.head.iter().map(|row| (row, true));
            for (row, head) in heads.chain(group.rows.iter().map(|row| (row, false))) {
                used.extend(self.cells(row, head && group.head.is_some()));
            }
        }
        used.sort_unstable();
        used.dedup();
        let parts = used
            .iter()
            .rev()
            .filter_map(|cell| cell.meaning().map(|meaning| format!("{} {meaning}", cell.glyph())));
        let lines = flow(&parts.collect::<Vec<_>>(), "   ", self.columns.width);
        let _infallible = writeln!(out, "\n{}", dim(&lines.join("\n")));
    }
}

fn paint(stage: Stage, text: &str) -> String {
    match stage {
        Stage::Now(terrarium_core::PlannedAction::Delete) | Stage::Closed(_) => red(text),
        Stage::Now(terrarium_core::PlannedAction::Create) => green(text),
        Stage::Now(_) => yellow(text),
        Stage::Later { .. } | Stage::Upcoming => cyan(text),
        Stage::Ended(_) => dim(text),
        Stage::Stands => text.to_owned(),
    }
}

/// Fills a cell, where nothing stronger fills it.
fn put(cells: &mut [Cell], at: usize, look: Cell) {
    if let Some(cell) = cells.get_mut(at) {
        *cell = look.max(*cell);
    }
}

fn write_at(line: &mut [char], at: usize, text: &str) {
    for (place, letter) in line.iter_mut().skip(at).zip(text.chars()) {
        *place = letter;
    }
}
