//! Finds what has a time, and what it sits on.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_provider::{PlanNotes, Standing, Window};
use terrarium_state::{Object, Scheduled, State};

use super::{Group, Mark, Moment, Row, Stage};
use crate::{DeferredChange, Plan, PlannedAction, ResourceChange, Sits, Waits};

/// All that is known of an instance.
#[derive(Clone, Copy, Default)]
struct Item<'a> {
    change: Option<&'a ResourceChange>,
    deferred: Option<&'a DeferredChange>,
    scheduled: Option<&'a Scheduled>,
    object: Option<&'a Object>,
}

/// On what something sits: an instance, or a lease outside the configuration in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Head {
    Instance(ResourceAddr),
    Foreign(String),
    Nothing,
}

struct Scene<'a> {
    now: Timestamp,
    items: BTreeMap<ResourceAddr, Item<'a>>,
    lenders: HashSet<&'a ResourceAddr>,
}

/// Groups what has a time by what it sits on.
pub(super) fn groups(plan: &Plan, state: &State) -> Vec<Group> {
    let scene = Scene::new(plan, state);
    let mut members: BTreeMap<Head, Vec<&ResourceAddr>> = BTreeMap::new();
    for (addr, item) in scene.items.iter().filter(|(addr, item)| scene.is_timed(addr, item)) {
        let own = members.entry(scene.head(addr, *item)).or_default();
        own.push(addr);
    }
    let mut groups: Vec<Group> =
        members.iter().map(|(head, members)| scene.group(head, members)).collect();
    groups.sort_by(|a, b| order(a).cmp(&order(b)));
    groups
}

/// What has no head comes last, what has no beginning last but one.
fn order(group: &Group) -> (bool, bool, Option<Window>, &str) {
    let window = group.head.as_ref().and_then(|head| head.window);
    let name = group.head.as_ref().map_or("", |head| &head.name);
    (group.head.is_none(), window.is_none(), window, name)
}

impl<'a> Scene<'a> {
    fn new(plan: &'a Plan, state: &'a State) -> Self {
        let mut items: BTreeMap<ResourceAddr, Item<'a>> = BTreeMap::new();
        for (addr, instance) in &state.resources {
            items.entry(addr.clone()).or_default().object = instance.current.as_ref();
        }
        for entry in &state.schedule {
            items.entry(entry.addr.clone()).or_default().scheduled = Some(entry);
        }
        for change in plan.changes.iter().filter(|change| change.deposed.is_none()) {
            let item = items.entry(change.addr.clone()).or_default();
            item.change = Some(change);
        }
        for change in &plan.changes {
            // The record of what moved stands under its old address.
            let Some(from) = &*change.moved_from else { continue };
            let old = items.remove(from).and_then(|item| item.object);
            let item = items.entry(change.addr.clone()).or_default();
            item.object = item.object.or(old);
        }
        for deferred in &plan.deferred {
            items.entry(deferred.change.addr.clone()).or_default().deferred = Some(deferred);
        }
        let lenders = items.values().flat_map(Item::lenders).collect();
        Self { now: plan.at, items, lenders }
    }

    fn is_timed(&self, addr: &ResourceAddr, item: &Item<'_>) -> bool {
        let forgotten = item.change.is_some_and(|change| change.action == PlannedAction::Forget);
        let timed = item.window().is_some()
            || item.deferred.is_some()
            || item.scheduled.is_some()
            || item.ended().is_some()
            || !item.lenders().is_empty()
            || item.foreign().is_some()
            || self.lenders.contains(addr);
        timed && !forgotten
    }

    /// Finds what an instance sits on, or because of what it waits.
    fn head(&self, addr: &ResourceAddr, item: Item<'_>) -> Head {
        let mut seen = BTreeSet::new();
        self.head_of(addr, item, &mut seen)
    }

    fn head_of(
        &self,
        addr: &ResourceAddr,
        item: Item<'_>,
        seen: &mut BTreeSet<ResourceAddr>,
    ) -> Head {
        if !seen.insert(addr.clone()) {
            return Head::Nothing;
        }
        // Of several, the one that begins last is what it waits for.
        let last = item.lenders().iter().max_by_key(|lender| {
            let known = self.items.get(lender).and_then(Item::window);
            known.map(|window| window.from())
        });
        if let Some(lender) = last {
            return self.head_at(lender, seen, || Head::Instance(lender.clone()));
        }
        if let Some(words) = item.foreign() {
            return Head::Foreign(words.clone());
        }
        let itself = || Head::Instance(addr.clone());
        let lends = self.lenders.contains(addr) || (item.lends() && item.window().is_some());
        if lends {
            return itself();
        }
        let found = match item.deferred.and_then(DeferredChange::waits) {
            Some(Waits::Lender(Sits::On(lender)) | Waits::Lacks(Sits::On(lender))) => {
                self.head_at(lender, seen, || Head::Instance(lender.clone()))
            }
            Some(Waits::Lender(Sits::Pasted(words)) | Waits::Lacks(Sits::Pasted(words))) => {
                Head::Foreign(words.clone())
            }
            Some(Waits::Dependency(other) | Waits::Held(other)) => {
                self.head_at(other, seen, || Head::Nothing)
            }
            Some(Waits::Consumers(all)) => all
                .iter()
                .map(|other| self.head_at(other, seen, || Head::Nothing))
                .find(|head| *head != Head::Nothing)
                .unwrap_or(Head::Nothing),
            _ => Head::Nothing,
        };
        if found == Head::Nothing && item.window().is_some() { itself() } else { found }
    }

