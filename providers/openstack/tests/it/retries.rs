//! What is repeated, what is never repeated, and how logins are renewed.

use serde_json::json;
use terrarium_provider::Action;

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
