//! What a verb works with: the session, the row, and the region of the instance at hand.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use terrarium_provider::{Action, Permit, Recorded, Step};
use terrarium_value::Value;

use crate::client::{ApiError, Call, Failure, Service, Session, Verb};
use crate::look::Look;
use crate::schema::Resource;

/// What stays as it is in a path's parts.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'@');

/// One object as the service tells it, `None` where it is gone.
pub(crate) type Fetched = Result<Option<Json>, ApiError>;

/// Where a verb works.
pub(crate) struct Scope<'a> {
    pub(crate) session: &'a Session,
    pub(crate) row: &'static Resource,
    /// The instance's region; empty for the session's.
    pub(crate) region: String,
    pub(crate) env: &'a BTreeMap<String, String>,
    /// How long the action at hand may take; `None` for looks.
    pub(crate) patience: Option<Duration>,
    /// Whether others of its type are looked for at the same time: then one list serves all.
    pub(crate) among_others: bool,
}

/// One action on one instance.
pub(crate) struct Act<'a> {
    /// What is done.
    pub(crate) action: Action,
    /// The values before; `None` for a create, unless it goes on with what it made.
    pub(crate) prior: Option<&'a Value>,
    /// The planned values; `None` for a delete.
    pub(crate) planned: Option<&'a Value>,
    /// The configuration; `None` for a delete.
    pub(crate) config: Option<&'a Value>,
    /// What was kept.
    pub(crate) private: &'a terrarium_provider::Private,
    /// Leave to act.
    pub(crate) recorded: Recorded,
}

impl<'a> Act<'a> {
    /// Takes leave to act out of a permit.
    pub(crate) fn recorded_of(permit: Permit) -> Option<Recorded> {
        match permit {
            Permit::External(recorded) => Some(recorded),
            Permit::Local => None,
        }
    }

    /// Returns leave for a call.
    pub(crate) fn step(&mut self) -> Step<'_> {
        self.recorded.step()
    }

    /// Returns the planned values; a null where there are none.
    pub(crate) fn planned(&self) -> Value {
        self.planned.cloned().unwrap_or_else(|| Value::null(terrarium_value::Type::Dynamic))
    }

    /// Returns the id of the object that is changed or deleted.
    pub(crate) fn id(&self) -> &'a str {
        self.prior.and_then(|prior| prior.text("id")).unwrap_or_default()
    }
}

impl Scope<'_> {
    /// Starts a GET of a service.
    pub(crate) fn get(&self, service: Service, path: impl Into<String>) -> Call<'_> {
        let call = Call::get(service, &self.region, path).touching(self.row.marks.touches);
        match self.patience {
            Some(patience) => call.patient(patience),
            None => call,
        }
    }

    /// Starts a GET of the row's own service.
    pub(crate) fn read(&self, path: impl Into<String>) -> Call<'_> {
        self.get(self.row.service, path).microversion(self.row.microversion)
    }

    /// Starts a call of the row's own service that changes something.
    pub(crate) fn call(&self, verb: Verb, path: impl Into<String>) -> Call<'_, Verb> {
        self.read(path).sending(verb)
    }

    /// Returns the path of an object.
    pub(crate) fn path(&self, id: &str) -> String {
        format!("{}/{}", self.row.path, encoded(id))
    }

    /// Reads one object of the row, without its envelope.
    pub(crate) async fn fetch_one(&self, id: &str) -> Fetched {
        let reply = self.session.find(&self.read(self.path(id))).await?;
        Ok(reply.map(|reply| unwrapped(reply, self.row.envelope)))
    }

    /// Reads the one object of a list that fits; errors name what was looked for.
    pub(crate) async fn only(
        &self,
        call: &Call<'_>,
        key: &str,
        what: &str,
    ) -> Result<Json, Failure> {
        the_one(&self.session.list(call, key).await?, what)
    }

    /// As [`Self::only`], for a name: it is asked once a round.
    pub(crate) async fn only_named(
        &self,
        call: &Call<'_>,
        key: &str,
        what: &str,
    ) -> Result<Json, Failure> {
        the_one(&self.session.named(call, key).await?, what)
    }

    /// Returns how long an action may take: the `timeouts` block's text, else the default.
    pub(crate) fn timeout(&self, action: Action, values: Option<&Value>) -> Duration {
        let (name, seconds) = self.row.timeout(action);
        let given = values.and_then(|values| values.get("timeouts")?.text(name));
        given.and_then(duration).unwrap_or(Duration::from_secs(seconds))
    }
}

fn the_one(all: &[Json], what: &str) -> Result<Json, Failure> {
    match all {
        [one] => Ok(one.clone()),
        [] => Err(Failure::other(format!("there is no {what}"))),
        several => {
            let n = several.len();
            Err(Failure::other(format!("there are {n} of {what}: give its id instead")))
        }
    }
}

/// Returns one part of a path, encoded.
pub(crate) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, PATH).to_string()
}

/// Takes an object out of its envelope; where there is none, it is the object itself.
pub(crate) fn unwrapped(mut reply: Json, envelope: &str) -> Json {
    match reply.get_mut(envelope) {
        Some(inner) => inner.take(),
        None => reply,
    }
}

/// Reads a duration as Terraform writes it: `30m`, `1h30m`, `90s`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        let after = rest.get(digits..)?;
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let seconds = match after.get(..unit)? {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        total += Duration::try_from_secs_f64(number * seconds).ok()?;
        rest = after.get(unit..)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (text, expected) in [
            ("30m", Some(1_800_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5s", Some(1_500)),
            ("20ms", Some(20)),
            ("10", None),
            ("10x", None),
        ] {
            assert_eq!(duration(text), expected.map(Duration::from_millis), "{text}");
        }
    }
}
