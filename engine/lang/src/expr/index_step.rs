//! Steps of a path that are computed.

use terrarium_address::PathStep;
use terrarium_value::Value;

/// Returns the path step that an index value stands for.
pub(super) fn index_step(key: &Value) -> Option<PathStep> {
    if let Some(text) = key.as_str() {
        return Some(PathStep::Key(text.into()));
    }
    key.as_number()?.to_u64().map(PathStep::Index)
}
