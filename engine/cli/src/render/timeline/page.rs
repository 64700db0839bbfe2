//! The timeline as a page: the picture, and below it a table with every instant twice.
//!
//! On a phone the picture's letters could not be read: there each row of the table is a card with a bar of its own.

use std::fmt::Write;

use jiff::Timestamp;
use terrarium_core::{Row, Stage, Timeline};

use super::axis::Axis;
use super::lasting::Drawn;
use super::picture::{class, drawn, escape, lease_class};
use super::words;
use crate::render::instant::Times;

/// Room on the axis of the cards, in letters: only its ends are named.
const AXIS_LETTERS: f64 = 40.0;

const STYLE: &str = include_str!("page.css");

/// Returns a page that needs nothing else: no script, no font, no other file.
pub fn html(timeline: &Timeline, times: &Times) -> String {
    let shown = Drawn::of(timeline, times);
    let sheet =
        Sheet { times, now: timeline.now, axis: Axis::new(&shown.timeline, times, AXIS_LETTERS) };
    let mut table = String::new();
    for group in &timeline.groups {
        table.push_str("<tbody>\n");
        if let Some(row) = &group.head {
            sheet.line(&mut table, row, "lease");
        }
        let class = if group.head.is_some() { "on" } else { "alone" };
        for row in &group.rows {
            sheet.line(&mut table, row, class);
        }
        table.push_str("</tbody>\n");
    }
    let costs = words::costs(timeline);
    let unpriced = if costs.is_empty() { " class=\"unpriced\"" } else { "" };
    let foot = if costs.is_empty() {
        String::new()
    } else {
        let costs = escape(&costs.join(", "));
        format!(
            "<tfoot><tr><td colspan=\"5\"></td><td class=\"n\">{costs}</td><td></td></tr></tfoot>\n"
        )
    };
    let made = escape(&times.both(timeline.now));
    let picture = drawn(&shown.timeline, times, shown.lasting.as_deref());
    let lasting = shown.lasting.map(|line| format!("<p class=\"phone\">{}</p>\n", escape(&line)));
    let lasting = lasting.unwrap_or_default();
    let span = sheet.span();
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Timeline</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
<div class="picture">
{picture}</div>
<h2>All times</h2>
{lasting}{span}<div class="table">
<table{unpriced}>
<thead><tr><th>What</th><th>State</th><th>Begins</th><th>Ends</th><th class="n">Length</th><th class="n c">Cost</th><th>Notes</th></tr></thead>
{table}{foot}</table>
</div>
<p class="made">Made by Terrarium, {made}.</p>
</main>
</body>
</html>
"#
    )
}

/// The table, with what its bars are measured by.
struct Sheet<'a> {
    times: &'a Times,
    now: Timestamp,
    axis: Option<Axis>,
}

