//! **A window that nobody used is over for good.** The laptop was closed while the lease was there: what was to sit on it
//! does not come any more, nor does what reads or names it. That is no error. The plan says since when; a new end
//! date brings it back, and removing it from the configuration forgets it.

use terrarium_state::Ended;

use crate::Occupancy;

/// Says of what never comes why: it completes "waits for …".
pub(crate) fn missed(over: &Ended, occupies: &Occupancy) -> String {
    let who = match &over.with {
        Some(addr) => addr.to_string(),
        None if occupies.foreign.is_empty() => "those who needed it".to_owned(),
        None => occupies.foreign.join(", "),
    };
    format!("nothing any more: the time of {who} is over")
}

#[cfg(test)]
mod tests {
    use super::super::cases::{addr, day};
    use super::*;

    #[test]
    fn what_never_comes_says_with_whom_it_went() {
        let pasted = Occupancy { lenders: Vec::new(), foreign: vec!["the lease \"l\"".to_owned()] };
        let own = Occupancy::default();
        for (with, occupies, expected) in [
            (Some(addr("a.lease")), &pasted, "nothing any more: the time of a.lease is over"),
            (None, &pasted, "nothing any more: the time of the lease \"l\" is over"),
            (None, &own, "nothing any more: the time of those who needed it is over"),
        ] {
            assert_eq!(missed(&Ended { at: day(3), with }, occupies), expected);
        }
    }
}
