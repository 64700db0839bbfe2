//! Sending: with room for the call, and with a word where an answer is long in coming.

use std::pin::pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use terrarium_provider::{Leave, NotRecorded, Patience};
use tracing::debug;

use super::busy::is_busy;
use super::error::{bare, message_of, request_id};
use super::repeat::{ATTEMPTS, Tries, asked_for};
use super::session::Session;
use super::transport::{Request, Response, TransportError};

/// After so long without an answer it is said that one waits, and once more after as long again.
const SILENCE: SignedDuration = SignedDuration::from_secs(10);

/// Shorter pauses pass without a word.
const WORTH_A_WORD: Duration = Duration::from_secs(2);

/// What became of a request.
pub(super) enum Sending {
    /// It was sent.
    Answered(Result<Response, TransportError>),
    /// It was not sent: meanwhile its service was given up, with this reply.
    Spared(Response),
}

impl Session {
    /// Sends a request once there is room at its endpoint. Where it changes something its leave is asked
    /// last, when nothing is waited for any more; without it nothing is sent.
    pub(super) async fn send(
        &self,
        endpoint: &str,
        request: &Request,
        tries: &Tries,
        leave: Option<Leave<'_>>,
    ) -> Result<Sending, NotRecorded> {
        let mut slot = self.outside.limits.enter(endpoint).await;
        if let Some(reply) = self.busy.given_up(endpoint, tries.begun) {
            return Ok(Sending::Spared(reply));
        }
        if let Some(leave) = leave {
            leave.confirm(self.outside.clock.now()).await?;
        }
        let outcome = self.watched(request, tries.attempt).await;
        let path = bare(&request.url);
        match &outcome {
            Ok(reply) => {
                self.skew.note(endpoint, &reply.headers, self.outside.clock.now());
                let status = reply.status.as_u16();
                debug!(method = %request.method, path, status, request_id = request_id(reply), "reply");
                if is_busy(&outcome) {
                    slot.busy(self.again(reply));
                } else {
                    self.busy.had_time(endpoint, self.outside.clock.now());
                }
            }
            Err(error) => debug!(method = %request.method, path, %error, "no reply"),
        }
        Ok(Sending::Answered(outcome))
    }

    /// Returns when an endpoint wants to be asked again, where it says so and it is not too late.
    fn again(&self, reply: &Response) -> Option<Timestamp> {
        let now = self.outside.clock.now();
        let asked = asked_for(&reply.headers, now)?;
        (asked <= super::repeat::LONGEST_WAIT).then(|| now.saturating_add(asked).unwrap_or(now))
    }

    /// Sends a request, and says so where its answer is long in coming. Where the clock jumps, nobody waits.
    async fn watched(&self, request: &Request, attempt: u32) -> Result<Response, TransportError> {
        let clock = &self.outside.clock;
        let mut sending = pin!(self.outside.transport.send(request.clone()));
        if clock.jumps() {
            return sending.await;
        }
        let begun = clock.now();
        let mut silent = SILENCE;
        loop {
            let at = begun.saturating_add(silent).unwrap_or(begun);
            tokio::select! {
                biased;
                reply = &mut sending => return reply,
                () = clock.wait_until(at) => {
                    self.tell(request, format!("no answer for {} s", silent.as_secs()), attempt, None);
                    silent = silent.saturating_add(SILENCE);
                }
            }
        }
    }

    /// Waits before a call is repeated, and says so.
    pub(super) async fn pause(
        &self,
        request: &Request,
        outcome: &Result<Response, TransportError>,
        tries: &mut Tries,
        pause: Duration,
    ) {
        tries.attempt += 1;
        let now = self.outside.clock.now();
        let at = now.saturating_add(pause).unwrap_or(now);
        if pause >= WORTH_A_WORD {
            let why = match outcome {
                Ok(reply) => {
                    format!("{} {}", reply.status, message_of(&reply.body)).trim().to_owned()
                }
                Err(error) => error.to_string(),
            };
            self.tell(request, why, tries.attempt, Some(at));
        }
        self.outside.clock.wait_until(at).await;
    }

    fn tell(&self, request: &Request, why: String, attempt: u32, until: Option<Timestamp>) {
        let call = format!("{} {}", request.method, bare(&request.url));
        let (attempt, attempts) = (attempt + 1, ATTEMPTS);
        self.outside.limits.tell(Patience { call, why, attempt, attempts, until });
    }
}
