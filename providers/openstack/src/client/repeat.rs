//! What to do with the outcome of one attempt: the decision, without the waiting.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use super::transport::{Response, TransportError};

/// How often a call is sent at most.
pub(super) const ATTEMPTS: u32 = 5;

/// How often a call logs in anew where its token is refused: tokens may be revoked, but not for ever.
pub(super) const LOGINS: u32 = 3;

/// How long a call that belongs to no operation with a time of its own waits for its service.
pub(super) const PATIENCE: Duration = Duration::from_mins(5);

/// Longest wait that a service may ask for; everybody else at the endpoint waits with the call.
pub(super) const LONGEST_WAIT: Duration = PATIENCE;

/// How far the attempts of a call have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tries {
    /// The attempt, the first being 0.
    pub(crate) attempt: u32,
    /// How often its token was refused.
    pub(crate) logins: u32,
    /// When the first one began.
    pub(crate) begun: Timestamp,
    /// When waiting has to end.
    until: Timestamp,
}

impl Tries {
    /// Begins.
    pub(crate) fn new(now: Timestamp, patience: Duration) -> Self {
        Self {
            attempt: 0,
            logins: 0,
            begun: now,
            until: now.saturating_add(patience).unwrap_or(Timestamp::MAX),
        }
    }

    fn left(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.until.duration_since(now)).unwrap_or_default()
    }
}

/// Whether a call may be repeated although an earlier attempt may have done its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It may: doing it twice is doing it once.
    Freely,
    /// It may not, unless it is certain that nothing was done.
    OnlyUndone,
    /// As before; and an error of the server with one of these texts is a plain no.
    OrSaid(&'static [&'static str]),
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The reply is the answer.
    Answer,
    /// Get a new token, then again.
    LogIn,
    /// Wait, then again.
    Again(Duration),
    /// Give up: the service wants to be asked again after this, and nobody waits for so long.
    TooLate(Duration),
    /// Give up; nothing was done.
    Unreachable(String),
    /// Give up; nobody knows what was done.
    Doubt(String),
}

/// Decides what follows an attempt.
pub(crate) fn next(
    repeat: Repeat,
    outcome: &Result<Response, TransportError>,
    tries: &Tries,
    now: Timestamp,
) -> Next {
    let attempt = tries.attempt;
    let left = tries.left(now);
    let may = attempt + 1 < ATTEMPTS && !left.is_zero();
    match outcome {
        Ok(reply) => {
            let wait = || match asked_for(&reply.headers, now) {
                Some(asked) if asked > left.min(LONGEST_WAIT) => Next::TooLate(asked),
                asked => Next::Again(asked.unwrap_or_else(|| pause(attempt))),
            };
            match reply.status.as_u16() {
                401 if tries.logins < LOGINS => Next::LogIn,
                429 | 498 if may => wait(),
                502..=504 if may && repeat == Repeat::Freely => wait(),
                // A 500 proves nothing either way: look before acting.
                500..=599 if repeat != Repeat::Freely => {
                    let message = super::error::message_of(&reply.body);
                    match repeat {
                        Repeat::OrSaid(texts) if texts.iter().any(|t| message.contains(t)) => {
                            Next::Answer
                        }
                        _ if message.is_empty() => Next::Doubt(reply.status.to_string()),
                        _ => Next::Doubt(format!("{}: {message}", reply.status)),
                    }
                }
                _ => Next::Answer,
            }
        }
        Err(TransportError::NotSent(_)) if may => Next::Again(pause(attempt)),
        Err(TransportError::MaybeSent(_)) if may && repeat == Repeat::Freely => {
            Next::Again(pause(attempt))
        }
        Err(TransportError::NotSent(cause)) => Next::Unreachable(cause.clone()),
        Err(TransportError::MaybeSent(cause)) => Next::Doubt(cause.clone()),
    }
}

/// Returns the pause before the next attempt: 0.5, 1, 2, 4 s.
fn pause(attempt: u32) -> Duration {
    Duration::from_millis(500 << attempt.min(6))
}

