//! What is repeated, what is never repeated, and how logins are renewed.

use serde_json::json;
use terrarium_provider::{Action, DataRequest};

use crate::case::Subject;
use crate::cloud::{Call, Cloud};
use crate::convert::value_of;

const KIND: &str = "openstack_networking_network_v2";

fn call(call: &str, status: u16) -> Call {
    Call {
        request: call.into(),
        body: json!(null),
        status,
        reply: json!(null),
        headers: Vec::new(),
    }
}

fn made() -> Call {
    let network = json!({"network": {"id": "n1", "name": "net", "status": "ACTIVE", "tags": []}});
    Call { reply: network, ..call("POST /network/v2.0/networks", 201) }
}

async fn create(script: Vec<Call>) -> (&'static str, u32) {
    let cloud = Cloud::new(script);
    let schema = cloud.kind().resource_schema(KIND).unwrap();
    let config = value_of(&json!({"name": "net"}), &schema.block.ty());
    let provider = cloud.provider("3.4.0").await;
    let mut subject = Subject {
        name: KIND,
        schema,
        provider,
        says: terrarium_diagnostic::Diagnostics::new(),
        ended: None,
    };
    let change = subject.plan(None, &config).await.unwrap();
    let outcome = subject.act(Action::Create, None, Some(&change.planned), Some(&config)).await;
    cloud.assert_done();
    let logins = *cloud.logins.lock().unwrap();
    (outcome.ended, logins)
}

fn run(script: Vec<Call>) -> (&'static str, u32) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(create(script))
}

#[test]
fn a_refused_token_is_renewed_a_few_times() {
    let refused = || call("POST /network/v2.0/networks", 401);
    assert_eq!(run(vec![refused(), made()]), ("done", 2));
    assert_eq!(run(vec![refused(), refused(), refused(), made()]), ("done", 4));
    assert_eq!(run(vec![refused(), refused(), refused(), refused()]), ("refused", 4));
}

#[test]
fn a_create_is_repeated_only_while_nothing_was_done() {
    let post = "POST /network/v2.0/networks";
    let limited = Call { headers: vec![("retry-after", "1".into())], ..call(post, 429) };
    assert_eq!(run(vec![limited, call(post, 1), made()]), ("done", 1));
    assert_eq!(run(vec![call(post, 0)]), ("unknown", 1));
    for status in [500, 502, 503, 504] {
        assert_eq!(run(vec![call(post, status)]), ("unknown", 1), "{status}");
    }
    for status in [400, 403, 409] {
        assert_eq!(run(vec![call(post, status)]), ("refused", 1), "{status}");
    }
}

#[test]
fn nothing_is_sent_before_the_first_use() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let cloud = Cloud::new([]);
    let provider = runtime.block_on(cloud.provider("1.51.1"));
    assert_eq!(*cloud.logins.lock().unwrap(), 0);
    // Asked where it acts, a simulated world's provider logs in, too: so it knows the world's time before
    // anything is made there.
    assert_eq!(runtime.block_on(provider.realm()).unwrap().as_deref(), Some("test"));
    assert_eq!(*cloud.logins.lock().unwrap(), 1);
}

/// Reads one data source; returns what is said about it.
fn read(kind: &str, script: Vec<Call>) -> String {
    let cloud = Cloud::new(script);
    let schema = cloud.kind().data_schema(kind).unwrap();
    let config = value_of(&json!({"name": "net"}), &schema.block.ty());
    let addr = format!("data.{kind}.it").parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let replies = runtime.block_on(async {
        let request = DataRequest { kind: kind.into(), addr, config };
        cloud.provider("3.4.0").await.read_data_many(vec![request]).await
    });
    cloud.assert_done();
    replies[0].diagnostics.iter().map(|one| one.detail.clone()).collect()
}

#[test]
fn a_list_that_goes_in_circles_is_an_error() {
    let page = |query: &str, id: &str| {
        let href = "http://cloud/network/v2.0/networks?marker=n1";
        let reply = json!({
            "networks": [{"id": id, "name": "net"}],
            "networks_links": [{"rel": "next", "href": href}],
        });
        Call { reply, ..call(&format!("GET /network/v2.0/networks?{query}"), 200) }
    };
    let read =
        |second| read("openstack_networking_network_v2", vec![page("name=net", "n1"), second]);
    let said = read(page("name=net&marker=n1", "n2"));
    assert!(said.contains("has no end") && said.contains("n1"), "{said}");
    // The same page again and again, whatever it calls the next one.
    let said = read(page("name=net&marker=n1", "n1"));
    assert!(said.contains("has no end") && said.contains("only what"), "{said}");
}

#[test]
fn a_service_that_wants_to_be_left_alone_for_years_is_an_error_at_once() {
    let busy = |request: &str| Call {
        headers: vec![("retry-after", "99999999".into())],
        ..call(request, 503)
    };
    let said =
        read("openstack_networking_network_v2", vec![busy("GET /network/v2.0/networks?name=net")]);
    assert!(said.contains("again in 99999999 s only"), "{said}");
    let limited = Call { status: 429, ..busy("POST /network/v2.0/networks") };
    assert_eq!(run(vec![limited]), ("refused", 1));
}
