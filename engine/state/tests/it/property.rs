//! Whatever batches come, the file and the pure function agree on what they mean.

use std::sync::Arc;

use proptest::prelude::*;
use terrarium_address::ResourceAddr;
use terrarium_provider::{Action, IntentId, Schedule};
use terrarium_state::{
    Batch, Dep, Ended, InstanceSet, IntentOutcome, IntentProgress, Object, ObjectChange,
    ObjectStatus, OutputChange, OutputValue, ScheduleChange, Scheduled, State, Store, Trials,
};

use crate::sample::{PROVIDER, addr, at, commit, intent, place, sqlite};

fn address() -> impl Strategy<Value = ResourceAddr> {
    prop::sample::select(vec!["a.b[0]", "a.b[1]", "module.m[\"x\"].a.c", "data.d.e"]).prop_map(addr)
}

fn dep() -> impl Strategy<Value = Dep> {
    prop_oneof![
        address().prop_map(Dep::Instance),
        address().prop_map(|addr| Dep::Block(addr.block)),
        prop::collection::vec(address(), 1..4)
            .prop_map(|addrs| Dep::Set(addrs.into_iter().collect::<InstanceSet>())),
    ]
}

fn object() -> impl Strategy<Value = Object> {
    let status = prop::sample::select(vec![
        ObjectStatus::Ready,
        ObjectStatus::Tainted,
        ObjectStatus::Unprovisioned,
    ]);
    let realm = prop::option::of(prop::sample::select(vec!["here", "there"]));
    let parts = (0..3u64, status, prop::collection::vec(dep(), 0..3), realm, any::<bool>());
    parts.prop_map(|(version, status, deps, realm, is_ended)| Object {
        attributes: format!("{{\"n\":{version}}}").into(),
        schema_version: version,
        status,
        deps,
        realm: realm.map(Into::into),
        ended: is_ended.then(|| Box::new(Ended { at: at(version), with: None })),
        ..Object::default()
    })
}

fn change() -> impl Strategy<Value = ObjectChange> {
    let deposed = prop::option::of(Just("0123abcd".into()));
    (address(), deposed, prop::option::of(object())).prop_map(|(addr, deposed, object)| {
        ObjectChange { addr, deposed, provider: PROVIDER.into(), object }
    })
}

fn outcome() -> impl Strategy<Value = IntentOutcome> {
    prop_oneof![
        change().prop_map(IntentOutcome::Row),
        Just(IntentOutcome::Nothing),
        (1..9u64).prop_map(|id| IntentOutcome::Continued(IntentId(id))),
    ]
}

fn scheduled() -> impl Strategy<Value = ScheduleChange> {
    let action = prop::sample::select(vec![Action::Create, Action::Update, Action::Delete]);
    (address(), action, 0..9u64, any::<bool>()).prop_map(|(addr, action, second, is_put)| {
        let entry = Scheduled {
            addr,
            deposed: None,
            action,
            schedule: Schedule { not_before: Some(at(second)), not_after: None },
            reason: "later".into(),
            approval: None,
            inputs: std::collections::BTreeMap::new(),
            trials: Trials { failures: u32::from(is_put), ..Trials::default() },
        };
        if is_put { ScheduleChange::Put(entry) } else { ScheduleChange::Remove(entry.key()) }
    })
}

fn output() -> impl Strategy<Value = OutputChange> {
    let name = prop::sample::select(vec!["o", "p"]);
    (name, prop::option::of(0..3u64)).prop_map(|(name, value)| OutputChange {
        name: name.into(),
        value: value.map(|value| OutputValue {
            value: value.to_string().into(),
            ty: "\"number\"".into(),
            sensitive: false,
            until: None,
        }),
    })
}

/// A batch; the numbers of its new intents are made unique later.
fn batch() -> impl Strategy<Value = Batch> {
    let doubt = (1..9u64).prop_map(|id| (IntentId(id), IntentProgress::Doubtful("reset".into())));
    let closing = (1..9u64, outcome()).prop_map(|(id, outcome)| (IntentId(id), outcome));
    let pushed = prop::option::weighted(0.1, prop::collection::vec(change(), 0..4));
    (
        0..3usize,
        prop::collection::vec(doubt, 0..2),
        prop::collection::vec(closing, 0..3),
        prop::collection::vec(change(), 0..4),
        prop::collection::vec(output(), 0..2),
        prop::collection::vec(scheduled(), 0..3),
        pushed,
    )
        .prop_map(|(intents, progress, outcomes, objects, outputs, schedule, pushed)| Batch {
            intents: (0..intents).map(|_| intent(0, "a.new")).collect(),
            progress,
            outcomes,
            objects,
            outputs,
            schedule,
            replace: pushed.map(|objects| {
                let mut state = State { lineage: "pushed".into(), serial: 3, ..State::default() };
                state.fold(&Batch { objects, ..Batch::default() });
                Arc::new(state)
            }),
            ..Batch::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_file_says_what_the_function_says(batches in prop::collection::vec(batch(), 1..5)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (_dir, location) = place();
        let mut expected = State::default();
        let mut next = 1;
        for (number, mut batch) in batches.into_iter().enumerate() {
            for intent in &mut batch.intents {
                intent.id = IntentId(next);
                next += 1;
            }
            let before = expected.serial;
            let changed = expected.fold(&batch);
            if batch.replace.is_none() {
                expected.serial = before + u64::from(changed > 0);
            }
            let store = sqlite(&location);
            let serial = runtime.block_on(commit(&store, &number.to_string(), batch));
            prop_assert_eq!(serial, expected.serial);
            let state = runtime.block_on(store.load()).unwrap();
            if expected.lineage.is_empty() {
                expected.lineage = state.lineage.clone();
            }
            prop_assert_eq!(&state, &expected);
        }
    }
}
