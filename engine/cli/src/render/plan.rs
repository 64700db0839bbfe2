//! A plan as text: what will be done, to what, why, and what that makes of the outputs.

mod cost;
mod waiting;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use jiff::tz::TimeZone;
use terrarium_address::AttrPath;
use terrarium_address::Mode as Block;
use terrarium_address::ResourceAddr;
use terrarium_core::{
    Mode, OpenAction, Plan, PlannedAction, ReplaceOrder, ResourceChange, Timeline,
};
use terrarium_value::When;

use super::diff::{Change, Diff, Differ, Sides};
use super::instant::Times;
use super::paint::{bold, cyan, green, red, yellow};
use super::text::{self, Look};
use super::timeline::excerpt;
use super::wrap::{PROSE_WIDTH, wrap};
pub(crate) use cost::milli;
use waiting::Sitting;

/// How long a part of the text is, in bytes, before it is handed on: a plan of a hundred thousand objects has some
/// sixty megabytes.
const PART: usize = 64 * 1024;

/// Writes the whole plan as text, without advice on what to run next: what is long goes to `part` piece by piece,
/// the last piece is returned. Instants are shown in the zone that the plan's dates were declared in, else in the
/// user's. The timeline, where there is one, stands after the changes, as wide as is said.
pub fn plan(
    plan: &Plan,
    timeline: Option<(&Timeline, usize)>,
    user: &TimeZone,
    part: &mut dyn FnMut(&str),
) -> String {
    let times = &Times::of_plan(plan, user);
    let seen = &Seen::of(plan);
    let mut out = String::new();
    let shown: Vec<&ResourceChange> =
        plan.changes.iter().filter(|change| is_shown(change)).collect();
    let outputs = outputs(plan);
    let waits =
        plan.outputs.values().all(|output| output.action == PlannedAction::NoOp || waits(output));
    let nothing = shown.is_empty() && waits && !plan.has_unapproved();
    if !plan.relevant_drift().is_empty() {
        drift(&mut out, plan, times);
    }
    let refreshed = plan.mode == Mode::RefreshOnly;
    let only_outputs = refreshed && plan.relevant_drift().is_empty() && !outputs.is_empty();
    if (nothing || refreshed) && !only_outputs {
        out.push_str(&words::nothing_to_do(plan, times));
        under_way(&mut out, plan, times);
        if refreshed && !outputs.is_empty() {
            write_outputs(&mut out, plan, &outputs, times);
        }
        about_time(&mut out, seen, timeline, times);
        return out;
    }
    let unapproved = plan.deferred.iter().filter(|one| one.can_come() && !one.approved);
    let written: Vec<&ResourceChange> =
        shown.iter().copied().chain(unapproved.map(|one| &one.change)).collect();
    if !written.is_empty() {
        out.push('\n');
        out.push_str(&wrap(words::LEGEND, PROSE_WIDTH));
        out.push('\n');
        legend(&mut out, &written);
    }
    if !shown.is_empty() {
        actions(&mut out, seen, (&shown, times), part);
    }
    under_way(&mut out, plan, times);
    about_time(&mut out, seen, timeline, times);
    if !shown.is_empty() || !plan.deferred.is_empty() {
        let _infallible = write!(out, "\n{}\n", summary(plan));
    }
    if let Some(cost) = cost::text(plan, timeline.map(|(timeline, _)| timeline)) {
        let _infallible = write!(out, "\n{cost}\n");
    }
    if !outputs.is_empty() {
        write_outputs(&mut out, plan, &outputs, times);
        if shown.is_empty() && plan.deferred.is_empty() {
            let _infallible = write!(out, "\n{}\n", wrap(words::ONLY_OUTPUTS, PROSE_WIDTH));
        }
    }
    out
}

/// Lists what another run began and nobody has looked after since.
fn under_way(out: &mut String, plan: &Plan, times: &Times) {
    if plan.under_way.is_empty() {
        return;
    }
    let _infallible = write!(out, "\n{}\n\n", wrap(words::UNDER_WAY, PROSE_WIDTH));
    for one in &plan.under_way {
        let deposed = one.deposed.as_ref().map(|key| format!(" (deposed object {key})"));
        let addr = bold(&one.addr.to_string());
        let what = words::begun(one.action);
        let since = times.both(one.since);
        let _infallible =
            writeln!(out, "  # {addr}{}: its {what}, since {since}", deposed.unwrap_or_default());
    }
}