impl Sheet<'_> {
    /// Says from when to when the bars of the cards reach.
    fn span(&self) -> String {
        let Some(axis) = &self.axis else { return String::new() };
        let (from, until) = axis.ends();
        let (from, until) = (self.times.date(from), self.times.date(until));
        format!(
            "<p class=\"phone span\"><span>{}</span><span>{}</span></p>\n",
            escape(&from),
            escape(&until)
        )
    }

    /// Draws a row's bar for its card.
    fn bar(&self, row: &Row, kind: &str) -> String {
        let Some(axis) = &self.axis else { return String::new() };
        let percent = |at: Timestamp| axis.place(at) * 100.0;
        let mut bar = String::from("<span class=\"bar\" aria-hidden=\"true\">");
        let look = if kind == "lease" { lease_class(row) } else { class(row) };
        let ghosts = row.was.iter().chain(&row.then).map(|window| (*window, "tl-ghost"));
        for (window, look) in ghosts.chain(row.window.map(|window| (window, look))) {
            let from = percent(window.from());
            let width = window.until().map_or(100.0, percent) - from;
            let _infallible =
                write!(bar, "<i class=\"{look}\" style=\"left:{from:.1}%;width:{width:.1}%\"></i>");
        }
        let _infallible =
            write!(bar, "<i class=\"now\" style=\"left:{:.1}%\"></i></span>", percent(self.now));
        bar
    }

    fn line(&self, out: &mut String, row: &Row, kind: &str) {
        let times = &self.times.in_zone(row.zone.as_deref());
        let count = if row.count() > 1 {
            format!(" <span class=\"count\">×{}</span>", row.count())
        } else {
            String::new()
        };
        let (from, until) = match (row.window, row.stage) {
            (Some(window), _) => (Some(window.from()), window.until()),
            (None, Stage::Closed(at)) => (None, Some(at)),
            (None, _) => (None, None),
        };
        let endless = row.window.is_some() && until.is_none();
        let until = if endless {
            "<span class=\"utc\">no end</span>".to_owned()
        } else {
            instant(until, times)
        };
        let length = row.window.and_then(words::length).unwrap_or_default();
        let cost = words::price(row).map(|cost| {
            format!("{}<br><span class=\"utc\">{}</span>", words::cost(cost), words::rate(cost))
        });
        let _infallible = writeln!(
            out,
            "<tr class=\"{kind}\"><th scope=\"row\"><code>{}</code>{count}{}</th><td class=\"whole\">{}</td>\
             <td data-of=\"Begins\">{}</td><td data-of=\"Ends\">{until}</td><td class=\"n\" data-of=\"Length\">{length}</td>\
             <td class=\"n c\" data-of=\"Cost\">{}</td><td>{}</td></tr>",
            breakable(&row.name),
            self.bar(row, kind),
            escape(&state(row, times)),
            instant(from, times),
            cost.unwrap_or_default(),
            notes(row, times)
        );
    }
}

/// Writes an instant in local time and in UTC.
fn instant(at: Option<Timestamp>, times: &Times) -> String {
    let Some(at) = at else { return String::new() };
    let machine = at.to_string();
    let local = escape(&times.local(at));
    let utc = if times.is_utc(at) {
        String::new()
    } else {
        format!("<br><span class=\"utc\">{}</span>", times.utc(at))
    };
    format!("<time datetime=\"{machine}\">{local}</time>{utc}")
}

/// Lets a long address break at its dots and underscores, and nowhere in its last part.
fn breakable(name: &str) -> String {
    let (path, last) = name.rsplit_once('.').unwrap_or(("", name));
    if path.is_empty() {
        return escape(last);
    }
    let path = escape(path).replace('.', ".<wbr>").replace('_', "_<wbr>");
    format!("{path}.<wbr><span class=\"whole\">{}</span>", escape(last))
}

/// Says how a row stands; its instants stand in columns of their own.
fn state(row: &Row, times: &Times) -> String {
    match row.stage {
        Stage::Later { action, .. } | Stage::Now(action) if row.overdue_since.is_some() => {
            format!("{}: overdue", words::verb(action))
        }
        Stage::Later { action, at: Some(_), .. } => format!("{} later", words::verb(action)),
        Stage::Closed(_) => "can't: closed".to_owned(),
        Stage::Ended(_) => "ended".to_owned(),
        Stage::Upcoming => "booked".to_owned(),
        _ => words::stage(row, times),
    }
}

fn notes(row: &Row, times: &Times) -> String {
    let mut notes = Vec::new();
    notes.extend(row.was.map(|was| format!("was {}", words::span(was, times))));
    notes.extend(words::later(row, times));
    notes.extend(words::waits(row));
    if let Stage::Later { approved, .. } = row.stage {
        let text = if approved { "approved" } else { "not approved yet" };
        notes.push(text.to_owned());
    }
    notes.extend(row.perishes.as_ref().map(|what| format!("lost at the end: {what}")));
    notes.iter().map(|note| escape(note)).collect::<Vec<_>>().join("<br>")
}
