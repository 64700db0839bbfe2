//! The real transport against a socket of this machine.

use std::io::{Read, Write};
use std::net::TcpListener;

use http::{HeaderMap, Method};
use terrarium_openstack::{HttpTransport, Request, Transport, TransportError};

/// Serves one connection with these bytes, then closes it; returns what was asked.
fn serve(answer: &'static [u8]) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v3?limit=1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let length = socket.read(&mut asked).unwrap();
        socket.write_all(answer).unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    (url, thread)
}

fn send(url: &str) -> Result<terrarium_openstack::Response, TransportError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-auth-token", "t0ken".parse().unwrap());
    let request = Request { method: Method::POST, url: url.to_owned(), headers, body: "{}".into() };
    assert!(!format!("{request:?}").contains("t0ken"));
    runtime.block_on(HttpTransport::new().unwrap().send(request))
}

#[test]
fn a_reply_comes_whole_whatever_its_status() {
    let (url, thread) = serve(
        b"HTTP/1.1 409 Conflict\r\nX-Openstack-Request-Id: req-7\r\nContent-Length: 4\r\n\r\nbusy",
    );
    let reply = send(&url).unwrap();
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (409, &b"busy"[..]));
    assert_eq!(reply.headers["x-openstack-request-id"], "req-7");
    let asked = thread.join().unwrap();
    assert!(asked.starts_with("POST /v3?limit=1 HTTP/1.1") && asked.contains("t0ken"), "{asked}");
}

#[test]
fn a_broken_reply_is_a_doubt_and_a_refused_connection_is_none() {
    let (url, thread) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut");
    assert!(matches!(send(&url), Err(TransportError::MaybeSent(_))));
    thread.join().unwrap();
    let (url, thread) = serve(b"");
    assert!(matches!(send(&url), Err(TransportError::MaybeSent(_))));
    thread.join().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(send(&format!("http://{closed}/")), Err(TransportError::NotSent(_))));
}
