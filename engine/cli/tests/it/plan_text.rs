//! Plans as text: values before and after in JSON, Terraform's layout out.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value as Json;
use terrarium_address::{AttrPath, PathStep, ResourceAddr};
use terrarium_cli::render::{plain, plan};
use terrarium_core::{
    ActionReason, DeferredChange, Fate, Mode, Occupancy, OpenAction, OutputChange, Plan,
    PlannedAction, ReplaceOrder, ResourceChange, Sits, Wait, Waits,
};
use terrarium_provider::{
    Attribute, Block, Cost, NestedBlock, Nesting, PlanNotes, Schedule, Schema, Window,
};
use terrarium_state::Ended;
use terrarium_value::{Causes, Marks, Type, Value, json};

use crate::fixture::{assert_file, cases};

#[test]
fn plans_are_shown_as_terraform_shows_them() {
    for path in cases("plan", "json") {
        let text = std::fs::read_to_string(&path).unwrap();
        let case: Json = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut text = String::new();
        let last = plan::plan(&plan_of(&case), None, &TimeZone::UTC, &mut |part| text += part);
        assert_file(&path.with_extension("txt"), &plain(&(text + &last)));
    }
}

/// Builds a plan of a case; `twins.rs` uses it, too.
pub(crate) fn plan_of(case: &Json) -> Plan {
    let list =
        |key: &str| case[key].as_array().into_iter().flatten().map(change_of).collect::<Vec<_>>();
    let deferred = case["deferred"].as_array().into_iter().flatten().map(|one| {
        let at = one["not_before"].as_str().map(|at| at.parse().unwrap());
        let reason = one["waits_for"].as_str().unwrap();
        let waits = one["waits"].as_str().unwrap_or("provider");
        let fate = fate_of(waits, at, reason).into();
        DeferredChange {
            change: ResourceChange { fate, ..change_of(one) },
            approved: one["approved"].as_bool().unwrap_or_default(),
        }
    });
    let outputs = case["outputs"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, one)| (name.as_str().into(), output_of(one)));
    Plan {
        mode: match case["mode"].as_str() {
            Some("destroy") => Mode::Destroy,
            Some("refresh-only") => Mode::RefreshOnly,
            _ => Mode::Normal,
        },
        changes: list("changes"),
        drift: list("drift"),
        data: Vec::new(),
        outputs: outputs.collect(),
        deferred: deferred.collect(),
        leftovers: case["leftovers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|addr| addr.as_str().unwrap().parse().unwrap())
            .collect(),
        under_way: case["under_way"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| OpenAction {
                addr: one["addr"].as_str().unwrap().parse().unwrap(),
                deposed: one["deposed"].as_str().map(Into::into),
                action: action_of(one["action"].as_str().unwrap()),
                since: one["since"].as_str().unwrap().parse().unwrap(),
            })
            .collect(),
        lineage: "line".into(),
        serial: 1,
        variables: BTreeMap::new(),
        given_again: std::collections::BTreeSet::new(),
        targets: Vec::new(),
        complete: true,
        errored: false,
        at: "2026-03-01T12:00:00Z".parse().unwrap(),
        realms: BTreeMap::new(),
        zone: case["zone"].as_str().map(Into::into),
    }
}

/// The fate of a case whose object ended, or is made now.
pub(crate) fn ended_of(at: &Json, with: &Json) -> Fate {
    let with = with.as_str().map(|addr| addr.parse().unwrap());
    at.as_str().map_or(Fate::Now, |at| Fate::Ended(Ended { at: at.parse().unwrap(), with }))
}

/// The fate of a case: what it waits for, or since when it is over.
pub(crate) fn fate_of(text: &str, at: Option<jiff::Timestamp>, reason: &str) -> Fate {
    match text.strip_prefix("closed ") {
        Some(since) => Fate::Never(Ended { at: since.parse().unwrap(), with: None }),
        None => Fate::Later(Wait { at, waits: waits_of(text), reason: reason.to_owned() }),
    }
}

