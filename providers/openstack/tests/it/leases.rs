//! Leases: several in one plan, lost creates, pasted reservations, and credentials that end.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use terrarium_provider::{
    Action, Claim, FindRequest, Intent, PlanOutcome, PlanReply, PlanRequest, PlannedChange,
    PlannedFact, Provider, Standing,
};

use crate::case::{addr, configured, intent, proposed};
use crate::cloud::{Call, Cloud};
use crate::convert::value_of;

const HOST: &str = "openstack_reservation_host_v1";
const FLAVOR: &str = "openstack_reservation_flavor_v1";

fn call(request: &str, reply: Json) -> Call {
    Call { request: request.into(), body: json!(null), status: 200, reply, headers: Vec::new() }
}

fn calendar(taken: &[(&str, &str, &str, &str)]) -> Vec<Call> {
    let host = |id: &str| json!({"id": id, "node_name": format!("gpu{id}"), "node_type": "gpu_v100", "reservable": true});
    let allocations: Vec<Json> = taken
        .iter()
        .map(|(host, lease, from, until)| {
            json!({"resource_id": host, "reservations": [
                {"id": "r", "lease_id": lease, "start_date": from, "end_date": until}]})
        })
        .collect();
    vec![
        call("GET /reservation/v1/os-hosts", json!({"hosts": [host("1"), host("2")]})),
        call("GET /reservation/v1/os-hosts/allocations", json!({"allocations": allocations})),
    ]
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// Plans instances of a type together, each with its prior values or none.
pub(crate) async fn plan(
    cloud: &Arc<Cloud>,
    provider: &dyn Provider,
    kind: &str,
    instances: &[(Json, Option<Json>)],
) -> Vec<PlanReply> {
    provider.plan_many(requests(cloud, kind, instances)).await
}

/// Returns what the engine asks to plan instances of a type.
fn requests(
    cloud: &Arc<Cloud>,
    kind: &str,
    instances: &[(Json, Option<Json>)],
) -> Vec<PlanRequest> {
    let schema = cloud.kind().resource_schema(kind).unwrap();
    let ty = schema.block.ty();
    let request = |(at, (config, prior)): (usize, &(Json, Option<Json>))| {
        let config = configured(value_of(config, &ty), &schema);
        let prior = prior.as_ref().map(|prior| value_of(prior, &ty));
        PlanRequest {
            kind: kind.into(),
            addr: format!("{kind}.it[{at}]").parse().unwrap(),
            proposed: proposed(&schema, prior.as_ref(), &config),
            prior,
            config,
            private: None,
            ended: None,
            replaces: None,
            claims: Arc::default(),
        }
    };
    instances.iter().enumerate().map(request).collect()
}

/// Returns what the engine makes of the answers, to have them judged together.
pub(crate) fn facts(replies: &[PlanReply]) -> Vec<PlannedFact> {
    let planned = replies.iter().enumerate().filter_map(|(at, reply)| match &reply.outcome {
        PlanOutcome::Planned(change) => Some((at, &**change)),
        _ => None,
    });
    let fact = |(at, change): (usize, &PlannedChange)| PlannedFact {
        kind: FLAVOR.into(),
        addr: format!("{FLAVOR}.it[{at}]").parse().unwrap(),
        prior: None,
        planned: change.planned.clone(),
        window: change.window,
        claims: change.claims.clone(),
    };
    planned.map(fact).collect()
}

fn host(count: i64, start: &str) -> Json {
    json!({"name": "gpu", "min": count, "start_date": start, "duration": "4h",
        "where": [{"property": "node_type", "value": "gpu_v100"}]})
}

fn error(reply: &PlanReply) -> Option<String> {
    let first = reply.diagnostics.iter().find(|one| one.is_error());
    first.map(|one| format!("{} {}", one.summary, one.detail))
}

#[test]
fn leases_of_one_plan_compete_for_the_same_hosts() {
    let mut script = calendar(&[]);
    script.push(call("GET /reservation/v1/leases", json!({"leases": []})));
    let cloud = Cloud::new(script);
    let replies = on_runtime(async {
        let provider = cloud.provider("3.4.0").await;
        let instances = [
            (host(1, "2026-03-08T09:00Z"), None),
            (host(1, "2026-03-08T10:00Z"), None),
            (host(1, "2026-03-08T11:00Z"), None),
            (host(2, "2026-03-08T15:00Z"), None),
        ];
        let first = plan(&cloud, &*provider, HOST, &instances).await;
        let again = plan(&cloud, &*provider, HOST, &instances).await;
        assert_eq!(
            format!("{first:?}"),
            format!("{again:?}"),
            "the same requests, the same answers"
        );
        first
    });
    cloud.assert_done();
    let errors: Vec<Option<String>> = replies.iter().map(error).collect();
    assert_eq!((&errors[0], &errors[1], &errors[3]), (&None, &None, &None));
    let third = errors[2].as_deref().unwrap();
    assert!(third.contains("Not enough hosts: 1 wanted, 0 free"), "{third}");
    assert!(third.contains("openstack_reservation_host_v1.it[0] in this plan"), "{third}");
}

#[test]
fn leases_of_other_blocks_count_by_what_they_claim() {
    let mut script = calendar(&[]);
    script.push(call("GET /reservation/v1/leases", json!({"leases": []})));
    let cloud = Cloud::new(script);
    let replies = on_runtime(async {
        let provider = cloud.provider("3.4.0").await;
        let two = plan(&cloud, &*provider, HOST, &[(host(2, "2026-03-08T09:00Z"), None)]).await;
        let PlanOutcome::Planned(two) = two.into_iter().next().unwrap().outcome else {
            panic!("both hosts are free")
        };
        let claims: Arc<[Claim]> = two.claims.into();
        let mut replies = Vec::new();
        // The instance itself, planned anew, is not in its own way; another one has nothing left.
        for name in ["it[0]", "other"] {
            let mut all = requests(&cloud, HOST, &[(host(1, "2026-03-08T10:00Z"), None)]);
            for request in &mut all {
                request.addr = format!("{HOST}.{name}").parse().unwrap();
                request.claims = claims.clone();
            }
            replies.extend(provider.plan_many(all).await);
        }
        replies
    });
    cloud.assert_done();
    let errors: Vec<Option<String>> = replies.iter().map(error).collect();
    assert_eq!(errors[0], None);
    let other = errors[1].as_deref().unwrap();
    assert!(other.contains("Not enough hosts: 1 wanted, 0 free"), "{other}");
}

#[test]
fn a_replacement_that_fits_only_where_the_old_lease_is_says_so() {
    let taken = [
        ("1", "l1", "2026-03-01T10:00:00.000000", "2026-03-02T10:00:00.000000"),
        ("2", "x", "2026-03-01T10:00:00.000000", "2026-03-03T10:00:00.000000"),
    ];
    let cloud = Cloud::new(calendar(&taken));
    let prior = json!({"id": "l1", "name": "gpu", "region": "KVM", "status": "ACTIVE", "min": 1, "max": 1,
        "start_date": "2026-03-01T10:00:00Z", "end_date": "2026-03-02T10:00:00Z", "duration": "24h",
        "before_end": "email", "resource_properties": "[\"=\",\"$node_type\",\"gpu_v100\"]",
        "where": [{"op": "=", "property": "node_type", "value": "gpu_v100"}],
        "reservation_id": "r", "on_terminated": "keep", "wait_for": "active", "marker_in_name": false});
    let config = json!({"name": "gpu", "min": 1, "duration": "24h", "before_end": "",
        "where": [{"property": "node_type", "value": "gpu_v100"}]});
    let (first, second) = on_runtime(async {
        let provider = cloud.provider("3.4.0").await;
        let both = [(config.clone(), Some(prior))];
        let first = plan(&cloud, &*provider, HOST, &both).await.pop().unwrap();
        let replaces = requests(&cloud, HOST, &both).pop().unwrap().prior;
        let mut requests = requests(&cloud, HOST, &[(config, None)]);
        requests[0].replaces = replaces;
        (first, provider.plan_many(requests).await.pop().unwrap())
    });
    cloud.assert_done();
    let PlanOutcome::Planned(first) = first.outcome else { panic!("{:?}", first.diagnostics) };
    assert_eq!(
        first.requires_replace.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["before_end"]
    );
    let PlanOutcome::Planned(second) = second.outcome else { panic!("{:?}", second.diagnostics) };
    assert_eq!(
        second.notes.gap.as_deref(),
        Some(
            "of the hosts that fit, none of the 1 it needs is free; the old lease holds the others"
        )
    );
}

/// Looks for a lost create among leases; returns the ids of what it may have made.
fn found(
    leases: &Json,
    planned: &Json,
    change: impl Fn(Intent) -> Intent,
) -> Vec<(String, bool, bool)> {
    let cloud = Cloud::new(vec![call("GET /reservation/v1/leases", json!({ "leases": leases }))]);
    let found = on_runtime(async {
        let schema = cloud.kind().resource_schema(FLAVOR).unwrap();
        let planned = Some(value_of(planned, &schema.block.ty()));
        let intent = change(intent(FLAVOR, Action::Create));
        let request = FindRequest { kind: FLAVOR.into(), intent, planned };
        cloud.provider("3.4.0").await.find_many(&[request]).await.pop().unwrap()
    });
    cloud.assert_done();
    let candidates = found.candidates.unwrap_or_else(|| panic!("{:?}", found.diagnostics));
    candidates.iter().map(|one| (one.id.to_string(), one.marked, one.pending.is_some())).collect()
}

fn lease(id: &str, change: &Json) -> Json {
    let mut lease = json!({"id": id, "name": "vms", "status": "ACTIVE", "project_id": "p1", "user_id": "u1",
        "start_date": "2026-03-01T12:00:00.000000", "end_date": "2026-03-01T16:00:00.000000",
        "created_at": "2026-03-01 12:00:05", "reservations": [], "events": []});
    for (key, value) in change.as_object().unwrap() {
        lease[key] = value.clone();
    }
    lease
}

#[test]
fn a_lost_lease_is_found_by_name_dates_owner_and_hour() {
    let leases = json!([
        lease("likely", &json!({})),
        lease("old", &json!({"created_at": "2026-03-01 11:50:00"})),
        lease("foreign", &json!({"project_id": "p2"})),
        lease("colleague", &json!({"user_id": "u2"})),
        lease("other name", &json!({"name": "vms2"})),
        lease("other end", &json!({"end_date": "2026-03-01T17:00:00.000000"})),
        lease("pending", &json!({"status": "PENDING"})),
    ]);
    let planned =
        json!({"name": "vms", "start_date": "(unknown)", "end_date": "2026-03-01T16:00:00Z"});
    let hits = found(&leases, &planned, |intent| intent);
    assert_eq!(hits, [("likely".into(), false, false), ("pending".into(), false, true)]);
}

#[test]
fn a_marker_in_the_name_is_certain_and_not_shown() {
    let marker = intent("a", Action::Create).marker;
    let leases = json!([lease("ours", &json!({"name": format!("vms~{marker}")}))]);
    let planned = json!({"name": "vms", "marker_in_name": true, "start_date": "(unknown)", "end_date": "2026-03-01T16:00:00Z"});
    assert_eq!(found(&leases, &planned, |intent| intent), [("ours".into(), true, false)]);
}

#[test]
fn a_pasted_reservation_has_its_leases_term() {
    let (ours, other) =
        ("b3f5c1de-0000-4000-8000-00000000000a", "b3f5c1de-0000-4000-8000-00000000000b");
    let leases = json!({"leases": [lease("l1", &json!({"reservations": [{"id": ours}]}))]});
    let cloud = Cloud::new(vec![call("GET /reservation/v1/leases", leases)]);
    let values: Vec<String> =
        ["3", ours, &format!("reservation:{ours}"), other].iter().map(|&v| v.to_owned()).collect();
    let lenders = on_runtime(async {
        let provider = cloud.provider("3.4.0").await;
        assert_eq!(provider.lenders(&["3".into(), "m1.medium".into()]).await, [None, None]);
        provider.lenders(&values).await
    });
    cloud.assert_done();
    let labels: Vec<Option<&str>> =
        lenders.iter().map(|one| one.as_ref().map(|one| one.label.as_str())).collect();
    let label = Some("the lease \"vms\" (l1)");
    assert_eq!(labels, [None, label, label, None]);
    assert_eq!(lenders[1].as_ref().unwrap().term.standing, Standing::Open);
}

#[test]
fn a_password_has_no_end() {
    let cloud = Cloud::new(Vec::new());
    let end = on_runtime(async { cloud.provider("3.4.0").await.credentials_end().await });
    assert_eq!((end, addr(FLAVOR).key), (None, terrarium_address::InstanceKey::None));
}
