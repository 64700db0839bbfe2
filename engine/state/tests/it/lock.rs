//! Racing for the lock, taking it over, and Terraform's own.

use std::fs;

use terrarium_state::{CommitError, Durability, LockError, SqliteStore, Store};

use crate::sample::{addr, commit, objects, patient, place, put, request, sqlite};

#[test]
fn racing_commands_lose_no_change() {
    const COMMANDS: usize = 8;
    const ROUNDS: usize = 5;
    let (_dir, location) = place();
    std::thread::scope(|scope| {
        for command in 0..COMMANDS {
            let location = location.clone();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                for round in 0..ROUNDS {
                    runtime.block_on(add_one(&sqlite(&location), &format!("{command}-{round}")));
                }
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let state = runtime.block_on(sqlite(&location).load()).unwrap();
    let total = state.resources[&addr("a.total")].current.clone().unwrap();
    assert_eq!(&*total.attributes, (COMMANDS * ROUNDS).to_string());
    assert_eq!(state.serial, (COMMANDS * ROUNDS) as u64);
    assert!(!location.lock.exists(), "the lock file is removed");
}

async fn add_one(store: &SqliteStore, id: &str) {
    let fence = store.lock(patient(id)).await.unwrap();
    let state = store.load().await.unwrap();
    let total = state.resources.get(&addr("a.total")).and_then(|found| found.current.as_ref());
    let total = total.map_or(0, |object| object.attributes.parse::<usize>().unwrap());
    let batch = objects([put("a.total", &(total + 1).to_string())]);
    store.submit(&fence, batch, Durability::Now).durable().await.unwrap();
    store.unlock(fence).await.unwrap();
}

#[tokio::test]
async fn what_a_dead_holder_left_behind_is_taken_over_at_once() {
    let (_dir, location) = place();
    fs::write(&location.lock, r#"{"ID":"dead","Who":"a@b"}"#).unwrap();
    let fence = sqlite(&location).lock(request("one")).await.unwrap();
    assert_eq!((&*fence.id, fence.epoch), ("one", 1));
}

#[tokio::test]
async fn force_unlock_fences_off_the_holder_and_nobody_else() {
    let (_dir, location) = place();
    let paused = sqlite(&location);
    commit(&paused, "zero", objects([put("a.b", "0")])).await;
    let fence = paused.lock(request("paused")).await.unwrap();
    let other = sqlite(&location);
    assert!(matches!(other.force_unlock("wrong").await, Err(LockError::Held(_))));
    other.force_unlock("paused").await.unwrap();
    let theirs = other.lock(request("other")).await.unwrap();
    let late = paused.submit(&fence, objects([put("a.b", "1")]), Durability::Now);
    assert_eq!(late.durable().await, Err(CommitError::Lost));
    drop(paused);
    let mine = other.submit(&theirs, objects([put("a.b", "2")]), Durability::Now);
    assert_eq!(mine.durable().await, Ok(2));
    assert!(location.lock.exists(), "the new holder's lock file stays");
    assert!(other.force_unlock("other").await.is_ok());
    let unlocked = other.force_unlock("other").await.unwrap_err().to_string();
    assert_eq!(unlocked, "the state is not locked");
}

#[tokio::test]
async fn terraform_at_work_is_respected() {
    let (_dir, location) = place();
    let lock = location.terraform_lock.clone().unwrap();
    let text = r#"{"ID":"2f5","Operation":"OperationTypeApply","Info":"","Who":"ann@lab",
        "Version":"1.11.4","Created":"2026-11-24T10:00:00Z","Path":"terraform.tfstate"}"#;
    fs::write(&lock, text).unwrap();
    let Err(LockError::Held(holder)) = sqlite(&location).lock(request("one")).await else {
        panic!("locked beside Terraform")
    };
    assert_eq!((&*holder.id, &*holder.who, &*holder.version), ("2f5", "ann@lab", "1.11.4"));
    fs::remove_file(&lock).unwrap();
    sqlite(&location).lock(request("one")).await.unwrap();
}

#[tokio::test]
async fn workspaces_do_not_wait_for_each_other() {
    let (_dir, location) = place();
    let lab = SqliteStore::open(location.clone(), "lab").unwrap();
    let default = sqlite(&location);
    let one = lab.lock(request("one")).await.unwrap();
    let two = default.lock(request("two")).await.unwrap();
    for (store, fence, serial) in [(&lab, &one, 1), (&default, &two, 1), (&lab, &one, 1)] {
        let batch = objects([put("a.b", "{}")]);
        assert_eq!(store.submit(fence, batch, Durability::Now).durable().await, Ok(serial));
    }
    let lineages = (lab.load().await.unwrap().lineage, default.load().await.unwrap().lineage);
    assert_ne!(lineages.0, lineages.1);
}
