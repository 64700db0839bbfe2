//! **What others see of an instance.** One function says it, for plan and apply: values that are not there yet are unknown
//! until they are, with their cause, and what was never known of something that is over never will be.

use jiff::Timestamp;
use terrarium_address::AttrPath;
use terrarium_provider::{Lends, Schema, Standing};
use terrarium_value::{Causes, Kind, Value};

use crate::fate::Fate;
use crate::paths::fits;
use crate::{PlannedAction, ResourceChange, object};

/// Returns what others see of an instance.
///
/// | fate | there is none yet, or it is read | there is one |
/// |---|---|---|
/// | now | planned, late values unknown until its window begins | the same |
/// | later, goes down | planned, unknown until then | as it is |
/// | ended, lingers | | its last values; late ones that never came: never |
/// | never | what its configuration says; the rest: never | |
pub(crate) fn seen(change: &ResourceChange, fate: &Fate, now: Timestamp) -> Value {
    match fate {
        Fate::Now => match coming(change, now) {
            Some(from) => object::mask_late(&change.after, &change.schema, &change.addr, from),
            None => change.after.clone(),
        },
        Fate::Later(_) | Fate::GoesDown(_) => match change.action {
            PlannedAction::Create | PlannedAction::Read => change.after.clone(),
            _ => change.before.clone(),
        },
        Fate::Ended(_) | Fate::Lingers(_) => {
            never_known(&change.after, &change.schema, &fate.causes(&change.addr))
        }
        Fate::Never(_) => change.after.clone(),
    }
}

/// Returns from when on what an object lends can be used, and its late values are known, where that is not yet, or
/// after this apply.
pub(super) fn coming(change: &ResourceChange, now: Timestamp) -> Option<Timestamp> {
    let from = (*change.window)?.from();
    let made = matches!(change.action, PlannedAction::Create | PlannedAction::Replace(_));
    let waits = match change.notes.lends.filter(|_| made) {
        Some(Lends::WithApply) => false,
        Some(Lends::AfterApply) => true,
        None => from > now || *change.standing == Some(Standing::Upcoming),
    };
    waits.then_some(from)
}

/// Makes late values unknown for good that are not there in the last values of something: nobody looked in its time.
fn never_known(value: &Value, schema: &Schema, causes: &Causes) -> Value {
    if schema.late.is_empty() {
        return value.clone();
    }
    value.transform(&mut |path: &AttrPath, part: Value| {
        let came = match part.kind() {
            Kind::Null(_) => false,
            _ => part.as_items().is_none_or(|items| !items.is_empty()),
        };
        if !came && schema.late.iter().any(|pattern| fits(pattern, path)) {
            Value::unknown(part.ty(), causes.clone()).marked(part.marks())
        } else {
            part
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use terrarium_provider::{Attribute, Block};
    use terrarium_state::Ended;
    use terrarium_value::{Type, When};

    use super::super::cases::{addr, day, window};
    use super::*;
    use crate::Waits;
    use crate::fate::Wait;

    fn schema() -> Arc<Schema> {
        let attributes = [
            ("id".into(), Attribute::computed(Type::String)),
            ("address".into(), Attribute::computed(Type::String)),
        ];
        let block = Block { attributes: attributes.into_iter().collect(), ..Block::default() };
        let late = vec![AttrPath::attr("address")];
        Arc::new(Schema { block, late, ..Schema::default() })
    }

    fn lease(id: &str, address: Option<&str>) -> Value {
        let address = address.map_or_else(|| Value::null(Type::String), Value::string);
        Value::object_of([("id", Value::string(id)), ("address", address)])
    }

    #[test]
    fn what_is_not_there_yet_is_unknown_until_it_is_and_what_never_came_never_will_be() {
        let ended = Ended { at: day(9), with: None };
        let wait = Wait { at: Some(day(15)), waits: Waits::Opening, reason: String::new() };
        let (old, new) = (lease("old", Some("a")), lease("new", Some("b")));
        let missed = lease("old", None);
        // What is planned of a lease from a day on, its fate; which id is seen, and when the address is known.
        let rows = [
            ("stands", PlannedAction::NoOp, 5, Fate::Now, &new, "new", None),
            ("comes", PlannedAction::NoOp, 15, Fate::Now, &new, "new", Some(When::At(day(15)))),
            (
                "extended later",
                PlannedAction::Update,
                5,
                Fate::Later(wait.clone()),
                &new,
                "old",
                None,
            ),
            ("read later", PlannedAction::Read, 5, Fate::Later(wait), &new, "new", None),
            ("ended", PlannedAction::NoOp, 5, Fate::Ended(ended.clone()), &new, "new", None),
            (
                "missed",
                PlannedAction::NoOp,
                5,
                Fate::Ended(ended.clone()),
                &missed,
                "old",
                Some(When::Never(day(9))),
            ),
            ("lingers", PlannedAction::NoOp, 5, Fate::Lingers(ended), &new, "new", None),
        ];
        for (what, action, from, fate, after, id, late) in rows {
            let change = ResourceChange {
                before: old.clone(),
                after: after.clone(),
                window: window(from, Some(20)).into(),
                ..ResourceChange::new(addr("a.lease"), "p".into(), schema(), action)
            };
            let seen = seen(&change, &fate, day(10));
            assert_eq!(seen.get("id").and_then(Value::as_str), Some(id), "{what}");
            let address = seen.get("address").expect("an address");
            let when = (!address.is_known()).then(|| address.causes_deep().when());
            assert_eq!(when, late, "{what}");
        }
    }
}
