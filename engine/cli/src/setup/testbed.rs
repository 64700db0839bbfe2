//! The testbed: embedded in this process, or served by another.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use terrarium_openstack::{Hint, Site, Sites};
use terrarium_testbed as testbed;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::clock::Reading;
use crate::codes;
use crate::context::{Context, Failed, fail};

/// The world's file, from the root module's directory.
pub(crate) const WORLD: &str = ".terrarium/testbed.db";

/// How long a clock that stands still is believed not to have been moved by another process.
const LOOK: Duration = Duration::from_millis(100);

/// A testbed that a command works on; dropping it ends the embedded one.
pub(crate) struct Testbed {
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// Its control path.
    pub(crate) control: Arc<Control>,
    /// How people call it.
    pub(crate) name: String,
    task: Option<JoinHandle<()>>,
}

impl Drop for Testbed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The control path of a world: the same requests, with or without a socket.
pub(crate) struct Control {
    way: Way,
    reading: Mutex<Reading>,
    /// When a world of this process is asked itself again.
    look_at: Mutex<Instant>,
    world: String,
}

enum Way {
    Router(testbed::Router),
    Http { client: reqwest::Client, origin: String },
}

/// Where the world of a value of `-testbed` is.
pub(crate) enum Place {
    /// A file of this machine.
    File(PathBuf),
    /// A served testbed.
    Url(String),
}

/// Returns where the world is that `-testbed` or the environment names.
pub(crate) fn place(context: &Context, value: &str) -> Place {
    match value {
        "" | "1" | "true" => Place::File(context.path(WORLD)),
        url if url.starts_with("http://") || url.starts_with("https://") => {
            Place::Url(url.trim_end_matches('/').to_owned())
        }
        path => Place::File(context.path(path)),
    }
}

/// Opens the world in a file, making it and its directory where they are missing.
pub(crate) fn open_router(path: &Path) -> Result<testbed::Router, Failed> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| crate::context::file_failed("create", parent, &error))?;
    }
    match testbed::World::open(path, Arc::new(Timestamp::now)) {
        Ok(world) => Ok(testbed::Router::new(Arc::new(world))),
        Err(error) => fail(codes::TESTBED, "Testbed can't be used", format!("{error}.")),
    }
}

/// Starts or reaches the testbed that the command is to work on; `None` for real clouds.
pub(crate) async fn start(context: &Context) -> Result<Option<Testbed>, Failed> {
    let Some(value) = &context.testbed else { return Ok(None) };
    let testbed = match place(context, value) {
        Place::File(path) => embed(context, &path).await?,
        Place::Url(origin) => {
            let control = Control::reach(&origin).await?;
            Testbed { name: origin.clone(), origin, control: Arc::new(control), task: None }
        }
    };
    let now = testbed.control.now();
    context.out.talk(&format!(
        "Testbed: working on {} (simulated; nothing real is touched), where it is {now:.0}",
        testbed.name
    ));
    Ok(Some(testbed))
}

