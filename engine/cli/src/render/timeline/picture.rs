//! The timeline as a picture: SVG without scripts, legible on light and on dark ground.
//!
//! Letters are measured by their number: no font is known here. Names are set in a font of fixed width,
//! and every other text has air around it.

mod canvas;
mod legend;

use std::fmt::Write;

use terrarium_core::{Group, PlannedAction, Row, Stage, Timeline};
use terrarium_provider::Window;

use super::axis::Axis;
use super::lasting::Drawn;
use super::words::{self, Names};
use crate::render::instant::Times;
pub(super) use canvas::escape;
use canvas::{Anchor, Canvas, SMALL_LETTER, TINY_LETTER, cut, width_of};

/// Width of the whole picture.
const WIDTH: f64 = 1120.0;
/// Air at the edges.
const MARGIN: f64 = 24.0;
/// Where the chart begins, right of the names.
const CHART_LEFT: f64 = 352.0;
/// Where the chart ends.
const CHART_RIGHT: f64 = WIDTH - MARGIN;
/// Where the rows begin, below title and axis.
const TOP: f64 = 112.0;
/// Height of a lease's row: its name, and its times below.
const HEAD_HEIGHT: f64 = 46.0;
/// Height of every other row.
const ROW_HEIGHT: f64 = 25.0;
/// Air between groups.
const GAP: f64 = 14.0;
/// After so much height the axis is repeated, so that it stays in sight.
const TALL: f64 = 800.0;
/// Height of a repeated axis.
const AXIS_HEIGHT: f64 = 26.0;
/// How far names below a lease are indented.
const INDENT: f64 = 16.0;

/// Returns the picture; without any instant it says so.
pub fn svg(whole: &Timeline, times: &Times) -> String {
    let Drawn { timeline, lasting } = Drawn::of(whole, times);
    drawn(&timeline, times, lasting.as_deref())
}

/// Draws a timeline, and says below it what else there is.
pub(super) fn drawn(timeline: &Timeline, times: &Times, lasting: Option<&str>) -> String {
    let letters = (CHART_RIGHT - CHART_LEFT) / (TINY_LETTER + 1.0);
    let Some(axis) = Axis::new(timeline, times, letters) else { return nothing(timeline, times) };
    let names = Names::new(timeline);
    let picture = Picture { timeline, times, axis, names, lasting };
    picture.draw()
}

fn nothing(timeline: &Timeline, times: &Times) -> String {
    let mut canvas = Canvas::new();
    canvas.text(
        ("tl-s tl-t", 16),
        (MARGIN, 40.0),
        Anchor::Start,
        "Nothing waits for a time or ends at one.",
    );
    canvas.finish((WIDTH, 64.0), "Timeline", &format!("At {}", times.both(timeline.now)))
}

/// How far bars reach, where there are any, and the line on which a text beside them stands.
type Beside = (Option<(f64, f64)>, f64);

struct Picture<'a> {
    timeline: &'a Timeline,
    times: &'a Times,
    axis: Axis,
    names: Names,
    /// What is not drawn, in a line.
    lasting: Option<&'a str>,
}

