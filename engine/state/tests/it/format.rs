//! Files of older formats are brought to today's.

use std::collections::BTreeMap;

use rusqlite::Connection;
use terrarium_provider::{Action, IntentId, Schedule};
use terrarium_state::{
    Batch, Dep, Durability, Ended, IntentProgress, Location, ObjectStatus, OutputValue,
    ScheduleChange, Scheduled, Store, Trials,
};

use crate::sample::{addr, at, commit, objects, place, put, sqlite};

/// A file as the first format left it: one object, one scheduled action.
const FIRST: &str = "
    INSERT INTO workspace (name, lineage, serial, epoch, raised_in, next_intent)
    VALUES ('default', 'ours', 3, 3, 3, 1);
    INSERT INTO object VALUES (1, 'a.b', '', 'p', '{\"id\":\"7\"}', 0, NULL, 0, 0, NULL);
    INSERT INTO scheduled VALUES (1, 0, 'server.later', 'create', '2027-01-15T08:00:05Z', NULL, 'why', 'hash');
";

/// A file as the second format left it: two workspaces, one of a simulated world and one of a real cloud.
const SECOND: &str = r#"
    INSERT INTO workspace (id, name, lineage, serial, epoch, holder, raised_in, next_intent, realm,
                           check_results, adopted_path, adopted_hash)
    VALUES (1, 'default', 'ours', 7, 9, 'dead', 9, 12, 'testbed w1', '[1]', 'a.tfstate', '00'),
           (5, 'real', 'other', 1, 1, NULL, 1, 2, 'https://cloud/v3 R p', NULL, NULL, NULL);
    INSERT INTO object VALUES
        (1, 'a.b', '', 'p', '{"id":"7"}', 2, x'00ff', 1, 1, '{"deps":["=a.c","a.d"]}'),
        (1, 'a.b', '0123abcd', 'p', '{}', 0, NULL, 0, 0, NULL),
        (1, 'a.c', '', 'p', '{}', 0, NULL, 0, 0, '{"ended":["2027-01-15T08:00:05Z","a.l"]}'),
        (5, 'a.b', '', 'p', '{}', 0, NULL, 0, 0, NULL);
    INSERT INTO former VALUES
        (1, 7, 'a.b', '', 'p', '{"id":"6"}', 2, NULL, 0, 0, NULL),
        (1, 7, 'a.c', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO husk VALUES (1, 'a.none', 'p');
    INSERT INTO output VALUES (1, 'o', '1', '"number"', 1, '2027-01-15T08:00:09Z');
    INSERT INTO intent VALUES
        (1, 11, 'a.new', 'create', 'aaaaaaaaaaaaaaaa', '2027-01-15T08:00:01Z', 'p', '{}', NULL, NULL,
         'doubtful', 'reset');
    INSERT INTO history VALUES (1, 6, '2027-01-15T08:00:00Z', 'apply', 'me', 4),
                               (1, 7, '2027-01-15T08:00:01Z', 'apply', 'me', 2);
"#;

/// Makes a file of an older format.
fn make(location: &Location, version: u32, rows: &str) {
    let sql = Connection::open(&location.db).unwrap();
    sql.execute_batch(include_str!("../../src/sqlite/format1.sql")).unwrap();
    if version > 1 {
        sql.execute_batch(include_str!("../../src/sqlite/format2.sql")).unwrap();
    }
    sql.execute_batch(rows).unwrap();
    sql.pragma_update(None, "application_id", 0x5472_7261).unwrap();
    sql.pragma_update(None, "user_version", version).unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_format_is_read_and_goes_on() {
    let (_dir, location) = place();
    make(&location, 1, FIRST);
    let store = sqlite(&location);
    let state = store.load().await.unwrap();
    assert_eq!((&*state.lineage, state.serial), ("ours", 3));
    assert_eq!(
        &*state.resources[&addr("a.b")].current.as_ref().unwrap().attributes,
        r#"{"id":"7"}"#
    );
    let scheduled = Scheduled {
        addr: addr("server.later"),
        deposed: None,
        action: Action::Create,
        schedule: Schedule { not_before: Some(at(5)), not_after: None },
        reason: "why".into(),
        approval: Some("hash".into()),
        inputs: BTreeMap::new(),
        trials: terrarium_state::Trials::default(),
    };
    let inputs = BTreeMap::from([("var.x".into(), "9f".into())]);
    let named = Scheduled { inputs, ..scheduled.clone() };
    assert_eq!(state.schedule, [scheduled]);
    let batch = Batch { schedule: vec![ScheduleChange::Put(named.clone())], ..Batch::default() };
    commit(&store, "two", batch).await;
    assert_eq!(sqlite(&location).load().await.unwrap().schedule, [named]);
    let sql = Connection::open(&location.db).unwrap();
    let version: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 4);
}

#[tokio::test]
async fn every_row_of_the_second_format_is_taken_over() {
    let (_dir, location) = place();
    make(&location, 2, SECOND);
    let store = sqlite(&location);
    let state = store.load().await.unwrap();
    let instance = &state.resources[&addr("a.b")];
    let whole = instance.current.as_ref().unwrap();
    assert_eq!((whole.status, whole.schema_version), (ObjectStatus::Tainted, 2));
    assert_eq!(whole.private.as_deref(), Some(&b"\0\xff"[..]));
    assert_eq!(whole.deps, [Dep::Instance(addr("a.c")), Dep::Block(addr("a.d").block)]);
    assert_eq!(whole.realm.as_deref(), Some("testbed w1"), "the state was bound to it");
    assert!(instance.deposed.contains_key("0123abcd"));
    let ended = state.resources[&addr("a.c")].current.as_ref().unwrap().ended.clone();
    assert_eq!(ended.as_deref().cloned(), Some(Ended { at: at(5), with: Some(addr("a.l")) }));
    let output = OutputValue {
        value: "1".into(),
        ty: r#""number""#.into(),
        sensitive: true,
        until: Some(at(9)),
    };
    assert_eq!(state.outputs, BTreeMap::from([("o".into(), output)]));
    let open = &state.intents[0];
    assert_eq!((open.intent.id, open.intent.realm.as_deref()), (IntentId(11), Some("testbed w1")));
    assert_eq!(open.progress, IntentProgress::Doubtful("reset".into()));
    assert_eq!((state.husks.len(), state.check_results.as_deref()), (1, Some("[1]")));
    assert_eq!(state.adopted.as_ref().map(|adopted| &*adopted.path), Some("a.tfstate"));
    let changed: Vec<_> =
        store.history().await.unwrap().iter().map(|it| (it.serial, it.changed)).collect();
    assert_eq!(changed, [(7, 2), (6, 4)]);
    let before = store.resources_at(6).await.unwrap();
    assert_eq!(before.keys().map(ToString::to_string).collect::<Vec<_>>(), ["a.b"]);
    let head = store.head().await.unwrap();
    assert_eq!((&*head.lineage, head.serial, head.epoch), ("ours", 7, 9));
    let fence = store.lock(crate::sample::request("next")).await.unwrap();
    assert_eq!(fence.epoch, 10);
    store.unlock(fence).await.unwrap();
    let real = terrarium_state::SqliteStore::open(location, "real").unwrap();
    let state = real.load().await.unwrap();
    let object = state.resources[&addr("a.b")].current.as_ref().unwrap();
    assert_eq!(object.realm, None, "what was noted of a real cloud names no project");
}

#[tokio::test]
async fn a_taken_over_file_counts_on_where_the_older_one_stopped() {
    let (_dir, location) = place();
    make(&location, 2, SECOND);
    assert_eq!(commit(&sqlite(&location), "one", objects([put("a.z", "{}")])).await, 8);
    let history = sqlite(&location).history().await.unwrap();
    let seen: Vec<_> = history.iter().map(|entry| (entry.serial, entry.changed)).collect();
    assert_eq!(seen, [(8, 1), (7, 2), (6, 4)]);
}

/// Today's file without what format 4 adds is one of format 3.
#[tokio::test]
async fn a_schedule_of_the_third_format_has_not_failed_yet() {
    let (_dir, location) = place();
    make(&location, 1, FIRST);
    drop(sqlite(&location).load().await.unwrap());
    let sql = Connection::open(&location.db).unwrap();
    sql.execute_batch("DROP TABLE trial").unwrap();
    sql.pragma_update(None, "user_version", 3).unwrap();
    drop(sql);
    let store = sqlite(&location);
    let mut entry = store.load().await.unwrap().schedule.remove(0);
    assert_eq!(entry.trials, Trials::default());
    entry.trials = Trials { failures: 2, recreations: 1, again: Some(at(7)) };
    let fence = store.lock(crate::sample::request("run")).await.unwrap();
    let batch = Batch { schedule: vec![ScheduleChange::Put(entry.clone())], ..Batch::default() };
    store.submit(&fence, batch, Durability::Now).durable().await.unwrap();
    assert_eq!(store.load().await.unwrap().schedule, [entry.clone()]);
    let batch = Batch { schedule: vec![ScheduleChange::Remove(entry.key())], ..Batch::default() };
    store.submit(&fence, batch, Durability::Now).durable().await.unwrap();
    let anew = Scheduled { trials: Trials::default(), ..entry };
    let batch = Batch { schedule: vec![ScheduleChange::Put(anew.clone())], ..Batch::default() };
    store.submit(&fence, batch, Durability::Now).durable().await.unwrap();
    assert_eq!(store.load().await.unwrap().schedule, [anew], "what went away is forgotten");
}
