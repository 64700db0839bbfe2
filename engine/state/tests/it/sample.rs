//! Small batches, requests and places that the tests share.

use std::time::Duration;

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_provider::{Action, Intent, IntentId, Marker};
use terrarium_state::{
    Batch, Location, LockRequest, LockScope, Object, ObjectChange, SqliteStore, Store,
};

pub(crate) const PROVIDER: &str = r#"provider["terraform.io/builtin/terraform"]"#;

pub(crate) fn addr(text: &str) -> ResourceAddr {
    text.parse().unwrap()
}

pub(crate) fn object(attributes: &str) -> Object {
    Object { attributes: attributes.into(), ..Object::default() }
}

pub(crate) fn put(address: &str, attributes: &str) -> ObjectChange {
    change(address, Some(object(attributes)))
}

pub(crate) fn change(address: &str, object: Option<Object>) -> ObjectChange {
    ObjectChange { addr: addr(address), deposed: None, provider: PROVIDER.into(), object }
}

pub(crate) fn objects(objects: impl IntoIterator<Item = ObjectChange>) -> Batch {
    Batch { objects: objects.into_iter().collect(), ..Batch::default() }
}

pub(crate) fn intent(id: u64, address: &str) -> Intent {
    Intent {
        id: IntentId(id),
        addr: addr(address),
        action: Action::Create,
        marker: Marker::derive("l", &addr(address), IntentId(id)),
        at: at(id),
        cloud_at: None,
        realm: None,
        provider: PROVIDER.into(),
        planned: Some(r#"{"a":1}"#.into()),
        object_id: None,
        deposed: None,
        follow_ups: Vec::new(),
    }
}

pub(crate) fn at(second: u64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + i64::try_from(second).unwrap()).unwrap()
}

pub(crate) fn request(id: &str) -> LockRequest {
    LockRequest {
        id: id.into(),
        scope: LockScope::Workspace,
        operation: "apply".into(),
        who: "student@lab".into(),
        version: "0.1.0".into(),
        at: at(0),
        timeout: Duration::ZERO,
    }
}

pub(crate) fn patient(id: &str) -> LockRequest {
    LockRequest { timeout: Duration::from_mins(1), ..request(id) }
}

pub(crate) fn place() -> (tempfile::TempDir, Location) {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::beside(dir.path());
    (dir, location)
}

pub(crate) fn sqlite(location: &Location) -> SqliteStore {
    SqliteStore::open(location.clone(), "default").unwrap()
}

/// Commits one batch under a lock of its own.
pub(crate) async fn commit(store: &dyn Store, id: &str, batch: Batch) -> u64 {
    let fence = store.lock(request(id)).await.unwrap();
    let serial = store.submit(&fence, batch, terrarium_state::Durability::Now).durable().await;
    store.unlock(fence).await.unwrap();
    serial.unwrap()
}
