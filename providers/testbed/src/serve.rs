//! The same router behind a loopback socket.

use std::io;

use axum::{
    Router as Axum,
    body::Body,
    extract::{Request as AxumRequest, State, connect_info::ConnectInfo},
    response::Response as AxumResponse,
};
use http::{HeaderValue, Method, header};
use tokio::net::TcpListener;

use crate::router::{BODY_LIMIT, Delivery, Request, Response, Router};
use crate::traffic::Traffic;

mod cut;

use cut::{Cutter, Listener};

/// Where the control path begins.
const CONTROL: &str = "/testbed/";

/// Serves `router` on `listener` until the future is dropped.
///
/// # Cancel safety
/// Dropping it loses at most replies: what a request did is committed before its reply begins.
pub async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let app = Axum::new().fallback(answer).with_state(router);
    let app = app.into_make_service_with_connect_info::<Cutter>();
    axum::serve(Listener::new(listener), app).await
}

async fn answer(
    State(router): State<Router>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: AxumRequest,
) -> AxumResponse {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return plain(413);
    };
    let request = Request {
        method: parts.method,
        path_and_query: parts.uri.to_string(),
        headers: parts.headers,
        body,
    };
    let traffic = router.traffic.clone();
    let path = request.path_and_query.as_str();
    let _under_way = match path.strip_prefix(CONTROL) {
        Some("traffic") => return counted(&traffic, &request.method),
        Some(_) => None,
        None => Some(traffic.begin(request.method.as_str(), path)),
    };
    // SQLite blocks, and may wait for another process that serves the same world.
    let handled = tokio::task::spawn_blocking(move || router.handle(&request)).await;
    let Ok(response) = handled else { return plain(500) };
    if let Some(delay) = response.after {
        tokio::time::sleep(delay).await;
    }
    if response.delivery != Delivery::Whole {
        cutter.cut();
    }
    whole(response)
}

/// Tells what came over this socket, or counts it anew.
fn counted(traffic: &Traffic, method: &Method) -> AxumResponse {
    match *method {
        Method::GET => {}
        Method::DELETE => traffic.reset(),
        _ => return plain(405),
    }
    let mut reply = AxumResponse::new(Body::from(traffic.told().to_string()));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

fn whole(response: Response) -> AxumResponse {
    let mut reply = AxumResponse::new(Body::from(response.body));
    *reply.status_mut() = response.status;
    *reply.headers_mut() = response.headers;
    reply
}

fn plain(status: u16) -> AxumResponse {
    let mut reply = AxumResponse::new(Body::empty());
    if let Ok(status) = http::StatusCode::from_u16(status) {
        *reply.status_mut() = status;
    }
    reply
}