    fn head_at(
        &self,
        addr: &ResourceAddr,
        seen: &mut BTreeSet<ResourceAddr>,
        otherwise: impl FnOnce() -> Head,
    ) -> Head {
        match self.items.get(addr) {
            Some(item) => self.head_of(addr, *item, seen),
            None => otherwise(),
        }
    }

    fn group(&self, head: &Head, members: &[&ResourceAddr]) -> Group {
        let top = match head {
            Head::Instance(addr) => {
                let item = self.items.get(addr).copied().unwrap_or_default();
                Some(self.row(addr, item, None))
            }
            Head::Foreign(words) => Some(self.foreign(words, members)),
            Head::Nothing => None,
        };
        let on = top.as_ref().and_then(|row| row.window);
        let below = members.iter().filter(|addr| Head::Instance((***addr).clone()) != *head);
        let mut rows: Vec<Row> = below
            .map(|addr| self.row(addr, self.items.get(*addr).copied().unwrap_or_default(), on))
            .collect();
        // By their beginning; what ends comes before what stays, what has no time comes last.
        rows.sort_by_key(|row| {
            let until = row.window.map(|window| window.until());
            let (endless, closed) = (until == Some(None), matches!(row.stage, Stage::Closed(_)));
            (row.window.is_none() && !closed, row.window.map(|it| it.from()), endless, until)
        });
        Group { head: top, rows }
    }

    /// A lease of which only those who sit on it are known: it lasts as long as they can.
    fn foreign(&self, words: &str, members: &[&ResourceAddr]) -> Row {
        let windows = members.iter().filter_map(|addr| self.items.get(*addr)?.window());
        let window = windows.reduce(|a, b| {
            let until = a.until().zip(b.until()).map(|(a, b)| a.max(b));
            Window::new(a.from().min(b.from()), until).unwrap_or(a)
        });
        let stage = match window {
            Some(window) if window.from() > self.now => Stage::Upcoming,
            Some(window) => match window.until().filter(|until| *until <= self.now) {
                Some(until) => Stage::Ended(until),
                None => Stage::Stands,
            },
            None => Stage::Stands,
        };
        Row { window, ..Row::new(words.to_owned(), stage) }
    }

    fn row(&self, addr: &ResourceAddr, item: Item<'_>, on: Option<Window>) -> Row {
        let stage = item.stage(self.now);
        let notes = item.notes();
        let own = if item.waits_to_change() {
            item.change.and_then(|change| *change.window).or(item.recorded())
        } else {
            item.window()
        };
        let sits = !item.lenders().is_empty()
            || item.foreign().is_some()
            || matches!(
                item.deferred.and_then(DeferredChange::waits),
                Some(Waits::Lender(_) | Waits::Lacks(_))
            );
        // What was scheduled and has no window of its own begins now, and stays.
        let now = Window::new(self.now, None)
            .filter(|_| stage == Stage::Now(PlannedAction::Create) && item.scheduled.is_some());
        let window = self.bar(stage, own, on, sits).or(now);
        let acts = matches!(
            stage,
            Stage::Now(PlannedAction::Update | PlannedAction::Replace(_) | PlannedAction::Create)
        );
        let was = item.recorded().filter(|was| acts && own.is_some() && Some(*was) != own);
        let then = item.window().filter(|then| item.waits_to_change() && Some(*then) != own);
        let overdue = item.scheduled.and_then(|entry| entry.schedule.not_before);
        Row {
            name: addr.to_string(),
            addrs: vec![addr.clone()],
            window,
            was,
            then,
            stage,
            marks: item.marks(),
            waits_for: item.deferred.map(DeferredChange::reason),
            overdue_since: overdue.filter(|at| *at <= self.now && item.is_pending()),
            cost: notes.and_then(|notes| notes.cost.clone()),
            zone: notes.and_then(|notes| notes.zone.clone()),
            perishes: notes.and_then(|notes| notes.perishes.clone()),
        }
    }

