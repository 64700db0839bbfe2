//! What is under way between the engine and the world: at each step one thing is drawn and moves on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use terrarium_address::ResourceAddr;
use terrarium_openstack::{Request, Response, TransportError};
use terrarium_provider::Action;
use terrarium_state::{CommitError, MemoryDisk, MemoryStore, Ticket};
use terrarium_testbed::{self as testbed, Router};
use tokio::sync::oneshot;

use crate::desk::Paper;
use crate::story::Story;
use crate::{Dice, Trouble, Weather};

mod commits;
mod inspect;
mod requests;

/// Longest time that a request is under way: a transport gives up then.
const LONGEST_WAY: SignedDuration = SignedDuration::from_secs(60);

/// How rarely a timer rings although something is under way.
const EARLY_TIMER: u64 = 25;

/// More than any scenario spends.
const SERVICE_UNITS: u32 = 1_000_000;

type Reply = Result<Response, TransportError>;

/// The traffic of a world. Outlives the engine's processes.
pub(crate) struct Traffic(Mutex<Inside>);

struct Inside {
    router: Router,
    dice: Dice,
    weather: Weather,
    now: Timestamp,
    away: Vec<Away>,
    papers: VecDeque<Paper>,
    tickets: Vec<(Ticket, oneshot::Sender<Result<u64, CommitError>>)>,
    timers: Vec<(Timestamp, oneshot::Sender<()>)>,
    store: Option<Arc<MemoryStore>>,
    disk: MemoryDisk,
    story: Story,
    /// What the process wrote down to do.
    begun: Vec<(ResourceAddr, Action)>,
    /// Servers that the process asked to be removed.
    removed_servers: usize,
    /// What no process may ever do, and one did.
    wrong: Vec<String>,
    /// How often the process read the state.
    loads: usize,
}

/// A request on its way, or its reply.
enum Away {
    Out(Out),
    Back(Reply, oneshot::Sender<Reply>),
}

struct Out {
    request: testbed::Request,
    sent: Timestamp,
    trouble: Option<Trouble>,
    /// `None`: whoever sent it is gone.
    to: Option<oneshot::Sender<Reply>>,
}

impl Traffic {
    /// Begins without anything under way.
    pub(crate) fn new(router: Router, disk: MemoryDisk, dice: Dice, now: Timestamp) -> Self {
        Self(Mutex::new(Inside {
            router,
            dice,
            weather: Weather::calm(),
            now,
            away: Vec::new(),
            papers: VecDeque::new(),
            tickets: Vec::new(),
            timers: Vec::new(),
            store: None,
            disk,
            story: Story::default(),
            begun: Vec::new(),
            removed_servers: 0,
            wrong: Vec::new(),
            loads: 0,
        }))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a process: its store, and the weather that it lives in.
    pub(crate) fn begin(&self, store: Arc<MemoryStore>, weather: &Weather) {
        let mut inside = self.inside();
        inside.store = Some(store);
        inside.begun.clear();
        inside.removed_servers = 0;
        inside.loads = 0;
        inside.change(weather);
    }

    /// Changes the weather.
    pub(crate) fn change(&self, weather: &Weather) {
        let mut inside = self.inside();
        inside.story.tell(format!("weather {weather:?}"));
        inside.change(weather);
    }

    /// Ends a process. What it had sent may still arrive, what it had begun to write may be written.
    pub(crate) fn end(&self) {
        let inside = &mut *self.inside();
        let written = inside.dice.index(inside.papers.len() + 1);
        for _ in 0..written {
            inside.paper();
        }
        inside.papers.clear();
        inside.tickets.clear();
        inside.timers.clear();
        inside.store = None;
        for away in std::mem::take(&mut inside.away) {
            let Away::Out(out) = away else { continue };
            if inside.dice.one_in(2) {
                inside.away.push(Away::Out(Out { to: None, trouble: None, ..out }));
            }
        }
    }

    /// Delivers all that is still under way.
    pub(crate) fn drain(&self) {
        let mut inside = self.inside();
        while !inside.away.is_empty() {
            inside.forward();
        }
    }

    /// Lets time pass until an instant, if it is not past.
    pub(crate) fn pass(&self, to: Timestamp) {
        self.inside().pass(to);
    }

    /// Returns what the process wrote down to do, and how many servers it asked to be removed.
    pub(crate) fn begun(&self) -> (Vec<(ResourceAddr, Action)>, usize) {
        let inside = self.inside();
        (inside.begun.clone(), inside.removed_servers)
    }

    /// Returns how often the process read the state.
    pub(crate) fn loads(&self) -> usize {
        self.inside().loads
    }

    /// Remembers no more of what happens than its hash.
    pub(crate) fn forget_the_story(&self) {
        self.inside().story.forget();
    }

    /// Returns what no process may ever do, and one did.
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.inside().wrong.clone()
    }

    /// Asks a service as somebody of the same project.
    pub(crate) fn others(&self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        self.inside().others(method, path, body)
    }

