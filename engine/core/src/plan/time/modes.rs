//! The kinds of a plan, as columns: how the rules of time differ in them.

use crate::{Mode, PlanOptions};

/// What kind of plan the rules work for.
#[allow(clippy::struct_excessive_bools, reason = "each is a column of the rules' tables")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    /// What can't be done now may wait. Without it (`-no-defer`) that is an error, as in Terraform.
    pub(crate) defers: bool,
    /// What is scarce is made now, even for those that come later (`-eager`).
    pub(crate) eager: bool,
    /// What has no end in common, or would come too late, is an error. It is a warning at most where nothing is made:
    /// in a destroy, and where only what changed outside is taken over.
    pub(crate) makes: bool,
    /// Services were asked how things stand. Offline, and without a refresh, what is recorded counts.
    pub(crate) asked: bool,
}

impl Modes {
    /// Reads them off the options of a plan. Targets are no column: what they leave out is not planned at all.
    pub(crate) fn of(options: &PlanOptions) -> Self {
        Self {
            defers: options.time.defer && options.mode != Mode::Destroy,
            eager: options.time.eager,
            makes: options.mode == Mode::Normal,
            asked: options.refresh && !options.offline,
        }
    }
}
