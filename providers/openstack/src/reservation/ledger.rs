//! What the leases of one plan take from the calendar, so that they are counted against each other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use terrarium_address::ResourceAddr;

use super::calendar::Pool;

/// What the leases of a run are planned to take, by address.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<ResourceAddr, Entry>>);

/// What one lease is planned to take.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// The lease that stands at this address, which a new one would replace.
    pub(super) stands: Option<String>,
    /// What it takes.
    pub(super) claims: Vec<Claim>,
    /// What it costs beyond what is paid already, in thousandths.
    pub(super) cost_milli: u64,
}

/// One thing that a planned lease takes.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The site.
    pub(super) region: String,
    /// The pool.
    pub(super) pool: Pool,
    /// The thing's id.
    pub(super) thing: String,
    /// From when.
    pub(super) from: Timestamp,
    /// Until when.
    pub(super) until: Timestamp,
}

impl Ledger {
    /// Starts an address's entry anew, and returns the lease that stands there as far as is known:
    /// `lease`, else the one that an earlier question of this run named.
    pub(super) fn open(&self, addr: &ResourceAddr, lease: Option<&str>) -> Option<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(addr.clone()).or_default();
        let stands = lease.map(str::to_owned).or_else(|| entry.stands.clone());
        *entry = Entry { stands: stands.clone(), ..Entry::default() };
        stands
    }

    /// Notes what a lease takes.
    pub(super) fn claim(&self, addr: &ResourceAddr, claims: Vec<Claim>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(addr.clone()).or_default().claims.extend(claims);
    }

    /// Notes what a lease costs, and returns what all others of the plan cost.
    pub(super) fn spend(&self, addr: &ResourceAddr, cost_milli: u64) -> u64 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(addr.clone()).or_default().cost_milli = cost_milli;
        all.iter().filter(|(one, _)| *one != addr).map(|(_, entry)| entry.cost_milli).sum()
    }

    /// Returns all that is taken, with the addresses that take it.
    pub(super) fn claims(&self) -> Vec<(ResourceAddr, Claim)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = all.iter().flat_map(|(addr, entry)| {
            entry.claims.iter().map(|claim| (addr.clone(), claim.clone()))
        });
        pairs.collect()
    }

    /// Forgets what was carried out: now the calendar itself shows it.
    pub(super) fn settle(&self, addr: &ResourceAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(addr);
    }
}
