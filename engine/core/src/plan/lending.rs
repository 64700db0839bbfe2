//! Lending: what is lent in this plan, by whom, and how the lenders stand.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use terrarium_address::{AttrPath, Name, ResourceAddr};
use terrarium_provider::{Lender, Lends, Schema, Standing, Term, Window};
use terrarium_value::{Value, When};

use super::Planner;
use super::occupancy::{Wait, occupied, pick};
use crate::{PlannedAction, ReplaceOrder, ResourceChange, Waits, object};

/// What is lent in this run.
#[derive(Default)]
pub(super) struct Lent {
    /// Who lends a value.
    pub(super) by_value: HashMap<Name, ResourceAddr>,
    /// Who lends a value that its replaced predecessor lent.
    pub(super) by_deposed: HashMap<Name, ResourceAddr>,
    pub(super) loans: HashMap<ResourceAddr, Loan>,
    /// Values that configurations give at paths that lend: what one is given one can't lend.
    given: HashSet<Name>,
    /// Recorded objects that ended.
    ends: HashMap<ResourceAddr, Timestamp>,
    /// What the provider said of values that no object lends.
    pub(super) foreign: HashMap<Name, Option<Lender>>,
    /// Whether the recorded objects are in.
    indexed: bool,
}

/// How a lender stands in this plan.
#[derive(Clone, Debug)]
pub(super) struct Loan {
    pub(super) window: Option<Window>,
    pub(super) standing: Option<Standing>,
    /// Whether its object is made anew, so that what sits on the old one must be, too.
    pub(super) renewed: bool,
    /// Whether its object does not exist before the apply.
    pub(super) fresh: bool,
    /// Whether its old object must go before the new one can come.
    pub(super) gap: bool,
    pub(super) ended: Option<Timestamp>,
    /// When what a new object lends can be used, where the window does not tell.
    lends: Option<Lends>,
    /// When it will be made, where it waits itself.
    waits: Option<When>,
}

impl Loan {
    pub(super) fn of(change: &ResourceChange) -> Self {
        let made = matches!(change.action, PlannedAction::Create | PlannedAction::Replace(_));
        Self {
            window: *change.window,
            standing: *change.standing,
            renewed: matches!(change.action, PlannedAction::Replace(_)),
            fresh: change.before.is_null() || made,
            gap: change.action == PlannedAction::Replace(ReplaceOrder::DeleteFirst),
            ended: change.ended.as_ref().map(|ended| ended.at),
            lends: change.notes.lends.filter(|_| made),
            waits: None,
        }
    }

    /// Builds it from what a service says of something that no plan makes.
    pub(super) fn foreign(term: &Term) -> Self {
        let ended = match term.standing {
            Standing::Ended(at) => Some(at),
            Standing::Open | Standing::Upcoming => None,
        };
        Self {
            window: Some(term.window),
            standing: Some(term.standing),
            renewed: false,
            fresh: false,
            gap: false,
            ended,
            lends: None,
            waits: None,
        }
    }

    /// Makes it one that never comes: what it sits on ended at that instant.
    pub(super) fn closed(self, at: Timestamp) -> Self {
        Self { ended: Some(at), fresh: false, ..self }
    }

    /// Returns since when it is over.
    pub(super) fn over(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.window.and_then(|window| window.until()).filter(|until| *until <= now);
        self.ended.or(until)
    }

    /// Returns what one who sits on it has to wait for.
    pub(super) fn wait(&self, label: &str, now: Timestamp) -> Option<Wait> {
        let wait = |at, reason| Some(Wait { at, waits: Waits::Lender(label.to_owned()), reason });
        if let Some(when) = self.waits {
            let at = if let When::At(at) = when { Some(at) } else { None };
            return wait(at, format!("{label}, which waits itself"));
        }
        let from = self.window.map(|window| window.from());
        match from.filter(|from| *from > now && self.lends != Some(Lends::WithApply)) {
            Some(from) => wait(Some(from), format!("the start of {label}")),
            None if self.lends == Some(Lends::AfterApply)
                || (self.standing == Some(Standing::Upcoming) && !self.fresh) =>
            {
                wait(from, format!("{label} to become active"))
            }
            None => None,
        }
    }
}

