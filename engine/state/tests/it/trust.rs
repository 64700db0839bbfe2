//! What stands where the database was written is taken for the state only if it is what was written last.

use std::fs;
use std::path::{Path, PathBuf};

use terrarium_state::{
    Backend, Durability, Location, LockError, SqliteStore, State, Store, StoreError, edit,
};

use crate::sample::{addr, commit, objects, place, put, request, sqlite};

/// A place where two commands have changed something, and the database as the first one left it.
async fn two_commands() -> (tempfile::TempDir, Location, PathBuf) {
    let (dir, location) = place();
    commit(&sqlite(&location), "one", objects([put("a.one", "{}")])).await;
    let old = dir.path().join("old.db");
    fs::copy(&location.db, &old).unwrap();
    commit(&sqlite(&location), "two", objects([put("a.two", "{}")])).await;
    (dir, location, old)
}

/// Asserts that neither reading nor writing takes the file for the state, and that it is taken knowingly.
async fn is_refused(location: &Location, cause: &str, serial: u64) {
    let store = sqlite(location);
    for refused in [
        store.load().await.unwrap_err(),
        store.head().await.unwrap_err(),
        match store.lock(request("next")).await.unwrap_err() {
            LockError::Store(error) => error,
            LockError::Held(holder) => panic!("held by {holder:?}"),
        },
    ] {
        assert!(matches!(refused, StoreError::Stale { .. }), "{refused}");
        assert!(refused.to_string().contains(cause), "{refused}");
    }
    drop(store);
    Backend::accept(location, "default").await.unwrap();
    assert_eq!(sqlite(location).load().await.unwrap().serial, serial);
    commit(&sqlite(location), "after", objects([put("a.after", "{}")])).await;
    assert_eq!(sqlite(location).load().await.unwrap().serial, serial + 1);
}

#[tokio::test]
async fn an_old_copy_is_refused() {
    let (_dir, location, old) = two_commands().await;
    fs::copy(old, &location.db).unwrap();
    is_refused(&location, "serial 1 with 1 transactions, where serial 2 with 2", 1).await;
}

#[tokio::test]
async fn an_empty_file_is_refused() {
    let (_dir, location, _) = two_commands().await;
    fs::write(&location.db, "").unwrap();
    is_refused(&location, "it is empty", 0).await;
}

#[tokio::test]
async fn a_deleted_file_is_refused() {
    let (_dir, location, _) = two_commands().await;
    fs::remove_file(&location.db).unwrap();
    is_refused(&location, "it is not there any more", 0).await;
}

#[tokio::test]
async fn another_projects_file_is_refused() {
    let (_dir, location, _) = two_commands().await;
    let (_other_dir, other) = place();
    for number in 0..5 {
        let batch = objects([put("a.other", &number.to_string())]);
        commit(&sqlite(&other), &format!("other{number}"), batch).await;
    }
    fs::copy(&other.db, &location.db).unwrap();
    is_refused(&location, "it has another state", 5).await;
}

#[tokio::test]
async fn a_database_without_what_is_beside_it_is_taken_as_it_is() {
    let (_dir, location, _) = two_commands().await;
    let (_other_dir, elsewhere) = place();
    fs::copy(&location.db, &elsewhere.db).unwrap();
    assert_eq!(sqlite(&elsewhere).load().await.unwrap().serial, 2);
    assert_eq!(commit(&sqlite(&elsewhere), "next", objects([put("a.next", "{}")])).await, 3);
}

#[tokio::test]
async fn a_damaged_note_is_refused() {
    let (_dir, location, _) = two_commands().await;
    let head = head_of(&location.db);
    let mut bytes = fs::read(&head).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    fs::write(&head, bytes).unwrap();
    is_refused(&location, "checksum", 2).await;
}

fn head_of(db: &Path) -> PathBuf {
    db.with_file_name("terrarium.db-head")
}

/// Copies the files of a store at work, as a SIGKILL would leave them.
async fn killed_at_work() -> (tempfile::TempDir, Location) {
    let (dir, location) = place();
    commit(&sqlite(&location), "one", objects([put("a.one", "{}")])).await;
    let store = sqlite(&location);
    let fence = store.lock(request("two")).await.unwrap();
    for number in 0..20 {
        let batch = objects([put(&format!("a.b[{number}]"), &format!("\"{}\"", "x".repeat(3000)))]);
        store.submit(&fence, batch, Durability::Now).durable().await.unwrap();
    }
    let (left, at) = place();
    for name in ["terrarium.db", "terrarium.db-wal", "terrarium.db-head"] {
        fs::copy(dir.path().join(name), left.path().join(name)).unwrap();
    }
    (left, at)
}

