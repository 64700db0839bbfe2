//! The JSON twins of what a plan says about time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use terrarium_address::Name;
use terrarium_provider::{Cost, Deferral, Lends, PlanNotes, Standing};
use terrarium_state::Ended;

use super::twin::{ChangeTwin, Shared, change_twin, resource};
use crate::{DeferredChange, Occupancy, Waits};

#[derive(Serialize, Deserialize)]
pub(super) struct DeferredTwin {
    change: ChangeTwin,
    not_before: Option<Timestamp>,
    reason: String,
    waits: WaitsTwin,
    approved: bool,
}

#[derive(Serialize, Deserialize)]
enum WaitsTwin {
    Lender(String),
    Dependency(String),
    Values,
    Configuration,
    Opening,
    Consumers(Vec<String>),
    Held(String),
    Closed(Timestamp),
    Provider,
}

impl DeferredTwin {
    pub(super) fn of(deferred: &DeferredChange) -> Self {
        Self {
            change: change_twin(&deferred.change),
            not_before: deferred.deferral.not_before,
            reason: deferred.deferral.reason.clone(),
            waits: match &deferred.waits {
                Waits::Lender(label) => WaitsTwin::Lender(label.clone()),
                Waits::Dependency(addr) => WaitsTwin::Dependency(addr.to_string()),
                Waits::Values => WaitsTwin::Values,
                Waits::Configuration => WaitsTwin::Configuration,
                Waits::Opening => WaitsTwin::Opening,
                Waits::Consumers(all) => {
                    WaitsTwin::Consumers(all.iter().map(ToString::to_string).collect())
                }
                Waits::Held(addr) => WaitsTwin::Held(addr.to_string()),
                Waits::Closed(at) => WaitsTwin::Closed(*at),
                Waits::Provider => WaitsTwin::Provider,
            },
            approved: deferred.approved,
        }
    }

    pub(super) fn restore(self, find: &Shared<'_>) -> Result<DeferredChange, String> {
        Ok(DeferredChange {
            change: self.change.restore(find)?,
            deferral: Deferral::until(self.not_before, self.reason),
            waits: match self.waits {
                WaitsTwin::Lender(label) => Waits::Lender(label),
                WaitsTwin::Dependency(addr) => Waits::Dependency(resource(&addr)?),
                WaitsTwin::Values => Waits::Values,
                WaitsTwin::Configuration => Waits::Configuration,
                WaitsTwin::Opening => Waits::Opening,
                WaitsTwin::Consumers(all) => Waits::Consumers(
                    all.iter().map(|addr| resource(addr)).collect::<Result<_, _>>()?,
                ),
                WaitsTwin::Held(addr) => Waits::Held(resource(&addr)?),
                WaitsTwin::Closed(at) => Waits::Closed(at),
                WaitsTwin::Provider => Waits::Provider,
            },
            approved: self.approved,
        })
    }
}

fn texts(names: &BTreeMap<Name, Name>) -> BTreeMap<String, String> {
    names.iter().map(|(name, hash)| (name.to_string(), hash.to_string())).collect()
}

/// What a change says about time.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TimeTwin {
    lenders: Vec<String>,
    foreign: Vec<String>,
    ended: Option<(Timestamp, Option<String>)>,
    standing: Option<(String, Option<Timestamp>)>,
    zone: Option<String>,
    cost: Option<(u64, u64, String)>,
    gap: Option<String>,
    perishes: Option<String>,
    /// Whether what it lends can be used once it is made; `None`: its window tells.
    lends: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) keeps_old: bool,
    approval: Option<String>,
    covers: BTreeMap<String, String>,
}

impl TimeTwin {
    pub(super) fn of(change: &crate::ResourceChange) -> Self {
        let notes = &change.notes;
        Self {
            lenders: change.occupies.lenders.iter().map(ToString::to_string).collect(),
            foreign: change.occupies.foreign.clone(),
            ended: change
                .ended
                .as_ref()
                .map(|ended| (ended.at, ended.with.as_ref().map(ToString::to_string))),
            standing: change.standing.map(|standing| match standing {
                Standing::Open => ("open".to_owned(), None),
                Standing::Upcoming => ("upcoming".to_owned(), None),
                Standing::Ended(at) => ("ended".to_owned(), Some(at)),
            }),
            zone: notes.zone.as_deref().map(Into::into),
            cost: notes
                .cost
                .as_ref()
                .map(|cost| (cost.total_milli, cost.hourly_milli, cost.unit.to_string())),
            gap: notes.gap.clone(),
            perishes: notes.perishes.clone(),
            lends: notes.lends.map(|lends| lends == Lends::WithApply),
            keeps_old: change.keeps_old,
            approval: change.approval.as_deref().map(Into::into),
            covers: texts(&change.covers),
        }
    }

    pub(super) fn occupies(&self) -> Result<Occupancy, String> {
        Ok(Occupancy {
            lenders: self.lenders.iter().map(|addr| resource(addr)).collect::<Result<_, _>>()?,
            foreign: self.foreign.clone(),
        })
    }

    pub(super) fn ended(&self) -> Result<Option<Ended>, String> {
        let Some((at, with)) = &self.ended else { return Ok(None) };
        Ok(Some(Ended { at: *at, with: with.as_deref().map(resource).transpose()? }))
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        let (name, at) = self.standing.as_ref()?;
        match (name.as_str(), at) {
            ("ended", Some(at)) => Some(Standing::Ended(*at)),
            ("upcoming", _) => Some(Standing::Upcoming),
            _ => Some(Standing::Open),
        }
    }

    pub(super) fn approval(&self) -> Option<Name> {
        self.approval.as_deref().map(Into::into)
    }

    pub(super) fn covers(&self) -> BTreeMap<Name, Name> {
        let names = self.covers.iter();
        names.map(|(name, hash)| (name.as_str().into(), hash.as_str().into())).collect()
    }

    pub(super) fn notes(self) -> PlanNotes {
        PlanNotes {
            zone: self.zone.map(Into::into),
            cost: self.cost.map(|(total_milli, hourly_milli, unit)| Cost {
                total_milli,
                hourly_milli,
                unit: unit.into(),
            }),
            gap: self.gap,
            perishes: self.perishes,
            lends: self.lends.map(|with| if with { Lends::WithApply } else { Lends::AfterApply }),
        }
    }
}
