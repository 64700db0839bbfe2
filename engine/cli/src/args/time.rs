//! Flags about time, and instants as people write them.

use clap::builder::PossibleValue;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// What a plan does with what can't be done now.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TimeFlags {
    /// Refuse what can't be done now, as Terraform does, instead of deferring it
    #[arg(long)]
    pub no_defer: bool,
    /// Create scarce things such as floating IPs now, even if only deferred ones need them
    #[arg(long)]
    pub eager: bool,
    /// Let a replacement destroy first where no other order fits, with the gap that the plan names
    #[arg(long)]
    pub allow_gap: bool,
}

/// What `-detailed-exitcode` tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitCodes {
    /// Nothing: 0 or 1.
    #[default]
    Plain,
    /// 2 where there is something to do or to approve.
    Changes,
    /// And 3 where only approved work waits.
    Waiting,
}

impl clap::ValueEnum for ExitCodes {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Plain, Self::Changes, Self::Waiting]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Plain => "false",
            Self::Changes => "true",
            Self::Waiting => "waiting",
        }))
    }
}

/// The commands that take `-at`: those that look and change nothing, and the one that begins a world then.
const LOOKING: [&str; 9] = [
    "plan",
    "show",
    "output",
    "console",
    "timeline",
    "calendar",
    "state list",
    "state show",
    "testbed reset",
];

/// Returns whether a command, by the words of its name, takes `-at`.
pub(crate) fn takes_at(path: &[String]) -> bool {
    LOOKING.contains(&path.join(" ").as_str())
}

/// Says why a command does not take `-at`.
pub(crate) fn refused_at(path: &[String]) -> String {
    let command = path.join(" ");
    format!(
        "-at only looks at another time: `{command}` acts, and always now. To look ahead, use `terrarium plan -at=...`; to \
         rehearse, work on a testbed and move its clock with `terrarium testbed advance`"
    )
}

/// Reads an instant: RFC 3339, or a local date and time in the user's zone.
///
/// A local time that does not exist or exists twice is an error that names both instants.
pub fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let Ok(local) = text.parse::<DateTime>() else {
        return Err(format!(
            "\"{text}\" is no instant such as 2025-03-01T09:00-05:00, or 2025-03-01 09:00 for local time"
        ));
    };
    let name = zone.iana_name().unwrap_or("the local time zone");
    let (before, after, what) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => {
            return offset.to_timestamp(local).map_err(|error| format!("\"{text}\": {error}"));
        }
        AmbiguousOffset::Gap { before, after } => (before, after, "does not exist"),
        AmbiguousOffset::Fold { before, after } => (before, after, "exists twice"),
    };
    let shown = local.strftime("%Y-%m-%dT%H:%M");
    Err(format!(
        "the local time \"{text}\" {what} in {name}: give {shown}{before} or {shown}{after}",
        before = Offset(before),
        after = Offset(after),
    ))
}

/// An offset as RFC 3339 writes it.
struct Offset(jiff::tz::Offset);

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.seconds();
        let minutes = seconds.unsigned_abs() / 60;
        let sign = if seconds < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_with_an_offset_or_in_the_users_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        for (text, expected) in [
            ("2025-03-01T14:00:00Z", "2025-03-01T14:00:00Z"),
            ("2025-03-01T09:00-05:00", "2025-03-01T14:00:00Z"),
            ("2025-03-01 09:00", "2025-03-01T14:00:00Z"),
            ("2025-07-01T09:00", "2025-07-01T13:00:00Z"),
            ("2025-03-01", "2025-03-01T05:00:00Z"),
        ] {
            assert_eq!(instant(text, &zone), Ok(expected.parse().unwrap()), "{text}");
        }
        for (text, words) in [
            (
                "2025-03-09 02:30",
                "does not exist in America/New_York: give 2025-03-09T02:30-05:00 or 2025-03-09T02:30-04:00",
            ),
            (
                "2025-11-02 01:30",
                "exists twice in America/New_York: give 2025-11-02T01:30-04:00 or 2025-11-02T01:30-05:00",
            ),
            ("tomorrow", "is no instant"),
        ] {
            let refusal = instant(text, &zone).unwrap_err();
            assert!(refusal.contains(words), "{refusal}");
        }
    }
}
