//! From planned values to an action: a pure decision.

use terrarium_address::{AttrPath, PathStep};
use terrarium_value::{Kind, Value};

use crate::{ActionReason, PlannedAction, ReplaceOrder};

/// What speaks for a replacement, beside the values.
#[derive(Clone, Debug, Default)]
pub(super) struct Pressure {
    pub(super) tainted: bool,
    pub(super) requested: bool,
    pub(super) triggered_by: Option<String>,
    /// What it sits on is removed, or made anew.
    pub(super) lender: bool,
}

/// Decides what planned values mean for an object that exists; the paths are those that force a
/// replacement.
pub(super) fn decide(
    prior: &Value,
    planned: &Value,
    requires_replace: &[AttrPath],
    pressure: &Pressure,
    order: ReplaceOrder,
) -> (PlannedAction, Option<ActionReason>, Vec<AttrPath>) {
    let forced: Vec<AttrPath> =
        requires_replace.iter().filter(|path| differs(prior, planned, path)).cloned().collect();
    let replace = |reason| (PlannedAction::Replace(order), Some(reason), forced.clone());
    if pressure.tainted {
        return replace(ActionReason::Tainted);
    }
    if pressure.requested {
        return replace(ActionReason::Requested);
    }
    if let Some(what) = &pressure.triggered_by {
        return replace(ActionReason::TriggeredBy(what.clone()));
    }
    if pressure.lender {
        return replace(ActionReason::LenderEnds);
    }
    if !forced.is_empty() {
        return replace(ActionReason::CannotUpdate);
    }
    if planned.same(prior) {
        return (PlannedAction::NoOp, None, Vec::new());
    }
    (PlannedAction::Update, None, Vec::new())
}

/// Returns whether a part differs; what can't be followed to its end (a set's element) counts as a
/// difference of the collection.
pub(crate) fn differs(prior: &Value, planned: &Value, path: &AttrPath) -> bool {
    let set = path.0.iter().position(|step| *step == PathStep::AnyElement);
    let path = AttrPath(path.0.get(..set.unwrap_or(path.0.len())).unwrap_or_default().to_vec());
    match (prior.at(&path), planned.at(&path)) {
        (Some(prior), Some(planned)) => !prior.unmarked_deep().same(&planned.unmarked_deep()),
        (None, None) => false,
        (Some(one), None) | (None, Some(one)) => !matches!(one.kind(), Kind::Null(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrarium_value::{Causes, Type};

    fn object(name: Value) -> Value {
        Value::object_of([("name", name)])
    }

    #[test]
    fn only_a_difference_at_a_forcing_path_replaces() {
        let name = AttrPath::attr("name");
        let (a, b) = (object(Value::string("a")), object(Value::string("b")));
        let unknown = object(Value::unknown(Type::String, Causes::NONE));
        let decide = |prior: &Value, planned: &Value, forcing: &[AttrPath]| {
            decide(prior, planned, forcing, &Pressure::default(), ReplaceOrder::DeleteFirst).0
        };
        assert_eq!(decide(&a, &a, std::slice::from_ref(&name)), PlannedAction::NoOp);
        assert_eq!(decide(&a, &b, &[]), PlannedAction::Update);
        assert_eq!(
            decide(&a, &b, std::slice::from_ref(&name)),
            PlannedAction::Replace(ReplaceOrder::DeleteFirst)
        );
        assert_eq!(
            decide(&a, &unknown, &[name]),
            PlannedAction::Replace(ReplaceOrder::DeleteFirst)
        );
    }

    #[test]
    fn a_tainted_object_is_replaced_even_if_nothing_differs() {
        let a = object(Value::string("a"));
        let pressure = Pressure { tainted: true, ..Pressure::default() };
        let (action, reason, _) = decide(&a, &a, &[], &pressure, ReplaceOrder::CreateFirst);
        assert_eq!(action, PlannedAction::Replace(ReplaceOrder::CreateFirst));
        assert_eq!(reason, Some(ActionReason::Tainted));
    }
}