/// Writes what is done now, change by change.
fn actions(
    out: &mut String,
    seen: &Seen<'_>,
    (shown, times): (&[&ResourceChange], &Times),
    part: &mut dyn FnMut(&str),
) {
    out.push_str(if seen.plan.errored {
        "\nTerrarium planned the following actions, but then encountered a problem:\n"
    } else if !seen.plan.deferred.is_empty() {
        "\nTerrarium will perform the following actions now:\n"
    } else {
        "\nTerrarium will perform the following actions:\n"
    });
    for change in shown {
        out.push('\n');
        resource(out, change, Sight::Planned(seen), times);
        if out.len() > PART {
            part(out);
            out.clear();
        }
    }
}

/// Writes what waits, what ended, and the timeline.
fn about_time(
    out: &mut String,
    seen: &Seen<'_>,
    timeline: Option<(&Timeline, usize)>,
    times: &Times,
) {
    let plan = seen.plan;
    waiting::write(out, seen, times);
    waiting::ended(out, plan, times);
    waiting::leftovers(out, plan);
    let chart = timeline.map(|(timeline, width)| excerpt(timeline, times, width));
    if let Some(chart) = chart.filter(|chart| !chart.is_empty()) {
        let _infallible = write!(out, "\n{}\n", chart.trim_end());
    }
}

/// Returns Terraform's summary line, `Plan: 1 to add, 0 to change, 0 to destroy.`; where something comes later,
/// it is counted beside what is done now: `3 to add now, 5 to add later`.
pub fn summary(plan: &Plan) -> String {
    let (import, add, change, destroy) = plan.counts();
    let later = waiting::later(plan);
    let count = |now: usize, later: usize, verb: &str| match later {
        0 => format!("{now} to {verb}"),
        later => format!("{now} to {verb} now, {later} to {verb} later"),
    };
    let import = if import > 0 { format!("{import} to import, ") } else { String::new() };
    format!(
        "{} {import}{}, {}, {}.{}",
        bold("Plan:"),
        count(add, later.0, "add"),
        count(change, later.1, "change"),
        count(destroy, later.2, "destroy"),
        waiting::beyond(plan)
    )
}

/// Returns whether an output will be known only after something that waits.
fn waits(output: &terrarium_core::OutputChange) -> bool {
    output.after.causes_deep().when() != When::Apply
}

fn is_shown(change: &ResourceChange) -> bool {
    change.action != PlannedAction::NoOp
        || change.moved_from.is_some()
        || change.importing.is_some()
}

fn legend(out: &mut String, shown: &[&ResourceChange]) {
    let actions: BTreeSet<usize> = shown
        .iter()
        .map(|change| match change.action {
            PlannedAction::Create => 0,
            PlannedAction::Update => 1,
            PlannedAction::Delete => 2,
            PlannedAction::Replace(ReplaceOrder::DeleteFirst) => 3,
            PlannedAction::Replace(ReplaceOrder::CreateFirst) => 4,
            PlannedAction::Read => 5,
            PlannedAction::NoOp | PlannedAction::Forget => 6,
        })
        .collect();
    let lines = [
        format!("  {} create", green("+")),
        format!("  {} update in-place", yellow("~")),
        format!("  {} destroy", red("-")),
        format!("{}/{} destroy and then create replacement", red("-"), green("+")),
        format!("{}/{} create replacement and then destroy", green("+"), red("-")),
        format!(" {} read (data resources)", cyan("<=")),
    ];
    for (_, line) in lines.iter().enumerate().filter(|(at, _)| actions.contains(at)) {
        out.push_str(line);
        out.push('\n');
    }
}

/// A plan, and what its sentences look up in it.
struct Seen<'p> {
    plan: &'p Plan,
    sitting: Sitting<'p>,
    /// What is under way, by instance.
    under_way: HashMap<&'p ResourceAddr, Vec<&'p OpenAction>>,
}

impl<'p> Seen<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut under_way: HashMap<_, Vec<_>> = HashMap::new();
        for one in &plan.under_way {
            under_way.entry(&one.addr).or_default().push(one);
        }
        Self { plan, sitting: Sitting::of(plan), under_way }
    }
}

/// In which part of the text a change stands.
#[derive(Clone, Copy)]
enum Sight<'a> {
    Planned(&'a Seen<'a>),
    Drifted,
}

