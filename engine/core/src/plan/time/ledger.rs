//! The ledger: who lends what in this plan, how the lenders stand, and what ended.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use terrarium_address::{AttrPath, Name, ResourceAddr};
use terrarium_provider::{Lender, Schema};
use terrarium_state::{Dep, Ended, Instance, State};
use terrarium_value::{Cause, Value};

use super::depends_on::Coming;
use super::lender_ends::lender_ends;
use super::loan::Loan;
use super::pasted::pasted;
use super::planned::Planned;
use crate::fate::{Fate, Wait};
use crate::paths::{occupied, pick};
use crate::places::Places;
use crate::{PlannedAction, Sits, Waits, object};

/// Who lends what in this plan.
pub(crate) struct Ledger<'a> {
    recorded: &'a State,
    /// Who lends a value.
    by_value: HashMap<Name, ResourceAddr>,
    /// Who lends a value that its replaced predecessor lent.
    by_deposed: HashMap<Name, ResourceAddr>,
    loans: HashMap<ResourceAddr, Loan>,
    /// Values that configurations give at paths that lend: what one is given one can't lend.
    given: HashSet<Name>,
    /// Recorded objects that ended, whatever the plan makes of them.
    ends: HashMap<ResourceAddr, Timestamp>,
    /// What only the living have, of those that ended: ids, and what they lent.
    ended: HashMap<Name, Ended>,
    /// What is lent although nothing stands behind it.
    lacking: HashSet<Name>,
    /// What services said of values that no object lends.
    foreign: HashMap<Name, Option<Lender>>,
    /// What is not there yet, for those that name it.
    coming: Places<Coming>,
    /// Whether the recorded objects are in.
    indexed: bool,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(recorded: &'a State) -> Self {
        Self {
            recorded,
            by_value: HashMap::new(),
            by_deposed: HashMap::new(),
            loans: HashMap::new(),
            given: HashSet::new(),
            ends: HashMap::new(),
            ended: HashMap::new(),
            lacking: HashSet::new(),
            foreign: HashMap::new(),
            coming: Places::default(),
            indexed: false,
        }
    }

    /// Returns how a lender stands: as planned, else as recorded.
    pub(crate) fn loan(&self, addr: &ResourceAddr) -> Option<Loan> {
        let recorded = || {
            let object = self.recorded.resources.get(addr)?.current.as_ref()?;
            Some(Loan::recorded(object))
        };
        self.loans.get(addr).cloned().or_else(recorded)
    }

    /// Returns since when what an instance is planned or recorded to be is over.
    pub(crate) fn over(&self, addr: &ResourceAddr, now: Timestamp) -> Option<Timestamp> {
        self.loan(addr).and_then(|loan| lender_ends(&loan, now))
    }

    /// Enters what was planned of an instance.
    pub(crate) fn enter(&mut self, planned: &Planned, now: Timestamp) {
        let (change, fate) = (&planned.change, planned.fate());
        if let Fate::Ended(ended) = fate {
            self.enter_end(&change.addr, &change.schema, &change.before, ended);
        }
        self.note_coming(planned, now);
        if !change.schema.lends.is_empty() {
            let keeps = matches!(fate, Fate::Later(_)) && change.action == PlannedAction::Update;
            let value = if keeps { &change.before } else { &change.after };
            self.lend(&change.schema, &change.addr, value, Loan::of(planned));
        }
    }

    /// Notes that an instance is not there before a time, or never, for those that name it.
    fn note_coming(&mut self, planned: &Planned, now: Timestamp) {
        let (change, fate) = (&planned.change, planned.fate());
        let addr = &change.addr;
        let later = |at| {
            let waits = Waits::Dependency(addr.clone());
            Coming::Later(Wait { at, waits, reason: addr.to_string() })
        };
        let coming = match fate {
            Fate::Later(wait) | Fate::GoesDown(wait) => Some(later(wait.at)),
            Fate::Never(over) => {
                Some(Coming::Never(Ended { at: over.at, with: Some(addr.clone()) }))
            }
            Fate::Now if change.schema.has_term() => {
                super::seen::coming(change, now).map(|from| later(Some(from)))
            }
            Fate::Now | Fate::Ended(_) | Fate::Lingers(_) => None,
        };
        if let Some(coming) = coming {
            self.coming.add(addr, &coming, Coming::latest);
        }
    }

    /// Returns what dependencies name that is not there yet.
    pub(crate) fn coming<'d>(&self, deps: impl Iterator<Item = &'d Dep>) -> Vec<Coming> {
        deps.flat_map(|dep| self.coming.of(dep)).cloned().collect()
    }

    /// Forgets what is to come, but for these: the others are planned again.
    pub(crate) fn enter_anew<'p>(
        &mut self,
        all: impl Iterator<Item = &'p Planned>,
        now: Timestamp,
    ) {
        self.coming = Places::default();
        self.enter_more(all, now);
    }

    /// Enters of planned instances again that they are to come.
    pub(crate) fn enter_more<'p>(
        &mut self,
        all: impl IntoIterator<Item = &'p Planned>,
        now: Timestamp,
    ) {
        for planned in all {
            self.note_coming(planned, now);
        }
    }

    fn enter_end(&mut self, addr: &ResourceAddr, schema: &Schema, value: &Value, ended: &Ended) {
        let value = value.unmarked_deep();
        let over = Ended { at: ended.at, with: Some(addr.clone()) };
        let id = object::id_of(&value).map(Name::from);
        for name in lent(schema, &value, Whose::Anybody).into_iter().chain(id) {
            self.ended.insert(name, over.clone());
        }
    }

    /// Notes what an instance lends that is read and not planned, and how it stands.
    pub(crate) fn lend(&mut self, schema: &Schema, addr: &ResourceAddr, value: &Value, loan: Loan) {
        if schema.lends.is_empty() {
            return;
        }
        for text in lent(schema, &value.unmarked_deep(), Whose::Anybody) {
            if !self.given.contains(&text) {
                self.by_value.insert(text, addr.clone());
            }
        }
        self.loans.insert(addr.clone(), loan);
    }

    /// Notes what a configuration gives where its object might lend: the port of a server may be its own, or one that
    /// it is given.
    pub(crate) fn note_given(&mut self, schema: &Schema, config: &Value) {
        let mut found = Vec::new();
        for path in schema.lends.iter().filter(|path| is_settable(schema, path)) {
            pick(config, &path.0, &mut found);
        }
        self.given.extend(found.iter().filter_map(Value::as_str).map(Name::from));
    }

    /// Returns whether a value still names what an instance lends.
    pub(crate) fn names(&self, schema: &Schema, value: &Value, lender: &ResourceAddr) -> bool {
        let values = occupied(schema, &value.unmarked_deep());
        let lends = |value: &Value| value.as_str().and_then(|it| self.by_value.get(it));
        values.iter().any(|value| lends(value) == Some(lender))
    }

    /// Returns what ended, by what only the living have.
    pub(crate) fn ended(&self) -> &HashMap<Name, Ended> {
        &self.ended
    }

    /// Notes that an object ended, whatever the plan makes of it.
    pub(crate) fn saw_end(&mut self, addr: &ResourceAddr, at: Timestamp) {
        self.ends.insert(addr.clone(), at);
    }

    /// Returns since when the object that is recorded at an address is ended.
    pub(crate) fn seen_end(&self, addr: &ResourceAddr) -> Option<Timestamp> {
        self.ends.get(addr).copied()
    }

    /// Returns since when a replaced lender is over that still stands for those who have not moved.
    pub(crate) fn predecessor_end(&self, addr: &ResourceAddr, now: Timestamp) -> Option<Timestamp> {
        let instance = self.recorded.resources.get(addr)?;
        let ends = instance.deposed.values().filter_map(|object| object.window?.until());
        ends.filter(|until| *until <= now).max()
    }

    /// Notes what is lent although nothing stands behind it.
    pub(crate) fn lack(&mut self, values: &[Name]) {
        self.lacking.extend(values.iter().cloned());
    }

    /// Notes what the replaced predecessor of an instance lent.
    pub(crate) fn lend_deposed(&mut self, schema: &Schema, addr: &ResourceAddr, value: &Value) {
        for text in lent(schema, &value.unmarked_deep(), Whose::Anybody) {
            self.by_deposed.insert(text, addr.clone());
        }
    }

    /// Returns who lends what the values at an object's seats name: by what is planned, else by what a service said.
    /// An unknown value names its lender by its causes.
    pub(crate) fn sat_on(&self, schema: &Schema, config: &Value) -> Vec<(Sits, Loan)> {
        // Each with whether nothing stands behind it.
        let mut instances: BTreeMap<ResourceAddr, bool> = BTreeMap::new();
        let mut sits = Vec::new();
        for value in occupied(schema, config) {
            let Some(text) = value.as_str() else {
                instances.extend(self.behind(&value).into_iter().map(|addr| (addr, false)));
                continue;
            };
            if let Some(lender) = self.by_value.get(text) {
                *instances.entry(lender.clone()).or_default() |= self.lacking.contains(text);
            } else if let Some(Some(lender)) = self.foreign.get(text) {
                let lacks = lender.term.lacks.iter().any(|lacking| **lacking == *text);
                let loan = Loan { lacks, ..pasted(&lender.term) };
                sits.push((Sits::Pasted(lender.label.clone()), loan));
            }
        }
        // A lender that is only read, of another kind of block, stands as it was read.
        let stands = instances.into_iter().map(|(addr, lacks)| {
            let loan = Loan { lacks, ..self.loan(&addr).unwrap_or_default() };
            (Sits::On(addr), loan)
        });
        stands.chain(sits).collect()
    }

    fn behind(&self, value: &Value) -> Vec<ResourceAddr> {
        let causes = value.causes_deep();
        let addrs = causes.iter().filter_map(|cause| match cause {
            Cause::Instance { addr, .. } => Some(addr.clone()),
            Cause::Other(_) => None,
        });
        addrs.filter(|addr| self.loans.contains_key(addr)).collect()
    }

    /// Returns the instance whose replaced predecessor lends what an object's values name.
    pub(crate) fn sat_on_deposed(&self, schema: &Schema, value: &Value) -> Option<ResourceAddr> {
        if self.by_deposed.is_empty() {
            return None;
        }
        let values = occupied(schema, &value.unmarked_deep());
        values.iter().find_map(|value| self.by_deposed.get(value.as_str()?).cloned())
    }

    /// Returns whether nothing that is planned lends a value.
    pub(crate) fn is_new(&self, text: &str) -> bool {
        !self.by_value.contains_key(text) && !self.foreign.contains_key(text)
    }

    /// Notes what services said of values.
    pub(crate) fn answered(&mut self, answers: impl Iterator<Item = (Name, Option<Lender>)>) {
        self.foreign.extend(answers);
    }

    /// Notes what recorded objects lend that were not planned yet; their schemas are given by whoever knows them.
    pub(crate) fn index(
        &mut self,
        schema_of: impl Fn(&Instance, &ResourceAddr) -> Option<Arc<Schema>>,
    ) {
        if std::mem::replace(&mut self.indexed, true) {
            return;
        }
        let mut schemas: HashMap<(Name, Name), Option<Arc<Schema>>> = HashMap::new();
        for (addr, instance) in &self.recorded.resources {
            let Some(current) = &instance.current else { continue };
            let key = (instance.provider.clone(), addr.block.kind.clone());
            let schema = schemas.entry(key).or_insert_with(|| {
                schema_of(instance, addr).filter(|schema| !schema.lends.is_empty())
            });
            let Some(schema) = schema else { continue };
            let Ok(value) = object::read(current, schema) else { continue };
            // Whether the object was given what it might lend is not recorded.
            for text in lent(schema, &value.unmarked_deep(), Whose::ItsOwn) {
                self.by_value.entry(text).or_insert_with(|| addr.clone());
            }
        }
    }
}

/// Which values at the paths that lend are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Those that only the provider sets.
    ItsOwn,
    /// All of them.
    Anybody,
}

fn lent(schema: &Schema, value: &Value, whose: Whose) -> Vec<Name> {
    let mut found = Vec::new();
    for path in &schema.lends {
        if whose == Whose::Anybody || !is_settable(schema, path) {
            pick(value, &path.0, &mut found);
        }
    }
    found.iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).map(Name::from).collect()
}

fn is_settable(schema: &Schema, path: &AttrPath) -> bool {
    schema.block.attribute_at(path).is_some_and(|attribute| attribute.presence.is_settable())
}
