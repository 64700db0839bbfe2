//! Files of older formats are brought to today's.

use std::collections::BTreeMap;

use terrarium_provider::{Action, Schedule};
use terrarium_state::{Batch, Scheduled, Store};

use crate::sample::{addr, at, commit, place, sqlite};

/// A file as the first format left it: one object, one scheduled action.
const FIRST: &str = "
    INSERT INTO workspace (name, lineage, serial, epoch, raised_in, next_intent)
    VALUES ('default', 'ours', 3, 3, 3, 1);
    INSERT INTO object VALUES (1, 'a.b', '', 'p', '{\"id\":\"7\"}', 0, NULL, 0, 0, NULL);
    INSERT INTO scheduled VALUES (1, 0, 'server.later', 'create', '2027-01-15T08:00:05Z', NULL, 'why', 'hash');
";

#[tokio::test]
async fn a_file_of_the_first_format_is_read_and_goes_on() {
    let (_dir, location) = place();
    let sql = rusqlite::Connection::open(&location.db).unwrap();
    sql.execute_batch(include_str!("../../src/sqlite/format1.sql")).unwrap();
    sql.execute_batch(FIRST).unwrap();
    sql.pragma_update(None, "application_id", 0x5472_7261).unwrap();
    sql.pragma_update(None, "user_version", 1).unwrap();
    drop(sql);
    let store = sqlite(&location);
    let state = store.load().await.unwrap();
    assert_eq!((&*state.lineage, state.serial), ("ours", 3));
    assert_eq!(
        &*state.resources[&addr("a.b")].current.as_ref().unwrap().attributes,
        r#"{"id":"7"}"#
    );
    let scheduled = Scheduled {
        addr: addr("server.later"),
        action: Action::Create,
        schedule: Schedule { not_before: Some(at(5)), not_after: None },
        reason: "why".into(),
        approval: Some("hash".into()),
        inputs: BTreeMap::new(),
    };
    let inputs = BTreeMap::from([("var.x".into(), "9f".into())]);
    let named = Scheduled { inputs, ..scheduled.clone() };
    assert_eq!(state.schedule, [scheduled]);
    commit(&store, "two", Batch { schedule: Some(vec![named.clone()]), ..Batch::default() }).await;
    assert_eq!(sqlite(&location).load().await.unwrap().schedule, [named]);
    let sql = rusqlite::Connection::open(&location.db).unwrap();
    let version: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
}
