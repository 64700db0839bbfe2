//! How the provider logs in: files, environment and provider block.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use terrarium_openstack::{CloudSource, OpenStack, Places, Settings};
use terrarium_provider::{Configured, DataRequest, FixedClock, ProviderKind};

use crate::case::addr;
use crate::cloud::Cloud;
use crate::convert::value_of;

const CLOUDS: &str = r"
clouds:
  openstack:
    auth:
      auth_url: http://cloud/identity/v3
      application_credential_id: app-id
    region_name: KVM
    interface: public
    auth_type: v3applicationcredential
  other:
    auth: {auth_url: http://cloud/identity, username: u, project_name: p, user_domain_name: D, project_domain_id: default}
    regions:
      - name: ELSEWHERE
        values: {auth: {auth_url: http://elsewhere}}
      - KVM
";

const SECURE: &str = r"
clouds:
  openstack: {auth: {application_credential_secret: app-secret}}
  other: {auth: {password: pass-word}}
";

/// Configures with a provider block and an environment; returns the body of the login, or what was
/// said.
fn log_in(block: &Json, env: &[(&str, &str)], files: bool) -> Result<Json, String> {
    let folder = tempfile::tempdir().unwrap();
    if files {
        std::fs::write(folder.path().join("clouds.yaml"), CLOUDS).unwrap();
        std::fs::write(folder.path().join("secure.yaml"), SECURE).unwrap();
    }
    let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(attempt(block, env, folder.path()))
}

async fn attempt(
    block: &Json,
    env: BTreeMap<String, String>,
    folder: &Path,
) -> Result<Json, String> {
    let cloud = Cloud::new([]);
    let kind = OpenStack::new(Settings {
        transport: cloud.clone(),
        clouds: CloudSource::Files(Places { working_dir: folder.to_owned(), home: None }),
        clock: Arc::new(FixedClock("2026-03-01T12:00:00Z".parse().unwrap())),
        env,
    });
    let config = value_of(block, &kind.config_schema().block.ty());
    let request = crate::cloud::request(config, "1.51.1");
    let Configured { provider, diagnostics } = kind.configure(request).await;
    let Some(provider) = provider else {
        let said: Vec<String> = diagnostics.iter().map(|one| one.detail.clone()).collect();
        return Err(said.join("\n"));
    };
    let name = "openstack_networking_network_v2";
    let schema = kind.data_schema(name).unwrap();
    let config = value_of(&json!({"name": "x"}), &schema.block.ty());
    let request = DataRequest { kind: name.into(), addr: addr(name), config };
    provider.read_data_many(vec![request]).await;
    Ok(cloud.auth.lock().unwrap().first().cloned().unwrap_or(Json::Null))
}

#[test]
fn secrets_stand_in_a_file_of_their_own() {
    let body = log_in(&json!({"cloud": "openstack"}), &[], true).unwrap();
    let identity = json!({"methods": ["application_credential"],
        "application_credential": {"id": "app-id", "secret": "app-secret"}});
    assert_eq!(
        body,
        json!({"auth": {"identity": identity}}),
        "no scope with an application credential"
    );
}

#[test]
fn the_environment_names_the_cloud_and_fills_what_is_missing() {
    let env = [("OS_CLOUD", "other"), ("OS_USERNAME", "ignored"), ("OS_USER_DOMAIN_ID", "")];
    let body = log_in(&json!({}), &env, true).unwrap();
    let user = json!({"name": "u", "domain": {"name": "D"}, "password": "pass-word"});
    let scope = json!({"project": {"name": "p", "domain": {"id": "default"}}});
    let identity = json!({"methods": ["password"], "password": {"user": user}});
    assert_eq!(body, json!({"auth": {"identity": identity, "scope": scope}}));
}

#[test]
fn a_block_needs_no_file() {
    let block = json!({"auth_url": "http://cloud/identity/v3/", "user_id": "u", "password": "x", "tenant_id": "t"});
    let body = log_in(&block, &[], false).unwrap();
    assert_eq!(body["auth"]["scope"], json!({"project": {"id": "t"}}));
    assert_eq!(body["auth"]["identity"]["password"]["user"], json!({"id": "u", "password": "x"}));
}

#[test]
fn what_is_missing_is_said() {
    for (block, env, files, expected) in [
        (json!({}), vec![], false, "One of 'auth_url' or 'cloud' must be specified"),
        (json!({"cloud": "openstack"}), vec![], false, "No clouds.yaml was found"),
        (
            json!({"cloud": "openstak"}),
            vec![],
            true,
            "has no cloud named \"openstak\"; it has \"openstack\", \"other\"",
        ),
        (json!({"auth_url": "http://cloud/identity"}), vec![], false, "No credentials"),
        (
            json!({}),
            vec![("OS_AUTH_URL", "http://h"), ("OS_PASSWORD", "x")],
            false,
            "The user is missing",
        ),
        (
            json!({}),
            vec![("OS_AUTH_URL", "http://h"), ("OS_AUTH_TYPE", "v3oidcpassword")],
            false,
            "make an application credential",
        ),
    ] {
        let said = log_in(&block, &env, files).unwrap_err();
        assert!(said.contains(expected), "{block}: {said}");
    }
}
