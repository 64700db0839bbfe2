//! Fates: what time makes of a planned action, and what is waited for.

use std::fmt;

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_state::Ended;
use terrarium_value::{Cause, Causes, When};

use crate::rare::Blank;

/// What time makes of a planned action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It is done in this apply; for what stands as it is there is nothing to do.
    #[default]
    Now,
    /// It is done later.
    Later(Wait),
    /// The object ended with its time, as was to be expected: it is kept for evaluation, and nothing is done.
    Ended(Ended),
    /// What the object needs is over since then, and it is still there: nothing is done.
    Lingers(Ended),
    /// The object is removed in this apply, with the lender under it, and made again later.
    GoesDown(Wait),
    /// It can't be done any more: what it needs is over since then.
    Never(Ended),
}

impl Blank for Fate {
    const BLANK: &'static Self = &Self::Now;
}

impl Fate {
    /// Returns since when it is over, and with what.
    pub fn over(&self) -> Option<&Ended> {
        match self {
            Self::Ended(over) | Self::Lingers(over) | Self::Never(over) => Some(over),
            Self::Now | Self::Later(_) | Self::GoesDown(_) => None,
        }
    }

    /// Returns when what an instance leaves unknown will be known.
    pub(crate) fn when(&self) -> When {
        match self {
            Self::Now => When::Apply,
            Self::Later(wait) | Self::GoesDown(wait) => wait.when(),
            Self::Ended(over) | Self::Lingers(over) | Self::Never(over) => When::Never(over.at),
        }
    }

    /// Returns the causes of what an instance leaves unknown.
    pub(crate) fn causes(&self, addr: &ResourceAddr) -> Causes {
        causes(addr, self.when())
    }
}

/// The causes of what an instance leaves unknown until then.
pub(crate) fn causes(addr: &ResourceAddr, when: When) -> Causes {
    Causes::one(Cause::Instance { addr: addr.clone(), when })
}

/// Something to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Until when; `None`: nobody knows.
    pub at: Option<Timestamp>,
    /// Why.
    pub waits: Waits,
    /// What for, in words that complete "waits for …".
    pub reason: String,
}

impl Wait {
    /// Returns when what waits will be known.
    pub(crate) fn when(&self) -> When {
        self.at.map_or(When::Later, When::At)
    }

    /// Keeps the later of two; what has no time is the latest.
    pub(crate) fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(Self::latest(one, other)),
            (one, other) => one.or(other),
        }
    }

    /// Keeps the later of two that there are; of two at the same instant the first.
    pub(crate) fn latest(one: Self, other: Self) -> Self {
        let key = |wait: &Self| wait.at.unwrap_or(Timestamp::MAX);
        if key(&other) > key(&one) { other } else { one }
    }
}

/// Why a change is not made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// What it sits on does not lend yet.
    Lender(Sits),
    /// What it sits on lends, and nothing stands behind it: what was reserved failed.
    Lacks(Sits),
    /// Something that it reads, or names in `depends_on`, waits itself.
    Dependency(ResourceAddr),
    /// A `count` or a `for_each`, its own or that of a module around it, that is not known yet.
    Values,
    /// Its provider's configuration is not known yet, and the provider can't do without.
    Configuration,
    /// Its own window is not open yet: an extension, which is possible only near the end.
    Opening,
    /// It is scarce, and everything that needs it waits.
    Consumers(Vec<ResourceAddr>),
    /// The thing that it needs alone is still held by another: the holder.
    Held(ResourceAddr),
    /// The provider said so.
    Provider,
}

/// What something sits on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sits {
    /// An instance of the configuration.
    On(ResourceAddr),
    /// A lease outside the configuration, in words: its reservation id was pasted.
    Pasted(String),
}

impl Sits {
    /// Returns the instance that is sat on.
    pub fn instance(&self) -> Option<&ResourceAddr> {
        match self {
            Self::On(addr) => Some(addr),
            Self::Pasted(_) => None,
        }
    }
}

impl fmt::Display for Sits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(addr) => addr.fmt(f),
            Self::Pasted(label) => f.write_str(label),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_known_when_its_fate_says_so() {
        let at = |second| Timestamp::from_second(second).expect("an instant");
        let wait = |second: Option<i64>| Wait {
            at: second.map(at),
            waits: Waits::Opening,
            reason: String::new(),
        };
        let over = Ended { at: at(3), with: None };
        for (fate, when) in [
            (Fate::Now, When::Apply),
            (Fate::Later(wait(Some(5))), When::At(at(5))),
            (Fate::GoesDown(wait(None)), When::Later),
            (Fate::Never(over.clone()), When::Never(at(3))),
            (Fate::Ended(over), When::Never(at(3))),
        ] {
            assert_eq!(fate.when(), when);
        }
    }
}