impl Picture<'_> {
    fn draw(&self) -> String {
        let mut canvas = Canvas::new();
        let (tops, axes, bottom) = self.places();
        self.header(&mut canvas);
        self.bands(&mut canvas, &tops);
        self.grid(&mut canvas, bottom);
        for y in &axes {
            canvas.rect("tl-bg", (8.0, y + 4.0), (WIDTH - 16.0, AXIS_HEIGHT - 8.0), 0.0);
            self.labels(&mut canvas, y + 17.0);
        }
        for (at, (group, y)) in self.timeline.groups.iter().zip(tops).enumerate() {
            canvas.open(if at % 2 == 0 { "tl-odd" } else { "tl-even" });
            self.group(&mut canvas, group, y);
            canvas.close();
        }
        let mut end =
            legend::draw(&mut canvas, self.timeline, (MARGIN, bottom + 26.0), CHART_RIGHT);
        if let Some(line) = self.lasting {
            end += 20.0;
            let line = cut(line, letters(CHART_RIGHT - MARGIN, TINY_LETTER));
            canvas.text(("tl-s tl-m", 11), (MARGIN, end), Anchor::Start, &line);
        }
        canvas.finish((WIDTH, end + 18.0), "Timeline", &self.description())
    }

    /// Returns where the groups begin, where the axis is repeated, and where all of it ends.
    fn places(&self) -> (Vec<f64>, Vec<f64>, f64) {
        let (mut tops, mut axes) = (Vec::new(), Vec::new());
        let (mut y, mut last) = (TOP, TOP);
        for group in &self.timeline.groups {
            if y - last > TALL {
                axes.push(y);
                y += AXIS_HEIGHT;
                last = y;
            }
            tops.push(y);
            y += height(group);
        }
        if y - last > TALL / 2.0 && !axes.is_empty() {
            axes.push(y);
            y += AXIS_HEIGHT;
        }
        (tops, axes, y)
    }

    /// Says in words what the picture shows.
    fn description(&self) -> String {
        let leases = self.timeline.groups.iter().filter(|group| group.head.is_some()).count();
        let all: usize = self.timeline.rows().map(Row::count).sum();
        let mut text = format!(
            "Now is {}. {leases} rows of leases, {all} objects with their times.",
            self.times.both(self.timeline.now)
        );
        for head in self.timeline.groups.iter().filter_map(|group| group.head.as_ref()) {
            if let Some(window) = head.window {
                let span = words::span(window, self.times);
                let _infallible = write!(text, " {}: {span}.", head.name);
            }
        }
        text
    }

    fn header(&self, canvas: &mut Canvas) {
        canvas.text(("tl-s tl-t tl-b", 20), (MARGIN, 38.0), Anchor::Start, "Timeline");
        let mut parts = vec![format!("now {}", self.times.both(self.timeline.now))];
        parts.extend(words::zone(self.times));
        parts.extend(words::costs(self.timeline));
        canvas.text(("tl-s tl-m", 13), (MARGIN, 60.0), Anchor::Start, &parts.join("  ·  "));
    }

    /// Lays a pale band under every second group.
    fn bands(&self, canvas: &mut Canvas, tops: &[f64]) {
        for (group, y) in self.timeline.groups.iter().zip(tops).step_by(2) {
            canvas.rect("tl-band", (8.0, *y), (WIDTH - 16.0, height(group)), 6.0);
        }
    }

    fn grid(&self, canvas: &mut Canvas, bottom: f64) {
        for tick in &self.axis.ticks {
            let x = at(tick.at);
            canvas.line("tl-grid", (x, TOP - 6.0), (x, bottom));
        }
        self.labels(canvas, TOP - 12.0);
        let x = at(self.axis.place(self.timeline.now));
        canvas.line("tl-nowline", (x, TOP - 30.0), (x, bottom));
        canvas.rect("tl-nowbox", (x - 17.0, TOP - 46.0), (34.0, 17.0), 8.5);
        canvas.text(("tl-s tl-nowtext tl-b", 11), (x, TOP - 34.0), Anchor::Middle, "now");
    }

    fn labels(&self, canvas: &mut Canvas, y: f64) {
        let now = at(self.axis.place(self.timeline.now));
        let mut free = 0.0;
        for tick in &self.axis.ticks {
            let x = at(tick.at);
            let half = width_of(&tick.label, TINY_LETTER) / 2.0;
            // The line of the present runs through where a label would stand.
            if x - half < free || x + half > WIDTH || (x - now).abs() < half + 4.0 {
                continue;
            }
            canvas.text(("tl-s tl-m", 11), (x, y), Anchor::Middle, &tick.label);
            free = x + half + 8.0;
        }
    }

    fn group(&self, canvas: &mut Canvas, group: &Group, top: f64) {
        let mut y = top + GAP / 2.0;
        if let Some(head) = &group.head {
            self.head(canvas, head, y);
            y += HEAD_HEIGHT;
        }
        let indent = if group.head.is_some() { INDENT } else { 0.0 };
        for row in &group.rows {
            canvas.open_told(&self.tip(row));
            let room = CHART_LEFT - MARGIN - indent - 12.0;
            let name = self.names.fitting(row, letters(room, SMALL_LETTER));
            canvas.text(("tl-c tl-t", 12), (MARGIN + indent, y + 16.0), Anchor::Start, &name);
            self.bars(canvas, row, (y + 5.0, 14.0), class(row));
            canvas.close();
            y += ROW_HEIGHT;
        }
    }

    fn head(&self, canvas: &mut Canvas, row: &Row, y: f64) {
        canvas.open_told(&self.tip(row));
        let room = letters(CHART_LEFT - MARGIN - 12.0, SMALL_LETTER);
        let name = self.names.fitting(row, room);
        canvas.text(("tl-c tl-t tl-b", 12), (MARGIN, y + 18.0), Anchor::Start, &name);
        let facts = self.facts(row, letters(CHART_LEFT - MARGIN - 12.0, TINY_LETTER));
        canvas.text(("tl-s tl-m", 11), (MARGIN, y + 35.0), Anchor::Start, &facts);
        self.bars(canvas, row, (y + 6.0, 18.0), lease_class(row));
        canvas.close();
    }

    /// Returns a lease's times as far as there is room: first to go is the length, then the zone.
    fn facts(&self, row: &Row, room: usize) -> String {
        let times = &self.times.in_zone(row.zone.as_deref());
        let Some(window) = row.window else { return String::new() };
        let Some(until) = window.until() else {
            return format!("from {} on", times.local(window.from()));
        };
        let range = times.range(window.from(), until);
        let bare = format!("{} – {}", times.bare(window.from()), times.bare(until));
        let length = words::length(window).unwrap_or_default();
        let forms = [format!("{range} · {length}"), range, bare];
        let fits = forms.iter().find(|text| text.chars().count() <= room);
        fits.cloned().unwrap_or_else(|| cut(&forms[2], room))
    }

    /// Draws what a row has of bars and marks, and says beside them how it stands.
    fn bars(&self, canvas: &mut Canvas, row: &Row, (y, height): (f64, f64), class: &str) {
        let mut extent: Option<(f64, f64)> = None;
        let mut covers = |from: f64, until: f64| {
            let (first, last) = extent.unwrap_or((from, until));
            extent = Some((first.min(from), last.max(until)));
        };
        for ghost in row.was.iter().chain(&row.then) {
            let (from, until) = self.reach(*ghost);
            covers(from, until);
            let (first, last) = row.window.map_or((until, until), |window| self.reach(window));
            // Only what sticks out is drawn.
            for (from, until) in [(from, first), (last, until)] {
                if until - from > 2.0 {
                    canvas.rect("tl-ghost", (from, y + 2.0), (until - from, height - 4.0), 0.0);
                }
            }
        }
        if let Some(window) = row.window {
            let (from, until) = self.reach(window);
            canvas.bar(class, (from, y), (until - from, height), window.until().is_none());
            covers(from, until);
        }
        for mark in &row.marks {
            let x = at(self.axis.place(mark.at));
            canvas.diamond("tl-mark", (x, y + height / 2.0), height / 2.0);
            covers(x - height / 2.0, x + height / 2.0);
        }
        if let (Stage::Closed(instant), None) = (row.stage, row.window) {
            let x = at(self.axis.place(instant));
            canvas.cross("tl-cross", (x, y + height / 2.0), height / 2.0 - 2.0);
            covers(x - height / 2.0, x + height / 2.0);
        }
        self.state(canvas, row, (extent, y + height / 2.0 + 4.0), class);
    }

    /// Says how a row stands: right of its bars, else left of them, else on them; as much as fits.
    fn state(&self, canvas: &mut Canvas, row: &Row, (extent, y): Beside, look: &str) {
        let parts = self.state_parts(row);
        let (from, until) = extent.unwrap_or((CHART_LEFT, CHART_LEFT));
        let pale = matches!(row.stage, Stage::Later { .. } | Stage::Ended(_));
        let on_bar = match class(row) {
            _ if pale => "tl-s tl-t",
            "tl-there" if look != "tl-lease" => "tl-s tl-onthere",
            _ => "tl-s tl-on",
        };
        for shown in (1..=parts.len()).rev() {
            let text = parts.get(..shown).unwrap_or_default().join(" · ");
            let width = width_of(&text, TINY_LETTER);
            let right = self.clear_of_now(until + 8.0, width);
            let left = from - 8.0 - width;
            let inside = self.clear_of_now(from + 8.0, width);
            let plain = row.marks.is_empty() && row.was.is_none() && row.then.is_none();
            let class = "tl-s tl-m tl-halo";
            if right + width <= CHART_RIGHT {
                return canvas.text((class, 11), (right, y), Anchor::Start, &text);
            }
            if left >= CHART_LEFT && self.clear_of_now(left, width) <= left {
                return canvas.text((class, 11), (from - 8.0, y), Anchor::End, &text);
            }
            if plain && inside + width + 8.0 <= until {
                return canvas.text((on_bar, 11), (inside, y), Anchor::Start, &text);
            }
        }
        let text = cut(&parts.join(" · "), letters(until - from - 16.0, TINY_LETTER));
        canvas.text((on_bar, 11), (from + 8.0, y), Anchor::Start, &text);
    }

    /// Moves a text behind the line of the present, where that would run through it.
    fn clear_of_now(&self, x: f64, width: f64) -> f64 {
        let now = at(self.axis.place(self.timeline.now));
        if x - 4.0 < now && now < x + width + 4.0 { now + 8.0 } else { x }
    }

    fn state_parts(&self, row: &Row) -> Vec<String> {
        let times = &self.times.in_zone(row.zone.as_deref());
        let mut parts = vec![words::stage(row, times)];
        parts.extend(words::later(row, times));
        parts.extend(words::price(row).map(words::cost));
        if matches!(row.stage, Stage::Later { at: None, .. }) {
            parts.extend(row.waits_for.as_ref().map(|what| format!("waits for {what}")));
        }
        parts
    }

    /// Returns everything about a row, for whoever points at it.
    fn tip(&self, row: &Row) -> String {
        words::everything(row, &self.times.in_zone(row.zone.as_deref())).join("\n")
    }

    /// Returns where a window begins and ends; never less than can be seen.
    fn reach(&self, window: Window) -> (f64, f64) {
        let from = at(self.axis.place(window.from()));
        let until = window.until().map_or(CHART_RIGHT, |until| at(self.axis.place(until)));
        (from, until.max(from + 4.0))
    }
}

