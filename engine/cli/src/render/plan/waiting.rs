//! What a plan says about time: what waits until when and why, what can't come any more, what ended, what
//! all of it costs. Instances of one block that wait for the same are said once.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use jiff::Timestamp;
use terrarium_address::{InstanceKey, ResourceAddr};
use terrarium_core::{DeferredChange, Plan, PlannedAction, ResourceChange, Wait, Waits};

use super::{Seen, body, words};
use crate::render::alike::alike;
use crate::render::instant::Times;
use crate::render::paint::bold;
use crate::render::schedule;
use crate::render::wrap::{PROSE_WIDTH, wrap};
use crate::shell::shell_word;

/// Most names that one line lists; the rest is counted.
const NAMES: usize = 4;

const WAITING: &str = "These changes wait for their time:";
const UNKNOWN: &str =
    "These changes wait for values that are not known yet; another plan is made once they are:";
const CLOSED: &str = "These changes can't be made, because their window is closed:";
const CLOSED_WAYS: &str = "What they would sit on is over: give it a new end date, or remove them from the configuration.";
const ENDED: &str = "These objects ended with their time, as was to be expected:";
const TWO_WAYS: &str = "They stay as they are until the configuration says otherwise: a new end date brings them back (what \
ended can't be extended, so that the plan makes a new lease and what sits on it); removing them from the configuration \
forgets them.";

/// Writes everything that waits, the soonest first.
pub(super) fn write(out: &mut String, seen: &Seen<'_>, times: &Times) {
    let groups = groups(&seen.plan.deferred);
    let (closed, coming): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|group| !group.0.can_come());
    let (unknown, timed): (Vec<_>, Vec<_>) =
        coming.into_iter().partition(|group| waits_for_values(group.0));
    for (title, groups) in [(WAITING, timed), (UNKNOWN, unknown), (CLOSED, closed)] {
        if groups.is_empty() {
            continue;
        }
        let _infallible = write!(out, "\n{}\n", wrap(title, PROSE_WIDTH));
        let closed = title == CLOSED;
        for group in groups {
            out.push('\n');
            deferred(out, &group, (seen, times));
        }
        if closed {
            let _infallible = write!(out, "\n{}\n", wrap(CLOSED_WAYS, PROSE_WIDTH));
        }
    }
}

/// Returns whether it is a value, not an hour, that a change waits for.
pub(super) fn waits_for_values(deferred: &DeferredChange) -> bool {
    deferred.waits_for_values()
}

/// Instances of a block that wait for the same: the first, and those like it.
type Group<'a> = (&'a DeferredChange, Vec<&'a DeferredChange>);

/// Brings together what differs in its key only, by the time at which it comes.
fn groups(all: &[DeferredChange]) -> Vec<Group<'_>> {
    let mut groups = alike(all, |one| {
        let change = &one.change;
        (change.addr.block.clone(), change.action, one.not_before(), kind(one), one.approved)
    });
    groups.sort_by_key(|(first, _)| first.not_before().unwrap_or(Timestamp::MAX));
    groups
}

/// Returns what is alike for instances that each wait for the same instance of another block.
fn kind(deferred: &DeferredChange) -> String {
    match deferred.waits() {
        Some(Waits::Dependency(addr)) => format!("dependency {}", addr.block),
        Some(Waits::Held(addr)) => format!("held {}", addr.block),
        Some(Waits::Consumers(all)) => {
            format!("consumers {:?}", all.first().map(|addr| addr.block.to_string()))
        }
        _ => deferred.reason(),
    }
}

fn deferred(out: &mut String, group: &Group<'_>, (seen, times): (&Seen<'_>, &Times)) {
    let DeferredChange { change, approved, .. } = group.0;
    let title = if group.0.can_come() {
        words::title(change)
    } else {
        format!("{} can't be {}", bold(&change.addr.to_string()), done(change.action))
    };
    let _infallible = writeln!(out, "  # {title}");
    let times = &times.in_zone(change.notes.zone.as_deref());
    let _infallible = writeln!(out, "  # ({})", when(group.0, seen.plan.at, times));
    if let Some(more) = others(group.1.iter().map(|one| &one.change.addr.key)) {
        let _infallible = writeln!(out, "  # ({more})");
    }
    for note in words::notes(change, seen, times) {
        let _infallible = writeln!(out, "  # ({note})");
    }
    if !group.0.can_come() {
        return;
    }
    if *approved {
        // It was shown whole when it was approved.
        out.push_str("  # (approved: `terrarium run` carries it out)\n");
    } else {
        body(out, change, times);
    }
}

