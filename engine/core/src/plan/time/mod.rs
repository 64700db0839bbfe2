//! Time: what it makes of each planned action. Facts go in, fates come out.
//!
//! Everything here is a pure function of what it is given: nothing waits, asks a provider or evaluates an expression.
//! Each rule is a file with a table of its cases. The rules that look forward are applied to an instance when its block
//! is visited, since whoever reads it later has to know; the three that look backward are solved once all blocks were
//! visited, from scratch in each round.
//!
//! | Rule | File | |
//! |---|---|---|
//! | what lends must have begun | [`lender_opens`] | forward |
//! | what sits on a lease ends with it | [`lender_ends`] | forward |
//! | a change may have a window of its own | [`own_window`] | forward |
//! | what is unknown until later makes its readers wait | [`unknown_until`] | forward |
//! | so does what `depends_on` names | [`depends_on`] | forward |
//! | a window that nobody used is over for good | [`missed`] | forward |
//! | what would come when its time is over is an error | [`too_early`] | forward |
//! | what goes with a replaced lender goes now and comes back | [`gap`] | forward |
//! | what names something that ended lets go of it | [`let_go`] | forward |
//! | a lease outside the configuration counts as any other | [`pasted`] | forward |
//! | what is scarce waits with those that it is for | [`scarce`] | backward |
//! | a successor waits for its predecessor | [`exclusive`] | backward |
//! | a replaced lender stays until its occupants moved | [`lender_stays`] | backward |
//! | what others see of an instance | [`seen`] | |
//!
//! How the kinds of a plan differ is a column of [`Modes`], and nothing else here asks for it.

mod depends_on;
mod ended_values;
mod exclusive;
mod fate;
mod gap;
mod ledger;
mod lender_ends;
mod lender_opens;
mod lender_stays;
mod let_go;
mod loan;
mod missed;
mod modes;
mod own_window;
mod pasted;
mod planned;
mod scarce;
mod seat;
mod seen;
mod too_early;
mod unknown_until;

pub(super) use depends_on::Coming;
pub(super) use ended_values::ended_values;
pub(super) use exclusive::exclusive;
pub(super) use fate::{There, comes, rests};
pub(super) use gap::{Downfall, goes_down};
pub(super) use ledger::Ledger;
pub(super) use lender_ends::{Gone, expected_end};
pub(super) use lender_stays::lender_stays;
pub(super) use let_go::{dangling, left_as_it_is, let_go};
pub(crate) use missed::missed;
pub(super) use modes::Modes;
pub(super) use pasted::pasted;
pub(super) use planned::{Beside, Planned};
pub(super) use scarce::{leftovers, scarce};
pub(super) use seat::{Facts, Seat};
pub(crate) use seen::seen;
pub(super) use too_early::too_early;

#[cfg(test)]
mod cases;
