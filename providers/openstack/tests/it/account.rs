//! What the project and its credentials allow: the allocation of `clouds.yaml`, restricted credentials,
//! and when credentials end.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use terrarium_openstack::{CloudSource, OpenStack, Places, Settings};
use terrarium_provider::{FixedClock, PlanReply, Provider, ProviderKind};

use crate::cloud::{Call, Cloud};
use crate::convert::value_of;
use crate::leases::{facts, plan};

const FLAVOR: &str = "openstack_reservation_flavor_v1";

const CLOUDS: &str = r"
clouds:
  course:
    auth:
      auth_url: http://cloud/identity/v3
      application_credential_id: app-id
      application_credential_secret: app-secret
    region_name: CHI@UC
    terrarium:
      allocation_end: 2026-03-20
      service_units: 1.5
";

/// Configures with the file above.
async fn provider(cloud: &Arc<Cloud>, block: &Json) -> Arc<dyn Provider> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("clouds.yaml"), CLOUDS).unwrap();
    let places = Places { working_dir: folder.path().to_owned(), home: None };
    let kind = OpenStack::new(Settings {
        transport: cloud.clone(),
        clouds: CloudSource::Files(places),
        clock: Arc::new(FixedClock("2026-03-01T12:00:00Z".parse().unwrap())),
        env: BTreeMap::new(),
    });
    let config = value_of(block, &kind.config_schema().block.ty());
    let request = crate::cloud::request(config, "3.4.0");
    kind.configure(request).await.provider.unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn lease(end: &str, amount: i64) -> (Json, Option<Json>) {
    let config = json!({"name": "vms", "flavor_name": "m1.medium", "amount": amount,
        "start_date": "2026-03-10T12:00Z", "end_date": end});
    (config, None)
}

/// Plans leases of virtual machines; returns the errors of each.
fn errors(token: &Json, leases: &[(Json, Option<Json>)]) -> Vec<String> {
    let cloud = Cloud::new(Vec::new());
    *cloud.token.lock().unwrap() = token.as_object().cloned().unwrap();
    let replies = run(async {
        let provider = provider(&cloud, &json!({"cloud": "course"})).await;
        plan(&cloud, &*provider, FLAVOR, leases).await
    });
    cloud.assert_done();
    let said = |reply: &PlanReply| {
        let all = reply.diagnostics.iter().filter(|one| one.is_error());
        all.map(|one| format!("{}: {}", one.summary, one.detail)).collect::<Vec<_>>().join("\n")
    };
    replies.iter().map(said).collect()
}

#[test]
fn a_lease_ends_before_the_allocation_does() {
    let leases = [lease("2026-03-21T00:00Z", 1), lease("2026-03-21T00:01Z", 1)];
    let said = errors(&json!({}), &leases);
    assert!(!said[0].contains("allocation"), "{}", said[0]);
    assert!(said[1].contains("the allocation ends at 2026-03-21 00:00 UTC"), "{}", said[1]);
}

#[test]
fn the_leases_of_a_plan_share_the_units_that_are_left() {
    // 0.04 an hour for each machine: 24 h of one are 0.96.
    let leases = [
        lease("2026-03-11T12:00Z", 1),
        lease("2026-03-11T00:00Z", 1),
        lease("2026-03-10T14:00Z", 1),
    ];
    for (count, expected) in [
        (2, None),
        (
            3,
            Some(
                "The plan would spend 1.52 SU, 0.08 of them here, where they run out; 1.50 are left",
            ),
        ),
    ] {
        let cloud = Cloud::new(Vec::new());
        let said = run(async {
            let provider = provider(&cloud, &json!({"cloud": "course"})).await;
            let replies = plan(&cloud, &*provider, FLAVOR, &leases[..count]).await;
            // What was asked before is none of the answer.
            provider.check_plan(&facts(&plan(&cloud, &*provider, FLAVOR, &leases).await)).await;
            provider.check_plan(&facts(&replies)).await
        });
        let said: Vec<&str> = said.iter().map(|one| one.detail.as_str()).collect();
        match expected {
            Some(expected) => assert!(said[0].contains(expected), "{said:?}"),
            None => assert!(said.is_empty(), "{said:?}"),
        }
    }
}

#[test]
fn a_restricted_credential_is_refused_before_anything_is_sent() {
    let token =
        json!({"application_credential": {"id": "app-id", "name": "a", "restricted": true}});
    let said = errors(&token, &[lease("2026-03-11T00:00Z", 1)]);
    assert!(
        said[0].contains("A restricted application credential can't make leases"),
        "{}",
        said[0]
    );
}

/// Returns when the credentials of a provider block end.
fn end(block: &Json, token: &Json, credential: Option<&str>) -> Option<String> {
    let script = credential.map(|expires| Call {
        request: "GET /identity/v3/users/u1/application_credentials/app-id".into(),
        body: json!(null),
        status: 200,
        reply: json!({"application_credential": {"id": "app-id", "expires_at": expires}}),
        headers: Vec::new(),
    });
    let cloud = Cloud::new(script);
    *cloud.token.lock().unwrap() = token.as_object().cloned().unwrap();
    let end = run(async { provider(&cloud, block).await.credentials_end().await });
    cloud.assert_done();
    end.map(|at| at.to_string())
}

#[test]
fn what_can_not_be_renewed_ends() {
    let until = json!({"expires_at": "2026-03-01T16:00:00.000000Z"});
    let by_token = json!({"auth_url": "http://cloud/identity/v3", "token": "t", "tenant_id": "p1"});
    assert_eq!(end(&by_token, &until, None).as_deref(), Some("2026-03-01T16:00:00Z"));
    let by_password =
        json!({"auth_url": "http://cloud/identity/v3", "user_id": "u", "password": "x"});
    assert_eq!(end(&by_password, &until, None), None);
    let credential = json!({"application_credential": {"id": "app-id", "restricted": false}});
    let by_credential = json!({"cloud": "course"});
    let expires = Some("2026-05-20T00:00:00.000000");
    assert_eq!(end(&by_credential, &credential, expires).as_deref(), Some("2026-05-20T00:00:00Z"));
    assert_eq!(end(&by_credential, &json!({}), None), None);
}
