//! **What is scarce waits with those that it is for.** Addresses and ports come from pools that run dry; one that is
//! made weeks before the server that it is for keeps others from theirs. It waits if something that needs it, or
//! something scarce that it names, waits, and nothing that needs it is due now; so an address waits whose port waits.
//! If all that need it are over it is not made any more. Outputs need nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use terrarium_address::{ConfigAddr, ResourceAddr};
use terrarium_state::{Dep, Ended};

use super::modes::Modes;
use super::planned::Planned;
use crate::fate::Fate;
use crate::fate::Wait;
use crate::{PlannedAction, Waits};

/// Finds the scarce things that are not to be made now, and what becomes of them.
pub(crate) fn scarce(all: &[&Planned], modes: Modes) -> BTreeMap<ResourceAddr, Fate> {
    let subjects: Vec<&Planned> = all.iter().copied().filter(|it| is_subject(it)).collect();
    if subjects.is_empty() || !modes.defers {
        return BTreeMap::new();
    }
    let needs = Needs::of(all, &subjects);
    let due = needs.due();
    let later = needs.later(&due);
    let mut found = BTreeMap::new();
    for (at, planned) in subjects.iter().enumerate().filter(|(at, _)| !due.contains(at)) {
        let addr = &planned.change.addr;
        if let Some(wait) = later.get(&at) {
            if !modes.eager {
                found.insert(addr.clone(), Fate::Later(wait.clone()));
            }
        } else if let Some(over) = needs.over(at) {
            // Whose end it was says the plan of each of them.
            found.insert(addr.clone(), Fate::Never(Ended { with: None, ..over }));
        }
    }
    found
}

/// Finds scarce objects that stand, and of which all that needed them are over: they stay until somebody frees them.
pub(crate) fn leftovers(all: &[&Planned]) -> Vec<ResourceAddr> {
    let stays = |planned: &&&Planned| {
        let stays = matches!(planned.change.action, PlannedAction::NoOp | PlannedAction::Update);
        stays
            && planned.change.schema.scarce
            && planned.is_current()
            && *planned.fate() == Fate::Now
    };
    if !all.iter().any(|planned| planned.fate().over().is_some()) {
        return Vec::new();
    }
    let subjects: Vec<&Planned> = all.iter().filter(stays).copied().collect();
    let needs = Needs::of(all, &subjects);
    let due = needs.due();
    let idle = |at: &usize| !due.contains(at) && needs.of[*at].later.is_empty();
    // Whoever needed one is over, or it is bound to what is; then what that names, and what names that, is, too.
    let is_over = |at: &usize| needs.of[*at].over.is_some() || subjects[*at].beside.lets_go;
    let mut left: BTreeSet<usize> =
        (0..subjects.len()).filter(|at| idle(at) && is_over(at)).collect();
    let mut open: Vec<usize> = left.iter().copied().collect();
    let names = needs.names();
    while let Some(at) = open.pop() {
        let beside = needs.of[at].by.iter().chain(names.get(&at).into_iter().flatten());
        open.extend(beside.copied().filter(|at| idle(at) && left.insert(*at)));
    }
    let mut left: Vec<_> = left.into_iter().map(|at| subjects[at].change.addr.clone()).collect();
    left.sort();
    left
}

/// Returns whether it is for this rule to say when something is made.
fn is_subject(planned: &Planned) -> bool {
    let change = &planned.change;
    change.schema.scarce
        && change.action == PlannedAction::Create
        && *planned.forward() == Fate::Now
}

/// How one scarce thing is needed, or all of a block.
#[derive(Clone, Default)]
struct Needed {
    /// By something that is due now.
    now: bool,
    /// By these, each when.
    later: Vec<(ResourceAddr, Option<Timestamp>)>,
    /// By nothing any more since then.
    over: Option<Ended>,
    /// By these other scarce things, whose time is asked for, too.
    by: Vec<usize>,
}