fn waits_of(text: &str) -> Waits {
    let (kind, of) = text.split_once(' ').unwrap_or((text, ""));
    match kind {
        "lender" => Waits::Lender(match of.parse() {
            Ok(addr) => Sits::On(addr),
            Err(_) => Sits::Pasted(of.to_owned()),
        }),
        "dependency" => Waits::Dependency(of.parse().unwrap()),
        "values" => Waits::Values,
        "opening" => Waits::Opening,
        "consumers" => Waits::Consumers(of.split(' ').map(|addr| addr.parse().unwrap()).collect()),
        "held" => Waits::Held(of.parse().unwrap()),
        "provider" => Waits::Provider,
        other => panic!("nothing waits for {other}"),
    }
}

/// The window of a case: `["2026-03-02T09:00:00Z", "2026-03-09T09:00:00Z"]`, the end may be missing.
fn window_of(one: &Json) -> Option<Window> {
    let at = |index: usize| one[index].as_str().map(|at| at.parse().unwrap());
    Window::new(at(0)?, at(1))
}

fn notes_of(one: &Json) -> PlanNotes {
    let text = |key: &str| one[key].as_str().map(str::to_owned);
    PlanNotes {
        lends: None,
        zone: one["zone"].as_str().map(Into::into),
        cost: one["cost"].as_array().map(|cost| Cost {
            total_milli: cost[0].as_u64().unwrap(),
            hourly_milli: cost[1].as_u64().unwrap(),
            unit: "SU".into(),
        }),
        gap: text("gap"),
        perishes: text("perishes"),
    }
}

fn output_of(one: &Json) -> OutputChange {
    let side = |key: &str| one.get(key).map_or_else(|| Value::null(Type::Dynamic), free);
    OutputChange {
        before: side("before"),
        after: side("after"),
        sensitive: one["sensitive"].as_bool().unwrap_or_default(),
        action: action_of(one["action"].as_str().unwrap()),
        until: None,
    }
}

fn change_of(one: &Json) -> ResourceChange {
    let schema = schema_of(one["type"].as_str().unwrap_or("lab_server"));
    let addr: ResourceAddr = one["addr"].as_str().unwrap().parse().unwrap();
    let ty = schema.block.ty();
    let side =
        |key: &str| one.get(key).map_or_else(|| Value::null(ty.clone()), |value| typed(value, &ty));
    let action = one["action"].as_str().unwrap();
    ResourceChange {
        moved_from: one["moved_from"]
            .as_str()
            .map(|from| from.parse::<ResourceAddr>().unwrap())
            .into(),
        reason: one["reason"].as_str().map(reason_of).into(),
        before: side("before"),
        after: side("after"),
        requires_replace: one["replace"].as_array().into_iter().flatten().map(path_of).collect(),
        create_first: action == "create-first",
        importing: one["importing"].as_str().map(str::to_owned).into(),
        schedule: Schedule {
            not_before: one["not_before"].as_str().map(|at| at.parse().unwrap()),
            not_after: None,
        }
        .into(),
        window: window_of(&one["window"]).into(),
        notes: notes_of(one).into(),
        occupies: Occupancy {
            lenders: one["occupies"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|addr| addr.as_str().unwrap().parse().unwrap())
                .collect(),
            foreign: Vec::new(),
        }
        .into(),
        fate: ended_of(&one["ended"], &one["ended_with"]).into(),
        ..ResourceChange::new(
            addr,
            "provider[\"registry.terraform.io/course/lab\"]".into(),
            Arc::new(schema),
            action_of(action),
        )
    }
}

fn action_of(text: &str) -> PlannedAction {
    match text {
        "no-op" => PlannedAction::NoOp,
        "read" => PlannedAction::Read,
        "create" => PlannedAction::Create,
        "update" => PlannedAction::Update,
        "replace" => PlannedAction::Replace(ReplaceOrder::DeleteFirst),
        "create-first" => PlannedAction::Replace(ReplaceOrder::CreateFirst),
        "delete" => PlannedAction::Delete,
        "forget" => PlannedAction::Forget,
        other => panic!("no action {other}"),
    }
}