/// Says until when a change waits, and because of what.
pub(crate) fn when(deferred: &DeferredChange, now: Timestamp, times: &Times) -> String {
    let Some(wait) = deferred.wait() else {
        let closed = deferred.closed().map(|at| times.both(at)).unwrap_or_default();
        return format!("window closed {closed}");
    };
    let because = because(wait);
    match (&wait.waits, wait.at) {
        (_, Some(at)) if at > now => {
            format!("deferred until {}, because {because}", times.both(at))
        }
        (Waits::Lender(_), Some(at)) => {
            format!("due since {}, deferred until {because}", times.both(at))
        }
        (Waits::Lender(_), None) => format!("deferred until {because}"),
        _ => format!("deferred, because {because}"),
    }
}

fn because(wait: &Wait) -> String {
    match &wait.waits {
        Waits::Lender(lender) => format!("{lender} starts"),
        Waits::Lacks(lender) => {
            format!("what {lender} reserved failed, and nothing took its place")
        }
        Waits::Dependency(addr) => format!("{addr}, which it needs, is deferred"),
        Waits::Consumers(all) => {
            let names = listed(all.iter().map(ToString::to_string), all.len());
            format!("it is scarce and all that needs it waits: {names}; -eager makes it now")
        }
        Waits::Held(addr) => format!("{addr} still holds what it needs"),
        Waits::Opening => "only then it can be done".to_owned(),
        Waits::Values | Waits::Configuration | Waits::Provider => {
            format!("it waits for {}", wait.reason)
        }
    }
}

/// Says which other instances a group stands for.
fn others<'a>(keys: impl ExactSizeIterator<Item = &'a InstanceKey>) -> Option<String> {
    let count = keys.len();
    let names = listed(keys.map(ToString::to_string), count);
    (count > 0).then(|| format!("and {count} more like it: {names}"))
}

/// Lists the first names and the last, where there are too many.
fn listed(names: impl Iterator<Item = String>, count: usize) -> String {
    let names: Vec<String> = names.collect();
    match names.as_slice() {
        [head @ .., last] if count > NAMES => {
            let head: Vec<&str> = head.iter().take(NAMES - 1).map(String::as_str).collect();
            format!("{} … {last}", head.join(", "))
        }
        all => all.join(", "),
    }
}

fn done(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::Create => "created",
        PlannedAction::Update => "updated",
        PlannedAction::Replace(_) => "replaced",
        PlannedAction::Delete => "destroyed",
        PlannedAction::Read => "read",
        PlannedAction::Forget => "forgotten",
        PlannedAction::NoOp => "left",
    }
}

/// Names what ended and stays so, with the two ways on.
pub(super) fn ended(out: &mut String, plan: &Plan, times: &Times) {
    let over = plan.ended().filter(|change| change.action == PlannedAction::NoOp);
    let mut groups =
        alike(over, |change| (change.addr.block.clone(), change.ended().map(|ended| ended.at)));
    if groups.is_empty() {
        return;
    }
    groups.sort_by_key(|(change, _)| change.ended().map(|ended| (ended.at, ended.with.clone())));
    let _infallible = write!(out, "\n{ENDED}\n\n");
    for (change, more) in groups {
        let Some(ended) = change.ended() else { continue };
        let with = ended.with.as_ref().map(|addr| format!(", with {addr}")).unwrap_or_default();
        let at = times.in_zone(change.notes.zone.as_deref()).both(ended.at);
        let _infallible = writeln!(out, "  # {} ended {at}{with}", bold(&change.addr.to_string()));
        if let Some(more) = others(more.iter().map(|change| &change.addr.key)) {
            let _infallible = writeln!(out, "  # ({more})");
        }
    }
    let _infallible = write!(out, "\n{}\n", wrap(TWO_WAYS, PROSE_WIDTH));
}

