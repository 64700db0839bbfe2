//! A cloud that follows a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use serde_json::{Value as Json, json};
use terrarium_openstack::{
    CloudSource, Hint, OpenStack, Request, Response, Settings, Site, Sites, Transport,
    TransportError,
};
use terrarium_provider::{
    ConfigureRequest, Configured, Connection, FixedClock, Provider, ProviderKind, Unlimited,
};

use crate::convert::value_of;

/// One expected call and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// `POST /network/v2.0/networks?x=y`.
    pub(crate) request: String,
    /// The body, with the marker as `MARKER`; null where it is not looked at.
    pub(crate) body: Json,
    /// The status of the answer; 0 for a broken connection, 1 for none at all.
    pub(crate) status: u16,
    /// The body of the answer.
    pub(crate) reply: Json,
    /// Headers of the answer.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The cloud.
#[derive(Default)]
pub(crate) struct Cloud {
    script: Mutex<VecDeque<Call>>,
    /// What was wrong with the calls that came.
    pub(crate) wrong: Mutex<Vec<String>>,
    /// How often somebody logged in.
    pub(crate) logins: Mutex<u32>,
    /// The bodies of the logins.
    pub(crate) auth: Mutex<Vec<Json>>,
    /// What the token says beside the usual.
    pub(crate) token: Mutex<serde_json::Map<String, Json>>,
}

impl Cloud {
    pub(crate) fn new(script: impl IntoIterator<Item = Call>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() })
    }

    /// Fails unless everything came as the script said, and nothing else.
    pub(crate) fn assert_done(&self) {
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let left: Vec<String> =
            self.script.lock().unwrap().iter().map(|call| call.request.clone()).collect();
        assert!(left.is_empty(), "these calls did not come: {left:#?}");
    }

    pub(crate) async fn provider(self: &Arc<Self>, version: &str) -> Arc<dyn Provider> {
        let kind = self.kind();
        let config = value_of(&json!({}), &kind.config_schema().block.ty());
        let request = request(config, version);
        let Configured { provider, diagnostics } = kind.configure(request).await;
        provider.unwrap_or_else(|| panic!("{diagnostics:?}"))
    }

    pub(crate) fn kind(self: &Arc<Self>) -> OpenStack {
        OpenStack::new(Settings {
            transport: self.clone(),
            clouds: CloudSource::Testbed(Arc::new(OneSite)),
            clock: Arc::new(FixedClock("2026-03-01T12:00:00Z".parse().unwrap())),
            env: std::collections::BTreeMap::new(),
        })
    }

    fn log_in(&self) -> Response {
        *self.logins.lock().unwrap() += 1;
        // One region with Chameleon's rules, and one without.
        let endpoint = |url: &str| {
            let of = |region: &str| json!({"interface": "public", "region": region, "region_id": region, "url": url});
            json!([of("KVM"), of("CHI@UC")])
        };
        let mut body = json!({"token": {"project": {"id": "p1"}, "user": {"id": "u1"}, "catalog": [
            {"type": "reservation", "endpoints": endpoint("http://cloud/reservation")},
            {"type": "network", "endpoints": endpoint("http://cloud/network")},
            {"type": "compute", "endpoints": endpoint("http://cloud/compute/v2.1")},
            {"type": "image", "endpoints": endpoint("http://cloud/image")},
            {"type": "volumev3", "endpoints": endpoint("http://cloud/volume/v3/p1")},
        ]}});
        for (key, value) in &*self.token.lock().unwrap() {
            body["token"][key] = value.clone();
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-subject-token", "t0ken".parse().unwrap());
        Response { status: StatusCode::CREATED, headers, body: body.to_string().into() }
    }
}

/// Asks for a provider that is online, without limits.
pub(crate) fn request(config: terrarium_value::Value, version: &str) -> ConfigureRequest {
    ConfigureRequest {
        config,
        version: version.into(),
        connection: Connection::Online,
        limits: Arc::new(Unlimited),
    }
}

struct OneSite;

impl Sites for OneSite {
    fn site(&self, _hint: &Hint) -> Site {
        Site {
            auth_url: "http://cloud/identity".into(),
            region: "KVM".into(),
            realm: "test".into(),
        }
    }
}

#[async_trait]
impl Transport for Cloud {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.url == "http://cloud/identity/v3/auth/tokens" {
            self.auth.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
            return Ok(self.log_in());
        }
        let path = request.url.strip_prefix("http://cloud").unwrap_or(&request.url);
        let came = format!(
            "{} {}",
            request.method,
            path.replace("&limit=1000", "").replace("?limit=1000&", "?").replace("?limit=1000", "")
        );
        let body: Json = serde_json::from_slice(&request.body).unwrap_or(Json::Null);
        let body = unmarked(&body);
        let Some(expected) = self.script.lock().unwrap().pop_front() else {
            self.wrong.lock().unwrap().push(format!("unexpected call {came} {body}"));
            return Err(TransportError::NotSent("the script is over".into()));
        };
        if came != expected.request {
            self.wrong
                .lock()
                .unwrap()
                .push(format!("expected {}, got {came} {body}", expected.request));
        } else if !expected.body.is_null() && body != expected.body {
            self.wrong
                .lock()
                .unwrap()
                .push(format!("{came}: expected body\n{}\ngot\n{body}", expected.body));
        }
        match expected.status {
            0 => Err(TransportError::MaybeSent("connection reset".into())),
            1 => Err(TransportError::NotSent("connection refused".into())),
            status => {
                let mut headers = HeaderMap::new();
                for (name, text) in &expected.headers {
                    headers.insert(*name, text.parse().unwrap());
                }
                headers.insert("x-openstack-request-id", "req-1".parse().unwrap());
                let body = if expected.reply.is_null() {
                    String::new()
                } else {
                    expected.reply.to_string()
                };
                Ok(Response {
                    status: StatusCode::from_u16(status).unwrap(),
                    headers,
                    body: body.into(),
                })
            }
        }
    }
}

/// Replaces markers by a fixed word.
fn unmarked(json: &Json) -> Json {
    match json {
        Json::String(text) if text.starts_with("terrarium:") => json!("terrarium:MARKER"),
        Json::Array(items) => items.iter().map(unmarked).collect(),
        Json::Object(fields) => fields
            .iter()
            .map(|(key, value)| {
                (key.clone(), if key == "terrarium" { json!("MARKER") } else { unmarked(value) })
            })
            .collect(),
        other => other.clone(),
    }
}
