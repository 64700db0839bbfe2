//! The JSON twins of what a plan says about time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use terrarium_address::Name;
use terrarium_provider::{Cost, Lends, PlanNotes, Standing};
use terrarium_state::Ended;

use super::twin::{ChangeTwin, Shared, change_twin, resource};
use crate::{DeferredChange, Fate, Occupancy, Sits, Wait, Waits};

#[derive(Serialize, Deserialize)]
pub(super) struct DeferredTwin {
    change: ChangeTwin,
    approved: bool,
}

impl DeferredTwin {
    pub(super) fn of(deferred: &DeferredChange) -> Self {
        Self { change: change_twin(&deferred.change), approved: deferred.approved }
    }

    pub(super) fn restore(self, find: &Shared<'_>) -> Result<DeferredChange, String> {
        Ok(DeferredChange { change: self.change.restore(find)?, approved: self.approved })
    }
}

/// A fate; most changes are made now, which is not written.
#[derive(Serialize, Deserialize)]
enum FateTwin {
    Later(WaitTwin),
    GoesDown(WaitTwin),
    Ended(OverTwin),
    Lingers(OverTwin),
    Never(OverTwin),
}

/// Since when something is over, and with what.
#[derive(Serialize, Deserialize)]
struct OverTwin(Timestamp, Option<String>);

#[derive(Serialize, Deserialize)]
struct WaitTwin {
    at: Option<Timestamp>,
    waits: WaitsTwin,
    reason: String,
}

#[derive(Serialize, Deserialize)]
enum WaitsTwin {
    Lender(String),
    Pasted(String),
    Lacks(String),
    PastedLacks(String),
    Dependency(String),
    Values,
    Configuration,
    Opening,
    Consumers(Vec<String>),
    Held(String),
    Provider,
}

impl FateTwin {
    fn of(fate: &Fate) -> Option<Self> {
        Some(match fate {
            Fate::Now => return None,
            Fate::Later(wait) => Self::Later(WaitTwin::of(wait)),
            Fate::GoesDown(wait) => Self::GoesDown(WaitTwin::of(wait)),
            Fate::Ended(over) => Self::Ended(OverTwin::of(over)),
            Fate::Lingers(over) => Self::Lingers(OverTwin::of(over)),
            Fate::Never(over) => Self::Never(OverTwin::of(over)),
        })
    }

    fn restore(&self) -> Result<Fate, String> {
        Ok(match self {
            Self::Later(wait) => Fate::Later(wait.restore()?),
            Self::GoesDown(wait) => Fate::GoesDown(wait.restore()?),
            Self::Ended(over) => Fate::Ended(over.restore()?),
            Self::Lingers(over) => Fate::Lingers(over.restore()?),
            Self::Never(over) => Fate::Never(over.restore()?),
        })
    }
}

impl OverTwin {
    fn of(over: &Ended) -> Self {
        Self(over.at, over.with.as_ref().map(ToString::to_string))
    }

    fn restore(&self) -> Result<Ended, String> {
        Ok(Ended { at: self.0, with: self.1.as_deref().map(resource).transpose()? })
    }
}

impl WaitTwin {
    fn of(wait: &Wait) -> Self {
        let waits = match &wait.waits {
            Waits::Lender(Sits::On(addr)) => WaitsTwin::Lender(addr.to_string()),
            Waits::Lender(Sits::Pasted(label)) => WaitsTwin::Pasted(label.clone()),
            Waits::Lacks(Sits::On(addr)) => WaitsTwin::Lacks(addr.to_string()),
            Waits::Lacks(Sits::Pasted(label)) => WaitsTwin::PastedLacks(label.clone()),
            Waits::Dependency(addr) => WaitsTwin::Dependency(addr.to_string()),
            Waits::Values => WaitsTwin::Values,
            Waits::Configuration => WaitsTwin::Configuration,
            Waits::Opening => WaitsTwin::Opening,
            Waits::Consumers(all) => {
                WaitsTwin::Consumers(all.iter().map(ToString::to_string).collect())
            }
            Waits::Held(addr) => WaitsTwin::Held(addr.to_string()),
            Waits::Provider => WaitsTwin::Provider,
        };
        Self { at: wait.at, waits, reason: wait.reason.clone() }
    }

    fn restore(&self) -> Result<Wait, String> {
        let waits = match &self.waits {
            WaitsTwin::Lender(addr) => Waits::Lender(Sits::On(resource(addr)?)),
            WaitsTwin::Pasted(label) => Waits::Lender(Sits::Pasted(label.clone())),
            WaitsTwin::Lacks(addr) => Waits::Lacks(Sits::On(resource(addr)?)),
            WaitsTwin::PastedLacks(label) => Waits::Lacks(Sits::Pasted(label.clone())),
            WaitsTwin::Dependency(addr) => Waits::Dependency(resource(addr)?),
            WaitsTwin::Values => Waits::Values,
            WaitsTwin::Configuration => Waits::Configuration,
            WaitsTwin::Opening => Waits::Opening,
            WaitsTwin::Consumers(all) => {
                let all = all.iter().map(|addr| resource(addr));
                Waits::Consumers(all.collect::<Result<_, _>>()?)
            }
            WaitsTwin::Held(addr) => Waits::Held(resource(addr)?),
            WaitsTwin::Provider => Waits::Provider,
        };
        Ok(Wait { at: self.at, waits, reason: self.reason.clone() })
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
    #[serde(skip_serializing_if = "Option::is_none")]
    fate: Option<FateTwin>,
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
            fate: FateTwin::of(&change.fate),
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

    pub(super) fn fate(&self) -> Result<Fate, String> {
        self.fate.as_ref().map_or(Ok(Fate::Now), FateTwin::restore)
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