impl Needed {
    fn add(&mut self, planned: &Planned, subject: Option<usize>) {
        if let Some(subject) = subject {
            self.by.push(subject);
            return;
        }
        match planned.fate() {
            // What goes needs nothing any more.
            _ if matches!(planned.change.action, PlannedAction::Delete | PlannedAction::Forget) => {
            }
            Fate::Later(wait) | Fate::GoesDown(wait) => {
                self.later.push((planned.change.addr.clone(), wait.at));
            }
            Fate::Ended(over) | Fate::Never(over) => self.add_over(over),
            // What lingers is still there, and has it still.
            Fate::Now | Fate::Lingers(_) => self.now = true,
        }
    }

    fn add_over(&mut self, over: &Ended) {
        if self.over.as_ref().is_none_or(|known| known.at < over.at) {
            self.over = Some(over.clone());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.now |= other.now;
        self.later.extend(other.later.iter().cloned());
        self.by.extend(&other.by);
        if let Some(over) = &other.over {
            self.add_over(over);
        }
    }
}

/// How scarce things are needed, in the order of the subjects.
struct Needs<'p> {
    addrs: Vec<&'p ResourceAddr>,
    of: Vec<Needed>,
    /// What each of them names that waits by itself, though it is scarce.
    waiting: Vec<Option<(ResourceAddr, Option<Timestamp>)>>,
}

impl<'p> Needs<'p> {
    fn of(all: &[&'p Planned], subjects: &[&'p Planned]) -> Self {
        let addrs: Vec<&ResourceAddr> = subjects.iter().map(|it| &it.change.addr).collect();
        let position: HashMap<&ResourceAddr, usize> =
            addrs.iter().enumerate().map(|(at, addr)| (*addr, at)).collect();
        let blocks: HashSet<ConfigAddr> = addrs.iter().map(|it| it.block.config()).collect();
        let mut of: Vec<Needed> = addrs.iter().map(|_| Needed::default()).collect();
        // Who reads all of a block is counted once, and not once for each instance.
        let mut whole: HashMap<ConfigAddr, BTreeMap<&ConfigAddr, Needed>> = HashMap::new();
        for planned in all {
            let own = position.get(&planned.change.addr).filter(|_| planned.is_current()).copied();
            for dep in &planned.change.deps {
                for at in dep.instances().iter().filter_map(|addr| position.get(addr)) {
                    of[*at].add(planned, own.filter(|own| own != at));
                }
                if let Some(block) = dep.block()
                    && blocks.contains(&block.config())
                {
                    let named = whole.entry(block.config()).or_default();
                    named.entry(block).or_default().add(planned, own);
                }
            }
        }
        for (at, addr) in addrs.iter().enumerate() {
            let named = whole.get(&addr.block.config()).into_iter().flatten();
            for (_, needed) in named.filter(|(block, _)| block.covers(&addr.block)) {
                of[at].merge(needed);
            }
            of[at].by.retain(|by| *by != at);
        }
        Self { waiting: waiting(all, subjects), addrs, of }
    }

    /// Finds those that are needed now: by something due, and by each other.
    fn due(&self) -> HashSet<usize> {
        // What a due one names is due, too.
        let names = self.names();
        let mut due: HashSet<usize> = HashSet::new();
        let mut open: Vec<usize> = (0..self.of.len()).filter(|at| self.of[*at].now).collect();
        while let Some(at) = open.pop() {
            if due.insert(at) {
                open.extend(names.get(&at).into_iter().flatten());
            }
        }
        due
    }

