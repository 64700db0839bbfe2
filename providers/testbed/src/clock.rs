//! The world's clock: an instant that moves forwards only, at the rate of who serves the world.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rusqlite::Connection;

/// How many seconds of the world pass per real second while this process serves it.
///
/// It is the process's own, not the world's: a served world whose server was killed stands still
/// for the next command that embeds it.
#[derive(Debug, Default)]
pub(crate) struct Rate(AtomicU64);

impl Rate {
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::SeqCst))
    }

    /// Returns whether time passes only where the control path moves it.
    pub(crate) fn stands(&self) -> bool {
        self.get() <= 0.0
    }
}

/// What the clock shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) now: Timestamp,
    pub(crate) rate: f64,
}

/// The clock within one transaction.
#[derive(Clone, Copy)]
pub(crate) struct Clock<'a> {
    pub(crate) conn: &'a Connection,
    /// The real time of the transaction.
    pub(crate) real: Timestamp,
    pub(crate) rate: &'a Rate,
}

impl Clock<'_> {
    /// Reads the clock and remembers what was shown, so that a step back of the real clock, or of
    /// another process's, never takes the world's time back.
    pub(crate) fn read(&self) -> rusqlite::Result<Reading> {
        let (instant, anchor): (i64, i64) = self
            .conn
            .prepare_cached("SELECT instant, anchor FROM world")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rate = self.rate.get();
        if self.rate.stands() {
            return Ok(Reading { now: at(instant), rate });
        }
        let real = self.real.as_microsecond();
        let shown = instant.saturating_add(scaled(real.saturating_sub(anchor).max(0), rate));
        self.conn
            .prepare_cached("UPDATE world SET instant = ?, anchor = ?")?
            .execute([shown, real])?;
        Ok(Reading { now: at(shown), rate })
    }

    /// Moves the clock to `to`; an instant in the past leaves it where it is.
    pub(crate) fn forward(&self, to: Timestamp) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE world SET instant = max(instant, ?)")?
            .execute([to.as_microsecond()])?;
        Ok(())
    }

    /// Sets the rate of this process from now on; 0 stands still.
    pub(crate) fn set_rate(&self, rate: f64) -> rusqlite::Result<()> {
        self.read()?;
        self.conn.execute("UPDATE world SET anchor = ?", [self.real.as_microsecond()])?;
        self.rate.0.store(rate.to_bits(), Ordering::SeqCst);
        Ok(())
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "spans between two requests are far below 2^53 microseconds, and `as` saturates"
)]
fn scaled(span: i64, rate: f64) -> i64 {
    (span as f64 * rate) as i64
}

/// Returns the instant of a stored number of microseconds.
pub(crate) fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MAX)
}
