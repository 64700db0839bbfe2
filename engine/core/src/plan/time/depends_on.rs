//! **What `depends_on` names is waited for.** Who names something that is deferred, or a lease that has not begun,
//! wants it to be there first; where that never comes, neither does what needs it. A lease that was used and is over was
//! there.

use terrarium_state::Ended;

use crate::fate::Wait;

/// What a `depends_on` names that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Coming {
    /// It comes.
    Later(Wait),
    /// It does not come any more.
    Never(Ended),
}

impl Coming {
    /// Keeps of two what comes later.
    pub(crate) fn latest(one: Self, other: Self) -> Self {
        match (one, other) {
            (Self::Never(over), _) | (_, Self::Never(over)) => Self::Never(over),
            (Self::Later(one), Self::Later(other)) => Self::Later(Wait::latest(one, other)),
        }
    }
}

/// Returns what an instance waits for whose `depends_on` names these.
pub(super) fn depends_on(named: &[Coming]) -> Option<Coming> {
    named.iter().cloned().reduce(Coming::latest)
}

#[cfg(test)]
mod tests {
    use super::super::cases::{addr, day};
    use super::*;
    use crate::Waits;

    #[test]
    fn the_latest_of_what_is_named_is_waited_for_and_what_never_comes_counts_most() {
        let later = |at: i64| {
            let waits = Waits::Dependency(addr("a.b"));
            Coming::Later(Wait { at: Some(day(at)), waits, reason: String::new() })
        };
        let never = Coming::Never(Ended { at: day(1), with: None });
        for (named, expected) in [
            (vec![], None),
            (vec![later(3)], Some(later(3))),
            (vec![later(3), later(5), later(4)], Some(later(5))),
            (vec![later(3), never.clone(), later(4)], Some(never.clone())),
        ] {
            assert_eq!(depends_on(&named), expected);
        }
    }
}
