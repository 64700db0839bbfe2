//! A simulated Chameleon: a server that speaks OpenStack's REST APIs, with a clock and faults.
//!
//! It answers Keystone, Nova, Neutron, Glance and Cinder for the sites of the testbed, from a
//! [`World`] that is one SQLite file. Nothing happens in the background: each request first
//! carries out what fell due since, then answers, and is committed before its reply leaves. So
//! a killed process loses nothing, and several processes may serve one world.
//!
//! The crate knows nothing of the engine. [`Router::handle`] takes and gives plain data; `serve`
//! puts the same router behind a loopback socket.

mod call;
mod clock;
mod cloud;
mod compute;
mod control;
mod due;
mod fault;
mod identity;
mod image;
mod json;
mod network;
mod query;
mod reply;
mod reservation;
mod router;
mod schema;
mod seed;
mod serve;
mod settings;
mod site;
mod store;
mod traffic;
mod volume;
mod world;

pub use router::{Delivery, Request, Response, Router};
pub use seed::RESERVED_FLAVOR;
pub use serve::serve;
pub use settings::{Effect, Fault, LeaseEvent, LeaseFault, Load, ReplyAfter, Settings};
pub use site::{SITES, Site, clouds_yaml, site_for};
pub use world::{RealTime, World, WorldError};
