//! The cloud in memory: it outlives every crash of the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use terrarium_address::AttrPath;
use terrarium_provider::Action;
use terrarium_value::{Map, Value};

use super::broken::{Manner, Method};
use crate::show;

/// An object of the cloud.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: String,
    pub(crate) state: Value,
    pub(crate) marker: Option<String>,
    pub(crate) created_at: Timestamp,
    /// How many polls it still needs.
    pub(crate) building: u32,
    pub(crate) deleting: bool,
}

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The cloud says no.
    Refuse,
    /// The cloud says no, and something is there all the same.
    RefuseMade,
    /// It is done, and the reply is lost.
    Lost,
    /// It is not done, and the reply is lost.
    LostUnmade,
    /// It is done twice, and the reply is lost.
    LostDoubled,
    /// It is done without a marker, and the reply is lost.
    LostUnmarked,
    /// It is not done, and the cloud answers with an error of its own.
    Failed,
    /// It is done, and the cloud answers with an error of its own.
    FailedMade,
    /// It never comes to an end.
    Stuck,
}

#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) addr: String,
    pub(crate) action: Action,
    pub(crate) trouble: Trouble,
}

pub(crate) struct Inside {
    pub(crate) objects: BTreeMap<u64, Object>,
    next: u64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) log: Vec<String>,
    pub(crate) calls: BTreeMap<String, usize>,
    pub(crate) now: Timestamp,
    /// Whether nothing can be asked.
    pub(crate) deaf: bool,
    /// Names of things that can't be planned or looked up yet.
    pub(crate) asleep: BTreeSet<String>,
    /// The version of the schemas of its types.
    pub(crate) schema_version: u64,
    /// What of the provider fails next, and how.
    pub(crate) broken: Option<(Method, Manner)>,
    /// How many leases a project may have at a time.
    pub(crate) quota: Option<u64>,
    /// How many leases there can be at a time.
    pub(crate) capacity: usize,
    /// How long after its start a lease is not active yet.
    pub(crate) lag: SignedDuration,
    /// Whether a lease is said to be active when only its time has come.
    pub(crate) lies: bool,
    /// How long after its lease a server is still there.
    pub(crate) linger: SignedDuration,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            next: 0,
            faults: Vec::new(),
            log: Vec::new(),
            calls: BTreeMap::new(),
            now: Timestamp::UNIX_EPOCH,
            deaf: false,
            asleep: BTreeSet::new(),
            schema_version: 0,
            broken: None,
            quota: None,
            capacity: 100,
            lag: SignedDuration::ZERO,
            lies: false,
            linger: SignedDuration::ZERO,
        }
    }
}

#[derive(Default)]
pub(crate) struct Cloud(Mutex<Inside>);

impl Cloud {
    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        let mut inside = self.0.lock().unwrap();
        inside.catch_up();
        inside
    }

    pub(crate) fn count(&self, call: &str) {
        *self.inside().calls.entry(call.to_owned()).or_default() += 1;
    }

    pub(crate) fn calls(&self, call: &str) -> usize {
        self.inside().calls.get(call).copied().unwrap_or_default()
    }

    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.inside().log)
    }

    /// Describes all objects, a line each.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (id, object) in &self.inside().objects {
            let building = if object.building > 0 { " building" } else { "" };
            let line = show::object(&object.state);
            writeln!(text, "{} {id}{building} {line}", object.kind).unwrap();
        }
        text
    }

    /// Lists kind and name of all objects, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let inside = self.inside();
        let name = |object: &Object| {
            let name = object.state.get("name").and_then(Value::as_str).unwrap_or_default();
            format!("{} {name}", object.kind)
        };
        let mut names: Vec<String> = inside.objects.values().map(name).collect();
        names.sort();
        names
    }
}

impl Inside {
    pub(crate) fn fault(&mut self, addr: &str, action: Action) -> Option<Trouble> {
        let at = self.faults.iter().position(|it| it.addr == addr && it.action == action)?;
        Some(self.faults.remove(at).trouble)
    }

    /// Makes an object of planned values.
    pub(crate) fn make(&mut self, kind: &str, planned: &Value, marker: Option<String>) -> u64 {
        self.next += 1;
        let id = self.next;
        let state = settled(planned, &id.to_string());
        let building = if kind == "fake_slow" { 2 } else { 0 };
        let created_at = self.now;
        let kind = kind.to_owned();
        let object = Object { kind, state, marker, created_at, building, deleting: false };
        self.objects.insert(id, object);
        id
    }

    pub(crate) fn find(&self, state: Option<&Value>) -> Option<u64> {
        let id = state?.get("id")?.as_str()?.parse().ok()?;
        self.objects.contains_key(&id).then_some(id)
    }

    /// Returns who links to an object.
    pub(crate) fn user_of(&self, id: u64) -> Option<String> {
        let wanted = id.to_string();
        let links = |object: &Object| {
            let mut found = false;
            object.state.for_each_leaf(&mut |path: &AttrPath, leaf: &Value| {
                let first = path.to_string();
                let link = first.contains("link");
                found |= link && leaf.as_str() == Some(&wanted);
            });
            found
        };
        let (_, user) = self.objects.iter().find(|(other, it)| **other != id && links(it))?;
        user.state.get("name").and_then(Value::as_str).map(str::to_owned)
    }

    /// Returns a link to something that does not exist.
    pub(crate) fn dangling(&self, state: &Value) -> Option<String> {
        let link = state.get("link").and_then(Value::as_str)?;
        let exists = link.parse().is_ok_and(|id: u64| self.objects.contains_key(&id));
        (!exists).then(|| link.to_owned())
    }

    /// Changes an attribute of the object with a name behind the engine's back.
    pub(crate) fn drift(&mut self, name: &str, attribute: &str, value: &Value) {
        let object = self.by_name(name);
        let mut entries: Map = object.state.to_map().unwrap();
        entries.insert(attribute.into(), value.clone());
        object.state = Value::object(entries);
    }

    /// Removes the object with a name behind the engine's back.
    pub(crate) fn vanish(&mut self, name: &str) {
        let named = |it: &Object| it.state.get("name").and_then(Value::as_str) == Some(name);
        self.objects.retain(|_, object| !named(object));
        self.catch_up();
    }

    pub(super) fn by_name(&mut self, name: &str) -> &mut Object {
        let named = |it: &&mut Object| it.state.get("name").and_then(Value::as_str) == Some(name);
        self.objects.values_mut().find(named).unwrap_or_else(|| panic!("no object {name}"))
    }
}

/// Fills what was left to the cloud.
pub(crate) fn settled(planned: &Value, id: &str) -> Value {
    planned.clone().transform(&mut |path: &AttrPath, part: Value| {
        if part.is_known() {
            return part;
        }
        match path.to_string().trim_start_matches('.') {
            "id" => Value::string(id),
            "token" => Value::string(format!("token-{id}")),
            "zone" => Value::string("z1"),
            "status" => Value::string("ACTIVE"),
            "output" => Value::string("out"),
            "ip" => Value::string(format!("192.0.2.{id}")),
            _ => Value::string("chosen"),
        }
    })
}
