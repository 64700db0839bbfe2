//! The router behind a loopback socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use terrarium_testbed::{Router, World, clouds_yaml, serve};

use crate::cloud::stopped;

/// Runs `work` beside a served world.
fn served<F: Future<Output = ()>>(work: impl FnOnce(String, reqwest::Client) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::in_memory(1, stopped()).expect("a world");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        tokio::select! {
            ended = serve(listener, Router::new(Arc::new(world))) => panic!("{ended:?}"),
            () = work(origin, client) => {}
        }
    });
}

async fn login(origin: &str, client: &reqwest::Client) -> (String, Value) {
    let auth = json!({"auth": {"identity": {"methods": ["application_credential"],
        "application_credential": {"id": "x", "secret": "y"}}}});
    let url = format!("{origin}/kvm-tacc/identity/v3/auth/tokens");
    let reply = client.post(url).body(auth.to_string()).send().await.expect("a reply");
    assert_eq!(reply.status(), 201);
    let token = reply.headers()["x-subject-token"].to_str().expect("a token").to_owned();
    let text = reply.text().await.expect("a body");
    (token, serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn the_catalog_leads_to_the_services() {
    served(|origin, client| async move {
        let (token, body) = login(&origin, &client).await;
        let catalog = body["token"]["catalog"].as_array().expect("a catalog");
        assert_eq!(catalog.len(), 6);
        for entry in catalog {
            let url = entry["endpoints"][2]["url"].as_str().expect("a URL");
            assert!(url.starts_with(&origin), "{url}");
            let path = match entry["type"].as_str() {
                Some("compute") => "/flavors/detail",
                Some("network") => "/v2.0/networks",
                Some("image") => "/v2/images",
                Some("volumev3") => "/volumes/detail",
                Some("reservation") => "/leases",
                _ => continue,
            };
            let request = client.get(format!("{url}{path}")).header("x-auth-token", &token);
            assert_eq!(request.send().await.expect("a reply").status(), 200, "{url}{path}");
        }
    });
}

#[test]
fn a_dropped_reply_breaks_the_connection_after_the_work_is_done() {
    served(|origin, client| async move {
        let (token, _) = login(&origin, &client).await;
        let url = format!("{origin}/kvm-tacc/network/v2.0/networks");
        let faults = json!({"faults": [{"method": "POST", "effect": {"kind": "drop_after"}}]});
        let settings = client.put(format!("{origin}/testbed/settings")).body(faults.to_string());
        assert_eq!(settings.send().await.expect("a reply").status(), 200);
        let create = client
            .post(&url)
            .header("x-auth-token", &token)
            .body(r#"{"network": {"name": "lost"}}"#);
        create.send().await.expect_err("the connection is cut");
        let list = client.get(format!("{url}?name=lost")).header("x-auth-token", &token);
        let text = list.send().await.expect("a reply").text().await.expect("a body");
        let list: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(list["networks"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn a_delayed_reply_comes_late_and_its_work_early() {
    served(|origin, client| async move {
        let (token, _) = login(&origin, &client).await;
        let url = format!("{origin}/kvm-tacc/network/v2.0/networks");
        let delay = json!({"reply_after": {"min_ms": 300, "max_ms": 300}});
        let settings = client.put(format!("{origin}/testbed/settings")).body(delay.to_string());
        settings.send().await.expect("a reply");
        let start = Instant::now();
        let create = client
            .post(&url)
            .header("x-auth-token", &token)
            .body(r#"{"network": {"name": "late"}}"#);
        let status = create.send().await.expect("a reply").status();
        assert_eq!(status, 201);
        assert!(start.elapsed() >= Duration::from_millis(300));
    });
}

#[test]
fn clouds_yaml_names_every_site_and_the_courses_own_cloud() {
    let text = clouds_yaml("http://127.0.0.1:9");
    for name in ["openstack", "kvm-tacc", "chi-tacc", "chi-uc", "chi-edge"] {
        assert!(text.contains(&format!("\n  {name}:\n")), "{name} in {text}");
    }
    assert!(text.contains("auth_url: http://127.0.0.1:9/kvm-tacc/identity/v3\n"));
}
