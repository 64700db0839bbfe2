//! Intents and scheduled actions as columns.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rusqlite::{Connection, Row as SqlRow, params};
use serde::{Deserialize, Serialize};
use terrarium_address::Name;
use terrarium_provider::{Accepted, Action, Intent, IntentId, Marker, Schedule};
use terrarium_value::{from_snapshot, to_snapshot};

use super::load::LoadError;
use super::row::{Shared, Unreadable, addr, int, text_of, uint};
use super::sum;
use crate::{IntentProgress, OpenIntent, ScheduleKey, Scheduled, Trials};

#[derive(Serialize, Deserialize)]
struct Taken {
    id: String,
    state: Option<String>,
    private: Option<String>,
    poll_after_ms: u64,
    timeout_ms: u64,
}

/// Returns the columns `progress` and `detail`.
fn progress_columns(progress: &IntentProgress) -> (&'static str, Option<String>) {
    match progress {
        IntentProgress::Recorded => ("recorded", None),
        IntentProgress::Doubtful(why) => ("doubtful", Some(why.clone())),
        IntentProgress::Accepted(accepted) => ("accepted", Some(taken(accepted))),
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

/// All columns of the open intents of a workspace.
const INTENTS: &str =
    "SELECT workspace, id, addr, action, marker, at, cloud_at, realm, provider, planned,
        object_id, deposed, follow_ups, progress, detail, sum
 FROM intent WHERE workspace = ?1";

/// Writes an open intent, in the place of what has its number.
pub(super) fn write_intent(
    sql: &Connection,
    workspace: i64,
    open: &OpenIntent,
    realm: Option<i64>,
) -> rusqlite::Result<()> {
    let intent = &open.intent;
    let (progress, detail) = progress_columns(&open.progress);
    let follow_ups: Vec<&str> = intent.follow_ups.iter().map(|name| &**name).collect();
    let follow_ups = (!follow_ups.is_empty()).then(|| text_of(&follow_ups));
    let mut statement = sql.prepare_cached(
        "INSERT OR REPLACE INTO intent
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    let columns = params![
        workspace,
        int(intent.id.0),
        intent.addr.to_string(),
        action_text(intent.action),
        intent.marker.as_str(),
        intent.at.to_string(),
        intent.cloud_at.map(|at| at.to_string()),
        realm,
        &*intent.provider,
        intent.planned.as_deref(),
        intent.object_id.as_deref(),
        intent.deposed.as_deref(),
        follow_ups,
        progress,
        detail,
    ];
    sum::write(&mut statement, columns).map(drop)
}

/// Reads the open intents of a workspace, in the order of their numbers.
pub(super) fn intents(
    sql: &Connection,
    workspace: i64,
    shared: &Shared,
) -> Result<Vec<OpenIntent>, LoadError> {
    let mut statement = sql.prepare_cached(&format!("{INTENTS} ORDER BY id"))?;
    let mut rows = statement.query([workspace])?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        intents.push(intent(row, shared)?);
    }
    Ok(intents)
}

/// Reads one open intent.
pub(super) fn find_intent(
    sql: &Connection,
    (workspace, id): (i64, IntentId),
    shared: &Shared,
) -> Result<Option<OpenIntent>, LoadError> {
    let mut statement = sql.prepare_cached(&format!("{INTENTS} AND id = ?2"))?;
    let mut rows = statement.query(params![workspace, int(id.0)])?;
    rows.next()?.map(|row| intent(row, shared)).transpose()
}

fn intent(row: &SqlRow<'_>, shared: &Shared) -> Result<OpenIntent, LoadError> {
    sum::verify(row, 15, "intent")?;
    let text = |at: usize| row.get::<_, String>(at);
    let optional = |at: usize| row.get::<_, Option<String>>(at);
    let name = |at: usize| optional(at).map(|text| text.map(Name::from));
    let instant = |text: String| -> Result<Timestamp, Unreadable> {
        text.parse().map_err(|error| format!("{text}: {error}"))
    };
    let realm = match row.get::<_, Option<i64>>(7)? {
        None => None,
        Some(id) => Some(shared.realms.get(&id).cloned().ok_or("a realm is missing".to_owned())?),
    };
    let follow_ups: Vec<String> = match optional(12)? {
        None => Vec::new(),
        Some(text) => serde_json::from_str(&text).map_err(|error| error.to_string())?,
    };
    let intent = Intent {
        id: IntentId(uint(row.get(1)?)),
        addr: addr(&text(2)?)?,
        action: action(&text(3)?)?,
        marker: Marker::from_text(&text(4)?),
        at: instant(text(5)?)?,
        cloud_at: optional(6)?.map(instant).transpose()?,
        realm,
        provider: text(8)?.into(),
        planned: name(9)?,
        object_id: name(10)?,
        deposed: name(11)?,
        follow_ups: follow_ups.into_iter().map(Into::into).collect(),
    };
    Ok(OpenIntent { intent, progress: progress(&text(13)?, optional(14)?)? })
}

/// Writes an entry of the schedule, in the place of what has its key.
pub(super) fn write_scheduled(
    sql: &Connection,
    workspace: i64,
    entry: &Scheduled,
) -> rusqlite::Result<()> {
    let mut statement = sql.prepare_cached(
        "INSERT OR REPLACE INTO scheduled VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let columns = params![
        workspace,
        entry.addr.to_string(),
        entry.deposed.as_deref().unwrap_or_default(),
        action_text(entry.action),
        entry.schedule.not_before.map(|at| at.to_string()),
        entry.schedule.not_after.map(|at| at.to_string()),
        entry.reason,
        entry.approval.as_deref(),
        inputs_text(&entry.inputs),
    ];
    sum::write(&mut statement, columns)?;
    write_trials(sql, workspace, entry)
}

/// Writes how often an entry was tried in vain, in the place of what was noted of it.
fn write_trials(sql: &Connection, workspace: i64, entry: &Scheduled) -> rusqlite::Result<()> {
    remove("trial", sql, workspace, &entry.key())?;
    if entry.trials == Trials::default() {
        return Ok(());
    }
    let mut statement =
        sql.prepare_cached("INSERT INTO trial VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    let columns = params![
        workspace,
        entry.addr.to_string(),
        entry.deposed.as_deref().unwrap_or_default(),
        action_text(entry.action),
        entry.trials.failures,
        entry.trials.recreations,
        entry.trials.again.map(|at| at.to_string()),
    ];
    sum::write(&mut statement, columns).map(drop)
}

/// Removes an entry of the schedule, where there is one.
pub(super) fn remove_scheduled(
    sql: &Connection,
    workspace: i64,
    key: &ScheduleKey,
) -> rusqlite::Result<()> {
    remove("trial", sql, workspace, key)?;
    remove("scheduled", sql, workspace, key)
}

fn remove(
    table: &str,
    sql: &Connection,
    workspace: i64,
    (addr, deposed, action): &ScheduleKey,
) -> rusqlite::Result<()> {
    sql.prepare_cached(&format!(
        "DELETE FROM {table} WHERE workspace = ?1 AND addr = ?2 AND deposed = ?3 AND action = ?4",
    ))?
    .execute(params![
        workspace,
        addr.to_string(),
        deposed.as_deref().unwrap_or_default(),
        action_text(*action)
    ])
    .map(drop)
}

/// Reads the schedule of a workspace, in the order of its keys.
pub(super) fn schedule(sql: &Connection, workspace: i64) -> Result<Vec<Scheduled>, LoadError> {
    let mut statement = sql.prepare_cached(
        "SELECT workspace, addr, deposed, action, not_before, not_after, reason, approval, inputs, sum
         FROM scheduled WHERE workspace = ?1",
    )?;
    let mut rows = statement.query([workspace])?;
    let mut schedule: Vec<Scheduled> = Vec::new();
    while let Some(row) = rows.next()? {
        schedule.push(scheduled(row)?);
    }
    schedule.sort_by_cached_key(Scheduled::key);
    let trials = trials(sql, workspace)?;
    if !trials.is_empty() {
        for entry in &mut schedule {
            entry.trials = trials.get(&entry.key()).copied().unwrap_or_default();
        }
    }
    Ok(schedule)
}

/// Reads how often actions were tried in vain.
fn trials(sql: &Connection, workspace: i64) -> Result<BTreeMap<ScheduleKey, Trials>, LoadError> {
    let mut statement = sql.prepare_cached(
        "SELECT workspace, addr, deposed, action, failures, recreations, again, sum
         FROM trial WHERE workspace = ?1",
    )?;
    let mut rows = statement.query([workspace])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        sum::verify(row, 7, "trial")?;
        let deposed: String = row.get(2)?;
        let key = (
            addr(&row.get::<_, String>(1)?)?,
            (!deposed.is_empty()).then(|| deposed.into()),
            action(&row.get::<_, String>(3)?)?,
        );
        let (failures, recreations) = (row.get(4)?, row.get(5)?);
        found.insert(key, Trials { failures, recreations, again: instant(row.get(6)?)? });
    }
    Ok(found)
}

fn instant(text: Option<String>) -> Result<Option<Timestamp>, Unreadable> {
    text.map(|text| text.parse().map_err(|error| format!("{text}: {error}"))).transpose()
}

fn scheduled(row: &SqlRow<'_>) -> Result<Scheduled, LoadError> {
    sum::verify(row, 9, "scheduled")?;
    let deposed: String = row.get(2)?;
    Ok(Scheduled {
        addr: addr(&row.get::<_, String>(1)?)?,
        deposed: (!deposed.is_empty()).then(|| deposed.into()),
        action: action(&row.get::<_, String>(3)?)?,
        schedule: Schedule { not_before: instant(row.get(4)?)?, not_after: instant(row.get(5)?)? },
        reason: row.get(6)?,
        approval: row.get::<_, Option<String>>(7)?.map(Into::into),
        inputs: inputs(row.get(8)?)?,
        trials: Trials::default(),
    })
}

/// Writes what an approval covers; `None` where nothing is noted.
fn inputs_text(inputs: &BTreeMap<Name, Name>) -> Option<String> {
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
fn action_text(action: Action) -> &'static str {
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
