//! Diagnostic codes of this crate: T10xx.

use terrarium_diagnostic::{Code, CodeRow};

/// No cloud, or credentials that can't be used.
pub const CREDENTIALS: Code = Code("T1001");
/// The catalog lacks the service.
pub const NO_ENDPOINT: Code = Code("T1002");
/// The service answered with an error.
pub const REFUSED: Code = Code("T1003");
/// The service answered 403: a quota or a permission.
pub const FORBIDDEN: Code = Code("T1004");
/// No answer came.
pub const UNREACHABLE: Code = Code("T1005");
/// An argument has a value that the service can't take.
pub const INVALID: Code = Code("T1006");
/// Two arguments exclude each other, or one needs another.
pub const CONFLICT: Code = Code("T1007");
/// A data source found none, or more than one.
pub const NOT_ONE: Code = Code("T1008");
/// An object went into an error state.
pub const FAILED: Code = Code("T1009");
/// An in-place change that destroys data.
pub const DESTRUCTIVE: Code = Code("T1010");
/// An argument has no effect here.
pub const NO_EFFECT: Code = Code("T1011");
/// The outside may not be asked.
pub const OFFLINE: Code = Code("T1012");
/// A permission to act is missing: a fault of the engine.
pub const NO_PERMIT: Code = Code("T1013");

/// A lease's dates can't be what they say.
pub const TIME: Code = Code("T1014");
/// The calendar has no room.
pub const NO_ROOM: Code = Code("T1015");
/// A testbed's rule stands against it.
pub const RULE: Code = Code("T1016");

/// The table of codes.
pub const CODES: &[CodeRow] = &[
    row(CREDENTIALS, "no usable cloud or credentials", include_str!("explain/T1001.md")),
    row(NO_ENDPOINT, "the cloud lacks a service", include_str!("explain/T1002.md")),
    row(REFUSED, "the service refused a request", include_str!("explain/T1003.md")),
    row(FORBIDDEN, "a quota or a permission is missing", include_str!("explain/T1004.md")),
    row(UNREACHABLE, "the service did not answer", include_str!("explain/T1005.md")),
    row(INVALID, "an argument has an impossible value", include_str!("explain/T1006.md")),
    row(CONFLICT, "arguments do not go together", include_str!("explain/T1007.md")),
    row(NOT_ONE, "a data source did not find exactly one", include_str!("explain/T1008.md")),
    row(FAILED, "an object went into an error state", include_str!("explain/T1009.md")),
    row(DESTRUCTIVE, "a change in place destroys data", include_str!("explain/T1010.md")),
    row(NO_EFFECT, "an argument has no effect", include_str!("explain/T1011.md")),
    row(OFFLINE, "the cloud may not be asked", include_str!("explain/T1012.md")),
    row(NO_PERMIT, "an action came without its intent", include_str!("explain/T1013.md")),
    row(TIME, "a lease's dates don't go", include_str!("explain/T1014.md")),
    row(NO_ROOM, "the calendar has no room", include_str!("explain/T1015.md")),
    row(RULE, "a rule of the testbed", include_str!("explain/T1016.md")),
];

const fn row(code: Code, title: &'static str, explanation: &'static str) -> CodeRow {
    CodeRow { code, title, explanation }
}
