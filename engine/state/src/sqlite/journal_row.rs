//! Intents and scheduled actions as columns.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Row as SqlRow;
use serde::{Deserialize, Serialize};
use terrarium_address::Name;
use terrarium_provider::{Accepted, Action, Intent, IntentId, Marker, Schedule};
use terrarium_value::{from_snapshot, to_snapshot};

use super::row::{Unreadable, addr, text_of, uint};
use crate::{IntentProgress, OpenIntent, Scheduled};

#[derive(Serialize, Deserialize)]
struct Taken {
    id: String,
    state: Option<String>,
    private: Option<String>,
    poll_after_ms: u64,
    timeout_ms: u64,
}

/// Returns the columns `progress` and `detail`; `None` where the intent is closed.
pub(super) fn progress_columns(
    progress: &IntentProgress,
) -> Option<(&'static str, Option<String>)> {
    match progress {
        IntentProgress::Recorded => Some(("recorded", None)),
        IntentProgress::Doubtful(why) => Some(("doubtful", Some(why.clone()))),
        IntentProgress::Accepted(accepted) => Some(("accepted", Some(taken(accepted)))),
        IntentProgress::Done | IntentProgress::Refused => None,
    }
}

fn taken(accepted: &Accepted) -> String {
    text_of(&Taken {
        id: accepted.id.to_string(),
        state: accepted.state.as_ref().map(to_snapshot),
        private: accepted.private.as_ref().map(|bytes| STANDARD.encode(bytes)),
        poll_after_ms: milliseconds(accepted.poll_after),
        timeout_ms: milliseconds(accepted.timeout),
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn progress(kind: &str, detail: Option<String>) -> Result<IntentProgress, Unreadable> {
    match (kind, detail) {
        ("recorded", _) => Ok(IntentProgress::Recorded),
        ("doubtful", why) => Ok(IntentProgress::Doubtful(why.unwrap_or_default())),
        ("accepted", Some(text)) => {
            let taken: Taken = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            let state = match &taken.state {
                Some(text) => Some(from_snapshot(text).map_err(|error| error.to_string())?),
                None => None,
            };
            let private = match &taken.private {
                Some(text) => {
                    let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
                    Some(bytes.into())
                }
                None => None,
            };
            Ok(IntentProgress::Accepted(Box::new(Accepted {
                id: taken.id.into(),
                state,
                private,
                poll_after: Duration::from_millis(taken.poll_after_ms),
                timeout: Duration::from_millis(taken.timeout_ms),
            })))
        }
        (kind, _) => Err(format!("an intent is `{kind}`")),
    }
}

/// The columns of an intent, in the order in which [`intent`] reads them.
pub(super) const INTENT_COLUMNS: &str =
    "id, addr, action, marker, at, provider, planned, object_id, deposed, progress, detail";

/// Reads an intent.
pub(super) fn intent(row: &SqlRow<'_>) -> rusqlite::Result<Result<OpenIntent, Unreadable>> {
    let text = |at: usize| row.get::<_, String>(at);
    let optional = |at: usize| row.get::<_, Option<String>>(at);
    let id = IntentId(uint(row.get(0)?));
    let (address, action_text, at) = (text(1)?, text(2)?, text(4)?);
    let (marker, provider) = (Marker::from_text(&text(3)?), Name::from(text(5)?));
    let (planned, object_id, deposed) = (optional(6)?, optional(7)?, optional(8)?);
    let (kind, detail) = (text(9)?, optional(10)?);
    let read = || {
        let intent = Intent {
            id,
            addr: addr(&address)?,
            action: action(&action_text)?,
            marker,
            at: at.parse().map_err(|error| format!("{at}: {error}"))?,
            provider,
            planned: planned.map(Into::into),
            object_id: object_id.map(Into::into),
            deposed: deposed.map(Into::into),
        };
        Ok(OpenIntent { intent, progress: progress(&kind, detail)? })
    };
    Ok(read())
}

/// The columns of a scheduled action, in the order in which [`scheduled`] reads them.
pub(super) const SCHEDULED_COLUMNS: &str =
    "addr, action, not_before, not_after, reason, approval, inputs";

/// Reads a scheduled action.
pub(super) fn scheduled(row: &SqlRow<'_>) -> rusqlite::Result<Result<Scheduled, Unreadable>> {
    let (address, action_text): (String, String) = (row.get(0)?, row.get(1)?);
    let (not_before, not_after): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
    let (reason, approval): (String, Option<String>) = (row.get(4)?, row.get(5)?);
    let inputs_text: Option<String> = row.get(6)?;
    let instant = |text: Option<String>| {
        text.map(|text| text.parse().map_err(|error| format!("{text}: {error}"))).transpose()
    };
    let read = || {
        Ok(Scheduled {
            addr: addr(&address)?,
            action: action(&action_text)?,
            schedule: Schedule { not_before: instant(not_before)?, not_after: instant(not_after)? },
            reason,
            approval: approval.map(Into::into),
            inputs: inputs(inputs_text)?,
        })
    };
    Ok(read())
}

/// Writes what an approval covers; `None` where nothing is noted.
pub(super) fn inputs_text(inputs: &BTreeMap<Name, Name>) -> Option<String> {
    let texts: BTreeMap<&str, &str> =
        inputs.iter().map(|(name, hash)| (&**name, &**hash)).collect();
    (!texts.is_empty()).then(|| text_of(&texts))
}

fn inputs(text: Option<String>) -> Result<BTreeMap<Name, Name>, Unreadable> {
    let Some(text) = text else { return Ok(BTreeMap::new()) };
    let texts: BTreeMap<String, String> =
        serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(texts.into_iter().map(|(name, hash)| (name.into(), hash.into())).collect())
}

/// Names an action.
pub(super) fn action_text(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}

fn action(text: &str) -> Result<Action, Unreadable> {
    match text {
        "create" => Ok(Action::Create),
        "update" => Ok(Action::Update),
        "delete" => Ok(Action::Delete),
        other => Err(format!("`{other}` is no action")),
    }
}