/// Returns the look of a lease's bar.
pub(super) fn lease_class(row: &Row) -> &'static str {
    match row.stage {
        Stage::Ended(_) => "tl-ended",
        Stage::Now(PlannedAction::Delete) => "tl-gone",
        _ => "tl-lease",
    }
}

/// Returns the look of a bar that is no lease.
pub(super) fn class(row: &Row) -> &'static str {
    match row.stage {
        _ if row.overdue_since.is_some() => "tl-overdue",
        Stage::Now(PlannedAction::Create) => "tl-new",
        Stage::Now(PlannedAction::Delete) => "tl-gone",
        Stage::Stands
        | Stage::Upcoming
        | Stage::Now(PlannedAction::NoOp | PlannedAction::Read | PlannedAction::Forget) => {
            "tl-there"
        }
        Stage::Now(PlannedAction::Update | PlannedAction::Replace(_)) => "tl-change",
        Stage::Later { approved: true, .. } => "tl-approved",
        Stage::Later { .. } => "tl-later",
        Stage::Ended(_) | Stage::Closed(_) => "tl-ended",
    }
}

#[expect(clippy::cast_precision_loss, reason = "no picture has so many rows")]
fn height(group: &Group) -> f64 {
    let head = if group.head.is_some() { HEAD_HEIGHT } else { 0.0 };
    head + group.rows.len() as f64 * ROW_HEIGHT + GAP
}

/// Returns where a place between 0 and 1 lies in the picture.
fn at(place: f64) -> f64 {
    CHART_LEFT + place * (CHART_RIGHT - CHART_LEFT)
}

/// Returns how many letters fit.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a picture is a few hundred letters wide"
)]
fn letters(room: f64, letter: f64) -> usize {
    (room / letter).max(0.0) as usize
}
