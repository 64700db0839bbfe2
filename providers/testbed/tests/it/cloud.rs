//! A client of a world: the only place where these tests touch the crate's API.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use terrarium_testbed::{RealTime, Request, Response, Router, World};

/// The real time of these tests, unless one needs another.
pub(crate) const START: &str = "2026-03-01T12:00:00Z";

/// How long these tests use a token: shorter than it lives.
const TOKENS_FOR_S: f64 = 10_000.0;

/// Returns a real clock that always shows `START`.
pub(crate) fn stopped() -> RealTime {
    let start = START.parse().expect("a valid instant");
    Arc::new(move || start)
}

/// A world, with a token per site.
pub(crate) struct Cloud {
    pub(crate) router: Router,
    tokens: BTreeMap<String, String>,
    /// How long the tokens may have been used, in seconds of the world.
    waited: f64,
}

impl Cloud {
    pub(crate) fn in_memory(seed: u64) -> Cloud {
        Cloud::over(World::in_memory(seed, stopped()).expect("a world in memory"))
    }

    pub(crate) fn over(world: World) -> Cloud {
        Cloud { router: Router::new(Arc::new(world)), tokens: BTreeMap::new(), waited: 0.0 }
    }

    /// Sends a request with the site's token and more headers.
    pub(crate) fn send(
        &mut self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let site = path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
        let mut request = Request {
            method: method.parse().expect("a method"),
            path_and_query: path.to_owned(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::from(body.to_owned()),
        };
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().expect("a header's name");
            request.headers.insert(name, value.parse().expect("a header's value"));
        }
        let identity = path.contains("/identity/v3/auth/tokens") && method == "POST";
        if site != "testbed" && !site.is_empty() && !identity {
            let token = self.token(&site);
            let header = http::HeaderName::from_static("x-auth-token");
            request.headers.entry(header).or_insert(token.parse().expect("a token"));
        }
        self.router.handle(&request)
    }

    /// Sends a request and returns status and JSON body.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.send((method, path), &[], &text);
        (response.status.as_u16(), serde_json::from_slice(&response.body).unwrap_or_default())
    }

    pub(crate) fn token(&mut self, site: &str) -> String {
        if let Some(token) = self.tokens.get(site) {
            return token.clone();
        }
        let response = self.router.handle(&Request {
            method: http::Method::POST,
            path_and_query: format!("/{site}/identity/v3/auth/tokens"),
            headers: http::HeaderMap::new(),
            body: json!({"auth": {"identity": {"methods": ["password"], "password":
                {"user": {"name": "student", "password": "x"}}}}})
            .to_string()
            .into(),
        });
        let token = response
            .headers
            .get("x-subject-token")
            .map(|value| value.to_str().expect("a token is ASCII").to_owned());
        let token = token.unwrap_or_default();
        self.tokens.insert(site.to_owned(), token.clone());
        token
    }

    pub(crate) fn advance(&mut self, seconds: f64) {
        let (status, body) =
            self.call("POST", "/testbed/clock", &json!({"advance_seconds": seconds}));
        assert_eq!(status, 200, "{body}");
        self.waited += seconds;
        if self.waited > TOKENS_FOR_S {
            self.waited = 0.0;
            self.tokens.clear();
        }
    }

    /// Makes a network with a subnet and returns their ids.
    pub(crate) fn network(&mut self, cidr: &str) -> (String, String) {
        let network = json!({"network": {"name": "n"}});
        let (_, network) = self.call("POST", "/kvm-tacc/network/v2.0/networks", &network);
        let id = network["network"]["id"].as_str().expect("an id").to_owned();
        let subnet = json!({"subnet": {"network_id": id, "cidr": cidr, "ip_version": 4}});
        let (status, subnet) = self.call("POST", "/kvm-tacc/network/v2.0/subnets", &subnet);
        assert_eq!(status, 201, "{subnet}");
        (id, subnet["subnet"]["id"].as_str().expect("an id").to_owned())
    }
}