    /// Returns what each of them names of the others.
    fn names(&self) -> HashMap<usize, Vec<usize>> {
        let mut names: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, needed) in self.of.iter().enumerate() {
            for by in &needed.by {
                names.entry(*by).or_default().push(at);
            }
        }
        names
    }

    /// Finds those that wait, and until when: with what needs them, else with what they name.
    fn later(&self, due: &HashSet<usize>) -> BTreeMap<usize, Wait> {
        let mut found: BTreeMap<usize, Wait> = BTreeMap::new();
        let order = self.needing_first();
        loop {
            let before = found.len();
            for at in order.iter().filter(|at| !due.contains(at)) {
                if !found.contains_key(at)
                    && let Some(wait) = self.with_consumers(*at, &found)
                {
                    found.insert(*at, wait);
                }
            }
            for at in order.iter().rev().filter(|at| !due.contains(at)) {
                if !found.contains_key(at)
                    && let Some(wait) = self.with_named(*at, &found)
                {
                    found.insert(*at, wait);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    /// Lists all such that whatever needs one comes before it. Nothing needs itself: the graph has no circle.
    fn needing_first(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.of.len());
        let mut seen = vec![false; self.of.len()];
        for start in 0..self.of.len() {
            let mut open = vec![(start, false)];
            while let Some((at, left)) = open.pop() {
                if left {
                    order.push(at);
                } else if !std::mem::replace(&mut seen[at], true) {
                    open.push((at, true));
                    open.extend(self.of[at].by.iter().map(|by| (*by, false)));
                }
            }
        }
        order
    }

    fn with_consumers(&self, at: usize, known: &BTreeMap<usize, Wait>) -> Option<Wait> {
        let needed = &self.of[at];
        let by = || needed.by.iter().filter_map(|by| Some((*by, known.get(by)?)));
        if needed.later.is_empty() && by().next().is_none() {
            return None;
        }
        let firsts = needed.later.iter().map(|(_, at)| *at).chain(by().map(|(_, wait)| wait.at));
        let mut who: Vec<ResourceAddr> = needed.later.iter().map(|(who, _)| who.clone()).collect();
        who.extend(by().map(|(by, _)| self.addrs[by].clone()));
        // Whatever order the blocks have, the plan is the same.
        who.sort();
        let reason = "those who need it".to_owned();
        Some(Wait { at: firsts.flatten().min(), waits: Waits::Consumers(who), reason })
    }

    fn with_named(&self, at: usize, known: &BTreeMap<usize, Wait>) -> Option<Wait> {
        let others = known.iter().filter(|(other, _)| self.of[**other].by.contains(&at));
        let others = others.map(|(other, wait)| (self.addrs[*other].clone(), wait.at));
        let named = others.chain(self.waiting[at].clone());
        // Of the last ones the one with its own key: others are named only where all of a block is.
        let own = &self.addrs[at].key;
        let (named, at) = named.max_by_key(|(addr, at)| {
            (at.unwrap_or(Timestamp::MAX), addr.key == *own, addr.clone())
        })?;
        let reason = named.to_string();
        Some(Wait { at, waits: Waits::Dependency(named), reason })
    }

    fn over(&self, at: usize) -> Option<Ended> {
        let needed = &self.of[at];
        needed.over.clone().filter(|_| needed.later.is_empty() && !needed.now)
    }
}

/// Finds what each subject names that is scarce and waits by itself.
fn waiting(
    all: &[&Planned],
    subjects: &[&Planned],
) -> Vec<Option<(ResourceAddr, Option<Timestamp>)>> {
    let waits = |planned: &&&Planned| planned.change.schema.scarce;
    let waiting: HashMap<&ResourceAddr, Option<Timestamp>> = all
        .iter()
        .filter(waits)
        .filter_map(|planned| match planned.forward() {
            Fate::Later(wait) => Some((&planned.change.addr, wait.at)),
            _ => None,
        })
        .collect();
    let of = |planned: &&Planned| {
        let mut named = planned.change.deps.iter().flat_map(Dep::instances);
        named.find_map(|addr| Some((addr.clone(), *waiting.get(addr)?)))
    };
    subjects.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use terrarium_provider::Schema;

    use super::super::cases::{addr, day};
    use super::*;
    use crate::{ResourceChange, Sits};

    /// What is planned: each with what it needs, and when it comes, or since when it never does; and what of it is not
    /// made now, and until when.
    const ROWS: &[(&str, &str)] = &[
        ("scarce.a", ""),
        ("scarce.a, x.s(scarce.a)", ""),
        ("scarce.a, x.s(scarce.a)@12", "scarce.a@12"),
        // For the first of two.
        ("scarce.a, x.s(scarce.a)@14, x.t(scarce.a)@12", "scarce.a@12"),
        ("scarce.a, x.s(scarce.a)@14, x.t(scarce.a)", ""),
        // An address whose port waits, waits, and one for now keeps its port now.
        (
            "scarce.port, x.server(scarce.port)@12, scarce.address(scarce.port)",
            "scarce.address@12, scarce.port@12",
        ),
        ("scarce.port, x.server(scarce.port), scarce.address(scarce.port)", ""),
        (
            "scarce.port, x.server(scarce.port)@12, scarce.address(scarce.port), x.n(scarce.address)",
            "",
        ),
        (
            "scarce.port, x.server(scarce.port)@12, scarce.address(scarce.port), x.n(scarce.address)@10",
            "scarce.address@10, scarce.port@10",
        ),
        // Two ports of one address.
        (
            "scarce.p, scarce.q, x.server(scarce.p)@12, scarce.a(scarce.p scarce.q)",
            "scarce.a@12, scarce.p@12, scarce.q@12",
        ),
        ("scarce.a, x.s(scarce.a)!8", "scarce.a!"),
        ("scarce.a, x.s(scarce.a)!8, x.t(scarce.a)@12", "scarce.a@12"),
        ("scarce.a, x.s(scarce.a)!8, x.t(scarce.a)", ""),
        // It waits by itself, and who names it waits with it.
        ("scarce.a@12, x.s(scarce.a)", ""),
        ("scarce.p@12, scarce.a(scarce.p)", "scarce.a@12"),
    ];

    fn planned(text: &str) -> Planned {
        let end = text.find(['(', '@', '!']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let (needs, when) = match rest.strip_prefix('(') {
            Some(rest) => rest.split_once(')').expect("a closing bracket"),
            None => ("", rest),
        };
        let at = |text: &str| day(text.parse().expect("a day"));
        let fate = match (when.strip_prefix('@'), when.strip_prefix('!')) {
            (Some(text), _) => {
                let waits = Waits::Lender(Sits::On(addr("a.lease")));
                Fate::Later(Wait { at: Some(at(text)), waits, reason: String::new() })
            }
            (_, Some(text)) => Fate::Never(Ended { at: at(text), with: None }),
            _ => Fate::Now,
        };
        let schema = Schema { scarce: name.starts_with("scarce"), ..Schema::default() };
        let change = ResourceChange {
            deps: needs.split_whitespace().map(|name| Dep::Instance(addr(name))).collect(),
            ..ResourceChange::new(addr(name), "p".into(), Arc::new(schema), PlannedAction::Create)
        };
        Planned::new(change, fate)
    }

    fn found(all: &[&Planned], modes: Modes) -> String {
        let text = |(addr, fate): (ResourceAddr, Fate)| match fate {
            Fate::Later(Wait { at: Some(at), .. }) => {
                format!("{addr}@{}", at.duration_since(day(1)).as_hours() / 24 + 1)
            }
            _ => format!("{addr}!"),
        };
        scarce(all, modes).into_iter().map(text).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_scarce_comes_with_those_that_it_is_for() {
        let modes = Modes { defers: true, eager: false, makes: true, asked: true };
        for (given, expected) in ROWS {
            let all: Vec<Planned> = given.split(", ").map(planned).collect();
            let mut all: Vec<&Planned> = all.iter().collect();
            // In any order of blocks.
            for _ in 0..all.len() {
                all.rotate_left(1);
                assert_eq!(found(&all, modes), *expected, "{given}");
            }
            // Columns: -eager, where only what is over is not made, and -no-defer.
            let over: Vec<&str> = expected.split(", ").filter(|it| it.ends_with('!')).collect();
            let eager = Modes { eager: true, ..modes };
            assert_eq!(found(&all, eager), over.join(", "), "{given}");
            assert_eq!(found(&all, Modes { defers: false, ..modes }), "", "{given}");
        }
    }
}
