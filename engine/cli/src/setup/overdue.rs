//! The warning about what should have been done already.

use std::fmt::Write;

use jiff::Timestamp;
use terrarium_core::Overdue;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_state::State;

use crate::codes;
use crate::context::Context;
use crate::render::instant::{Times, duration};
use crate::render::schedule::verb;

/// Most names in the warning about what is overdue.
const OVERDUE_NAMES: usize = 5;

/// Returns the warning about scheduled work whose time has come, and that nobody carried out.
pub(crate) fn overdue(context: &Context, state: &State, now: Timestamp) -> Diagnostics {
    let overdue = terrarium_core::overdue(state, now);
    let Some(first) = overdue.first() else { return Diagnostics::new() };
    let times = Times::new(context.env.time_zone(), now);
    let mut detail = format!(
        "{} scheduled and due, the first since {}:",
        if overdue.len() == 1 {
            "1 change is".to_owned()
        } else {
            format!("{} changes are", overdue.len())
        },
        times.both(first.since)
    );
    for one in overdue.iter().take(OVERDUE_NAMES) {
        let open = match one.open_until {
            None => "it can still be done".to_owned(),
            Some(until) if until > now => {
                format!(
                    "it can be done for {} more, until {}",
                    duration(now, until),
                    times.both(until)
                )
            }
            Some(until) => format!("its window closed {}", times.both(until)),
        };
        let _infallible = write!(detail, "\n  {} {}: {open}", verb(one.action), one.addr);
    }
    if overdue.len() > OVERDUE_NAMES {
        let _infallible = write!(detail, "\n  … and {} more", overdue.len() - OVERDUE_NAMES);
    }
    let possible = |one: &Overdue| one.open_until.is_none_or(|until| until > now);
    let help = if overdue.iter().any(possible) {
        "`terrarium run -once` carries it out; `terrarium run` stays for what comes later."
    } else {
        "it can't be done any more: `terrarium plan` tells what is left of it"
    };
    Diagnostic::warning(codes::OVERDUE, "Scheduled work is overdue")
        .detail(detail)
        .help(help)
        .into()
}
