//! A world: a testbed, a disk, and the processes that come and go.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use terrarium_address::ResourceAddr;
use terrarium_core::Cancel;
use terrarium_drive::{Manner, Signal, Stop};
use terrarium_provider::Action;
use terrarium_state::{MemoryDisk, MemoryStore, Script, State, Store};
use terrarium_testbed::{self as testbed, Router};

use crate::run::{self, Process, Report, Task};
use crate::traffic::Traffic;
use crate::{Dice, Plant, Weather};

/// Objects of the world by type, name and status, with how many there are of each.
pub type Inventory = BTreeMap<(String, String, String), usize>;

/// When every world begins, in seconds since 1970: an ordinary Monday.
const BEGINNING: i64 = 1_772_442_000;

/// Steps after which a run is taken for endless.
const ENDLESS: u64 = 20_000;

/// How long the work may take that is under way when a signal arrives: a boot of half an hour, and the next one.
const FINISHES: SignedDuration = SignedDuration::from_mins(70);

/// Steps within which whoever got two signals is gone: what is known by then is written down.
const LEAVES: u64 = 60;

/// A simulated world, founded on a seed.
pub struct World {
    seed: u64,
    traffic: Arc<Traffic>,
    disk: MemoryDisk,
    plant: Plant,
    runs: u64,
    /// Steps after which a run is taken for endless.
    endless: u64,
}

impl World {
    /// Founds a world, in which nothing exists yet.
    ///
    /// # Errors
    /// Says why the testbed can't be founded.
    pub fn new(seed: u64) -> Result<Self, String> {
        let beginning = Timestamp::from_second(BEGINNING).map_err(|error| error.to_string())?;
        let cloud = testbed::World::in_memory(seed, Arc::new(move || beginning))
            .map_err(|error| error.to_string())?;
        let router = Router::new(Arc::new(cloud));
        let disk = MemoryDisk::new(Script::Calm);
        let traffic = Arc::new(Traffic::new(router, disk.clone(), Dice::new(seed), beginning));
        Ok(Self { seed, traffic, disk, plant: Plant::Honest, runs: 0, endless: ENDLESS })
    }

    /// Plants a fault into the engine.
    #[must_use]
    pub fn planted(self, plant: Plant) -> Self {
        Self { plant, ..self }
    }

    /// Draws from the world's dice.
    pub fn with_dice<T>(&self, draw: impl FnOnce(&mut Dice) -> T) -> T {
        self.traffic.with_dice(draw)
    }

    /// Runs one command in some weather; `None` where it was killed.
    ///
    /// # Errors
    /// Says where the engine waits for nothing, or runs for ever.
    pub fn run(&mut self, task: &Task<'_>, weather: &Weather) -> Result<Option<Report>, String> {
        self.runs += 1;
        self.traffic.tell(format!("== run {}: {:?} {weather:?}", self.runs, task.command));
        let store = Arc::new(MemoryStore::open(self.disk.clone()));
        self.traffic.begin(store.clone(), weather);
        let cancel = Cancel::default();
        let process = Process {
            seed: self.seed,
            number: self.runs,
            traffic: self.traffic.clone(),
            store,
            plant: self.plant,
            ahead_s: weather.clock_ahead_s,
            cancel: cancel.clone(),
        };
        let ended = self.drive(run::command(process, task), weather, &cancel);
        self.traffic.end();
        match &ended {
            Ok(Some(report)) => self.traffic.tell(format!("== ended: {report:?}")),
            Ok(None) => self.traffic.tell("== killed".to_owned()),
            Err(why) => self.traffic.tell(format!("== {why}")),
        }
        ended
    }

    /// Polls the engine and moves the traffic in turn; dropping the engine is the crash.
    fn drive<T>(
        &self,
        body: impl Future<Output = T>,
        weather: &Weather,
        cancel: &Cancel,
    ) -> Result<Option<T>, String> {
        let mut body = pin!(body);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let calm_from = weather.lasts.and_then(|lasts| self.now().checked_add(lasts).ok());
        let mut stormy = calm_from.is_some();
        let mut signals = Signals::new(cancel);
        for step in 0..self.endless {
            if weather.crash == Some(step) {
                return Ok(None);
            }
            if stormy && calm_from.is_some_and(|calm| calm <= self.now()) {
                stormy = false;
                self.traffic.change(&Weather::calm());
            }
            for (_, signal) in weather.signals.iter().filter(|(at, _)| *at == step) {
                self.traffic.tell(format!("{signal:?}"));
                signals.arrives(*signal, step, self.now());
            }
            signals.lawful(step, self.now())?;
            if let Poll::Ready(ended) = body.as_mut().poll(&mut context) {
                return Ok(Some(ended));
            }
            if !self.traffic.step() && !woken.0.swap(false, Ordering::SeqCst) {
                return Err("the engine waits for nothing".to_owned());
            }
        }
        Err(format!("the engine goes on after {} steps", self.endless))
    }

