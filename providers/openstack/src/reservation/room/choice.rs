//! What a part of a lease gets of a calendar, or what stands against it.

use jiff::Timestamp;

use crate::reservation::calendar::{Ask, Calendar, Thing};
use crate::reservation::filter;
use crate::reservation::part::{self, Part, PartKind};
use crate::reservation::shortage::Shortage;

/// What stands against a need.
pub(super) enum Found {
    /// Only another lease can have it.
    Replace(Vec<terrarium_address::AttrPath>),
    /// There is not enough.
    Short(Shortage),
}

/// Chooses what is free, as Blazar would.
pub(super) fn pick(
    calendar: &Calendar,
    ask: &Ask<'_>,
    (least, most): (i64, i64),
    window: (Timestamp, Timestamp),
) -> Result<Vec<String>, Found> {
    let count = |n: i64| usize::try_from(n).unwrap_or(1).max(1);
    let free = calendar.free(ask, window);
    if free.len() < count(least) {
        let shortage = Shortage { wanted: count(least), window, extended: None };
        return Err(Found::Short(shortage));
    }
    Ok(free.iter().take(count(most)).map(|thing| thing.id.clone()).collect())
}

/// Decides about a lease that has begun: it keeps what it holds, or it is another one.
pub(super) fn held_on(
    only: Option<PartKind>,
    (calendar, ask): (&Calendar, &Ask<'_>),
    (held, end): (&[&Thing], Timestamp),
    (from, until): (Timestamp, Timestamp),
    part: &Part,
) -> Result<Vec<String>, Found> {
    let of_this: Vec<&&Thing> =
        held.iter().filter(|thing| filter::meets(&thing.properties, ask.conditions)).collect();
    let id = part.text("id").unwrap_or_default();
    let mine = |thing: &&&Thing| thing.taken.iter().any(|taken| taken.reservation == id);
    let held: Vec<&Thing> = held.iter().filter(mine).copied().collect();
    if held.is_empty() {
        return Ok(Vec::new());
    }
    if held.iter().any(|thing| !of_this.iter().any(|one| one.id == thing.id)) {
        return Err(Found::Replace(vec![part::path(only, part, "resource_properties")]));
    }
    let (least, most) = part.amount();
    let count = |n: i64| usize::try_from(n).unwrap_or(1);
    if held.len() > count(most) {
        let name = if part.get("max").is_some() { "max" } else { "amount" };
        return Err(Found::Replace(vec![part::path(only, part, name)]));
    }
    let blocked =
        |thing: &&&Thing| until > end && thing.taken_in(ask, (end, until)).next().is_some();
    let blocked: Vec<String> = held.iter().filter(blocked).map(|thing| thing.id.clone()).collect();
    if !blocked.is_empty() {
        let shortage =
            Shortage { wanted: blocked.len(), window: (end, until), extended: Some(blocked) };
        return Err(Found::Short(shortage));
    }
    let more = count(least).saturating_sub(held.len());
    let mut chosen: Vec<String> = held.iter().map(|thing| thing.id.clone()).collect();
    let free = calendar.free(ask, (from, until));
    let free: Vec<String> =
        free.iter().map(|t| t.id.clone()).filter(|id| !chosen.contains(id)).collect();
    if free.len() < more {
        // What it holds counts as free for it.
        let shortage = Shortage { wanted: count(least), window: (from, until), extended: None };
        return Err(Found::Short(shortage));
    }
    chosen.extend(free.into_iter().take(more));
    Ok(chosen)
}

/// Says why a replacement only fits once its predecessor is gone, where that is so.
pub(super) fn gap(
    calendar: &Calendar,
    ask: &Ask<'_>,
    part: &Part,
    (window, stands): ((Timestamp, Timestamp), Option<String>),
) -> Option<String> {
    let stands = stands?;
    let mut without = ask.clone();
    without.except.insert(stands);
    let least = usize::try_from(part.amount().0).unwrap_or(1);
    let (now, then) = (calendar.free(ask, window).len(), calendar.free(&without, window).len());
    (then >= least).then(|| {
        let things = calendar.pool.words();
        let free = if now == 0 { "none".to_owned() } else { format!("only {now}") };
        format!("of the {things} that fit, {free} of the {least} it needs is free; the old lease holds the others")
    })
}