#[tokio::test]
async fn what_a_killed_command_left_is_taken() {
    let (_dir, location) = killed_at_work().await;
    let state = sqlite(&location).load().await.unwrap();
    assert_eq!((state.serial, state.resources.len()), (2, 21));
}

/// Pushes another line of states over the one that is there.
async fn push_by_force(location: &Location, lineage: &str) {
    let store = sqlite(location);
    let own = store.load().await.unwrap();
    let other = State { lineage: lineage.into(), ..own.clone() };
    commit(&store, "push", edit::push(&own, other, true, None).unwrap()).await;
}

#[tokio::test]
async fn a_forced_push_that_was_killed_before_its_note_is_taken_and_older_ones_are_not() {
    let (dir, location, old) = two_commands().await;
    let (head, noted) = (head_of(&location.db), fs::read(head_of(&location.db)).unwrap());
    push_by_force(&location, "pushed").await;
    // The kill: what is beside the database still tells of the line before.
    fs::write(&head, &noted).unwrap();
    assert_eq!(&*sqlite(&location).load().await.unwrap().lineage, "pushed");
    let pushed = dir.path().join("pushed.db");
    fs::copy(&location.db, &pushed).unwrap();
    push_by_force(&location, "again").await;
    let again = fs::read(&head).unwrap();
    for stale in [&old, &pushed] {
        fs::copy(stale, &location.db).unwrap();
        fs::write(&head, &again).unwrap();
        is_refused(&location, "it has another state", sqlite_serial(stale)).await;
    }
    // Pushed back: a copy that follows the line that is there now is still older than it.
    push_by_force(&location, "pushed").await;
    push_by_force(&location, "other").await;
    let copy = dir.path().join("other.db");
    fs::copy(&location.db, &copy).unwrap();
    push_by_force(&location, "pushed").await;
    fs::copy(&copy, &location.db).unwrap();
    let refused = sqlite(&location).load().await.unwrap_err();
    assert!(refused.to_string().contains("it is older"), "{refused}");
}

fn sqlite_serial(db: &Path) -> u64 {
    let sql = rusqlite::Connection::open(db).unwrap();
    let serial: i64 = sql.query_row("SELECT serial FROM workspace", [], |row| row.get(0)).unwrap();
    serial.unsigned_abs()
}

#[tokio::test]
async fn a_note_that_was_killed_before_its_file_was_cut_is_whole() {
    let (_dir, location, _) = two_commands().await;
    let mut noted = fs::read(head_of(&location.db)).unwrap();
    noted.extend(b"of a longer one\"}\n");
    fs::write(head_of(&location.db), noted).unwrap();
    assert_eq!(sqlite(&location).load().await.unwrap().serial, 2);
}

/// A deletion that was killed before the database had it leaves the workspace as it was.
#[tokio::test]
async fn a_workspace_without_its_note_is_taken_and_a_new_one_of_that_name_begins_anew() {
    let (_dir, location, _) = two_commands().await;
    location.create_workspace("lab", "11111111-1111-4111-8111-111111111111").await.unwrap();
    let open = || SqliteStore::open(location.clone(), "lab").unwrap();
    commit(&open(), "lab", objects([put("a.lab", "{}")])).await;
    fs::remove_file(location.db.with_file_name("terrarium.db-head.lab")).unwrap();
    assert_eq!(open().load().await.unwrap().resources.len(), 1);
    location.delete_workspace("lab", true).await.unwrap();
    location.create_workspace("lab", "22222222-2222-4222-8222-222222222222").await.unwrap();
    assert_eq!(open().load().await.unwrap().resources.len(), 0);
}

#[tokio::test]
async fn a_lost_log_is_refused() {
    let (dir, location) = killed_at_work().await;
    fs::remove_file(dir.path().join("terrarium.db-wal")).unwrap();
    is_refused(&location, "serial 1 with 1 transactions, where serial 2 with 21", 1).await;
}

