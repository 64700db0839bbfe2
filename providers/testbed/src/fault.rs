//! Faults and delays that a world's settings ask for.

use std::time::Duration;

use http::StatusCode;
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    reply::{Content, Reply},
    router::{Delivery, Request, Target},
    settings::{Effect, Settings},
    store::Object,
};

/// What the faults make of one request.
pub(crate) struct Struck {
    /// The answer that replaces the call.
    pub(crate) instead: Option<Reply>,
    /// The status that replaces the call's own.
    pub(crate) status: Option<StatusCode>,
    pub(crate) delivery: Delivery,
}

/// Returns what the first matching fault does to `request`, and counts it as spent once.
pub(crate) fn strike(
    conn: &Connection,
    settings: &Settings,
    request: &Request,
    target: &Target,
) -> rusqlite::Result<Struck> {
    let mut struck = Struck { instead: None, status: None, delivery: Delivery::Whole };
    let matching = settings.faults.iter().position(|fault| {
        let method = fault.method.as_deref().is_none_or(|method| request.method == method);
        method && target.path.starts_with(&fault.path_prefix)
    });
    let Some(index) = matching else { return Ok(struck) };
    let mut settings = settings.clone();
    let fault = &mut settings.faults[index];
    if fault.skip > 0 {
        fault.skip -= 1;
        settings.save(conn)?;
        return Ok(struck);
    }
    match &fault.effect {
        Effect::Answer { status, headers, body } => {
            let content = match body {
                Value::Null => Content::Empty,
                Value::String(text) => Content::Text("text/plain", text.clone()),
                body => Content::Json(body.clone()),
            };
            let headers =
                headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            let reply = Reply { status: *status, headers, content, keeps: false };
            struck.instead = Some(reply);
        }
        Effect::AnswerAfter { status } => struck.status = StatusCode::from_u16(*status).ok(),
        Effect::DropBefore => {
            struck.instead = Some(Reply::empty(503));
            struck.delivery = Delivery::LostBefore;
        }
        Effect::DropAfter => struck.delivery = Delivery::LostAfter,
    }
    fault.times = fault.times.saturating_sub(1);
    if fault.times == 0 {
        settings.faults.remove(index);
    }
    settings.save(conn)?;
    Ok(struck)
}

/// Returns whether the deletion of an object is one that fails, and counts the fault as spent once.
pub(crate) fn fails_deletion(
    conn: &Connection,
    kind: &str,
    object: &Object,
) -> rusqlite::Result<bool> {
    // Settings as they are now: an earlier event of the same advance may have spent the fault.
    let mut settings = Settings::load(conn)?;
    let matches = |name: &String| *name == object.id || *name == object.text("name");
    let index = settings.deletion_faults.iter().position(|fault| {
        fault.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && fault.object.as_ref().is_none_or(matches)
    });
    let Some(index) = index else { return Ok(false) };
    let fault = &mut settings.deletion_faults[index];
    fault.times = fault.times.saturating_sub(1);
    if fault.times == 0 {
        settings.deletion_faults.remove(index);
    }
    settings.save(conn)?;
    Ok(true)
}

/// Draws how long the next reply is held back.
pub(crate) fn delay(conn: &Connection, settings: &Settings) -> rusqlite::Result<Option<Duration>> {
    let Some(range) = settings.reply_after else { return Ok(None) };
    let requests: i64 = conn
        .prepare_cached("UPDATE world SET requests = requests + 1 RETURNING requests")?
        .query_row([], |row| row.get(0))?;
    let span = range.max_ms.saturating_sub(range.min_ms).saturating_add(1);
    let drawn = scramble(range.seed ^ requests.unsigned_abs()) % span;
    Ok(Some(Duration::from_millis(range.min_ms + drawn)))
}

/// Spreads a number evenly over all numbers (the finaliser of `SplitMix64`).
pub(crate) fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
