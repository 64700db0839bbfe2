//! The world's clock: an instant and a rate, which moves forwards only.

use jiff::Timestamp;
use rusqlite::{Connection, params};

/// What the clock shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) now: Timestamp,
    pub(crate) rate: f64,
}

/// Reads the clock at the real time `real` and remembers what was shown, so that a step back of
/// the real clock, or of another process's, never takes the world's time back.
pub(crate) fn read(conn: &Connection, real: Timestamp) -> rusqlite::Result<Reading> {
    let (instant, rate, anchor): (i64, f64, i64) = conn
        .prepare_cached("SELECT instant, rate, anchor FROM world")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if rate <= 0.0 {
        return Ok(Reading { now: at(instant), rate });
    }
    let real = real.as_microsecond();
    let shown = instant.saturating_add(scaled(real.saturating_sub(anchor).max(0), rate));
    conn.prepare_cached("UPDATE world SET instant = ?, anchor = ?")?.execute([shown, real])?;
    Ok(Reading { now: at(shown), rate })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "spans between two requests are far below 2^53 microseconds, and `as` saturates"
)]
fn scaled(span: i64, rate: f64) -> i64 {
    (span as f64 * rate) as i64
}

/// Moves the clock to `to`; an instant in the past leaves it where it is.
pub(crate) fn forward(conn: &Connection, to: Timestamp) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE world SET instant = max(instant, ?)")?
        .execute([to.as_microsecond()])?;
    Ok(())
}

/// Sets how many seconds of the world pass per real second, from `real` on; 0 stands still.
pub(crate) fn set_rate(conn: &Connection, rate: f64, real: Timestamp) -> rusqlite::Result<()> {
    read(conn, real)?;
    conn.execute("UPDATE world SET rate = ?, anchor = ?", params![rate, real.as_microsecond()])?;
    Ok(())
}

/// Returns the instant of a stored number of microseconds.
pub(crate) fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MAX)
}
