//! Ephemeral resources: opened for a run, renewed while it lasts, closed at its end; never stored.

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_value::Value;

use crate::Private;

/// Asks for an ephemeral resource.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    /// Its type.
    pub kind: Name,
    /// The instance.
    pub addr: ResourceAddr,
    /// Its configuration, wholly known.
    pub config: Value,
}

/// An open ephemeral resource.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its values.
    pub value: Value,
    /// By when it must be renewed, where it must.
    pub renew_at: Option<Timestamp>,
    /// What the provider needs to renew and to close it.
    pub private: Private,
}

/// Asks for a stored object of another type, or of another provider, in the form of this one: what a `moved`
/// block between types means.
#[derive(Clone, Debug)]
pub struct MoveRequest {
    /// The type that it had.
    pub from: Name,
    /// The address of the provider that kept it.
    pub provider: Name,
    /// The version of the schema it was stored with.
    pub version: u64,
    /// Its attributes, as the state's JSON.
    pub attributes: String,
    /// What that provider kept.
    pub private: Private,
    /// The type that it is to have.
    pub to: Name,
}