fn drift(out: &mut String, plan: &Plan, times: &Times) {
    let _infallible = write!(out, "\n{}\n\n", bold(words::DRIFT_TITLE));
    out.push_str(&wrap(words::DRIFT, PROSE_WIDTH));
    out.push('\n');
    for change in plan.relevant_drift() {
        out.push('\n');
        resource(out, change, Sight::Drifted, times);
    }
    if plan.mode == Mode::Normal {
        let _infallible = write!(out, "\n{}\n", wrap(words::AFTER_DRIFT, PROSE_WIDTH));
        let _infallible = write!(out, "\n{}\n", rule(PROSE_WIDTH));
    }
}

fn resource(out: &mut String, change: &ResourceChange, sight: Sight<'_>, times: &Times) {
    let title = match sight {
        Sight::Planned(_) => words::title(change),
        Sight::Drifted => words::drift_title(change),
    };
    let _infallible = writeln!(out, "  # {title}");
    let times = &times.in_zone(change.notes.zone.as_deref());
    if let Sight::Planned(seen) = sight {
        if !seen.plan.deferred.is_empty() {
            out.push_str("  # (now)\n");
        }
        for note in words::notes(change, seen, times) {
            let _infallible = writeln!(out, "  # ({note})");
        }
    }
    body(out, change, times);
}

/// Writes the block with its symbol.
fn body(out: &mut String, change: &ResourceChange, times: &Times) {
    let symbol = match change.action {
        PlannedAction::Create => format!("  {}", green("+")),
        PlannedAction::Update => format!("  {}", yellow("~")),
        PlannedAction::Delete => format!("  {}", red("-")),
        PlannedAction::Replace(ReplaceOrder::DeleteFirst) => format!("{}/{}", red("-"), green("+")),
        PlannedAction::Replace(ReplaceOrder::CreateFirst) => format!("{}/{}", green("+"), red("-")),
        PlannedAction::Read => format!(" {}", cyan("<=")),
        PlannedAction::NoOp => "   ".to_owned(),
        PlannedAction::Forget => format!("  {}", red(".")),
    };
    let block = &change.addr.block;
    let word = if block.mode == Block::Data { "data" } else { "resource" };
    let _infallible = write!(out, "{symbol} {word} \"{}\" \"{}\" ", block.kind, block.name);
    text::write(out, &difference(change), 0, Look::plan(times));
    out.push('\n');
}

/// Compares a resource's values.
pub(crate) fn difference(change: &ResourceChange) -> Diff {
    let differ = Differ { replace: &change.requires_replace };
    let after = if change.action == PlannedAction::Forget { &change.before } else { &change.after };
    differ.block(Sides::new(&change.before, after), &change.schema.block, &AttrPath::root())
}

/// Returns the outputs that change, each with its difference.
fn outputs(plan: &Plan) -> Vec<(&str, Diff)> {
    let changed = plan.outputs.iter().filter(|(_, output)| output.action != PlannedAction::NoOp);
    changed.map(|(name, output)| (&**name, output_difference(output))).collect()
}

fn output_difference(output: &terrarium_core::OutputChange) -> Diff {
    use terrarium_value::Marks;
    let marks = if output.sensitive { Marks::SENSITIVE } else { Marks::NONE };
    let (before, after) = (output.before.clone().marked(marks), output.after.clone().marked(marks));
    let sides = Sides {
        before: (output.action != PlannedAction::Create).then_some(&before),
        after: (output.action != PlannedAction::Delete).then_some(&after),
    };
    let diff = Differ { replace: &[] }.free(sides, &AttrPath::root());
    let change = match output.action {
        PlannedAction::Create => Change::Create,
        PlannedAction::Delete => Change::Delete,
        _ => Change::Update,
    };
    Diff { change, ..diff }
}

fn write_outputs(out: &mut String, plan: &Plan, outputs: &[(&str, Diff)], times: &Times) {
    out.push_str("\nChanges to Outputs:\n");
    let names = plan.outputs.keys().map(|name| text::attribute_name(name).chars().count());
    let width = names.max().unwrap_or_default();
    for (name, diff) in outputs {
        text::output_line(out, name, width, diff, times);
    }
}

/// Returns a horizontal rule.
pub fn rule(width: usize) -> String {
    super::paint::dim(&"─".repeat(width))
}