impl Planner<'_> {
    /// Returns how a lender stands: as planned, else as recorded.
    pub(super) fn loan(&self, addr: &ResourceAddr) -> Option<Loan> {
        if let Some(loan) = self.lent.borrow().loans.get(addr) {
            return Some(loan.clone());
        }
        let object = self.inputs.prior.resources.get(addr)?.current.as_ref()?;
        Some(Loan {
            window: object.window,
            standing: None,
            renewed: false,
            fresh: false,
            gap: false,
            ended: object.ended.as_ref().map(|ended| ended.at),
            lends: None,
            waits: None,
        })
    }

    /// Notes what an instance lends, and how it stands.
    pub(super) fn lend(&self, schema: &Schema, addr: &ResourceAddr, value: &Value, loan: Loan) {
        if schema.lends.is_empty() {
            return;
        }
        let mut lent = self.lent.borrow_mut();
        for text in lent_values(schema, &value.unmarked_deep(), Whose::Anybody) {
            if !lent.given.contains(&text) {
                lent.by_value.insert(text, addr.clone());
            }
        }
        lent.loans.insert(addr.clone(), loan);
    }

    /// Notes what a configuration gives where its object might lend: the port of a server may be its own,
    /// or one that it is given.
    pub(super) fn note_given(&self, schema: &Schema, config: &Value) {
        let settable = schema.lends.iter().filter(|path| is_settable(schema, path));
        let mut found = Vec::new();
        for path in settable {
            pick(config, &path.0, &mut found);
        }
        let texts = found.iter().filter_map(Value::as_str).map(Name::from);
        self.lent.borrow_mut().given.extend(texts);
    }

    /// Returns whether a value still names what an instance lends.
    pub(super) fn still_sits_on(
        &self,
        schema: &Schema,
        value: &Value,
        lender: &ResourceAddr,
    ) -> bool {
        let lent = self.lent.borrow();
        let values = occupied(schema, &value.unmarked_deep());
        values
            .iter()
            .any(|value| value.as_str().and_then(|it| lent.by_value.get(it)) == Some(lender))
    }

    /// Notes that a lender waits itself.
    pub(super) fn lend_later(
        &self,
        schema: &Schema,
        change: &ResourceChange,
        at: Option<Timestamp>,
    ) {
        let loan =
            Loan { waits: Some(at.map_or(When::Later, When::At)), gap: false, ..Loan::of(change) };
        self.lend(schema, &change.addr, &change.after, loan);
    }

    /// Notes that a lender goes now and comes back later, so that what sits on it does, too.
    pub(super) fn lend_gap(&self, addr: &ResourceAddr) {
        if let Some(loan) = self.lent.borrow_mut().loans.get_mut(addr) {
            loan.gap = true;
            loan.renewed = true;
        }
    }

    /// Notes that an object ended, whatever the plan makes of it.
    pub(super) fn saw_end(&self, addr: &ResourceAddr, at: Timestamp) {
        self.lent.borrow_mut().ends.insert(addr.clone(), at);
    }

    /// Returns since when the object that is recorded at an address is ended.
    pub(super) fn seen_end(&self, addr: &ResourceAddr) -> Option<Timestamp> {
        self.lent.borrow().ends.get(addr).copied()
    }

    /// Notes what the replaced predecessor of an instance lent.
    pub(super) fn lend_deposed(&self, schema: &Schema, addr: &ResourceAddr, value: &Value) {
        if !schema.lends.is_empty() {
            let mut lent = self.lent.borrow_mut();
            for text in lent_values(schema, &value.unmarked_deep(), Whose::Anybody) {
                lent.by_deposed.insert(text, addr.clone());
            }
        }
    }

    /// Notes what recorded objects lend that were not planned yet.
    pub(super) fn index_recorded(&self) {
        if std::mem::replace(&mut self.lent.borrow_mut().indexed, true) {
            return;
        }
        let mut schemas: HashMap<(Name, Name), Option<Arc<Schema>>> = HashMap::new();
        for (addr, instance) in &self.inputs.prior.resources {
            let Some(current) = &instance.current else { continue };
            let key = (instance.provider.clone(), addr.block.kind.clone());
            let schema = schemas.entry(key).or_insert_with(|| {
                let provider = self.providers.recorded(&instance.provider)?;
                let schema =
                    self.providers.kind(&provider)?.schema(addr.block.mode, &addr.block.kind)?;
                (!schema.lends.is_empty()).then_some(schema)
            });
            let Some(schema) = schema else { continue };
            let Ok(value) = object::read(current, schema) else { continue };
            let mut lent = self.lent.borrow_mut();
            // Whether the object was given what it might lend is not recorded.
            for text in lent_values(schema, &value.unmarked_deep(), Whose::ItsOwn) {
                lent.by_value.entry(text).or_insert_with(|| addr.clone());
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

fn lent_values(schema: &Schema, value: &Value, whose: Whose) -> Vec<Name> {
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
