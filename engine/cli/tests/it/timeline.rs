//! Timelines: what a plan says about time in, charts and calendars out.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value as Json;
use terrarium_address::ResourceAddr;
use terrarium_cli::json::{self, indent};
use terrarium_cli::render::instant::Times;
use terrarium_cli::render::{plain, timeline as render};
use terrarium_core::{
    DeferredChange, Mode, Occupancy, Plan, PlannedAction, ReplaceOrder, ResourceChange, Timeline,
    timeline,
};
use terrarium_provider::{Action, Cost, PlanNotes, Schedule, Schema, Standing, Window};
use terrarium_state::{Instance, Object, Scheduled, State};

use crate::fixture::{assert_file, cases};
use crate::terrarium::Lab;

#[test]
fn timelines_are_drawn_as_they_were_looked_at() {
    for path in cases("timeline", "case") {
        let text = std::fs::read_to_string(&path).unwrap();
        let case: Json = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (timeline, times) = of(&case);
        let expect = |extension: &str, text: &str| {
            assert_file(&path.with_extension(extension), text);
        };
        expect("txt", &plain(&render::text(&timeline, &times, 80)));
        expect("html", &render::html(&timeline, &times));
        let calendar = render::Calendar { lineage: "line", serial: 7 };
        expect("ics", &render::ics(&timeline, &times, calendar));
        expect("svg", &render::svg(&timeline, &times));
        let twin = serde_json::to_string(&json::timeline::twin(&timeline)).unwrap();
        expect("json", &format!("{}\n", indent(&twin)));
    }
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for path in cases("timeline", "case") {
        let case: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (timeline, times) = of(&case);
        for width in [80, 100, 160] {
            for line in plain(&render::text(&timeline, &times, width)).lines() {
                assert!(line.chars().count() <= width, "{} at {width}: {line}", path.display());
            }
        }
    }
}

/// A course of many labs, each with its own week.
fn course(leases: usize) -> Json {
    let things = (0..leases).flat_map(|lab| {
        let from = format!("2025-{:02}-{:02}T14:00:00Z", 3 + lab / 28 % 9, 1 + lab % 28);
        let until = format!("2025-{:02}-{:02}T20:00:00Z", 3 + lab / 28 % 9, 1 + lab % 28);
        let lease = format!("openstack_reservation_lease_v1.lab[\"lab-{lab:03}\"]");
        [
            serde_json::json!({"addr": lease, "action": "create", "window": [from, until], "cost": [12_000, 2_000]}),
            serde_json::json!({"addr": format!("openstack_compute_instance_v2.node[\"lab-{lab:03}\"]"), "on": [lease], "later": from}),
        ]
    });
    serde_json::json!({"now": "2025-02-17T14:00:00Z", "zone": "America/New_York", "things": things.collect::<Vec<_>>()})
}

/// Writes the pictures of a large course to a folder, for eyes: `TIMELINE_PICTURES=DIR`.
#[test]
fn a_large_course_is_drawn() {
    let (timeline, times) = of(&course(200));
    let picture = render::svg(&timeline, &times);
    assert_eq!(picture.matches("<title>").count(), 400);
    assert!(!picture.contains("NaN"));
    if let Some(folder) = std::env::var_os("TIMELINE_PICTURES") {
        let folder = std::path::PathBuf::from(folder);
        std::fs::write(folder.join("large.svg"), picture).unwrap();
        std::fs::write(folder.join("large.html"), render::html(&timeline, &times)).unwrap();
    }
}

#[test]
fn a_plan_shows_the_first_of_very_many_rows() {
    let (timeline, times) = of(&course(200));
    let all = plain(&render::text(&timeline, &times, 80));
    let short = plain(&render::excerpt(&timeline, &times, 80));
    assert!(all.lines().count() > 600, "{}", all.lines().count());
    assert!(short.lines().count() < 80, "{}", short.lines().count());
    assert!(
        short.contains("… and 370 more rows; \"terrarium timeline\" shows them all."),
        "{short}"
    );
}

#[test]
fn what_has_no_time_has_no_timeline() {
    let case = serde_json::json!({"now": "2025-02-17T14:00:00Z", "things": [
        {"addr": "random_pet.name", "action": "create"},
        {"addr": "random_pet.many", "waits": "values"},
    ]});
    let (timeline, times) = of(&case);
    assert!(timeline.is_empty());
    assert_eq!(render::text(&timeline, &times, 80), "");
}

