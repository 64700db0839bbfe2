//! What a plan costs: what is made, and what a longer or shorter window adds or saves.

use jiff::Timestamp;
use terrarium_core::{Plan, PlannedAction, ReplaceOrder, ResourceChange, Timeline};
use terrarium_provider::Cost;

use crate::render::paint::bold;
use crate::render::wrap::{PROSE_WIDTH, wrap};

/// Says what the changes cost, and what runs beside each other while a lease is replaced.
pub(super) fn text(plan: &Plan, timeline: Option<&Timeline>) -> Option<String> {
    let deferred = plan.deferred.iter().filter(|one| one.can_come()).map(|one| &one.change);
    let costs: Vec<(&ResourceChange, &Cost)> = plan
        .changes
        .iter()
        .chain(deferred)
        .filter_map(|change| Some((change, change.notes.cost.as_ref()?)))
        .collect();
    let unit = &costs.first()?.1.unit;
    let mut total = 0i64;
    let mut beside = 0u64;
    for (change, cost) in costs.iter().filter(|(_, cost)| cost.unit == *unit) {
        total = total.saturating_add(match change.action {
            PlannedAction::Create | PlannedAction::Replace(_) => {
                i64::try_from(cost.total_milli).unwrap_or(i64::MAX)
            }
            PlannedAction::Update => added(change, cost, timeline),
            _ => 0,
        });
        if change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst) {
            beside += cost.hourly_milli;
        }
    }
    let overlap = if beside > 0 {
        format!(
            " While an old and a new lease stand beside each other, each hour costs {} {unit} more.",
            milli(beside)
        )
    } else {
        String::new()
    };
    let amount = milli(total.unsigned_abs());
    let text = match total {
        0 if overlap.is_empty() => return None,
        total if total < 0 => format!("Cost: {amount} {unit} less.{overlap}"),
        _ => format!("Cost: {amount} {unit}.{overlap}"),
    };
    Some(wrap(&text, PROSE_WIDTH).replacen("Cost:", &bold("Cost:"), 1))
}

/// Returns what a changed window adds, in thousandths; nothing where it is not known to change.
fn added(change: &ResourceChange, cost: &Cost, timeline: Option<&Timeline>) -> i64 {
    let was = timeline
        .and_then(|timeline| timeline.rows().find(|row| row.addrs.contains(&change.addr))?.was);
    let length =
        |from: Timestamp, until: Option<Timestamp>| Some(until?.duration_since(from).as_secs());
    let before = was.and_then(|was| length(was.from(), was.until()));
    let after = change.window.and_then(|window| length(window.from(), window.until()));
    let (Some(before), Some(after)) = (before, after) else { return 0 };
    let hourly = i64::try_from(cost.hourly_milli).unwrap_or(i64::MAX);
    (after - before).saturating_mul(hourly) / 3600
}

/// Returns thousandths as a number: `12`, `12.5`, `0.125`, `1,200`.
pub(crate) fn milli(amount: u64) -> String {
    let (whole, rest) = (amount / 1000, amount % 1000);
    let digits = whole.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if rest == 0 {
        return grouped;
    }
    format!("{grouped}.{}", format!("{rest:03}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::milli;

    #[test]
    fn thousandths_are_written_without_needless_digits() {
        for (amount, text) in [
            (0, "0"),
            (12_000, "12"),
            (12_500, "12.5"),
            (125, "0.125"),
            (1_234_567_000, "1,234,567"),
        ] {
            assert_eq!(milli(amount), text);
        }
    }
}
