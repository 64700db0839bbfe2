//! Files that are damaged, newer, foreign or too small.

use std::fs;

use terrarium_state::{
    CommitError, Durability, Location, LockError, SqliteStore, Store, StoreError,
};

use crate::sample::{commit, objects, place, put, request, sqlite};

#[tokio::test]
async fn reading_makes_no_file() {
    let (dir, location) = place();
    let store = sqlite(&location);
    store.load().await.unwrap();
    store.history().await.unwrap();
    SqliteStore::workspaces(&location).unwrap();
    drop(store);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn only_the_owner_can_read_the_file_and_nothing_else_stays() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, location) = place();
    commit(&sqlite(&location), "one", objects([put("a.b", "{}")])).await;
    let mode = fs::metadata(&location.db).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["terrarium.db", "terrarium.db-head"]);
    let mode = fs::metadata(dir.path().join("terrarium.db-head")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_no_database_is_damaged() {
    let (_dir, location) = place();
    fs::write(&location.db, "# not a database, but long enough to have a header\n".repeat(100))
        .unwrap();
    assert!(matches!(open(&location), Err(StoreError::Damaged { .. })));
}

#[test]
fn another_programs_database_is_left_alone() {
    let (_dir, location) = place();
    let sql = rusqlite::Connection::open(&location.db).unwrap();
    sql.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(sql);
    let before = fs::read(&location.db).unwrap();
    assert!(matches!(open(&location), Err(StoreError::Damaged { .. })));
    assert_eq!(fs::read(&location.db).unwrap(), before);
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let (_dir, location) = place();
    commit(&sqlite(&location), "one", objects([put("a.b", "{}")])).await;
    let sql = rusqlite::Connection::open(&location.db).unwrap();
    sql.pragma_update(None, "user_version", 99).unwrap();
    drop(sql);
    let before = fs::read(&location.db).unwrap();
    assert!(matches!(open(&location), Err(StoreError::Newer { found: 99, known: 4, .. })));
    assert_eq!(fs::read(&location.db).unwrap(), before);
}

#[tokio::test]
async fn an_empty_file_is_as_good_as_none() {
    let (_dir, location) = place();
    fs::write(&location.db, "").unwrap();
    assert_eq!(commit(&sqlite(&location), "one", objects([put("a.b", "{}")])).await, 1);
}

#[tokio::test]
async fn a_damaged_page_is_found_before_anything_is_changed() {
    let (_dir, location) = place();
    let many = (0..500).map(|n| put(&format!("a.b[{n}]"), &format!(r#"{{"n":"{n:0300}"}}"#)));
    commit(&sqlite(&location), "one", objects(many)).await;
    let mut bytes = fs::read(&location.db).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 64].fill(0xa5);
    fs::write(&location.db, bytes).unwrap();
    let store = sqlite(&location);
    let refused = store.lock(request("two")).await.unwrap_err();
    assert!(matches!(refused, LockError::Store(StoreError::Damaged { .. })), "{refused}");
}

#[tokio::test]
async fn a_full_disk_refuses_the_batch_and_keeps_what_was_there() {
    let (_dir, mut location) = place();
    location.size_limit_bytes = Some(300 * 1024);
    let store = sqlite(&location);
    let fence = store.lock(request("one")).await.unwrap();
    let large = "7".repeat(100_000);
    let mut written = 0;
    let refusal = loop {
        let batch = objects([put(&format!("a.b[{written}]"), &large), put("a.c", "{}")]);
        match store.submit(&fence, batch, Durability::Now).durable().await {
            Ok(_) => written += 1,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, CommitError::Full(_)), "{refusal}");
    let below = std::error::Error::source(&refusal).expect("the store's own error");
    let below = below.downcast_ref::<StoreError>();
    assert!(matches!(below, Some(StoreError::Full { .. })), "{below:?}");
    assert!(below.and_then(std::error::Error::source).is_some(), "and what the database said");
    assert!(written > 0);
    assert_eq!(store.load().await.unwrap().resources.len(), written + 1);
    let small = store.submit(&fence, objects([put("a.d", "{}")]), Durability::Now);
    assert!(small.durable().await.is_ok(), "what fits is still written");
}

#[tokio::test]
async fn nothing_is_written_after_a_lazy_batch_was_lost() {
    let (_dir, mut location) = place();
    location.size_limit_bytes = Some(300 * 1024);
    let store = sqlite(&location);
    let fence = store.lock(request("one")).await.unwrap();
    let large = "7".repeat(900_000);
    drop(store.submit(&fence, objects([put("a.local", &large)]), Durability::Lazy));
    let rests = store.submit(&fence, objects([put("a.b", "{}")]), Durability::Now);
    assert!(matches!(rests.durable().await, Err(CommitError::Full(_))));
    let later = store.submit(&fence, objects([put("a.b", "{}")]), Durability::Now);
    assert!(matches!(later.durable().await, Err(CommitError::Full(_))));
    store.unlock(fence).await.unwrap();
    assert_eq!(commit(&store, "two", objects([put("a.b", "{}")])).await, 1);
}

fn open(location: &Location) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(location.clone(), "default")
}