fn reason_of(text: &str) -> ActionReason {
    match text {
        "tainted" => ActionReason::Tainted,
        "requested" => ActionReason::Requested,
        "cannot-update" => ActionReason::CannotUpdate,
        "no-block" => ActionReason::NoBlock,
        "each-key" => ActionReason::EachKey,
        "count-index" => ActionReason::CountIndex,
        "repetition" => ActionReason::WrongRepetition,
        "config-unknown" => ActionReason::ConfigUnknown,
        other => panic!("no reason {other}"),
    }
}

fn path_of(steps: &Json) -> AttrPath {
    let step = |step: &Json| match step {
        Json::Number(at) => PathStep::Index(at.as_u64().unwrap()),
        other => PathStep::Attr(other.as_str().unwrap().into()),
    };
    AttrPath(steps.as_array().unwrap().iter().map(step).collect())
}

/// A server with one of everything.
fn schema_of(kind: &str) -> Schema {
    assert_eq!(kind, "lab_server");
    let text = || Attribute::optional(Type::String);
    let inner = Block {
        attributes: [("uuid", text()), ("port", Attribute::optional_computed(Type::String))]
            .map(|(name, attribute)| (name.into(), attribute))
            .into(),
        ..Block::default()
    };
    let nested =
        |nesting| NestedBlock { nesting, block: inner.clone(), min_items: 0, max_items: None };
    let attributes = [
        ("id", Attribute::computed(Type::String)),
        ("name", Attribute::required(Type::String)),
        ("flavor", text()),
        ("password", text().sensitive()),
        ("user_data", text()),
        ("cores", Attribute::optional(Type::Number)),
        ("stopped", Attribute::optional(Type::Bool)),
        ("addresses", Attribute::computed(Type::list(Type::String))),
        ("groups", Attribute::optional(Type::set(Type::String))),
        ("metadata", Attribute::optional(Type::map(Type::String))),
        (
            "access",
            Attribute::computed(Type::object([("ip", Type::String), ("mac", Type::String)])),
        ),
    ];
    Schema {
        block: Block {
            attributes: attributes.map(|(name, attribute)| (name.into(), attribute)).into(),
            blocks: [("network", nested(Nesting::List)), ("volume", nested(Nesting::Set))]
                .map(|(name, block)| (name.into(), block))
                .into(),
            ..Block::default()
        },
        ..Schema::default()
    }
}

/// In a case, this text stands for a value that is not known yet.
const UNKNOWN: &str = "(known after apply)";
/// In a case, a text that begins so is sensitive.
const SECRET: &str = "secret:";

fn typed(value: &Json, ty: &Type) -> Value {
    if value == UNKNOWN {
        return Value::unknown(ty.clone(), Causes::NONE);
    }
    match (value, ty) {
        (Json::Null, _) => Value::null(ty.clone()),
        (Json::String(text), Type::String) => match text.strip_prefix(SECRET) {
            Some(text) => Value::string(text).marked(Marks::SENSITIVE),
            None => Value::string(text.as_str()),
        },
        (Json::Array(items), Type::List(element)) => Value::list(
            (**element).clone(),
            items.iter().map(|item| typed(item, element)).collect(),
        ),
        (Json::Array(items), Type::Set(element)) => {
            Value::set((**element).clone(), items.iter().map(|item| typed(item, element)).collect())
        }
        (Json::Object(entries), Type::Map(element)) => {
            let entries =
                entries.iter().map(|(key, item)| (key.as_str().into(), typed(item, element)));
            Value::map((**element).clone(), entries.collect::<terrarium_value::Entries>())
        }
        (Json::Object(entries), Type::Object(object)) => {
            Value::object_of(object.attributes.iter().map(|(name, ty)| {
                let missing = match ty {
                    Type::List(element) if matches!(**element, Type::Object(_)) => {
                        Json::Array(Vec::new())
                    }
                    Type::Set(element) if matches!(**element, Type::Object(_)) => {
                        Json::Array(Vec::new())
                    }
                    _ => Json::Null,
                };
                (name.clone(), typed(entries.get(&**name).unwrap_or(&missing), ty))
            }))
        }
        (value, ty) => json::from_typed(&value.to_string(), ty).unwrap(),
    }
}

fn free(value: &Json) -> Value {
    if value == UNKNOWN {
        return Value::unknown(Type::Dynamic, Causes::NONE);
    }
    json::decode(&value.to_string()).unwrap()
}
