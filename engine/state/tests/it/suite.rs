//! What every store promises, tried on each of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use terrarium_provider::{Accepted, Action, IntentId, Recorder, Schedule, Window};
use terrarium_state::{
    Batch, CommitError, Dep, Durability, Ended, Fence, IntentOutcome, IntentProgress, LockError,
    MemoryDisk, MemoryStore, Object, ObjectStatus, OutputChange, OutputValue, ScheduleChange,
    Scheduled, Script, SqliteStore, State, Store, Trials,
};
use terrarium_value::Value;

use crate::sample::{addr, at, change, commit, intent, object, objects, place, put, request};

/// Opens one and the same store as often as it is called, as several processes would.
type Open = Box<dyn Fn() -> Box<dyn Store>>;

/// Runs a promise on every kind of store.
async fn on_each<F: Future<Output = ()>>(promise: impl Fn(Open) -> F) {
    let (_dir, location) = place();
    promise(Box::new(move || {
        Box::new(SqliteStore::open(location.clone(), "default").unwrap()) as Box<dyn Store>
    }))
    .await;
    let disk = MemoryDisk::new(Script::Calm);
    promise(Box::new(move || Box::new(MemoryStore::open(disk.clone())) as Box<dyn Store>)).await;
}

#[tokio::test]
async fn nothing_is_an_empty_state_without_lineage() {
    on_each(|open| async move {
        assert_eq!(open().load().await.unwrap(), State::default());
        assert_eq!(open().history().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn everything_comes_back_as_it_was_written() {
    on_each(|open| async move {
        let batch = rich_batch();
        commit(&*open(), "one", batch.clone()).await;
        let state = open().load().await.unwrap();
        let mut expected = State { lineage: state.lineage.clone(), serial: 1, ..State::default() };
        expected.fold(&batch);
        assert_eq!(state, expected);
        assert_eq!(state.intents.len(), 3);
        assert_eq!(state.lineage.len(), 36);
    })
    .await;
}

/// A batch with everything that the state can hold.
fn rich_batch() -> Batch {
    let mut whole = object(r#"{"id":"7","secret":"s"}"#);
    whole.schema_version = 3;
    whole.sensitive = vec![
        terrarium_address::AttrPath::attr("secret").with(terrarium_address::PathStep::Index(2)),
    ];
    whole.private = Some(Arc::from(*b"\0\xffprivate"));
    whole.status = ObjectStatus::Tainted;
    whole.deps = vec![
        Dep::Instance(addr(r#"module.m["a.b\"c"].net.n[3]"#)),
        Dep::Instance(addr("net.one")),
        Dep::Block(addr("module.m.data.net.n").block),
        Dep::Set([addr("port.p[0]"), addr("port.p[1]")].into_iter().collect()),
    ];
    whole.realm = Some("https://cloud project 7".into());
    whole.create_before_destroy = true;
    whole.window = Window::new(at(5), Some(at(9)));
    whole.occupies = vec![addr("lease.l")];
    whole.ended = Some(Box::new(Ended { at: at(9), with: Some(addr("lease.l")) }));
    whole.identity = Some((1, r#"{"id":"7"}"#.into()));
    let mut deposed = change(r#"module.m["x"].server.s["ü"]"#, Some(object("{}")));
    deposed.deposed = Some("0123abcd".into());
    let output = OutputValue {
        value: "[1]".into(),
        ty: r#""any""#.into(),
        sensitive: true,
        until: Some(crate::sample::at(9)),
    };
    let scheduled = Scheduled {
        addr: addr("server.later"),
        deposed: None,
        action: Action::Update,
        schedule: Schedule { not_before: Some(at(100)), not_after: None },
        reason: "the lease begins".into(),
        approval: Some("hash".into()),
        inputs: BTreeMap::from([("var.image".into(), "01ab".into()), ("net.n".into(), "".into())]),
        trials: Trials { failures: 3, recreations: 2, again: Some(at(200)) },
    };
    let accepted = Accepted {
        id: "7".into(),
        state: Some(Value::string("building")),
        private: Some(Arc::from(*b"p")),
        poll_after: Duration::from_millis(1500),
        timeout: Duration::from_mins(30),
    };
    let mut told = intent(5, "server.s");
    told.cloud_at = Some(at(65));
    told.realm = Some("https://cloud project 7".into());
    told.follow_ups = vec!["delete_default_rules".into()];
    Batch {
        intents: (1..=4).map(|id| intent(id, "server.s")).chain([told]).collect(),
        progress: vec![
            (IntentId(1), IntentProgress::Accepted(Box::new(accepted))),
            (IntentId(2), IntentProgress::Doubtful("reset".into())),
        ],
        outcomes: vec![
            (IntentId(3), IntentOutcome::Row(change("server.s", Some(whole)))),
            (IntentId(4), IntentOutcome::Nothing),
        ],
        objects: vec![deposed, put("data.net.x", "{}")],
        sets: vec![[addr("port.q[0]")].into_iter().collect()],
        outputs: vec![OutputChange { name: "out".into(), value: Some(output) }],
        schedule: vec![ScheduleChange::Put(scheduled)],
        check_results: Some(Some("[]".into())),
        replace: None,
        adopted: None,
    }
}

#[tokio::test]
async fn a_command_raises_the_serial_once_and_only_when_it_changes_something() {
    on_each(|open| async move {
        let store = open();
        let fence = store.lock(request("one")).await.unwrap();
        let submit = |batch| store.submit(&fence, batch, Durability::Now).durable();
        let quiet = Batch { intents: vec![intent(1, "a.b")], ..Batch::default() };
        assert_eq!(submit(quiet).await, Ok(0));
        assert_eq!(submit(objects([put("a.b", "{}")])).await, Ok(1));
        assert_eq!(submit(objects([put("a.c", "{}")])).await, Ok(1));
        store.unlock(fence).await.unwrap();
        assert_eq!(commit(&*store, "two", objects([put("a.b", "{}")])).await, 1, "the same again");
        assert_eq!(commit(&*store, "three", objects([change("a.b", None)])).await, 2);
        let history = open().history().await.unwrap();
        let seen: Vec<_> = history.iter().map(|entry| (entry.serial, entry.changed)).collect();
        assert_eq!(seen, [(2, 1), (1, 2)]);
        assert_eq!(history[0].operation, "apply");
    })
    .await;
}

#[tokio::test]
async fn a_second_holder_is_refused_and_told_who_the_first_is() {
    on_each(|open| async move {
        let (first, second) = (open(), open());
        let fence = first.lock(request("one")).await.unwrap();
        let Err(LockError::Held(holder)) = second.lock(request("two")).await else {
            panic!("two holders")
        };
        assert_eq!(
            (&*holder.id, &*holder.who, &*holder.operation),
            ("one", "student@lab", "apply")
        );
        first.unlock(fence).await.unwrap();
        second.lock(request("two")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn commits_of_an_earlier_holder_are_refused() {
    on_each(|open| async move {
        let store = open();
        commit(&*store, "one", objects([put("a.b", "1")])).await;
        let old = store.lock(request("two")).await.unwrap();
        store.unlock(old.clone()).await.unwrap();
        let new = store.lock(request("three")).await.unwrap();
        assert_eq!(new.epoch, old.epoch + 1);
        let late = objects([put("a.b", "2")]);
        let refused = store.submit(&old, late, Durability::Now).durable().await;
        assert_eq!(refused, Err(CommitError::Lost));
        let invented = Fence { epoch: new.epoch, id: "other".into() };
        let late = objects([put("a.b", "3")]);
        let refused = store.submit(&invented, late, Durability::Now).durable().await;
        assert_eq!(refused, Err(CommitError::Lost));
        assert_eq!(&*current(&*store, "a.b").await.attributes, "1");
    })
    .await;
}

async fn current(store: &dyn Store, address: &str) -> Object {
    store.load().await.unwrap().resources[&addr(address)].current.clone().unwrap()
}

#[tokio::test]
async fn a_commit_that_somebody_waits_for_covers_what_was_lazy_before_it() {
    on_each(|open| async move {
        let store = open();
        let fence = store.lock(request("one")).await.unwrap();
        drop(store.submit(&fence, objects([put("a.local", "1")]), Durability::Lazy));
        let recorder = Recorder::new(store.intents(&fence));
        let recorded =
            recorder.record(vec![recorder.prepare(intent(0, "a.remote").to_draft())]).await;
        assert_eq!(recorded.unwrap()[0].intent().id, IntentId(1));
        let state = open().load().await.unwrap();
        assert!(state.resources.contains_key(&addr("a.local")));
        assert_eq!(state.intents.len(), 1);
        assert_eq!(state.lineage, store.intents(&fence).lineage());
    })
    .await;
}

#[tokio::test]
async fn a_lazy_batch_is_written_at_the_latest_when_the_lock_is_released() {
    on_each(|open| async move {
        let store = open();
        let fence = store.lock(request("one")).await.unwrap();
        drop(store.submit(&fence, objects([put("a.local", "1")]), Durability::Lazy));
        store.unlock(fence).await.unwrap();
        assert_eq!(&*current(&*open(), "a.local").await.attributes, "1");
    })
    .await;
}

#[tokio::test]
async fn numbers_of_intents_are_never_used_again() {
    on_each(|open| async move {
        for (id, expected) in [("one", 1), ("two", 2), ("three", 3)] {
            let store = open();
            let fence = store.lock(request(id)).await.unwrap();
            let recorder = Recorder::new(store.intents(&fence));
            let intent = recorder.prepare(intent(0, "a.b").to_draft());
            let id = intent.intent().id;
            assert_eq!(id, IntentId(expected));
            recorder.record(vec![intent]).await.unwrap();
            let closed = Batch { outcomes: vec![(id, IntentOutcome::Nothing)], ..Batch::default() };
            store.submit(&fence, closed, Durability::Now).durable().await.unwrap();
            store.unlock(fence).await.unwrap();
        }
        assert_eq!(open().load().await.unwrap().intents, []);
    })
    .await;
}

#[tokio::test]
async fn a_whole_state_replaces_ours_but_keeps_what_is_ended() {
    on_each(|open| async move {
        let mut ended = object("{}");
        ended.ended = Some(Box::new(Ended { at: at(1), with: None }));
        let before = objects([put("a.gone", "{}"), change("a.ended", Some(ended))]);
        commit(&*open(), "one", before).await;
        let mut pushed = State { lineage: "theirs".into(), serial: 40, ..State::default() };
        pushed.fold(&objects([put("a.new", "{}")]));
        pushed.husks.insert(addr("a.none").block, "p".into());
        let replace =
            |state: &State| Batch { replace: Some(Arc::new(state.clone())), ..Batch::default() };
        assert_eq!(commit(&*open(), "two", replace(&pushed)).await, 40);
        let state = open().load().await.unwrap();
        let addresses: Vec<_> = state.resources.keys().map(ToString::to_string).collect();
        assert_eq!(addresses, ["a.ended", "a.new"]);
        assert_eq!((&*state.lineage, state.husks.len()), ("theirs", 1));
        assert_eq!(commit(&*open(), "three", replace(&pushed)).await, 41, "never backwards");
    })
    .await;
}

#[tokio::test]
async fn the_memory_store_tells_the_truth_about_what_it_lost() {
    use terrarium_state::Fate;
    let fates = [Fate::Written, Fate::Full, Fate::HalfAcknowledged, Fate::Vanished, Fate::Lost];
    let disk = MemoryDisk::new(Script::Listed(fates.into()));
    let store = MemoryStore::open(disk.clone());
    let fence = store.lock(request("one")).await.unwrap();
    let mut answers = Vec::new();
    for number in 0..5 {
        let batch = objects([put(&format!("a.n{number}"), "{}")]);
        answers.push(store.submit(&fence, batch, Durability::Now).durable().await);
    }
    assert_eq!(answers[0], Ok(1));
    assert!(matches!(answers[1], Err(CommitError::Full(_))));
    assert!(matches!(answers[2], Err(CommitError::Unknown(_))));
    assert!(matches!(answers[3], Err(CommitError::Unknown(_))));
    assert_eq!(answers[4], Err(CommitError::Lost));
    let state = MemoryStore::open(disk).load().await.unwrap();
    let written: Vec<_> = state.resources.keys().map(ToString::to_string).collect();
    assert_eq!(written, ["a.n0", "a.n2"]);
}

#[tokio::test]
async fn a_seed_always_draws_the_same_faults() {
    async fn answers(seed: u64) -> Vec<bool> {
        let disk = MemoryDisk::new(Script::Seeded { state: seed, one_in: 3 });
        let mut answers = Vec::new();
        for number in 0..40 {
            let store = MemoryStore::open(disk.clone());
            let fence = store.lock(request(&number.to_string())).await.unwrap();
            let batch = objects([put("a.b", &number.to_string())]);
            answers.push(store.submit(&fence, batch, Durability::Now).durable().await.is_ok());
        }
        answers
    }
    assert_eq!(answers(7).await, answers(7).await);
    assert_ne!(answers(7).await, answers(8).await);
    assert!(answers(7).await.contains(&false) && answers(7).await.contains(&true));
}
