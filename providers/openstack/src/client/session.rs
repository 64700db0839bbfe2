//! A session with one cloud: calls with the right token, endpoint, headers and retries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use terrarium_provider::{Clock, Doubt, DoubtKind, Leave, Limits, Step};
use tokio::sync::OnceCell;

use super::auth::{Token, token_of, token_request};
use super::busy::{BusyServices, is_busy};
use super::call::{Call, Sends, Verb};
use super::catalog::Service;
use super::clouds::{Login, identity_root};
use super::error::{ApiError, Failure, bare};
use super::outcome::{outcome_of, too_late};
use super::pages::{Pages, next_marker};
use super::repeat::{LOGINS, Next, PATIENCE, Repeat, Tries, next};
use super::send::Sending;
use super::shared::{Belief, Listed, Shared};
use super::skew::Skew;
use super::transport::{Request, Response, Transport, TransportError};

/// Most pages that a list is followed for: far more than any project holds, fewer than for ever.
const PAGES: usize = 500;

/// Objects a page is asked for.
const PAGE_SIZE: &str = "1000";

/// What stays as it is in a query's values.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a session reaches the outside through.
#[derive(Clone)]
pub(crate) struct Outside {
    /// Carries requests.
    pub(crate) transport: Arc<dyn Transport>,
    /// All waits go through it.
    pub(crate) clock: Arc<dyn Clock>,
    /// Is asked before each request leaves.
    pub(crate) limits: Arc<dyn Limits>,
}

/// What came of a login, once it is over.
type LoggedIn = OnceCell<Result<Arc<Token>, ApiError>>;

/// A session; the first call logs in.
pub(crate) struct Session {
    login: Result<Login, String>,
    pub(super) overrides: BTreeMap<String, String>,
    no_cache: bool,
    pub(super) outside: Outside,
    /// The login: whoever needs it first makes it, the others wait for what comes of that one.
    token: Mutex<Arc<LoggedIn>>,
    shared: Shared,
    pub(super) busy: BusyServices,
    pub(super) skew: Skew,
}

impl Session {
    /// Builds a session; nothing is sent.
    pub(crate) fn new(
        login: Result<Login, String>,
        overrides: BTreeMap<String, String>,
        no_cache: bool,
        outside: Outside,
    ) -> Self {
        Self {
            login,
            overrides,
            no_cache,
            outside,
            token: Mutex::default(),
            shared: Shared::default(),
            busy: BusyServices::default(),
            skew: Skew::default(),
        }
    }

    /// Returns the region of the login; empty for none.
    pub(crate) fn region(&self) -> &str {
        self.login.as_ref().map_or("", |login| &login.region)
    }

    /// Returns where it acts: the simulated world, or the identity service and the project of the token.
    pub(crate) async fn realm(&self) -> Result<String, ApiError> {
        let login = self.login()?;
        if let Some(world) = &login.world {
            // Whoever can't log in is told by the first call; logged in, it knows the world's time.
            let _told_later = self.token().await;
            return Ok(world.clone());
        }
        let token = self.token().await?;
        let project = token.project_id.as_deref().unwrap_or("without a project");
        Ok(format!("{} project {project}", identity_root(&login.auth_url)))
    }

    /// Returns why it can't log in, where that is known already.
    pub(crate) fn complaint(&self) -> Option<&str> {
        self.login.as_ref().err().map(String::as_str)
    }

    /// Returns how many calls may be in flight.
    pub(crate) fn width(&self) -> usize {
        self.outside.limits.width().max(1)
    }