    /// Returns how often the last process read the state.
    pub fn loads(&self) -> usize {
        self.traffic.loads()
    }

    /// Remembers no more of what happens than its hash, and lets a process go on for as long as it likes.
    #[must_use]
    pub fn for_weeks(self) -> Self {
        self.traffic.forget_the_story();
        Self { endless: u64::MAX, ..self }
    }

    /// Delivers all that is still under way.
    pub fn drain(&self) {
        self.traffic.drain();
    }

    /// Lets time pass until nothing more happens by itself.
    pub fn settle(&self) {
        self.traffic.settle();
    }

    /// Adds a line to the story.
    pub(crate) fn tell(&self, line: String) {
        self.traffic.tell(line);
    }

    /// Returns the world's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.traffic.now()
    }

    /// Lets time pass until an instant, if it is not past.
    pub(crate) fn pass(&self, to: Timestamp) {
        self.traffic.pass(to);
    }

    /// Changes settings of the testbed.
    pub(crate) fn settings(&self, settings: &Json) {
        self.traffic.control("PUT", "/testbed/settings", settings);
    }

    /// Asks a service as somebody of the same project.
    pub(crate) fn others(&self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        if !body.is_null() || method != "GET" {
            self.traffic.tell(format!("others: {method} {path} {body}"));
        }
        self.traffic.others(method, path, body)
    }

    /// Returns what the last process wrote down to do, and how many servers it asked to be removed.
    pub(crate) fn begun(&self) -> (Vec<(ResourceAddr, Action)>, usize) {
        self.traffic.begun()
    }

    /// Returns what no process may ever do, and one did.
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.traffic.wrong()
    }

    /// Returns what exists in the clouds.
    pub fn inventory(&self) -> Inventory {
        let listed = self.traffic.control("GET", "/testbed/objects", &Json::Null);
        let mut found = Inventory::new();
        for object in listed.get("objects").and_then(Json::as_array).into_iter().flatten() {
            let text =
                |key: &str| object.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
            // An address has its number for a name, which differs from run to run.
            // So has what Blazar makes for a reservation.
            let unnamed =
                text("type").contains("floating") || text("name").contains("reservation:");
            let name = if unnamed { String::new() } else { text("name") };
            *found.entry((text("type"), name, text("status"))).or_default() += 1;
        }
        found
    }

    /// Returns what the disk has.
    ///
    /// # Errors
    /// Says why it can't be read.
    pub fn state(&self) -> Result<State, String> {
        let store = MemoryStore::open(self.disk.clone());
        let state = store.load().now_or_never().ok_or("a store in memory made us wait")?;
        state.map_err(|error| error.to_string())
    }

    /// Returns all that happened.
    pub fn story(&self) -> String {
        self.traffic.story()
    }

    /// Returns the hash of all that happened.
    pub fn trace(&self) -> String {
        self.traffic.trace()
    }
}

/// What arrived, and what the engine has to do about it.
struct Signals {
    stop: Stop,
    /// When the first arrived.
    first: Option<Timestamp>,
    /// At which step the second arrived.
    second: Option<u64>,
}

impl Signals {
    fn new(cancel: &Cancel) -> Self {
        Self { stop: Stop::new(cancel.clone()), first: None, second: None }
    }

    fn arrives(&mut self, signal: Signal, step: u64, now: Timestamp) {
        match self.stop.obey(signal) {
            Manner::Finishes => self.first = Some(now),
            Manner::Leaves => self.second = Some(step),
        }
    }

    /// Whoever is asked to stop finishes what is under way, and whoever is asked twice leaves at once.
    fn lawful(&self, step: u64, now: Timestamp) -> Result<(), String> {
        if self.first.is_some_and(|first| now.duration_since(first) > FINISHES) {
            return Err("the engine goes on long after a signal".to_owned());
        }
        if self.second.is_some_and(|second| step > second + LEAVES) {
            return Err("the engine goes on after a second signal".to_owned());
        }
        Ok(())
    }
}

/// Remembers whether the engine asked to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
