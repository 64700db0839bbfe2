//! Exit codes: Terraform's, and those for what waits.

use terrarium_drive::Verdict;

/// Everything went well; with `-detailed-exitcode`: and there is nothing to do.
pub const SUCCESS: u8 = 0;
/// Something is wrong, or was not approved.
pub const ERROR: u8 = 1;
/// `plan -detailed-exitcode`: there is something to do now or to approve, even if all of it is for later.
/// `run -once`: something is due and held back until `apply`. Nothing else ends with 2.
pub const CHANGES: u8 = 2;
/// `plan -detailed-exitcode=waiting`: there is nothing to do or to approve, but approved work waits.
pub const WAITING: u8 = 3;
/// Bare `terrarium`: only the usage was printed.
pub const USAGE: u8 = 127;
/// Left where it stood after a second signal, before everything in flight was recorded: the journal knows the rest.
pub const INTERRUPTED: u8 = 130;

/// Returns the exit code of a run.
pub(crate) fn of_run(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Done => SUCCESS,
        Verdict::Failed => ERROR,
        Verdict::HeldBack => CHANGES,
    }
}