    /// Returns the clock.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.outside.clock
    }

    /// Returns an instant of the engine's clock by the clock of a service, as far as it has answered.
    pub(crate) fn cloud_time(
        &self,
        service: Service,
        region: &str,
        at: Timestamp,
    ) -> Option<Timestamp> {
        self.skew.cloud_time(service, region, at)
    }

    /// Reads.
    pub(crate) async fn read(&self, call: &Call<'_>) -> Result<Json, ApiError> {
        match self.attempts(call, Repeat::Freely, None).await? {
            Ok(json) => Ok(json),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Unknown(doubt)) => Err(ApiError::Unreachable {
                method: Method::GET,
                path: call.path.clone(),
                cause: doubt.symptom,
            }),
        }
    }

    /// Reads one object; `None` where there is none.
    pub(crate) async fn find(&self, call: &Call<'_>) -> Result<Option<Json>, ApiError> {
        match self.read(call).await {
            Ok(json) => Ok(Some(json)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads all pages of a list, whose items stand under `key`.
    pub(crate) async fn list(&self, call: &Call<'_>, key: &str) -> Result<Vec<Json>, ApiError> {
        let mut call = call.clone();
        let paged = !matches!(call.service, Service::Image | Service::Reservation);
        if paged && call.query.iter().all(|(name, _)| *name != "limit") {
            call.query.push(("limit", PAGE_SIZE.into()));
        }
        let mut pages = Pages::default();
        for _ in 0..PAGES {
            let mut page = self.read(&call).await?;
            let items = page.get_mut(key).map(Json::take);
            let Some(Json::Array(items)) = items else {
                return Err(ApiError::Other(format!("GET {} answered without {key:?}", call.path)));
            };
            let last = items.is_empty();
            let marker = next_marker(&page, key).filter(|_| !last);
            if let Err(why) = pages.add(items, marker.as_deref()) {
                return Err(ApiError::Other(format!("GET {} has no end: {why}", call.path)));
            }
            let Some(marker) = marker else { return Ok(pages.all) };
            call.query.retain(|(name, _)| *name != "marker");
            call.query.push(("marker", marker));
        }
        Err(ApiError::Other(format!("GET {} has more than {PAGES} pages", call.path)))
    }

    /// Reads a list that others of this round have read already, or reads it for them.
    pub(crate) async fn shared_list(&self, call: &Call<'_>, key: &str) -> Listed {
        let now = self.outside.clock.now();
        self.shared.answer(call, Belief::List, now, self.list(call, key)).await
    }

    /// Forgets what lists said so far.
    pub(crate) fn look_anew(&self) {
        self.shared.forget_lists();
    }

    /// Notes that work on an object of a row's collection is over: what it changed is listed anew.
    pub(crate) fn settled(
        &self,
        service: Service,
        path: &str,
        touches: &'static [(Service, &'static str)],
    ) {
        self.shared.settled(&Call::get(service, "", path).touching(touches).sending(Verb::Put));
    }

    /// Reads one object that others of this round have read already, or reads it for them.
    pub(crate) async fn shared_find(&self, call: &Call<'_>) -> Result<Option<Json>, ApiError> {
        let now = self.outside.clock.now();
        let ask = async { Ok(self.find(call).await?.into_iter().collect()) };
        let found = self.shared.answer(call, Belief::List, now, ask).await?;
        Ok(found.first().cloned())
    }

    /// Lists what has a name. It is asked once a round: what a name means does not change beneath it.
    pub(crate) async fn named(&self, call: &Call<'_>, key: &str) -> Listed {
        let now = self.outside.clock.now();
        self.shared.answer(call, Belief::Name, now, self.list(call, key)).await
    }

    /// Lists what keeps its id whatever is changed about it.
    pub(crate) async fn identities(&self, call: &Call<'_>, key: &str) -> Listed {
        let now = self.outside.clock.now();
        self.shared.answer(call, Belief::Identity, now, self.list(call, key)).await
    }

    /// Returns the name of a thing that keeps it (a flavor, an image); `None` where it is gone.
    pub(crate) async fn name_of(
        &self,
        call: &Call<'_>,
        pointer: &str,
    ) -> Result<Option<String>, ApiError> {
        let now = self.outside.clock.now();
        let ask = async { Ok(self.find(call).await?.into_iter().collect()) };
        let found = self.shared.answer(call, Belief::Name, now, ask).await?;
        let name = |json: &Json| json.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        Ok(found.first().map(|json| name(json).unwrap_or_default()))
    }

    /// Sends a call that makes something, and that is never repeated while it may have done so. It uses up
    /// the one create of its intent, unless the service refuses it: then nothing was made.
    pub(crate) async fn create(
        &self,
        step: Step<'_>,
        call: &Call<'_, Verb>,
    ) -> Result<Json, Failure> {
        let creation = step.into_create().map_err(|spent| Failure::other(spent.to_string()))?;
        let answer = self.once_only(creation.leave(), call).await;
        if matches!(answer, Err(Failure::Refused(_))) {
            creation.made_nothing();
        }
        answer
    }

    /// Sends a call that makes nothing new, and that is not repeated while it may have been carried out.
    pub(crate) async fn once(
        &self,
        step: &mut Step<'_>,
        call: &Call<'_, Verb>,
    ) -> Result<Json, Failure> {
        self.once_only(step.leave(), call).await
    }

    async fn once_only(&self, leave: Leave<'_>, call: &Call<'_, Verb>) -> Result<Json, Failure> {
        let repeat = match call.refusals {
            [] => Repeat::OnlyUndone,
            texts => Repeat::OrSaid(texts),
        };
        let outcome = self.attempts(call, repeat, Some(leave)).await;
        self.shared.changed_by(call);
        outcome?
    }

    /// Sends a call that may be repeated: doing it twice is doing it once.
    pub(crate) async fn mutate(
        &self,
        step: &mut Step<'_>,
        call: &Call<'_, Verb>,
    ) -> Result<Json, Failure> {
        let outcome = self.attempts(call, Repeat::Freely, Some(step.leave())).await;
        self.shared.changed_by(call);
        outcome?
    }

    async fn attempts<M: Sends>(
        &self,
        call: &Call<'_, M>,
        repeat: Repeat,
        leave: Option<Leave<'_>>,
    ) -> Result<Result<Json, Failure>, ApiError> {
        let mut tries = Tries::new(self.outside.clock.now(), call.patience);
        loop {
            let token = self.token().await?;
            let (endpoint, request) = self.request(call, &token)?;
            self.skew.goes_to(call.service, call.region, &endpoint);
            let outcome = match self.send(&endpoint, &request, &tries, leave).await {
                Ok(Sending::Answered(outcome)) => outcome,
                Ok(Sending::Spared(reply)) => return Ok(outcome_of(&request, Ok(reply))),
                // The intent stays open: what an earlier call of the action began is found out by recovery.
                Err(refused) => {
                    let attempted = format!("{} {}", request.method, bare(&request.url));
                    let symptom = format!("it was not sent: {refused}");
                    let kind = DoubtKind::NotSent;
                    return Ok(Err(Failure::Unknown(Doubt { attempted, symptom, kind })));
                }
            };
            match self.next(repeat, &endpoint, &outcome, &tries) {
                Next::LogIn => {
                    tries.logins += 1;
                    self.forget(&token);
                }
                Next::Again(pause) => self.pause(&request, &outcome, &mut tries, pause).await,
                Next::Answer => return Ok(outcome_of(&request, outcome)),
                Next::TooLate(asked) => {
                    return Ok(Err(too_late(&request, outcome, asked, call.patience)));
                }
                Next::Unreachable(cause) => {
                    let path = bare(&request.url).to_owned();
                    return Err(ApiError::Unreachable { method: request.method, path, cause });
                }
                Next::Doubt(symptom) => {
                    let attempted = format!("{} {}", request.method, bare(&request.url));
                    // What a gateway says is no answer of the service.
                    let kind = match &outcome {
                        Ok(reply) if !(502..=504).contains(&reply.status.as_u16()) => {
                            DoubtKind::Failed
                        }
                        _ => DoubtKind::Lost,
                    };
                    return Ok(Err(Failure::Unknown(Doubt { attempted, symptom, kind })));
                }
            }
        }
    }

    /// Decides what follows an attempt; a call that its service sent away for good gives that up for others, too.
    fn next(
        &self,
        repeat: Repeat,
        endpoint: &str,
        outcome: &Result<Response, TransportError>,
        tries: &Tries,
    ) -> Next {
        let now = self.outside.clock.now();
        let next = next(repeat, outcome, tries, now);
        let (true, Ok(reply)) = (is_busy(outcome), outcome) else { return next };
        match next {
            Next::Again(_) if self.busy.given_up(endpoint, tries.begun).is_some() => Next::Answer,
            Next::Answer | Next::TooLate(_) => {
                self.busy.sent_away(endpoint, reply, (tries.begun, now));
                next
            }
            next => next,
        }
    }

    /// Builds a request; returns the endpoint that it goes to, too.
    fn request<M: Sends>(
        &self,
        call: &Call<'_, M>,
        token: &Token,
    ) -> Result<(String, Request), ApiError> {
        let endpoint = self.endpoint(call, token)?;
        let mut url = format!("{endpoint}{}", call.path);
        if !call.query.is_empty() {
            url = format!("{url}?{}", query_text(&call.query));
        }
        let mut request = self.request_to(url, token)?;
        let headers = &mut request.headers;
        if let Some(version) = call.microversion {
            microversion_headers(headers, call.service, version);
        }
        if let Some(body) = &call.body {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            request.body = body.to_string().into();
        }
        Ok((endpoint, Request { method: call.verb.method(), ..request }))
    }

    /// Starts a GET of an address with the token.
    pub(super) fn request_to(&self, url: String, token: &Token) -> Result<Request, ApiError> {
        let mut headers = HeaderMap::new();
        let bad =
            |_| ApiError::Credentials("the token has characters that no header may have".into());
        let mut secret = HeaderValue::from_str(token.secret.expose()).map_err(bad)?;
        secret.set_sensitive(true);
        headers.insert("x-auth-token", secret);
        headers.insert("accept", HeaderValue::from_static("application/json"));
        if self.no_cache {
            headers.insert("cache-control", HeaderValue::from_static("no-cache"));
        }
        Ok(Request { method: Method::GET, url, headers, body: bytes::Bytes::new() })
    }

    fn endpoint<M>(&self, call: &Call<'_, M>, token: &Token) -> Result<String, ApiError> {
        let login = self.login()?;
        let region = if call.region.is_empty() { &login.region } else { call.region };
        let project = token.project_id.as_deref();
        let missing = || ApiError::NoEndpoint {
            service: call.service.name(),
            region: region.to_owned(),
            interface: login.interface.clone(),
        };
        let found = match self.overrides.get(call.service.override_key()) {
            Some(url) if url.contains("://") => return Ok(url.trim_end_matches('/').to_owned()),
            Some(kind) => token.catalog.find_type(kind, &login.interface, region),
            None => token.catalog.find(call.service, &login.interface, region),
        };
        Ok(call.service.versioned(found.ok_or_else(missing)?, project))
    }

    pub(super) fn login(&self) -> Result<&Login, ApiError> {
        self.login.as_ref().map_err(|why| ApiError::Credentials(why.clone()))
    }

    /// Returns the token, logging in where there is none; all others wait for the one login. Credentials that
    /// were not accepted are not sent again: a service may lock the account.
    pub(super) async fn token(&self) -> Result<Arc<Token>, ApiError> {
        let login = self.logged_in().clone();
        let came = login.get_or_init(|| self.log_in()).await.clone();
        if came.as_ref().is_err_and(|error| !matches!(error, ApiError::Credentials(_))) {
            self.log_in_anew(&login);
        }
        came
    }

    fn logged_in(&self) -> MutexGuard<'_, Arc<LoggedIn>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next call log in, unless another login has taken this one's place already.
    fn log_in_anew(&self, login: &Arc<LoggedIn>) {
        let mut current = self.logged_in();
        if Arc::ptr_eq(&current, login) {
            *current = Arc::default();
        }
    }

    async fn log_in(&self) -> Result<Arc<Token>, ApiError> {
        let login = self.login()?;
        let request = token_request(login);
        let mut tries = Tries::new(self.outside.clock.now(), PATIENCE);
        tries.logins = LOGINS;
        let reply = loop {
            let sending = self.send(&login.auth_url, &request, &tries, None).await;
            let outcome = match sending.map_err(|refused| ApiError::Other(refused.message))? {
                Sending::Answered(outcome) => outcome,
                Sending::Spared(reply) => break Ok(reply),
            };
            match self.next(Repeat::Freely, &login.auth_url, &outcome, &tries) {
                Next::Again(pause) => self.pause(&request, &outcome, &mut tries, pause).await,
                _ => break outcome,
            }
        };
        let reply = reply.map_err(|error| ApiError::Unreachable {
            method: Method::POST,
            path: request.url.clone(),
            cause: error.to_string(),
        })?;
        Ok(Arc::new(token_of(&request, &reply)?))
    }

    /// Drops a token that was refused, unless another one has taken its place already.
    fn forget(&self, token: &Arc<Token>) {
        let login = self.logged_in().clone();
        let holds = |came: &Result<Arc<Token>, _>| {
            came.as_ref().is_ok_and(|current| Arc::ptr_eq(current, token))
        };
        if login.get().is_some_and(holds) {
            self.log_in_anew(&login);
        }
    }
}

fn microversion_headers(headers: &mut HeaderMap, service: Service, version: &str) {
    let name = service.microversion_name();
    if let Ok(value) = HeaderValue::from_str(&format!("{name} {version}")) {
        headers.insert("openstack-api-version", value);
    }
    if let (Service::Compute, Ok(value)) = (service, HeaderValue::from_str(version)) {
        headers.insert("x-openstack-nova-api-version", value);
    }
}

pub(super) fn query_text(query: &[(&str, String)]) -> String {
    let pairs = query.iter().map(|(name, value)| {
        format!("{}={}", utf8_percent_encode(name, QUERY), utf8_percent_encode(value, QUERY))
    });
    pairs.collect::<Vec<_>>().join("&")
}