    /// Works out when something exists, from its own window and that of what it sits on.
    fn bar(
        &self,
        stage: Stage,
        own: Option<Window>,
        on: Option<Window>,
        sits: bool,
    ) -> Option<Window> {
        let base = own.or(on.filter(|_| sits));
        let until = base.and_then(|window| window.until());
        let from = base.map(|window| window.from());
        match stage {
            Stage::Later { at, .. } => {
                let from = match (at, from) {
                    (Some(at), Some(from)) => Some(at.max(from)),
                    (at, from) => at.or(from).or(on.map(|window| window.from())),
                };
                from.and_then(|from| Window::new(from, until))
            }
            // A lease may begin later than its creation, what sits on one begins with its own.
            Stage::Now(PlannedAction::Create) if sits => {
                Window::new(from.map_or(self.now, |from| from.max(self.now)), until)
            }
            Stage::Now(PlannedAction::Delete) => {
                from.and_then(|from| Window::new(from, Some(self.now)))
            }
            Stage::Ended(at) => from.and_then(|from| Window::new(from, Some(at))),
            Stage::Closed(_) => None,
            Stage::Stands | Stage::Upcoming | Stage::Now(_) => base,
        }
    }
}

impl<'a> Item<'a> {
    /// Everything that is planned of it, the later first.
    fn plans(&self) -> impl Iterator<Item = &'a ResourceChange> {
        self.deferred.map(|deferred| &deferred.change).into_iter().chain(self.change)
    }

    fn recorded(&self) -> Option<Window> {
        self.object.and_then(|object| object.window)
    }

    fn window(&self) -> Option<Window> {
        self.plans().find_map(|change| *change.window).or(self.recorded())
    }

    fn lenders(&self) -> &'a [ResourceAddr] {
        let planned = self.plans().map(|change| change.occupies.lenders.as_slice());
        let recorded = self.object.map(|object| object.occupies.as_slice());
        planned.chain(recorded).find(|lenders| !lenders.is_empty()).unwrap_or_default()
    }

    fn foreign(&self) -> Option<&'a String> {
        self.plans().find_map(|change| change.occupies.foreign.first())
    }

    fn lends(&self) -> bool {
        self.plans().any(|change| !change.schema.lends.is_empty())
    }

    fn notes(&self) -> Option<&'a PlanNotes> {
        self.plans().map(|change| &*change.notes).find(|notes| **notes != PlanNotes::default())
    }

    fn ended(&self) -> Option<Timestamp> {
        let planned = self.change.and_then(|change| change.ended());
        let recorded = self.object.and_then(|object| object.ended.as_deref());
        let standing = self.change.and_then(|change| match *change.standing {
            Some(Standing::Ended(at)) => Some(at),
            _ => None,
        });
        planned.or(recorded).map(|ended| ended.at).or(standing)
    }

    /// Returns whether it is there, and something is done to it later.
    fn waits_to_change(&self) -> bool {
        let exists = self.object.is_some() && self.ended().is_none();
        let changes = self.deferred.is_some_and(|deferred| {
            deferred.can_come() && deferred.change.action != PlannedAction::Create
        });
        changes && (exists || self.deferred.is_some_and(|it| !it.change.before.is_null()))
    }

    fn is_pending(&self) -> bool {
        self.deferred.is_some()
            || self.change.is_none_or(|change| change.action != PlannedAction::NoOp)
    }

    fn stage(&self, now: Timestamp) -> Stage {
        let planned = self.change.map(|change| change.action);
        match self.deferred {
            Some(deferred) if let Some(at) = deferred.closed() => return Stage::Closed(at),
            Some(deferred) if !self.waits_to_change() => {
                return Stage::Later {
                    action: deferred.change.action,
                    at: deferred.not_before(),
                    approved: deferred.approved,
                };
            }
            _ => {}
        }
        if let (Some(at), None | Some(PlannedAction::NoOp)) = (self.ended(), planned) {
            return Stage::Ended(at);
        }
        match (planned, self.scheduled) {
            (Some(PlannedAction::NoOp), _) | (None, None) => {}
            (Some(action), _) => return Stage::Now(action),
            (None, Some(entry)) if self.object.is_none() => {
                return Stage::Later {
                    action: PlannedAction::Create,
                    at: entry.schedule.not_before,
                    approved: entry.approval.is_some(),
                };
            }
            (None, Some(_)) => {}
        }
        let standing = self.change.and_then(|change| *change.standing);
        let begins_later = self.window().is_some_and(|window| window.from() > now);
        match standing {
            Some(Standing::Upcoming) => Stage::Upcoming,
            None if begins_later => Stage::Upcoming,
            _ => Stage::Stands,
        }
    }

    fn marks(&self) -> Vec<Mark> {
        let Some(deferred) = self.deferred.filter(|_| self.waits_to_change()) else {
            return Vec::new();
        };
        let what = match deferred.waits() {
            Some(Waits::Opening) => Moment::Opens,
            _ => Moment::Due(deferred.change.action),
        };
        let mark = |at| Mark { at, what, approved: deferred.approved };
        deferred.not_before().map(mark).into_iter().collect()
    }
}

impl Row {
    fn new(name: String, stage: Stage) -> Self {
        Self {
            name,
            addrs: Vec::new(),
            window: None,
            was: None,
            then: None,
            stage,
            marks: Vec::new(),
            waits_for: None,
            overdue_since: None,
            cost: None,
            zone: None,
            perishes: None,
        }
    }
}
