//! `state rm`, `state mv`

use super::{Mv, Rm};
use crate::context::{Context, Outcome};

pub(super) fn remove(_args: &Rm, _context: &Context) -> Outcome {
    Ok(0)
}

pub(super) fn rename(_args: &Mv, _context: &Context) -> Outcome {
    Ok(0)
}