#[test]
fn a_plan_does_not_draw_what_is_over() {
    let window = ["2025-02-01T14:00:00Z", "2025-02-02T14:00:00Z"];
    let case = serde_json::json!({"now": "2025-02-17T14:00:00Z", "things": [
        {"addr": "openstack_reservation_lease_v1.gpu", "action": "no-op", "window": window, "ended": window[1]},
    ]});
    let (timeline, times) = of(&case);
    assert_eq!(render::excerpt(&timeline, &times, 80), "");
    assert!(render::text(&timeline, &times, 80).contains("ended"));
}

#[test]
fn the_commands_write_what_the_endings_say() {
    let lab = Lab::copy(&["examples/gpu-lab"]);
    let of = |args: &[&str]| {
        let args = [&["-chdir=examples/gpu-lab"], args, &["-testbed"]].concat();
        lab.good(&args)
    };
    of(&["testbed", "reset", "-force", "-at=2027-02-20T14:00:00Z"]);
    of(&["plan", "-out=saved.plan"]);
    let text = of(&["timeline", "saved.plan"]);
    assert!(text.starts_with("Timeline: now 20 Feb 09:00 EST (14:00 UTC)"), "{text}");
    assert_eq!(text, of(&["timeline"]));
    for (name, begins) in [
        ("t.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\""),
        ("t.html", "<!DOCTYPE html>"),
        ("t.json", "{\n  \"format_version\": \"1.0\""),
        ("t.txt", "Timeline: now"),
    ] {
        assert_eq!(of(&["timeline", &format!("-out={name}"), "saved.plan"]), "");
        let text = lab.read(&format!("examples/gpu-lab/{name}"));
        assert!(text.starts_with(begins), "{name}: {text}");
        assert!(text.contains("gpu"), "{name}: {text}");
    }
    let calendar = of(&["calendar", "saved.plan"]);
    assert_eq!(calendar.matches("BEGIN:VEVENT\r\n").count(), 4, "{calendar}");
    assert!(calendar.contains("DTSTART:20270313T140000Z\r\nDTEND:20270320T010000Z\r\n"));
    for args in [
        &["timeline", "-out=t.png"][..],
        &["timeline", "-json", "-out=t.svg"],
        &["timeline", "main.tf"],
        &["calendar", "-json"],
    ] {
        let args = [&["-chdir=examples/gpu-lab"], args, &["-testbed"]].concat();
        assert_eq!(lab.run(&args).code, 1, "{args:?}");
    }
}

/// Builds the timeline of a case.
fn of(case: &Json) -> (Timeline, Times) {
    let (plan, state) = plan_of(case);
    (timeline(&plan, &state), Times::of_plan(&plan, &TimeZone::UTC))
}

fn plan_of(case: &Json) -> (Plan, State) {
    let mut plan = Plan {
        mode: Mode::Normal,
        changes: Vec::new(),
        drift: Vec::new(),
        data: Vec::new(),
        outputs: BTreeMap::new(),
        deferred: Vec::new(),
        leftovers: Vec::new(),
        under_way: Vec::new(),
        lineage: "line".into(),
        serial: 7,
        variables: BTreeMap::new(),
        given_again: std::collections::BTreeSet::new(),
        targets: Vec::new(),
        complete: true,
        errored: false,
        at: case["now"].as_str().unwrap().parse().unwrap(),
        realms: BTreeMap::new(),
        zone: case["zone"].as_str().map(Into::into),
    };
    let mut state = State::default();
    for thing in case["things"].as_array().unwrap() {
        for addr in expanded(thing["addr"].as_str().unwrap()) {
            let change = change_of(thing, addr.clone(), plan.zone.clone());
            if thing.get("recorded").is_some() {
                state.resources.insert(addr.clone(), recorded(&thing["recorded"]));
            }
            match thing.get("later").or(thing.get("waits")) {
                Some(_) => plan.deferred.push(deferred_of(thing, change)),
                None => plan.changes.push(change),
            }
        }
    }
    for entry in case["scheduled"].as_array().into_iter().flatten() {
        state.schedule.push(Scheduled {
            deposed: None,
            addr: entry["addr"].as_str().unwrap().parse().unwrap(),
            action: Action::Create,
            schedule: Schedule {
                not_before: entry["at"].as_str().map(|at| at.parse().unwrap()),
                not_after: None,
            },
            reason: "its lease".to_owned(),
            approval: Some("hash".into()),
            inputs: BTreeMap::new(),
            trials: terrarium_state::Trials::default(),
        });
    }
    (plan, state)
}

