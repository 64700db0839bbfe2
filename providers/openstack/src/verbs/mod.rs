//! What can be done with any resource type: one generic verb per file, and the hooks for what is a
//! type's own.

mod create;
mod decode;
mod delete;
mod fetch;
mod find;
mod hooks;
mod pending;
mod private;
mod scope;
mod update;

pub(crate) use create::{create, create_body, finish_create, follow_ups, made, provision};
pub(crate) use decode::{decode, noted, settled, shell};
pub(crate) use delete::{
    DELETE_AGAIN, RETRY_DELETE, delete, delete_reply, remembered, retry_later,
};
pub(crate) use fetch::{fetch, in_lanes};
pub(crate) use find::{created_at, find, found, instant, is_young, marked};
pub(crate) use hooks::Hooks;
pub(crate) use pending::{
    Known, again_or_given_up, fails_to_go, finish, poll, poll_delete, waiting,
};
pub(crate) use private::Note;
pub(crate) use scope::{Act, Fetched, Scope, encoded, unwrapped};
pub(crate) use update::{Change, update};

/// The prefix of a marker in a description.
pub(crate) const MARKER_PREFIX: &str = "terrarium:";

/// The metadata key of a marker.
pub(crate) const MARKER_KEY: &str = "terrarium";

/// Returns the marker in a description, where it is one.
pub(crate) fn marker_in(description: &str) -> Option<&str> {
    let marker = description.strip_prefix(MARKER_PREFIX)?;
    let is_marker =
        marker.len() == 16 && marker.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    is_marker.then_some(marker)
}
