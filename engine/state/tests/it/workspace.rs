//! Workspaces, and the states of the past.

use terrarium_state::{SqliteStore, WorkspaceError, is_workspace_name};

use crate::sample::{addr, change, commit, objects, place, put, sqlite};

#[tokio::test]
async fn workspaces_are_made_listed_and_deleted() {
    let (_dir, location) = place();
    assert_eq!(SqliteStore::workspaces(&location).unwrap(), ["default"]);
    SqliteStore::create_workspace(&location, "lab", "seed").unwrap();
    let again = SqliteStore::create_workspace(&location, "lab", "seed");
    assert!(matches!(again, Err(WorkspaceError::Exists(_))));
    let default = SqliteStore::create_workspace(&location, "default", "seed");
    assert!(matches!(default, Err(WorkspaceError::Exists(_))));
    let named = SqliteStore::create_workspace(&location, "a/b", "seed");
    assert!(matches!(named, Err(WorkspaceError::Name(_))));
    assert_eq!(SqliteStore::workspaces(&location).unwrap(), ["default", "lab"]);

    let store = SqliteStore::open(location.clone(), "lab").unwrap();
    commit(&store, "one", objects([put("a.b", "{}")])).await;
    drop(store);
    let refused = SqliteStore::delete_workspace(&location, "lab", false).unwrap_err().to_string();
    assert_eq!(refused, "workspace \"lab\" still tracks 1 objects");
    SqliteStore::delete_workspace(&location, "lab", true).unwrap();
    assert_eq!(SqliteStore::workspaces(&location).unwrap(), ["default"]);
    let missing = SqliteStore::delete_workspace(&location, "lab", false);
    assert!(matches!(missing, Err(WorkspaceError::Missing(_))));
    let default = SqliteStore::delete_workspace(&location, "default", true);
    assert!(matches!(default, Err(WorkspaceError::Default)));
}

#[test]
fn names_of_workspaces_are_safe_in_paths() {
    assert!(["lab-1", "a_b.c~", "ÜBER"].map(is_workspace_name) == [true, true, false]);
    assert!(["", ".", "..", "a/b", "a b", "a%"].iter().all(|name| !is_workspace_name(name)));
}

#[tokio::test]
async fn the_past_can_be_seen_serial_by_serial() {
    let (_dir, location) = place();
    let store = sqlite(&location);
    commit(&store, "one", objects([put("a.b", "1"), put("a.c", "1")])).await;
    commit(&store, "two", objects([put("a.b", "2"), change("a.c", None)])).await;
    commit(&store, "three", objects([put("a.b", "3"), put("a.c", "3")])).await;
    let seen = async |serial| {
        let resources = store.resources_at(serial).await.unwrap();
        ["a.b", "a.c"].map(|address| {
            let current = resources.get(&addr(address))?.current.as_ref()?;
            Some(current.attributes.to_string())
        })
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(seen(3).await, [text("3"), text("3")]);
    assert_eq!(seen(2).await, [text("2"), None]);
    assert_eq!(seen(1).await, [text("1"), text("1")]);
    assert_eq!(seen(0).await, [None, None]);
}
