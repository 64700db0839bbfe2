//! A scripted provider and the cloud that it talks to.
//!
//! Types: `fake_thing` (external, at once), `fake_slow` (external, accepted and polled), `fake_local`
//! (local effect), and the data source `fake_lookup`. The cloud refuses to delete what another object
//! links to, so that a wrong order shows.

mod cloud;
mod find;
mod kind;
mod provider;

pub(crate) use cloud::{Cloud, Fault, Trouble};
pub(crate) use kind::FakeKind;