#[tokio::test]
async fn a_log_cut_short_or_changed_anywhere_is_refused() {
    let (dir, location) = killed_at_work().await;
    let log = dir.path().join("terrarium.db-wal");
    let whole = fs::read(&log).unwrap();
    let db = fs::read(&location.db).unwrap();
    for part in 1..10 {
        let at = whole.len() * part / 10;
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        for damaged in [&whole[..at], &flipped] {
            fs::write(&location.db, &db).unwrap();
            fs::write(&log, damaged).unwrap();
            let _ = fs::remove_file(dir.path().join("terrarium.db-shm"));
            let refused = sqlite(&location).load().await.unwrap_err();
            assert!(matches!(refused, StoreError::Stale { .. }), "{part}: {refused}");
        }
    }
}

#[tokio::test]
async fn between_commands_the_file_alone_is_whole() {
    let (dir, location) = place();
    let store = sqlite(&location);
    commit(&store, "one", objects([put("a.one", "{}")])).await;
    // The store is still open, as in a command that stays.
    let (_alone_dir, alone) = place();
    fs::copy(&location.db, &alone.db).unwrap();
    assert_eq!(sqlite(&alone).load().await.unwrap(), store.load().await.unwrap());
    let fence = store.lock(request("two")).await.unwrap();
    let log = dir.path().join("terrarium.db-wal");
    assert_eq!(fs::metadata(log).map_or(0, |file| file.len()), 0, "checkpointed under the lock");
    store.unlock(fence).await.unwrap();
}

#[tokio::test]
async fn a_backup_is_a_whole_copy_and_never_over_something() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, location, _) = two_commands().await;
    let store = sqlite(&location);
    let fence = store.lock(request("three")).await.unwrap();
    let written = store.submit(&fence, objects([put("a.three", "{}")]), Durability::Now);
    written.durable().await.unwrap();
    let copy = dir.path().join("copy.db");
    Backend::backup(&location, &copy).await.unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Backend::backup(&location, &copy).await.is_err(), "it is there already");
    let (_restored_dir, restored) = place();
    fs::copy(&copy, &restored.db).unwrap();
    assert_eq!(sqlite(&restored).load().await.unwrap().serial, 3);
    let (_empty_dir, empty) = place();
    assert!(Backend::backup(&empty, &dir.path().join("none.db")).await.is_err());
    assert!(!dir.path().join("none.db").exists());
}

#[tokio::test]
async fn a_changed_bit_is_damage_or_changes_nothing() {
    let (_dir, location) = place();
    let many = (0..200).map(|n| put(&format!("a.b[{n}]"), &format!(r#"{{"n":"{n:0200}"}}"#)));
    commit(&sqlite(&location), "one", objects(many)).await;
    commit(&sqlite(&location), "two", objects([put("a.b[7]", r#"{"n":"8"}"#)])).await;
    let whole = fs::read(&location.db).unwrap();
    let truth = sqlite(&location).load().await.unwrap();
    let (mut told, mut harmless) = (0, 0);
    for step in 0..400 {
        let at = step * (whole.len() - 1) / 399;
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (step % 8);
        fs::write(&location.db, bytes).unwrap();
        match read(&location).await {
            Err(_) => told += 1,
            Ok(state) => {
                assert_eq!(state, truth, "a bit of byte {at} changed what is read");
                harmless += 1;
            }
        }
    }
    assert!(told > 100, "{told} of {} were told", told + harmless);
}

async fn read(location: &Location) -> Result<State, StoreError> {
    SqliteStore::open(location.clone(), "default")?.load().await
}

#[tokio::test]
async fn each_workspace_is_trusted_for_itself() {
    let (_dir, location, _) = two_commands().await;
    location.create_workspace("lab", "11111111-1111-4111-8111-111111111111").await.unwrap();
    let lab = SqliteStore::open(location.clone(), "lab").unwrap();
    commit(&lab, "lab", objects([put("a.lab", "{}")])).await;
    drop(lab);
    let head = location.db.with_file_name("terrarium.db-head.lab");
    assert!(head.exists());
    location.delete_workspace("lab", true).await.unwrap();
    assert!(!head.exists(), "a new workspace of that name begins anew");
    assert!(sqlite(&location).load().await.unwrap().resources.contains_key(&addr("a.two")));
}
