//! Taking over what Terraform left.

use std::fs;
use std::path::Path;

use terrarium_state::adopt::{
    AdoptError, Adoption, LocalBackend, Places, look, terraform_lock, terraform_workspace,
    terraform_workspaces,
};
use terrarium_state::{State, Store, v4};

use crate::sample::{commit, objects, place, put, sqlite};

const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"theirs",
    "outputs":{},"resources":[{"mode":"managed","type":"a","name":"b",
    "provider":"provider[\"registry.opentofu.org/x/a\"]","instances":[{"schema_version":0,
    "attributes":{},"sensitive_attributes":[]}]}],"check_results":null}"#;

fn places(dir: &Path) -> Places {
    Places {
        dir: dir.to_owned(),
        data_dir: dir.join(".terraform"),
        backend: None,
        workspace: "default".into(),
        largest_bytes: v4::LARGEST_BYTES,
    }
}

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn taken(adoption: Result<Adoption, AdoptError>) -> (String, u64) {
    match adoption {
        Ok(Adoption::Take(found)) => (found.adopted.path, found.state.serial),
        other => panic!("not taken: {other:?}"),
    }
}

#[tokio::test]
async fn a_state_is_taken_over_once_and_watched_from_then_on() {
    let (dir, location) = place();
    let places = places(dir.path());
    assert_eq!(look(&places, &State::default()), Ok(Adoption::Nothing));
    write(dir.path(), "terraform.tfstate", STATE);
    let Ok(Adoption::Take(found)) = look(&places, &State::default()) else { panic!("not taken") };
    commit(&sqlite(&location), "init", found.batch()).await;

    let own = sqlite(&location).load().await.unwrap();
    assert_eq!((&*own.lineage, own.serial), ("theirs", 7));
    assert_eq!(look(&places, &own), Ok(Adoption::Nothing));
    assert_eq!(fs::read_to_string(dir.path().join("terraform.tfstate")).unwrap(), STATE);

    write(dir.path(), "terraform.tfstate", &STATE.replace("\"serial\":7", "\"serial\":8"));
    let refused = look(&places, &own).unwrap_err();
    assert_eq!(refused, AdoptError::Changed { path: "terraform.tfstate".into() });
    assert!(refused.help().contains("terrarium state push -force terraform.tfstate"));
    fs::remove_file(dir.path().join("terraform.tfstate")).unwrap();
    assert_eq!(look(&places, &own), Ok(Adoption::Nothing), "moved away");
}

#[tokio::test]
async fn a_state_of_our_own_is_never_replaced() {
    let (dir, location) = place();
    commit(&sqlite(&location), "one", objects([put("a.b", "{}")])).await;
    let own = sqlite(&location).load().await.unwrap();
    write(dir.path(), "terraform.tfstate", STATE);
    let path = dir.path().join("terraform.tfstate");
    assert_eq!(look(&places(dir.path()), &own), Ok(Adoption::Beside(path)));
    write(dir.path(), "terraform.tfstate", &v4::write(&State::default()));
    assert_eq!(look(&places(dir.path()), &own), Ok(Adoption::Nothing), "nothing in it");
}

#[test]
fn backends_and_workspaces_say_where_the_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, own) = (dir.path(), State::default());
    for name in ["my.tfstate", "sub/recorded.tfstate", "ws/lab/terraform.tfstate"] {
        write(dir, name, STATE);
    }
    write(dir, "terraform.tfstate.d/lab/terraform.tfstate", STATE);
    let lab = Places { workspace: "lab".into(), ..places(dir) };
    assert_eq!(taken(look(&lab, &own)).0, "terraform.tfstate.d/lab/terraform.tfstate");
    assert_eq!(terraform_workspaces(&lab).unwrap(), ["lab"]);

    let path = Some("my.tfstate".into());
    let backend = LocalBackend { path, workspace_dir: Some("ws".into()) };
    let named = Places { backend: Some(backend.clone()), ..places(dir) };
    assert_eq!(taken(look(&named, &own)).0, "my.tfstate");
    let named = Places { workspace: "lab".into(), ..named };
    assert_eq!(taken(look(&named, &own)).0, "ws/lab/terraform.tfstate");

    let local = r#"{"version":3,"backend":{"type":"local","config":{"path":"sub/recorded.tfstate",
        "workspace_dir":null},"hash":1}}"#;
    write(dir, ".terraform/terraform.tfstate", local);
    assert_eq!(taken(look(&places(dir), &own)).0, "sub/recorded.tfstate");
    let lock = terraform_lock(&dir.join("sub/recorded.tfstate"));
    assert_eq!(lock, dir.join("sub/.recorded.tfstate.lock.info"));
}

#[tokio::test]
async fn another_backend_is_never_a_silent_empty_state() {
    let (dir, location) = place();
    let remote = r#"{"version":3,"backend":{"type":"s3","config":{"bucket":"b"},"hash":1}}"#;
    write(dir.path(), ".terraform/terraform.tfstate", remote);
    let refused = look(&places(dir.path()), &State::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Terraform keeps the state of this configuration in a \"s3\" backend, which is not supported"
    );
    assert!(refused.help().contains("terraform state pull > pulled.tfstate"));
    commit(&sqlite(&location), "push", objects([put("a.b", "{}")])).await;
    let own = sqlite(&location).load().await.unwrap();
    assert_eq!(look(&places(dir.path()), &own), Ok(Adoption::Nothing), "they pushed it");
}

#[test]
fn a_damaged_state_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "terraform.tfstate.backup", "{\"version\":4}");
    for (text, expected) in [("", "the file is empty"), ("{\"version\":4,", "in line 1")] {
        write(dir.path(), "terraform.tfstate", text);
        let refused = look(&places(dir.path()), &State::default()).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
        assert!(refused.help().contains("terraform.tfstate.backup"));
    }
}

#[test]
fn an_empty_file_that_terraform_made_for_its_lock_is_no_state() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "terraform.tfstate", "");
    assert_eq!(look(&places(dir.path()), &State::default()), Ok(Adoption::Nothing));
    write(dir.path(), "terraform.tfstate.backup", "");
    assert_eq!(look(&places(dir.path()), &State::default()), Ok(Adoption::Nothing));
}

#[test]
fn terraforms_selected_workspace_is_read() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(terraform_workspace(dir.path()), Ok(None));
    write(dir.path(), "environment", "lab\n");
    assert_eq!(terraform_workspace(dir.path()), Ok(Some("lab".to_owned())));
    write(dir.path(), "environment", "");
    assert_eq!(terraform_workspace(dir.path()), Ok(None));
}
