//! What to do with the outcome of one attempt: the decision, without the waiting.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use super::transport::{Response, TransportError};

/// How often a call is repeated after its first attempt.
const REPEATS: u32 = 4;

/// Longest wait that a service's `Retry-After` is obeyed for.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

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
    /// Give up; nothing was done.
    Unreachable(String),
    /// Give up; nobody knows what was done.
    Doubt(String),
}

/// Decides what follows an attempt, the first being 0.
pub(crate) fn next(
    repeat: Repeat,
    outcome: &Result<Response, TransportError>,
    attempt: u32,
    fresh_token: bool,
    now: Timestamp,
) -> Next {
    let may = attempt < REPEATS;
    match outcome {
        Ok(reply) => {
            let wait = || after(&reply.headers, attempt, now);
            match reply.status.as_u16() {
                401 if !fresh_token => Next::LogIn,
                429 | 498 if may => Next::Again(wait()),
                502..=504 if may && repeat == Repeat::Freely => Next::Again(wait()),
                // A 500 proves nothing either way: look before acting.
                500..=599 if repeat != Repeat::Freely => {
                    let message = super::error::message_of(&reply.body);
                    match repeat {
                        Repeat::OrSaid(texts) if texts.iter().any(|t| message.contains(t)) => {
                            Next::Answer
                        }
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

/// Returns what `Retry-After` says, in seconds or as a date, else the usual pause.
fn after(headers: &HeaderMap, attempt: u32, now: Timestamp) -> Duration {
    let said = headers.get("retry-after").and_then(|value| value.to_str().ok()).and_then(|text| {
        if let Ok(seconds) = text.trim().parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
        u64::try_from(at.as_second() - now.as_second()).ok().map(Duration::from_secs)
    });
    said.unwrap_or_else(|| pause(attempt)).min(LONGEST_WAIT)
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
            (Freely, &reply(503, Some("999999")), 0, seconds(120)),
            (OnlyUndone, &reply(503, None), 0, Next::Doubt("503 Service Unavailable: ".into())),
            (OnlyUndone, &reply(500, None), 0, Next::Doubt("500 Internal Server Error: ".into())),
            (Freely, &reply(500, None), 0, Next::Answer),
            (OnlyUndone, &reply(409, None), 0, Next::Answer),
            (OnlyUndone, &reply(201, None), 0, Next::Answer),
            (Repeat::OrSaid(&["Not enough"]), &not_enough, 0, Next::Answer),
            (OnlyUndone, &not_enough, 0, doubted.clone()),
            (Repeat::OrSaid(&["No room"]), &not_enough, 0, doubted),
        ] {
            assert_eq!(next(repeat, outcome, attempt, false, at(10)), expected, "{outcome:?}");
        }
        assert_eq!(next(Freely, &reply(401, None), 0, false, at(0)), Next::LogIn);
        assert_eq!(next(Freely, &reply(401, None), 0, true, at(0)), Next::Answer);
    }
}