const LEFTOVERS: &str =
    "These are scarce, and all that needed them has ended; a command frees each:";

/// Lists what only ended things needed, with the command that frees it.
pub(super) fn leftovers(out: &mut String, plan: &Plan) {
    if plan.leftovers.is_empty() {
        return;
    }
    let _infallible = write!(out, "\n{}\n\n", wrap(LEFTOVERS, PROSE_WIDTH));
    for addr in &plan.leftovers {
        let target = shell_word(&format!("-target={addr}"));
        let _infallible = writeln!(out, "  # {}", bold(&addr.to_string()));
        let _infallible = writeln!(out, "      terrarium destroy {target}");
    }
}

/// Says how much approved work waits, in a plan that has nothing else; `None` where there is none.
pub(super) fn approved(plan: &Plan, times: &Times) -> Option<String> {
    let waiting: Vec<&DeferredChange> =
        plan.deferred.iter().filter(|one| one.can_come() && one.approved).collect();
    if waiting.is_empty() {
        return None;
    }
    let count = schedule::waiting(waiting.len());
    let next = waiting.iter().filter_map(|one| one.not_before()).min();
    let next = match next {
        Some(at) if at > plan.at => format!(": next at {}", times.both(at)),
        Some(at) => format!(": the first has been due since {}", times.both(at)),
        None => String::new(),
    };
    Some(format!("{count}{next}."))
}

/// Counts what is added, changed and destroyed later.
pub(super) fn later(plan: &Plan) -> (usize, usize, usize) {
    let mut counts = (0, 0, 0);
    for one in plan.deferred.iter().filter(|one| one.can_come() && !waits_for_values(one)) {
        match one.change.action {
            PlannedAction::Create => counts.0 += 1,
            PlannedAction::Update => counts.1 += 1,
            PlannedAction::Delete => counts.2 += 1,
            PlannedAction::Replace(_) => {
                counts.0 += 1;
                counts.2 += 1;
            }
            PlannedAction::NoOp | PlannedAction::Read | PlannedAction::Forget => {}
        }
    }
    counts
}

/// Says what stands beyond the counts of the summary line.
pub(super) fn beyond(plan: &Plan) -> String {
    let closed = plan.deferred.iter().filter(|one| !one.can_come()).count();
    let unknown = plan.deferred.iter().filter(|one| waits_for_values(one)).count();
    let mut out = String::new();
    if unknown > 0 {
        let _infallible = write!(out, " {unknown} to plan once its values are known.");
    }
    if closed > 0 {
        let _infallible = write!(out, " {closed} can't be made: window closed.");
    }
    out
}

/// Who sits on whom in a plan. Invariant: built in one pass, so that a plan of any size asks it per change.
pub(super) struct Sitting<'p>(HashMap<&'p ResourceAddr, Vec<&'p ResourceAddr>>);

impl<'p> Sitting<'p> {
    pub(super) fn of(plan: &'p Plan) -> Self {
        let mut on: HashMap<&ResourceAddr, Vec<&ResourceAddr>> = HashMap::new();
        let there = |change: &&ResourceChange| !change.before.is_null() && change.ended().is_none();
        for change in plan.changes.iter().filter(there) {
            // An object may name its lender twice, and is one occupant.
            let lenders: BTreeSet<&ResourceAddr> = change.occupies.lenders.iter().collect();
            for lender in lenders {
                on.entry(lender).or_default().push(&change.addr);
            }
        }
        Self(on)
    }

    /// Names what sits on a lease that is changed, replaced or destroyed: it ends with it.
    pub(super) fn on(&self, lender: &ResourceAddr) -> Option<String> {
        match self.0.get(lender)?.as_slice() {
            [] => None,
            [one] => Some(one.to_string()),
            all => {
                let names = listed(all.iter().map(ToString::to_string), all.len());
                Some(format!("{} instances ({names})", all.len()))
            }
        }
    }
}