async fn embed(context: &Context, path: &Path) -> Result<Testbed, Failed> {
    let router = open_router(path)?;
    let unusable = |error: std::io::Error| -> Failed {
        let detail = format!("No loopback port could be opened: {error}.");
        terrarium_diagnostic::Diagnostic::error(codes::TESTBED, "Testbed can't be used")
            .detail(detail)
            .into()
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(unusable)?;
    let origin = format!("http://{}", listener.local_addr().map_err(unusable)?);
    let control = Arc::new(Control::of_router(router.clone())?);
    let served = router;
    let task = tokio::spawn(async move {
        // The listener lives as long as the command; a reply that is lost is the client's to bear.
        let _ended = testbed::serve(listener, served).await;
    });
    let name = format!("the embedded testbed {}", context.shown(path));
    Ok(Testbed { origin, control, name, task: Some(task) })
}

/// Returns the control of the world that `-testbed` names, else of the one in this directory; `None` where
/// none was begun yet.
pub(crate) async fn reach(context: &Context) -> Result<Option<Control>, Failed> {
    match place(context, context.testbed.as_deref().unwrap_or("1")) {
        Place::Url(origin) => Control::reach(&origin).await.map(Some),
        Place::File(path) if path.is_file() => Control::of_router(open_router(&path)?).map(Some),
        Place::File(_) => Ok(None),
    }
}

impl Testbed {
    /// Returns whether its world is served by this process alone.
    pub(crate) fn is_embedded(&self) -> bool {
        self.task.is_some()
    }

    /// Returns what a state is bound to that is made in its world.
    pub(crate) fn realm(&self) -> String {
        realm(&self.control.world)
    }

    /// Says goodbye.
    pub(crate) fn finish(&self, context: &Context) {
        let now = self.control.now();
        context.out.talk(&format!("Testbed: nothing real was touched; there it is now {now:.0}"));
    }

    /// Returns the cloud source that leads every cloud to this testbed.
    pub(crate) fn sites(&self) -> Arc<dyn Sites> {
        Arc::new(AllSites { origin: self.origin.clone(), realm: self.realm() })
    }
}

/// Returns what a state is bound to that was made in a world.
pub(crate) fn realm(world: &str) -> String {
    format!("{REALM}{world}")
}

/// Returns whether a state is bound to a testbed's world.
pub(crate) fn is_realm(realm: &str) -> bool {
    realm.starts_with(REALM)
}

const REALM: &str = "testbed ";

struct AllSites {
    origin: String,
    realm: String,
}

impl Sites for AllSites {
    fn site(&self, hint: &Hint) -> Site {
        let found = testbed::site_for(
            hint.region.as_deref(),
            hint.cloud.as_deref(),
            hint.auth_url.as_deref(),
        );
        Site {
            auth_url: found.auth_url(&self.origin),
            region: found.region.to_owned(),
            realm: self.realm.clone(),
        }
    }
}

impl Control {
    /// Builds the control of a world in this process.
    pub(crate) fn of_router(router: testbed::Router) -> Result<Self, Failed> {
        let way = Way::Router(router);
        let clock = local(&way, "GET", "/testbed/clock", None)?;
        let status = local(&way, "GET", "/testbed/status", None)?;
        Self::build(way, &clock, &status)
    }

    /// Reaches a served testbed.
    pub(crate) async fn reach(origin: &str) -> Result<Self, Failed> {
        let way = Way::Http { client: reqwest::Client::new(), origin: origin.to_owned() };
        let clock = ask(&way, "GET", "/testbed/clock", None).await?;
        let status = ask(&way, "GET", "/testbed/status", None).await?;
        Self::build(way, &clock, &status)
    }

    fn build(way: Way, clock: &Json, status: &Json) -> Result<Self, Failed> {
        let Some(reading) = reading_of(clock) else {
            return fail(
                codes::TESTBED,
                "Testbed can't be used",
                "What answers there is no testbed.",
            );
        };
        let world = status.get("world").and_then(Json::as_str).unwrap_or_default().to_owned();
        Ok(Self { way, reading: Mutex::new(reading), look_at: Mutex::new(Instant::now()), world })
    }

    /// Sends a request to the control path.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<Json>,
    ) -> Result<Json, Failed> {
        ask(&self.way, method, path, body).await
    }

    /// Returns the world's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.reading().now()
    }

    /// Returns how fast the world's time passes.
    pub(crate) fn rate(&self) -> f64 {
        self.reading().rate
    }

    /// Reads the world's clock anew: others may have moved it.
    pub(crate) async fn look(&self) -> Timestamp {
        // A world that does not answer keeps its time, as far as is known.
        if let Ok(clock) = self.request("GET", "/testbed/clock", None).await {
            self.note(&clock);
        }
        self.now()
    }

    /// Returns the world's name.
    pub(crate) fn world(&self) -> &str {
        &self.world
    }

    /// Moves the world's clock forwards.
    pub(crate) async fn move_to(&self, at: Timestamp) {
        // A world that can't be moved keeps its time: the next poll tells what is wrong with it.
        if let Ok(clock) =
            self.request("POST", "/testbed/clock", Some(json!({"to": at.to_string()}))).await
        {
            self.note(&clock);
        }
    }

    /// What a world in this process shows is known from its last request, but for what others move who serve
    /// it too: it is asked now and then. A served one is known by its rate.
    fn reading(&self) -> Reading {
        if let Way::Router(router) = &self.way {
            match router.shown().filter(|_| !self.looks_again()) {
                Some(shown) => self.set(Reading { shown, rate: 0.0, read: Timestamp::now() }),
                None => {
                    if let Ok(clock) = local(&self.way, "GET", "/testbed/clock", None) {
                        self.note(&clock);
                    }
                }
            }
        }
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether it is time to look whether others moved the clock.
    fn looks_again(&self) -> bool {
        let now = Instant::now();
        let mut look_at = self.look_at.lock().unwrap_or_else(PoisonError::into_inner);
        let again = *look_at <= now;
        if again {
            *look_at = now + LOOK;
        }
        again
    }

    fn note(&self, clock: &Json) {
        if let Some(reading) = reading_of(clock) {
            self.set(reading);
        }
    }

    fn set(&self, reading: Reading) {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }
}

fn reading_of(clock: &Json) -> Option<Reading> {
    Some(Reading {
        shown: clock.get("now")?.as_str()?.parse().ok()?,
        rate: clock.get("rate")?.as_f64()?,
        read: Timestamp::now(),
    })
}

async fn ask(way: &Way, method: &str, path: &str, body: Option<Json>) -> Result<Json, Failed> {
    let Way::Http { client, origin } = way else { return local(way, method, path, body) };
    let unreachable = |error: reqwest::Error| -> Failed {
        let detail = format!("{origin} does not answer as a testbed: {error}.");
        terrarium_diagnostic::Diagnostic::error(codes::TESTBED, "Testbed can't be reached")
            .detail(detail)
            .help("Start it with `terrarium testbed serve`, and give the address that it prints.")
            .into()
    };
    let method = method.parse().unwrap_or(http::Method::GET);
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let reply = client.request(method, format!("{origin}{path}")).body(body).send().await;
    let reply = reply.map_err(unreachable)?;
    let (status, text) = (reply.status(), reply.text().await.map_err(unreachable)?);
    answer(status.is_success(), &text)
}

fn local(way: &Way, method: &str, path: &str, body: Option<Json>) -> Result<Json, Failed> {
    let Way::Router(router) = way else {
        return fail(codes::INTERNAL, "No router", "A served testbed was asked without a socket.");
    };
    let response = router.handle(&testbed::Request {
        method: method.parse().unwrap_or(http::Method::GET),
        path_and_query: path.to_owned(),
        headers: http::HeaderMap::new(),
        body: body.map(|body| body.to_string()).unwrap_or_default().into(),
    });
    answer(response.status.is_success(), &String::from_utf8_lossy(&response.body))
}

fn answer(good: bool, text: &str) -> Result<Json, Failed> {
    let json: Json = serde_json::from_str(text).unwrap_or_default();
    if good {
        return Ok(json);
    }
    let message = json.pointer("/error/message").and_then(Json::as_str).unwrap_or(text);
    fail(codes::TESTBED, "Testbed refused the request", message)
}
