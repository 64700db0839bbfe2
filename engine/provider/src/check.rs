//! What a provider is asked before it is configured: checks of configurations, and old rows of a state.

use std::sync::Arc;

use terrarium_address::{Mode, Name};
use terrarium_value::Value;

/// A configuration that is to be checked.
#[derive(Clone, Debug)]
pub struct ValidateRequest {
    /// A resource type, or a data source.
    pub mode: Mode,
    /// Its type.
    pub kind: Name,
    /// Its values; parts may be unknown.
    pub config: Value,
}

/// A recorded object of an older schema version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpgradeRequest {
    /// Its type.
    pub kind: Name,
    /// The version that its values follow.
    pub version: u64,
    /// Its values: the state's JSON.
    pub attributes: Arc<str>,
}
