//! The one way in: a request becomes a response, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    call::{Call, Who},
    clock::Clock,
    cloud::Cloud,
    compute, control, due, fault, identity, image, network,
    query::{self, Query},
    reply::{Content, Outcome, Refusal, Reply, SERVICES, Service, no, unauthorized},
    reservation,
    settings::Settings,
    site::{self, SITES, Site},
    store::Store,
    traffic::Traffic,
    volume, world,
    world::World,
};

/// A request, as plain data.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, escaped as on the wire; a full URL is taken too.
    pub path_and_query: String,
    /// The headers; `Host` becomes the host of the URLs in answers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What becomes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The client gets it.
    Whole,
    /// The connection breaks before the service saw the request.
    LostBefore,
    /// The connection breaks after the service did its work.
    LostAfter,
}

/// A response, as plain data.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: StatusCode,
    /// Headers; `Date` is the world's clock.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long the reply is to be held back; its effects are already committed.
    pub after: Option<Duration>,
    /// Whether the client gets it at all.
    pub delivery: Delivery,
}

/// Answers requests from a world. Cheap to clone; may be called from many threads.
#[derive(Clone)]
pub struct Router {
    world: Arc<World>,
    /// What came over this process's socket.
    pub(crate) traffic: Arc<Traffic>,
}

/// Host of the URLs in answers where a request has no `Host`.
const NOWHERE: &str = "testbed.invalid";

/// Largest body that is read: far above Nova's 64 KiB of user data, far below a disk image.
pub(crate) const BODY_LIMIT: usize = 4 * 1024 * 1024;

impl Router {
    /// Makes a router over `world`.
    pub fn new(world: Arc<World>) -> Router {
        Router { world, traffic: Arc::default() }
    }

    /// Carries out what fell due, then the request, commits both, and returns the response.
    pub fn handle(&self, request: &Request) -> Response {
        let answered = self.world.transact(|clock| answer(clock, request));
        answered.unwrap_or_else(|error| {
            let reply = no(500, self.world.failed(error).to_string());
            finish(Service::Compute.refusal(&reply), Timestamp::UNIX_EPOCH, "")
        })
    }

    /// Returns what the world's clock showed last to a request of this process, without asking the world;
    /// `None` where time passes by itself. Another process that serves the same world may have moved it since.
    pub fn shown(&self) -> Option<Timestamp> {
        self.world.shown()
    }

    /// Sets how many seconds of the world pass per real second while this process serves it;
    /// without, the clock stands still but for what the control path moves.
    pub fn set_rate(&self, rate: f64) -> Result<(), crate::WorldError> {
        self.world.transact(|clock| clock.set_rate(rate)).map_err(|error| self.world.failed(error))
    }
}

fn answer(clock: &Clock<'_>, request: &Request) -> rusqlite::Result<Response> {
    let conn = clock.conn;
    let mut settings = Settings::load(conn)?;
    let reading = clock.read()?;
    if due::run(conn, reading.now, &settings)? {
        settings = Settings::load(conn)?;
    }
    let request_id = format!("req-{}", world::next_id(conn)?);
    let target = Target::parse(&request.path_and_query);
    if target.segments.first().map(String::as_str) == Some("testbed") {
        let reply = control::answer(clock, &settings, request, &target)?;
        let now = clock.read()?.now;
        return Ok(finish(reply, now, &request_id));
    }
    let struck = fault::strike(conn, &settings, request, &target)?;
    let reply = match struck.instead {
        Some(reply) => reply,
        None => guarded(conn, reading.now, &settings, (request, &target))?,
    };
    let mut response = finish(reply, reading.now, &request_id);
    if let Some(status) = struck.status {
        response.status = status;
        response.body = Bytes::new();
    }
    response.delivery = struck.delivery;
    response.after = fault::delay(conn, &settings)?;
    Ok(response)
}

/// Answers a call of a service; what a refused call had begun is undone.
fn guarded(
    conn: &Connection,
    now: Timestamp,
    settings: &Settings,
    (request, target): (&Request, &Target),
) -> rusqlite::Result<Reply> {
    conn.execute_batch("SAVEPOINT call")?;
    let (service, outcome) = route(conn, now, settings, (request, target));
    let accept = request.headers.get("accept").and_then(|accept| accept.to_str().ok());
    let in_json = accept.is_some_and(|accept| accept.contains("application/json"));
    let reply = outcome.unwrap_or_else(|refusal| match service {
        Service::Image if in_json => refusal.plain(),
        service => service.refusal(&refusal),
    });
    let undo = if reply.status >= 400 && !reply.keeps { "ROLLBACK TO call; " } else { "" };
    conn.execute_batch(&format!("{undo}RELEASE call"))?;
    Ok(reply)
}

