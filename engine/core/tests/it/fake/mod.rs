//! A scripted provider and the cloud that it talks to.
//!
//! Types: `fake_thing` (external, at once), `fake_slow` (external, accepted and polled), `fake_local`
//! (local effect), and the data source `fake_lookup`. The cloud refuses to delete what another object
//! links to, so that a wrong order shows.
//!
//! Types of time: `fake_lease` (lends a reservation), `fake_server` (sits on one and dies with it),
//! `fake_attachment` and `fake_association` (sit on a server, and hold a volume or an address alone),
//! `fake_port` and `fake_address` (scarce; an address may be bound to something), and the data source `fake_lease`.

mod broken;
mod cloud;
mod events;
mod find;
mod kind;
mod lease;
mod provider;

pub(crate) use broken::{MANNERS, METHODS, Manner, Method, Minute};
pub(crate) use cloud::{Cloud, Fault, Inside, Trouble};
pub(crate) use find::{accepted, of_name};
pub(crate) use kind::FakeKind;