/// Expands `x[0..39]` to its forty instances.
fn expanded(addr: &str) -> Vec<ResourceAddr> {
    let range = addr.strip_suffix(']').and_then(|addr| addr.rsplit_once('['));
    let range = range.and_then(|(block, keys)| Some((block, keys.split_once("..")?)));
    match range {
        None => vec![addr.parse().unwrap()],
        Some((block, (first, last))) => (first.parse::<u64>().unwrap()
            ..=last.parse::<u64>().unwrap())
            .map(|key| format!("{block}[{key}]").parse().unwrap())
            .collect(),
    }
}

fn recorded(window: &Json) -> Instance {
    Instance {
        current: Some(Object { window: window_of(window), ..Object::default() }),
        ..Instance::default()
    }
}

fn window_of(window: &Json) -> Option<Window> {
    let at = |index: usize| window[index].as_str().map(|at| at.parse().unwrap());
    Window::new(at(0)?, at(1))
}

fn change_of(
    thing: &Json,
    addr: ResourceAddr,
    zone: Option<terrarium_address::Name>,
) -> ResourceChange {
    let list = |key: &str| {
        let texts = thing[key].as_array().into_iter().flatten();
        texts.map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let action = match thing["action"].as_str().unwrap_or("create") {
        "no-op" => PlannedAction::NoOp,
        "create" => PlannedAction::Create,
        "update" => PlannedAction::Update,
        "replace" => PlannedAction::Replace(ReplaceOrder::CreateFirst),
        "delete" => PlannedAction::Delete,
        other => panic!("no action {other}"),
    };
    let cost = |index: usize| thing["cost"][index].as_u64().unwrap();
    ResourceChange {
        window: window_of(&thing["window"]).into(),
        occupies: Occupancy {
            lenders: list("on").iter().map(|addr| addr.parse().unwrap()).collect(),
            foreign: list("foreign"),
        }
        .into(),
        fate: crate::plan_text::ended_of(&thing["ended"], &Json::Null).into(),
        standing: match thing["standing"].as_str() {
            Some("upcoming") => Some(Standing::Upcoming).into(),
            Some("open") => Some(Standing::Open).into(),
            _ => None.into(),
        },
        notes: PlanNotes {
            lends: None,
            zone: thing["window"].is_array().then_some(zone).flatten(),
            cost: thing["cost"].is_array().then(|| Cost {
                total_milli: cost(0),
                hourly_milli: cost(1),
                unit: "SU".into(),
            }),
            gap: None,
            perishes: thing["perishes"].as_str().map(str::to_owned),
        }
        .into(),
        ..ResourceChange::new(
            addr,
            "provider[\"registry.terraform.io/course/lab\"]".into(),
            Arc::new(Schema::default()),
            action,
        )
    }
}

fn deferred_of(thing: &Json, change: ResourceChange) -> DeferredChange {
    let text = thing["waits"].as_str().unwrap_or("lender");
    let (kind, of) = text.split_once(' ').unwrap_or((text, ""));
    let lender = change.occupies.lenders.first();
    let text = match lender {
        Some(lender) if kind == "lender" => format!("lender {lender}"),
        _ => format!("{kind} {of}"),
    };
    let at = thing["later"].as_str().map(|at| at.parse().unwrap());
    let reason = thing["reason"].as_str().unwrap_or("its lease");
    let fate = crate::plan_text::fate_of(text.trim(), at, reason).into();
    DeferredChange {
        change: ResourceChange { fate, ..change },
        approved: thing["approved"].as_bool().unwrap_or_default(),
    }
}

#[test]
fn a_chart_is_as_wide_as_it_may_be_and_no_wider() {
    for path in cases("timeline", "case") {
        let case: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (timeline, times) = of(&case);
        for width in [60, 80, 120] {
            for text in
                [render::text(&timeline, &times, width), render::excerpt(&timeline, &times, width)]
            {
                let text = plain(&text);
                let longest =
                    text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
                assert!(longest <= width, "{}: {longest} of {width}\n{text}", path.display());
            }
        }
    }
}