/// Returns how long `Retry-After` says to wait, in seconds or as a date.
pub(super) fn asked_for(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    // What is no number but only digits is longer than anybody waits.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    u64::try_from(at.as_second() - now.as_second()).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the rows of the table are outcomes")]
    fn reply(status: u16, retry_after: Option<&str>) -> Result<Response, TransportError> {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert("retry-after", text.parse().unwrap());
        }
        Ok(Response { status: StatusCode::from_u16(status).unwrap(), headers, body: "".into() })
    }

    #[test]
    fn a_create_is_never_repeated_in_doubt() {
        use Repeat::{Freely, OnlyUndone};
        let at = |s| Timestamp::from_second(s).unwrap();
        let broken = Err(TransportError::MaybeSent("reset".into()));
        let refused = Err(TransportError::NotSent("refused".into()));
        let seconds = |s| Next::Again(Duration::from_secs(s));
        let mut not_enough = reply(500, None);
        if let Ok(reply) = &mut not_enough {
            reply.body = r#"{"error_message": "Not enough hosts available"}"#.into();
        }
        let doubted =
            Next::Doubt("500 Internal Server Error: Not enough hosts available".to_owned());
        for (repeat, outcome, attempt, expected) in [
            (OnlyUndone, &broken, 0, Next::Doubt("reset".into())),
            (Freely, &broken, 0, Next::Again(Duration::from_millis(500))),
            (Freely, &broken, 4, Next::Doubt("reset".into())),
            (OnlyUndone, &refused, 1, seconds(1)),
            (OnlyUndone, &refused, 4, Next::Unreachable("refused".into())),
            (OnlyUndone, &reply(429, Some("7")), 0, seconds(7)),
            (Freely, &reply(503, Some("Thu, 01 Jan 1970 00:00:30 GMT")), 0, seconds(20)),
            (Freely, &reply(503, Some("999999")), 0, Next::TooLate(Duration::from_secs(999_999))),
            (OnlyUndone, &reply(429, Some("301")), 0, Next::TooLate(Duration::from_secs(301))),
            (Freely, &reply(503, Some("99999999999999999999999")), 0, Next::TooLate(Duration::MAX)),
            (OnlyUndone, &reply(503, None), 0, Next::Doubt("503 Service Unavailable".into())),
            (OnlyUndone, &reply(500, None), 0, Next::Doubt("500 Internal Server Error".into())),
            (Freely, &reply(500, None), 0, Next::Answer),
            (OnlyUndone, &reply(409, None), 0, Next::Answer),
            (OnlyUndone, &reply(201, None), 0, Next::Answer),
            (Repeat::OrSaid(&["Not enough"]), &not_enough, 0, Next::Answer),
            (OnlyUndone, &not_enough, 0, doubted.clone()),
            (Repeat::OrSaid(&["No room"]), &not_enough, 0, doubted),
        ] {
            let tries = Tries { attempt, ..Tries::new(at(10), PATIENCE) };
            assert_eq!(next(repeat, outcome, &tries, at(10)), expected, "{outcome:?}");
        }
    }

    #[test]
    fn a_refused_token_is_asked_for_again_and_not_for_ever() {
        let now = Timestamp::UNIX_EPOCH;
        for (logins, expected) in [(0, Next::LogIn), (2, Next::LogIn), (3, Next::Answer)] {
            let tries = Tries { logins, ..Tries::new(now, PATIENCE) };
            assert_eq!(next(Repeat::OnlyUndone, &reply(401, None), &tries, now), expected);
        }
    }

    #[test]
    fn waiting_ends_with_the_time_of_the_operation() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let tries = Tries::new(at(0), Duration::from_secs(30));
        let wait = |now| next(Repeat::Freely, &reply(503, Some("20")), &tries, at(now));
        assert_eq!(wait(10), Next::Again(Duration::from_secs(20)));
        assert_eq!(wait(11), Next::TooLate(Duration::from_secs(20)));
        assert_eq!(wait(30), Next::Answer);
    }
}
