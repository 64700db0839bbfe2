//! OpenStack: compute, networking, block storage, images and reservations (Blazar), over plain HTTP.
//!
//! A resource type is a row of a table (`schema`); one generic verb each creates, reads, updates,
//! deletes and finds (`verbs`), and hooks hold what is a type's own. Nothing here waits for long
//! work: the engine asks again. Start at `tables.rs`, then `networking/network.rs`.

mod blockstorage;
mod client;
pub mod codes;
mod compute;
mod data;
mod images;
mod kind;
mod legacy;
mod look;
mod networking;
mod plan;
mod provider;
mod quota;
mod reservation;
mod same;
mod schema;
mod tables;
mod transport;
mod validate;
mod verbs;
mod wire;

pub use client::{
    CloudSource, Hint, Places, Request, Response, Site, Sites, Tls, Transport, TransportError,
};
pub use kind::{OpenStack, Settings};
pub use transport::HttpTransport;
