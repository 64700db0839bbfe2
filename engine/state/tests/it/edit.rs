//! `state mv`, `state rm`, `state push`, `taint` as pure functions.

use terrarium_address::Target;
use terrarium_provider::{Action, Schedule};
use terrarium_state::edit::{EditError, mark, push, remove, rename};
use terrarium_state::{Batch, Dep, ObjectStatus, Scheduled, State, rebind};

use crate::sample::{addr, change, intent, object, objects, put};

/// A state with ports, servers that use them, and a module.
fn state() -> State {
    let mut vm = object("{}");
    vm.deps = vec![Dep::Instance(addr("port.p[0]")), Dep::Block(addr("module.m.net.n").block)];
    vm.occupies = vec![addr("port.p[0]")];
    let mut deposed = put("port.p[0]", "2");
    deposed.deposed = Some("00000001".into());
    let mut state = State { lineage: "ours".into(), serial: 5, ..State::default() };
    state.fold(&objects([
        put("port.p[0]", "1"),
        put("port.p[1]", "1"),
        deposed,
        change("server.vm", Some(vm)),
        put("module.m[0].net.n", "1"),
        put("module.m[1].net.n", "1"),
    ]));
    state
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

fn moved(state: &mut State, from: &str, to: &str) -> Result<Vec<String>, String> {
    let renamed = rename(state, &target(from), &target(to)).map_err(|error| error.to_string())?;
    state.fold(&renamed.batch);
    Ok(renamed.moves.iter().map(|(old, new)| format!("{old} -> {new}")).collect())
}

fn addresses(state: &State) -> Vec<String> {
    state.resources.keys().map(ToString::to_string).collect()
}

#[test]
fn an_instance_moves_with_its_deposed_objects_and_is_followed() {
    let mut state = state();
    let moves = moved(&mut state, "port.p[0]", "port.q[\"a\"]").unwrap();
    assert_eq!(moves, ["port.p[0] -> port.q[\"a\"]"]);
    let new = addr("port.q[\"a\"]");
    assert_eq!(state.resources[&new].deposed.len(), 1);
    assert!(!state.resources.contains_key(&addr("port.p[0]")));
    let vm = state.resources[&addr("server.vm")].current.clone().unwrap();
    assert_eq!(vm.deps[0], Dep::Instance(new.clone()));
    assert_eq!(vm.occupies, [new]);
}

#[test]
fn a_block_moves_with_all_its_instances() {
    let mut state = state();
    moved(&mut state, "port.p", "module.x[\"k\"].port.p").unwrap();
    let mut expected = vec!["module.m[0].net.n", "module.m[1].net.n"];
    expected.extend(["module.x[\"k\"].port.p[0]", "module.x[\"k\"].port.p[1]", "server.vm"]);
    let mut found = addresses(&state);
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_module_moves_instance_by_instance_and_its_block_is_followed_when_nothing_stays() {
    let mut state = state();
    moved(&mut state, "module.m[0]", "module.n[0]").unwrap();
    let dep = |state: &State| state.resources[&addr("server.vm")].current.clone().unwrap().deps;
    assert_eq!(dep(&state)[1], Dep::Block(addr("module.m.net.n").block), "one stays in m");
    moved(&mut state, "module.m[1]", "module.n[1]").unwrap();
    assert_eq!(dep(&state)[1], Dep::Block(addr("module.n.net.n").block));
}

#[test]
fn keys_come_and_go() {
    let mut state = state();
    moved(&mut state, "server.vm", "server.vm[0]").unwrap();
    moved(&mut state, "server.vm[0]", "server.other").unwrap();
    assert!(state.resources.contains_key(&addr("server.other")));
}

#[test]
fn impossible_moves_are_refused() {
    let cases = [
        ("port.none", "port.x", "port.none does not match anything in the current state"),
        ("port.p[0]", "port.p[1]", "there is already a resource instance at port.p[1]"),
        ("port.p", "server.p", "port.p can't be moved to server.p: resource types don't match"),
        (
            "port.p",
            "data.port.p",
            "port.p can't be moved to data.port.p: resource types don't match",
        ),
        (
            "port.p",
            "module.x",
            "port.p can't be moved to module.x: a module can only be moved to a module",
        ),
        ("module.m", "module.x", "module.m does not match anything in the current state"),
    ];
    for (from, to, expected) in cases {
        assert_eq!(moved(&mut state(), from, to), Err(expected.to_owned()));
    }
}

#[test]
fn what_is_unfinished_stays_where_it_is() {
    let mut state = state();
    state.fold(&Batch { intents: vec![intent(1, "server.vm")], ..Batch::default() });
    let unfinished = EditError::Unfinished("server.vm".into());
    assert_eq!(rename(&state, &target("server.vm"), &target("server.x")).unwrap_err(), unfinished);
    assert_eq!(remove(&state, &[target("server.vm")]).unwrap_err(), unfinished);
    assert_eq!(push(&state, State::default(), true, None).unwrap_err(), unfinished);
    assert_eq!(mark(&state, &addr("server.vm"), ObjectStatus::Tainted).unwrap_err(), unfinished);
    assert!(remove(&state, &[target("port.p")]).is_ok());
}

#[test]
fn removal_takes_modules_blocks_and_instances_and_their_schedule() {
    let mut state = state();
    let later = |address: &str| Scheduled {
        addr: addr(address),
        deposed: None,
        action: Action::Update,
        schedule: Schedule::default(),
        reason: String::new(),
        approval: None,
        inputs: std::collections::BTreeMap::new(),
        trials: terrarium_state::Trials::default(),
    };
    state.schedule = vec![later("port.p[1]"), later("server.vm")];
    let removed = remove(&state, &[target("module.m"), target("port.p")]).unwrap();
    assert_eq!(removed.removed.len(), 4);
    state.fold(&removed.batch);
    assert_eq!(addresses(&state), ["server.vm"]);
    assert_eq!(state.schedule, [later("server.vm")]);
    let missing = remove(&state, &[target("server.vm"), target("port.p")]).unwrap_err();
    assert_eq!(missing, EditError::Missing("port.p".into()));
}

#[test]
fn only_a_newer_state_of_our_line_is_pushed_without_force() {
    let own = state();
    let theirs =
        |lineage: &str, serial| State { lineage: lineage.into(), serial, ..State::default() };
    let refused = |pushed| push(&own, pushed, false, None).unwrap_err().to_string();
    assert_eq!(
        refused(theirs("theirs", 9)),
        "cannot import state with lineage \"theirs\" over unrelated state with lineage \"ours\""
    );
    assert_eq!(
        refused(theirs("ours", 4)),
        "cannot import state with serial 4 over newer state with serial 5"
    );
    assert!(refused(theirs("ours", 5)).ends_with("a different state that has the same serial"));
    assert!(push(&own, own.clone(), false, None).unwrap().replace.is_none(), "nothing new");
    let mut after = own.clone();
    after.fold(&push(&own, theirs("ours", 7), false, None).unwrap());
    assert_eq!((after.serial, after.resources.len()), (7, 0));
    let mut after = own.clone();
    after.fold(&push(&own, theirs("theirs", 1), true, None).unwrap());
    assert_eq!((&*after.lineage, after.serial), ("theirs", 6));
    assert!(push(&State::default(), theirs("any", 1), false, None).unwrap().replace.is_some());
}

#[test]
fn taint_and_its_opposite_change_the_status_alone() {
    let mut state = state();
    let before = state.clone();
    let address = addr("port.p[0]");
    state.fold(&mark(&state, &address, ObjectStatus::Tainted).unwrap());
    assert_eq!(state.resources[&address].current.as_ref().unwrap().status, ObjectStatus::Tainted);
    state.fold(&mark(&state, &address, ObjectStatus::Ready).unwrap());
    assert_eq!(state, before);
    assert!(mark(&state, &addr("port.p[7]"), ObjectStatus::Tainted).is_err());
}

/// A state with objects at one cloud, of which one is being changed.
fn at_a_cloud() -> State {
    let mut state = State { lineage: "ours".into(), serial: 5, ..State::default() };
    let mut old = put("port.p[0]", "0");
    old.deposed = Some("00000001".into());
    let mut all = objects([
        put("port.p[0]", "1"),
        old,
        put("port.p[1]", "2"),
        change("terraform_data.here", Some(object("{}"))),
    ]);
    for change in &mut all.objects {
        if let Some(object) = &mut change.object
            && &*change.addr.block.kind == "port"
        {
            object.realm = Some("https://one project p".into());
        }
    }
    state.fold(&all);
    let mut open = intent(7, "port.p[1]");
    open.action = Action::Update;
    open.realm = Some("https://one project p".into());
    state.fold(&Batch { intents: vec![open], ..Batch::default() });
    state
}

#[test]
fn what_is_being_changed_is_not_bound_to_another_realm() {
    let state = at_a_cloud();
    let realms = |addrs: &[&str]| {
        let pair = |text: &&str| (addr(text), "https://two project p".into());
        addrs.iter().map(pair).collect()
    };
    let refused = rebind::rebind(&state, &realms(&["port.p[0]", "port.p[1]"])).unwrap_err();
    assert!(matches!(&refused, EditError::Unfinished(at) if at == "port.p[1]"), "{refused}");
    // Others may be; what is deposed goes along, and what exists here only has no realm.
    let bound = rebind::rebind(&state, &realms(&["port.p[0]"])).unwrap();
    let bound: Vec<(String, bool)> =
        bound.iter().map(|one| (one.addr.to_string(), one.deposed.is_some())).collect();
    assert_eq!(bound, [("port.p[0]".to_owned(), false), ("port.p[0]".to_owned(), true)]);
    // To where it is bound already, nothing has to be settled.
    let same = [(addr("port.p[1]"), "https://one project p".into())].into();
    assert_eq!(rebind::rebind(&state, &same).unwrap(), []);
}

#[test]
fn to_begin_anew_forgets_what_is_being_changed_too() {
    let mut state = at_a_cloud();
    let none = rebind::anew(&state, |realm| realm == "https://two project p");
    assert!(none.realms.is_empty());
    let anew = rebind::anew(&state, |realm| realm == "https://one project p");
    assert_eq!((anew.instances(), anew.batch.outcomes.len()), (3, 1));
    state.fold(&anew.batch);
    assert!(state.resources.is_empty() && state.intents.is_empty());
}