fn route(
    conn: &Connection,
    now: Timestamp,
    settings: &Settings,
    (request, target): (&Request, &Target),
) -> (Service, Outcome<Reply>) {
    let mut segments = target.segments.iter().map(String::as_str);
    let Some(slug) = segments.next() else { return (Service::Compute, Ok(sites(request))) };
    let place = site::by_slug(slug).zip(segments.next());
    let row = place.and_then(|(site, path)| {
        let row = SERVICES.iter().find(|row| row.path == path)?;
        offers(site, row.service).then_some((site, row))
    });
    let Some((site, row)) = row else {
        return (Service::Compute, Err(no(404, "The resource could not be found.")));
    };
    let path: Vec<&str> = segments.collect();
    let cloud = Cloud { store: Store { conn, site: site.region }, site, now, settings };
    let body = if request.body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(&request.body)
            .map_err(|error| no(400, format!("Malformed JSON in request body: {error}")))
    };
    if row.service == Service::Reservation && body.is_err() {
        return (row.service, Ok(reservation::unreadable()));
    }
    let outcome = body.and_then(|body| {
        let mut call = Call {
            cloud,
            who: Who::default(),
            method: &request.method,
            path: &path,
            query: target.query.clone(),
            body,
            headers: &request.headers,
            url: format!("{}/{slug}/{}", origin(request), row.path),
        };
        serve(row.service, &mut call, &origin(request))
    });
    (row.service, outcome)
}

/// Tells whether a site has a service.
pub(crate) fn offers(site: &Site, service: Service) -> bool {
    match service {
        Service::Compute => site.hardware != crate::site::Hardware::Edge,
        Service::Volume => site.has_volumes(),
        Service::Identity | Service::Network | Service::Image | Service::Reservation => true,
    }
}

fn serve(service: Service, call: &mut Call<'_>, origin: &str) -> Outcome<Reply> {
    if service == Service::Identity {
        return identity::answer(call, origin);
    }
    // Version documents, the service's root and its one segment, need no token.
    if call.path.len() > 1 {
        let Some(who) = identity::verify(call)? else {
            return Ok(unauthorized(&call.cloud.site.auth_url(origin)));
        };
        network::security_groups::ensure_project(&call.cloud, &who.project)?;
        call.who = who;
    }
    match service {
        Service::Compute => compute::answer(call),
        Service::Network => network::answer(call),
        Service::Image => image::answer(call),
        Service::Volume => volume::answer(call),
        Service::Reservation => reservation::answer(call),
        Service::Identity => Err(no(404, "The resource could not be found.")),
    }
}

/// Returns what the bare address answers: where the sites are.
fn sites(request: &Request) -> Reply {
    let origin = origin(request);
    let sites: Vec<Value> = SITES
        .iter()
        .map(|site| json!({"region": site.region, "auth_url": site.auth_url(&origin)}))
        .collect();
    Reply::json(200, json!({"testbed": {"sites": sites, "control": format!("{origin}/testbed")}}))
}

/// Returns scheme and host as the client wrote them.
pub(crate) fn origin(request: &Request) -> String {
    let host = request.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or(NOWHERE))
}

/// A request's path and query, decoded.
pub(crate) struct Target {
    /// Path without origin and query, as it came.
    pub(crate) path: String,
    pub(crate) segments: Vec<String>,
    pub(crate) query: Query,
}

impl Target {
    fn parse(text: &str) -> Target {
        let text = match text.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => text,
        };
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        Target {
            path: path.to_owned(),
            segments: path
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(query::decode)
                .collect(),
            query: Query::parse(query),
        }
    }
}

/// Turns a reply into a response with the headers that every answer has.
fn finish(reply: Reply, now: Timestamp, request_id: &str) -> Response {
    let mut headers = HeaderMap::new();
    let mut set = |name: &str, value: &str| {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            headers.append(name, value);
        }
    };
    set("date", &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    set("x-openstack-request-id", request_id);
    for (name, value) in &reply.headers {
        set(name, value);
    }
    let body = match reply.content {
        Content::Empty => Bytes::new(),
        Content::Json(value) => {
            set("content-type", "application/json");
            Bytes::from(value.to_string())
        }
        Content::Text(content_type, text) => {
            set("content-type", content_type);
            Bytes::from(text)
        }
    };
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Response { status, headers, body, after: None, delivery: Delivery::Whole }
}

/// Returns the whole reply of a refusal by the control path, which has no service of its own.
pub(crate) fn plain_refusal(status: u16, message: &str) -> Reply {
    Service::Identity.refusal(&Refusal::Said { status, kind: "", message: message.to_owned() })
}
