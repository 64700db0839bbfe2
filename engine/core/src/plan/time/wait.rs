//! Something to wait for.

use jiff::Timestamp;

use crate::Waits;

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
