//! What is under way between the engine and the world: at each step one thing is drawn and moves on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use terrarium_openstack::{Request, Response, TransportError};
use terrarium_state::{CommitError, MemoryDisk, MemoryStore, Ticket};
use terrarium_testbed::{self as testbed, Delivery, Effect, Fault, Router};
use tokio::sync::oneshot;

use crate::desk::Paper;
use crate::story::Story;
use crate::{Dice, Trouble, Weather};

mod commits;

/// Longest time that a request is under way: a transport gives up then.
const LONGEST_WAY: SignedDuration = SignedDuration::from_secs(60);

/// How rarely a timer rings although something is under way.
const EARLY_TIMER: u64 = 25;

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
        }))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a process: its store, and the weather that it lives in.
    pub(crate) fn begin(&self, store: Arc<MemoryStore>, weather: &Weather) {
        let mut inside = self.inside();
        inside.store = Some(store);
        inside.weather = weather.clone();
        let settings = json!({
            "token_lifetime_s": weather.token_lifetime_s.unwrap_or(14_400),
            "quotas": weather.quotas,
            // Servers without a lease find no host where leases are required.
            "leases_required": weather.failing_builds,
        });
        inside.control("PUT", "/testbed/settings", &settings);
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
        if papers == 1 && inside.dice.index(choices) == 0 {
            inside.paper();
        } else if inside.away.is_empty() {
            inside.paper();
        } else {
            inside.forward();
        }
        true
    }
}

impl Inside {
    /// Draws what happens to a request.
    fn trouble(&mut self, request: &testbed::Request) -> Option<Trouble> {
        let rare = self.weather.requests_one_in;
        if !self.dice.one_in(rare) {
            return None;
        }
        match self.dice.pick(&self.weather.troubles) {
            // What is repeated freely must not arrive after what came later.
            Some(Trouble::Late) if request.method != http::Method::POST => Some(Trouble::LostAfter),
            other => other,
        }
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
        if at > self.now {
            self.now = at;
            self.control("POST", "/testbed/clock", &json!({"to": at.to_string()}));
        }
        self.story.tell(format!("clock {at}"));
        // Whoever waited may be gone.
        let _ = to.send(());
    }

    /// Brings one request to its service, or one reply to its sender.
    fn forward(&mut self) {
        let drawn = self.dice.index(self.away.len());
        match self.away.swap_remove(drawn) {
            Away::Back(reply, to) => {
                let _ = to.send(reply);
            }
            Away::Out(out) => self.arrive(out),
        }
    }

    fn arrive(&mut self, mut out: Out) {
        let what = format!("{} {}", out.request.method, bare(&out.request.path_and_query));
        let trouble = out.trouble.take();
        if trouble == Some(Trouble::Late) {
            self.story.tell(format!("{what} broken off, on its way"));
            let to = out.to.take();
            self.away.push(Away::Out(out));
            return self.answer(Err(broken()), to);
        }
        if trouble == Some(Trouble::NotSent) {
            self.story.tell(format!("{what} not sent"));
            return self.answer(Err(TransportError::NotSent("refused".into())), out.to);
        }
        if let Some(effect) = trouble.and_then(effect) {
            let fault =
                Fault { times: 1, skip: 0, method: None, path_prefix: String::new(), effect };
            self.control("PUT", "/testbed/settings", &json!({"faults": [fault]}));
        }
        let response = self.router.handle(&out.request);
        let body = blake3::hash(&out.request.body).to_hex();
        let nobody = if out.to.is_none() { ", its sender is gone" } else { "" };
        self.story.tell(format!(
            "{what} [{}] -> {} {}{nobody}",
            body.get(..6).unwrap_or_default(),
            response.status.as_u16(),
            trouble.map(|trouble| format!("{trouble:?}")).unwrap_or_default(),
        ));
        let reply = match response.delivery {
            Delivery::Whole => Ok(Response {
                status: response.status,
                headers: response.headers,
                body: response.body,
            }),
            Delivery::LostBefore | Delivery::LostAfter => Err(broken()),
        };
        self.answer(reply, out.to);
    }

    fn answer(&mut self, reply: Reply, to: Option<oneshot::Sender<Reply>>) {
        if let Some(to) = to {
            self.away.push(Away::Back(reply, to));
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

fn broken() -> TransportError {
    TransportError::MaybeSent("the connection was closed".into())
}

/// Returns a URL without its origin.
fn bare(url: &str) -> &str {
    url.strip_prefix(crate::wire::ORIGIN).unwrap_or(url)
}

fn effect(trouble: Trouble) -> Option<Effect> {
    let answer = |status, headers: &[(&str, String)]| Effect::Answer {
        status,
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        body: Json::Null,
    };
    match trouble {
        Trouble::NotSent | Trouble::Late => None,
        Trouble::LostBefore => Some(Effect::DropBefore),
        Trouble::LostAfter => Some(Effect::DropAfter),
        Trouble::Answers(status) => Some(answer(status, &[])),
        Trouble::AnswersAfter(status) => Some(Effect::AnswerAfter { status }),
        Trouble::Busy(seconds) => Some(answer(429, &[("retry-after", seconds.to_string())])),
    }
}