    /// Lets time pass until the services have nothing more to do.
    pub(crate) fn settle(&self) {
        let mut inside = self.inside();
        loop {
            let clock = inside.control("GET", "/testbed/clock", &Json::Null);
            let next = clock.get("next_event").and_then(Json::as_str);
            let Some(next) = next.and_then(|next| next.parse().ok()) else { return };
            inside.pass(next);
        }
    }

    /// Sends a request.
    pub(crate) fn send(&self, request: Request) -> oneshot::Receiver<Reply> {
        let (to, reply) = oneshot::channel();
        let mut inside = self.inside();
        let request = testbed::Request {
            method: request.method,
            path_and_query: request.url,
            headers: request.headers,
            body: request.body,
        };
        let trouble = inside.trouble(&request);
        let sent = inside.now;
        inside.away.push(Away::Out(Out { request, sent, trouble, to: Some(to) }));
        reply
    }

    /// Lays something before the store.
    pub(crate) fn file(&self, paper: Paper) {
        self.inside().papers.push_back(paper);
    }

    /// Returns what resolves when the instant has come.
    pub(crate) fn timer(&self, at: Timestamp) -> oneshot::Receiver<()> {
        let (to, ring) = oneshot::channel();
        self.inside().timers.push((at, to));
        ring
    }

    /// Returns the world's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.inside().now
    }

    /// Draws from the world's dice.
    pub(crate) fn with_dice<T>(&self, draw: impl FnOnce(&mut Dice) -> T) -> T {
        draw(&mut self.inside().dice)
    }

    /// Adds a line to the story.
    pub(crate) fn tell(&self, line: String) {
        self.inside().story.tell(line);
    }

    /// Returns the story.
    pub(crate) fn story(&self) -> String {
        self.inside().story.text()
    }

    /// Returns the story's hash.
    pub(crate) fn trace(&self) -> String {
        self.inside().story.trace()
    }

    /// Asks the control path of the testbed.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Json) -> Json {
        self.inside().control(method, path, body)
    }

    /// Moves one thing on; `false` where nothing is under way.
    pub(crate) fn step(&self) -> bool {
        let inside = &mut *self.inside();
        inside.timers.retain(|(_, to)| !to.is_closed());
        let papers = usize::from(!inside.papers.is_empty());
        let choices = inside.away.len() + papers;
        let timer = inside.next_timer();
        if let Some(at) = timer
            && (choices == 0 || inside.dice.one_in(EARLY_TIMER))
        {
            inside.ring(at);
            return true;
        }
        if choices == 0 {
            return false;
        }
        if inside.dice.index(choices) < papers {
            inside.paper();
        } else {
            inside.forward();
        }
        true
    }
}

impl Inside {
    fn change(&mut self, weather: &Weather) {
        self.weather = weather.clone();
        let settings = json!({
            "token_lifetime_s": weather.token_lifetime_s.unwrap_or(14_400),
            "quotas": weather.quotas,
            // Servers without a lease find no host where leases are required.
            "leases_required": weather.failing_builds,
            "deletion_faults": match weather.failing_deletions {
                0 => json!([]),
                times => json!([{"kind": "server", "times": times}]),
            },
            "lease_transition_s": weather.lease_transition_s,
            "service_units": if weather.broke { 0 } else { SERVICE_UNITS },
        });
        self.control("PUT", "/testbed/settings", &settings);
    }

    /// Returns the timer that may ring next: none overtakes a request by more than it may take.
    fn next_timer(&self) -> Option<usize> {
        let outs = self.away.iter().filter_map(|away| match away {
            Away::Out(out) => out.sent.checked_add(LONGEST_WAY).ok(),
            Away::Back(..) => None,
        });
        let latest = outs.min();
        let next = self.timers.iter().enumerate().min_by_key(|(_, (at, _))| *at);
        next.filter(|(_, (at, _))| latest.is_none_or(|latest| *at <= latest)).map(|(at, _)| at)
    }

    fn ring(&mut self, timer: usize) {
        let (at, to) = self.timers.swap_remove(timer);
        self.pass(at);
        // Whoever waited may be gone.
        let _ = to.send(());
    }

    fn pass(&mut self, to: Timestamp) {
        if to > self.now {
            self.now = to;
            self.control("POST", "/testbed/clock", &json!({"to": to.to_string()}));
            self.story.tell(format!("clock {to}"));
        }
    }

    fn control(&self, method: &str, path: &str, body: &Json) -> Json {
        let response = self.router.handle(&testbed::Request {
            method: method.parse().unwrap_or(http::Method::GET),
            path_and_query: path.to_owned(),
            headers: http::HeaderMap::new(),
            body: if body.is_null() { String::new() } else { body.to_string() }.into(),
        });
        debug_assert!(response.status.is_success(), "{method} {path}: {:?}", response.body);
        serde_json::from_slice(&response.body).unwrap_or_default()
    }
}
