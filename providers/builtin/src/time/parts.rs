//! The parts of an instant, which every type of this provider shows.

use terrarium_value::{Map, Value};

use super::{Moment, part};
use crate::attributes;
use crate::row::Field;

pub(super) const YEAR: Field = part("year", "Its year.");
pub(super) const MONTH: Field = part("month", "Its month, from 1.");
pub(super) const DAY: Field = part("day", "Its day of the month.");
pub(super) const HOUR: Field = part("hour", "Its hour, at the offset from UTC that its text has.");
pub(super) const MINUTE: Field = part("minute", "Its minute.");
pub(super) const SECOND: Field = part("second", "Its second.");
pub(super) const UNIX: Field = part("unix", "Seconds since 1970-01-01 00:00 UTC.");

/// Names and values.
pub(super) struct Parts([(&'static str, i64); 7]);

impl Parts {
    /// The names of the parts.
    pub(super) const NAMES: [&'static str; 7] =
        ["year", "month", "day", "hour", "minute", "second", "unix"];

    /// Takes an instant apart.
    pub(super) fn of(moment: &Moment) -> Self {
        let civil = moment.civil();
        let values = [
            i64::from(civil.year()),
            i64::from(civil.month()),
            i64::from(civil.day()),
            i64::from(civil.hour()),
            i64::from(civil.minute()),
            i64::from(civil.second()),
            moment.unix(),
        ];
        let mut parts = Self::NAMES.map(|name| (name, 0));
        for (part, value) in parts.iter_mut().zip(values) {
            part.1 = value;
        }
        Self(parts)
    }

    /// Writes them into the attributes.
    pub(super) fn write(&self, attributes: &mut Map) {
        for (name, value) in self.0 {
            attributes::set(attributes, name, Value::number(value));
        }
    }
}
