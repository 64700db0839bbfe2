//! What was asked, remembered: a block that is planned again asks nothing twice.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use terrarium_address::{ConfigAddr, ModulePath, ResourceAddr};
use terrarium_lang::Configuration;
use terrarium_lang::config::Resource;
use terrarium_provider::{DataReply, Schema};
use terrarium_value::Value;

use super::candidate::{Candidate, Prior};

/// How objects stand, by instance; an instance without one is left out.
type Looked = HashMap<ResourceAddr, Prior>;

/// What was asked in this plan, and answered.
pub(super) struct Memory {
    /// Whether anything may be planned again: otherwise nothing need be kept.
    keeps: bool,
    looked: RefCell<HashMap<ConfigAddr, Looked>>,
    /// What data sources said, each with the configuration that it was asked with.
    read: RefCell<HashMap<ResourceAddr, (Value, DataReply)>>,
}

impl Memory {
    /// Starts without anything. A plan is looked back at where something of it is scarce or exclusive.
    pub(super) fn of(
        config: &Configuration,
        schema_of: impl Fn(&ModulePath, &Resource) -> Option<Arc<Schema>>,
    ) -> Self {
        let mut blocks = config
            .modules
            .iter()
            .flat_map(|(path, module)| module.resources.values().map(move |it| (path, it)));
        let keeps = blocks.any(|(path, resource)| {
            schema_of(path, resource).is_some_and(|it| it.scarce || !it.exclusive.is_empty())
        });
        Self { keeps, looked: RefCell::default(), read: RefCell::default() }
    }

    /// Gives instances what was found of them before; `false`: nobody has looked.
    pub(super) fn recall(&self, block: &ConfigAddr, candidates: &mut [Candidate]) -> bool {
        let looked = self.looked.borrow();
        let Some(looked) = looked.get(block) else { return false };
        for candidate in candidates {
            candidate.prior = looked.get(&candidate.addr).cloned();
        }
        true
    }

    /// Keeps what was found of instances.
    pub(super) fn remember(&self, block: ConfigAddr, candidates: &[Candidate]) {
        if self.keeps {
            let found =
                candidates.iter().filter_map(|it| Some((it.addr.clone(), it.prior.clone()?)));
            self.looked.borrow_mut().insert(block, found.collect());
        }
    }

    /// Returns what a data source said that was asked with the same configuration.
    pub(super) fn said(&self, addr: &ResourceAddr, config: &Value) -> Option<DataReply> {
        let read = self.read.borrow();
        let (asked, reply) = read.get(addr)?;
        (asked == config).then(|| reply.clone())
    }

    /// Keeps what a data source said.
    pub(super) fn keep(&self, addr: &ResourceAddr, config: &Value, reply: &DataReply) {
        if self.keeps {
            let kept = (config.clone(), reply.clone());
            self.read.borrow_mut().insert(addr.clone(), kept);
        }
    }
}
