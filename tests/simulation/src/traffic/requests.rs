//! Requests and replies: each is brought forward by one step, into the trouble that was drawn for it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use terrarium_openstack::{Response, TransportError};
use terrarium_testbed::{self as testbed, Delivery, Effect, Fault};
use tokio::sync::oneshot;

use super::{Away, Inside, Out, Reply};
use crate::Trouble;

impl Inside {
    /// Draws what happens to a request.
    pub(super) fn trouble(&mut self, request: &testbed::Request) -> Option<Trouble> {
        let refused = self.weather.leases_refused_one_in;
        if leases(request) && refused > 0 && self.dice.one_in(refused) {
            return Some(Trouble::NotEnough);
        }
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

    /// Brings one request to its service, or one reply to its sender.
    pub(super) fn forward(&mut self) {
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
        if out.to.is_some() && trouble != Some(Trouble::Late) {
            self.inspect(&out.request);
        }
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
}

/// Returns whether a request asks for a lease.
fn leases(request: &testbed::Request) -> bool {
    request.method == http::Method::POST && request.path_and_query.ends_with("/leases")
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
    let not_enough = json!({"error_code": 500, "error_message": "Not enough hosts available",
        "error_name": "INTERNAL_SERVER_ERROR"});
    match trouble {
        Trouble::NotSent | Trouble::Late => None,
        Trouble::LostBefore => Some(Effect::DropBefore),
        Trouble::LostAfter => Some(Effect::DropAfter),
        Trouble::Answers(status) => Some(answer(status, &[])),
        Trouble::AnswersAfter(status) => Some(Effect::AnswerAfter { status }),
        Trouble::NotEnough => {
            Some(Effect::Answer { status: 500, headers: BTreeMap::new(), body: not_enough })
        }
        Trouble::Busy(seconds) => Some(answer(429, &[("retry-after", seconds.to_string())])),
    }
}
