//! What a service answers: a reply, or a refusal in the service's own words.

use serde_json::{Value, json};

/// Result of a call or of a step in it.
pub(crate) type Outcome<T> = Result<T, Refusal>;

/// Why a call is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The service says no.
    Said {
        /// HTTP status.
        status: u16,
        /// Neutron's exception type; the other services show none.
        kind: &'static str,
        /// The text that users see.
        message: String,
    },
    /// The world's file failed.
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal::Broken(error)
    }
}

/// Returns a refusal with the exception type that Neutron shows.
pub(crate) fn refuse(status: u16, kind: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::Said { status, kind, message: message.into() }
}

/// Returns a refusal of a service that shows no exception type.
pub(crate) fn no(status: u16, message: impl Into<String>) -> Refusal {
    refuse(status, "HTTPError", message)
}

/// An answer before it becomes bytes.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Content,
    /// Whether what the call did stays although its status is an error's.
    pub(crate) keeps: bool,
}

/// What an answer carries.
#[derive(Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    Text(&'static str, String),
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Reply {
        Reply { status, headers: Vec::new(), content: Content::Json(body), keeps: false }
    }

    pub(crate) fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), content: Content::Empty, keeps: false }
    }

    /// Lets what the call did stay although it is refused.
    pub(crate) fn kept(mut self) -> Reply {
        self.keeps = true;
        self
    }

    pub(crate) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Refusal {
    fn parts(&self) -> (u16, &'static str, String) {
        match self {
            Refusal::Said { status, kind, message } => (*status, *kind, message.clone()),
            Refusal::Broken(error) => {
                (500, "HTTPInternalServerError", format!("The testbed's world failed: {error}"))
            }
        }
    }

    /// Returns the refusal as Glance words it for clients that ask for JSON; others get a page.
    pub(crate) fn plain(&self) -> Reply {
        let (status, _, message) = self.parts();
        let title = title(status);
        Reply::json(
            status,
            json!({"message": format!("{message}<br /><br />\n\n\n"),
                "code": format!("{status} {title}"), "title": title}),
        )
    }
}

/// A service of a site, as its paths name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Identity,
    Compute,
    Network,
    Image,
    Volume,
    Reservation,
}

/// What a service is called where.
pub(crate) struct ServiceRow {
    pub(crate) service: Service,
    /// Segment of the path.
    pub(crate) path: &'static str,
    /// Type in the catalog.
    pub(crate) catalog_type: &'static str,
    /// Name in the catalog.
    pub(crate) name: &'static str,
    /// What follows the path in the catalog's URLs; `{project}` is filled in.
    pub(crate) suffix: &'static str,
}

/// The services, in the catalog's order.
pub(crate) const SERVICES: &[ServiceRow] = &[
    row(Service::Identity, "identity", ("identity", "keystone"), "/v3"),
    row(Service::Compute, "compute", ("compute", "nova"), "/v2.1"),
    row(Service::Network, "network", ("network", "neutron"), ""),
    row(Service::Image, "image", ("image", "glance"), ""),
    row(Service::Volume, "volume", ("volumev3", "cinderv3"), "/v3/{project}"),
    row(Service::Reservation, "reservation", ("reservation", "blazar"), "/v1"),
];

const fn row(
    service: Service,
    path: &'static str,
    (catalog_type, name): (&'static str, &'static str),
    suffix: &'static str,
) -> ServiceRow {
    ServiceRow { service, path, catalog_type, name, suffix }
}

impl Service {
    /// Returns a refusal in the service's form.
    pub(crate) fn refusal(self, refusal: &Refusal) -> Reply {
        let (status, kind, message) = refusal.parts();
        match self {
            Service::Network => Reply::json(
                status,
                json!({"NeutronError": {"type": kind, "message": message, "detail": ""}}),
            ),
            Service::Identity => Reply::json(
                status,
                json!({"error": {"code": status, "message": message, "title": title(status)}}),
            ),
            Service::Image => Reply {
                status,
                headers: Vec::new(),
                content: Content::Text("text/html; charset=UTF-8", html(status, &message)),
                keeps: false,
            },
            Service::Reservation => {
                let unforeseen = message == UNFORESEEN;
                let name = if unforeseen { json!("INTERNAL_SERVER_ERROR") } else { json!(status) };
                Reply::json(
                    status,
                    json!({"error_code": status, "error_message": message, "error_name": name}),
                )
            }
            Service::Compute | Service::Volume => {
                let mut fault = json!({"code": status, "message": message});
                if status == 413 {
                    fault["retryAfter"] = json!("0");
                }
                Reply::json(status, json!({fault_name(status): fault}))
            }
        }
    }
}

/// What Blazar says of errors that are not its own; their name is another then.
pub(crate) const UNFORESEEN: &str = "Internal Server Error";

/// Returns the answer of the token check that stands before every service.
pub(crate) fn unauthorized(identity_url: &str) -> Reply {
    let message = "The request you have made requires authentication.";
    Reply::json(401, json!({"error": {"code": 401, "title": "Unauthorized", "message": message}}))
        .with("www-authenticate", format!("Keystone uri=\"{identity_url}\""))
}

fn html(status: u16, message: &str) -> String {
    let title = title(status);
    format!(
        "<html>\n <head>\n  <title>{status} {title}</title>\n </head>\n <body>\n  \
         <h1>{status} {title}</h1>\n  {message}<br /><br />\n\n\n </body>\n</html>"
    )
}

fn title(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}

/// Returns the key under which Nova and Cinder put an error of this status.
fn fault_name(status: u16) -> &'static str {
    match status {
        400 => "badRequest",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "itemNotFound",
        405 => "badMethod",
        409 => "conflictingRequest",
        413 | 429 => "overLimit",
        415 => "badMediaType",
        501 => "notImplemented",
        503 => "serviceUnavailable",
        _ => "computeFault",
    }
}
