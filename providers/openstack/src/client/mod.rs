//! A thin OpenStack client: credentials, catalog, retries, and calls that can't be sent unrecorded.

mod auth;
mod busy;
mod call;
mod catalog;
mod clouds;
mod error;
mod outcome;
mod pages;
mod repeat;
mod send;
mod session;
mod shared;
mod skew;
mod transport;
mod whoami;

pub use clouds::{CloudSource, Hint, Places, Site, Sites};
pub use transport::{Request, Response, Tls, Transport, TransportError};

pub(crate) use call::{Call, Verb};
pub(crate) use catalog::Service;
pub(crate) use clouds::{Fields, login};
pub(crate) use error::{ApiError, Failure};
pub(crate) use session::{Outside, Session};
