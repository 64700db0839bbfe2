//! Exit codes: Terraform's.

/// Everything went well; with `-detailed-exitcode`: and there is nothing to do.
pub const SUCCESS: u8 = 0;
/// Something is wrong, or was not approved.
pub const ERROR: u8 = 1;
/// `plan -detailed-exitcode`: the plan has changes. Nothing else ends with 2.
pub const CHANGES: u8 = 2;
/// Bare `terrarium`: only the usage was printed.
pub const USAGE: u8 = 127;
/// Stopped by a second Ctrl-C, before everything in flight was recorded.
pub const INTERRUPTED: u8 = 130;
