//! The timeline as entries of a calendar: RFC 5545, all instants in UTC, so that no program has to know
//! the zone.

use jiff::Timestamp;
use terrarium_core::{Group, Moment, Row, Stage, Timeline};
use uuid::Uuid;

use super::words::{self, Names, capital};
use crate::render::instant::Times;

/// Most octets of a line, without its end.
const LINE_OCTETS: usize = 75;
/// Under this name the entries' identities are made.
const NAMESPACE: Uuid = Uuid::from_u128(0x7d3a_1f0c_62b9_4b7e_9a55_c0de_1ea5_e000);

/// Whose timeline it is: what makes the entries' identities, and which of two versions is the newer.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    /// Lineage of the state.
    pub lineage: &'a str,
    /// Its serial.
    pub serial: u64,
}

/// Returns a calendar: an entry for every lease, one for everything that falls due at another time.
///
/// An entry keeps its identity from plan to plan, so that a program that reads the file again moves its
/// entries instead of doubling them.
pub fn ics(timeline: &Timeline, times: &Times, calendar: Calendar<'_>) -> String {
    let mut out = String::new();
    for text in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Terrarium//Leases and time//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Terrarium",
    ] {
        line(&mut out, text);
    }
    let writer = Writer { timeline, times, names: Names::new(timeline), calendar };
    for group in &timeline.groups {
        writer.group(&mut out, group);
    }
    line(&mut out, "END:VCALENDAR");
    out
}

struct Writer<'a> {
    timeline: &'a Timeline,
    times: &'a Times,
    names: Names,
    calendar: Calendar<'a>,
}

/// What becomes an entry.
struct Entry<'a> {
    /// What it is of, and which of its entries: the identity.
    of: (&'a Row, &'static str),
    from: Timestamp,
    /// `None`: an instant.
    until: Option<Timestamp>,
    summary: String,
    description: Vec<String>,
}

impl Writer<'_> {
    fn group(&self, out: &mut String, group: &Group) {
        if let Some(head) = &group.head {
            self.lease(out, head, &group.rows);
            self.marks(out, head);
        }
        for row in &group.rows {
            let begun = group.head.as_ref().and_then(|head| head.window).map(|it| it.from());
            self.marks(out, row);
            // What comes with its lease is told in the lease's entry.
            let Stage::Later { action, at: Some(at), .. } = row.stage else { continue };
            if Some(at) != begun {
                let name = self.names.fitting(row, usize::MAX);
                let summary = format!("{} {name}", capital(words::verb(action)));
                self.instant(out, (row, "due"), at, summary);
            }
        }
    }

    fn lease(&self, out: &mut String, head: &Row, rows: &[Row]) {
        let Some(window) = head.window else { return };
        let mut description = words::everything(head, self.times);
        if !rows.is_empty() {
            description.push(String::new());
            description.extend(rows.iter().map(|row| {
                let name = self.names.fitting(row, usize::MAX);
                format!("{name}: {}", words::stage(row, self.times))
            }));
        }
        self.entry(
            out,
            &Entry {
                of: (head, "lease"),
                from: window.from(),
                until: window.until(),
                summary: Names::lease(head),
                description,
            },
        );
    }

    fn marks(&self, out: &mut String, row: &Row) {
        let name = self.names.fitting(row, usize::MAX);
        for mark in &row.marks {
            let (which, summary) = match mark.what {
                Moment::Opens => ("opens", format!("{} can be extended", Names::lease(row))),
                Moment::Due(action) => ("due", format!("{} {name}", capital(words::verb(action)))),
            };
            self.instant(out, (row, which), mark.at, summary);
        }
    }

    fn instant(&self, out: &mut String, of: (&Row, &'static str), at: Timestamp, summary: String) {
        let description = words::everything(of.0, self.times);
        self.entry(out, &Entry { of, from: at, until: None, summary, description });
    }

    fn entry(&self, out: &mut String, entry: &Entry<'_>) {
        let (row, which) = entry.of;
        // The first instance names the entry: rows of several have names that change with their number.
        let name = row.addrs.first().map_or_else(|| row.name.clone(), ToString::to_string);
        let identity = format!("{}/{name}/{which}", self.calendar.lineage);
        let uid = Uuid::new_v5(&NAMESPACE, identity.as_bytes());
        line(out, "BEGIN:VEVENT");
        line(out, &format!("UID:{uid}@terrarium"));
        line(out, &format!("SEQUENCE:{}", self.calendar.serial));
        line(out, &format!("DTSTAMP:{}", utc(self.timeline.now)));
        line(out, &format!("DTSTART:{}", utc(entry.from)));
        if let Some(until) = entry.until {
            line(out, &format!("DTEND:{}", utc(until)));
        }
        line(out, &format!("SUMMARY:{}", escape(&entry.summary)));
        line(out, &format!("DESCRIPTION:{}", escape(&entry.description.join("\n"))));
        // A lease takes machines, not the hours of whoever reads this.
        line(out, "TRANSP:TRANSPARENT");
        line(out, "END:VEVENT");
    }
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Writes text so that it is one value.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            ';' => out.push_str("\\;"),
            ',' => out.push_str("\\,"),
            '\n' => out.push_str("\\n"),
            letter if letter.is_control() => {}
            letter => out.push(letter),
        }
    }
    out
}

/// Writes a line with its end, folded where it is too long; a letter is never cut in two.
fn line(out: &mut String, text: &str) {
    let mut used = 0;
    for letter in text.chars() {
        if used + letter.len_utf8() > LINE_OCTETS {
            out.push_str("\r\n ");
            used = 1;
        }
        out.push(letter);
        used += letter.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::{escape, line};

    #[test]
    fn text_is_escaped_as_the_rfc_says() {
        assert_eq!(escape("a,b;c\\d\ne\r"), "a\\,b\\;c\\\\d\\ne");
    }

    #[test]
    fn long_lines_are_folded_between_letters() {
        let text = format!("SUMMARY:{}", "ä".repeat(80));
        let mut out = String::new();
        line(&mut out, &text);
        assert!(out.ends_with("\r\n"));
        for part in out.trim_end().split("\r\n") {
            assert!(part.len() <= 75, "{part}");
        }
        assert_eq!(out.replace("\r\n ", "").trim_end(), text);
    }
}
