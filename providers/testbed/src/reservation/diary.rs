//! What one thing is taken for by people whom the world invented, at all times.

use super::{allocation::Pool, inventory::Resource, load::is_hypervisor};
use crate::{fault::scramble, settings::Load};

const HOUR: i64 = 3_600;
pub(super) const DAY: i64 = 24 * HOUR;

/// Length of a stretch, in which no lease of another reaches.
pub(super) const STRETCH: i64 = 14 * DAY;

/// How long before a deadline everybody wants a GPU.
const RUSH: i64 = 5 * DAY;

/// Time between deadlines where the settings name none.
const BETWEEN_DEADLINES: i64 = 28 * DAY;

/// Percentage of time that a GPU is taken in a rush, and at most otherwise.
const RUSH_SHARE: u64 = 97;

/// Leases end this long before the hour, as the course asks.
const EARLY_END: i64 = 600;

/// Daytime in the United States, as hours of UTC: when short leases begin.
const DAYTIME: std::ops::Range<i64> = 13..23;

/// How much a thing is sought after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// More than there is, above all before deadlines.
    Gpu,
    Plain,
    /// Network segments.
    Low,
}

impl Demand {
    /// Returns how a thing is sought after; hypervisors without GPUs have room for everybody.
    pub(super) fn of(pool: Pool, resource: &Resource) -> Option<Demand> {
        match pool {
            Pool::Hosts if resource.property("gpu.gpu") == "True" => Some(Demand::Gpu),
            Pool::Hosts if is_hypervisor(resource) => None,
            Pool::Hosts | Pool::Devices => Some(Demand::Plain),
            Pool::Networks => Some(Demand::Low),
            Pool::FloatingIps => None,
        }
    }

    /// Returns the percentage of time for which a thing is taken outside of a rush.
    fn share(self, fill: u8) -> u64 {
        let fill = u64::from(fill.min(100));
        match self {
            Demand::Gpu => (100 - (100 - fill).pow(2) / 100).min(RUSH_SHARE),
            Demand::Plain => fill * 3 / 5,
            Demand::Low => fill / 3,
        }
    }
}

/// A lease that somebody has on a thing, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Booking {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) draw: u64,
}

/// What one thing is taken for, at all times.
pub(super) struct Diary<'l> {
    pub(super) load: &'l Load,
    pub(super) demand: Demand,
    /// Tells the thing from all others.
    pub(super) key: u64,
}

impl Diary<'_> {
    /// Returns by how much this thing's stretches are shifted.
    pub(super) fn offset(&self) -> i64 {
        below(self.key, STRETCH / HOUR) * HOUR
    }

    pub(super) fn begins(&self, stretch: i64) -> i64 {
        stretch * STRETCH + self.offset()
    }

    /// Returns the leases of a stretch: in order, apart from each other, none across its end.
    pub(super) fn stretch(&self, stretch: i64) -> Vec<Booking> {
        let end = self.begins(stretch + 1);
        let mut dice = Dice(self.load.seed ^ self.key ^ scramble(stretch.unsigned_abs()));
        let mut bookings = Vec::new();
        let mut time = self.begins(stretch);
        while time < end - 2 * HOUR {
            let length = dice.length();
            let rush = self.rush(time);
            let share = if rush { RUSH_SHARE } else { self.demand.share(self.load.fill) };
            if dice.next() % 100 >= share {
                // An idle thing is wanted again as soon as the rush begins.
                let idle = time + length;
                time = self.next_rush(time, idle).unwrap_or(idle);
                continue;
            }
            let start = if length <= 12 * HOUR { daytime(time) } else { time };
            let until = (start + length).min(end);
            if until - start >= 2 * HOUR {
                bookings.push(Booking { start, end: until - EARLY_END, draw: dice.next() });
            }
            time = until.max(start) + if rush { 0 } else { dice.below(4) * HOUR };
        }
        bookings
    }

    /// Tells whether everybody wants this thing at `time`.
    fn rush(&self, time: i64) -> bool {
        self.rushes(time).any(|begins| (begins..begins + RUSH).contains(&time))
    }

    /// Returns the hour in which a rush begins between two moments.
    fn next_rush(&self, from: i64, until: i64) -> Option<i64> {
        let begun = self.rushes(from).filter(|begins| *begins > from && *begins <= until).min()?;
        Some(begun + (-begun).rem_euclid(HOUR))
    }

    /// Returns when the rushes begin that are near `time`.
    fn rushes(&self, time: i64) -> impl Iterator<Item = i64> {
        let named = self.load.deadlines.iter().map(|deadline| deadline.as_second());
        let first = below(scramble(self.load.seed), BETWEEN_DEADLINES / DAY) * DAY + 5 * HOUR;
        let next = time - (time - first).rem_euclid(BETWEEN_DEADLINES) + BETWEEN_DEADLINES;
        let regular = self.load.deadlines.is_empty().then_some(next);
        let sought = self.demand == Demand::Gpu && self.load.fill > 0;
        named.chain(regular).map(|deadline| deadline - RUSH).filter(move |_| sought)
    }
}

/// Returns the beginning of a moment's day.
pub(super) fn midnight(second: i64) -> i64 {
    second - second.rem_euclid(DAY)
}

/// Returns the moment itself if it is daytime, else the next morning.
fn daytime(time: i64) -> i64 {
    let hour = time.rem_euclid(DAY) / HOUR;
    if DAYTIME.contains(&hour) {
        return time;
    }
    let morning = midnight(time) + DAYTIME.start * HOUR;
    if hour < DAYTIME.start { morning } else { morning + DAY }
}

/// A row of draws.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        scramble(self.0)
    }

    fn below(&mut self, end: i64) -> i64 {
        below(self.next(), end)
    }

    /// Draws for how long somebody takes a thing: hours of one day, or up to a week.
    fn length(&mut self) -> i64 {
        match self.below(10) {
            0..3 => (4 + self.below(8)) * HOUR,
            3..6 => DAY,
            6..8 => 2 * DAY,
            8 => 4 * DAY,
            _ => 7 * DAY,
        }
    }
}

/// Returns a number from 0 up to `end`, which is small, that follows from a draw.
fn below(draw: u64, end: i64) -> i64 {
    i64::try_from(draw % end.unsigned_abs().max(1)).unwrap_or(0)
}

/// Returns a number that tells texts apart (FNV-1a).
pub(super) fn fingerprint(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(fill: u8) -> Load {
        Load { seed: 7, fill, deadlines: Vec::new() }
    }

    /// The percentage of a year for which 50 things are taken, in a rush and apart from it.
    fn taken(load: &Load, demand: Demand) -> (i64, i64) {
        let (mut rush, mut calm) = ((0, 0), (0, 0));
        for key in 0..50 {
            let diary = Diary { load, demand, key: scramble(key) };
            for stretch in 1_400..1_426 {
                let bookings = diary.stretch(stretch);
                for hour in 0..STRETCH / HOUR {
                    let time = diary.begins(stretch) + hour * HOUR + HOUR / 2;
                    let busy = bookings.iter().any(|one| (one.start..one.end).contains(&time));
                    let (hours, all) = if diary.rush(time) { &mut rush } else { &mut calm };
                    *hours += i64::from(busy);
                    *all += 1;
                }
            }
        }
        let percent = |(hours, all): (i64, i64)| hours * 100 / all.max(1);
        (percent(rush), percent(calm))
    }

    #[test]
    fn gpus_are_rare_before_deadlines_and_plain_nodes_are_not() {
        let (rush, calm) = taken(&load(50), Demand::Gpu);
        assert!((88..100).contains(&rush), "{rush} % in a rush");
        assert!((60..85).contains(&calm), "{calm} % apart from it");
        let (_, plain) = taken(&load(50), Demand::Plain);
        assert!((20..40).contains(&plain), "{plain} % of plain nodes");
        assert_eq!(taken(&load(0), Demand::Gpu), (0, 0));
    }

    #[test]
    fn leases_of_a_stretch_keep_apart_and_within_a_week() {
        for key in 0..200 {
            let diary = Diary { load: &load(80), demand: Demand::Gpu, key: scramble(key) };
            let bookings = diary.stretch(1_400);
            let mut free_from = diary.begins(1_400);
            for one in &bookings {
                assert!(one.start >= free_from && one.end > one.start, "{bookings:?}");
                assert!(one.end - one.start <= 7 * DAY, "{one:?}");
                free_from = one.end + EARLY_END;
            }
            assert!(free_from <= diary.begins(1_401), "{bookings:?}");
            assert_eq!(bookings, diary.stretch(1_400));
        }
    }

    #[test]
    fn another_seed_gives_another_calendar() {
        let diary = |load| Diary { load, demand: Demand::Plain, key: 1 }.stretch(1_400);
        let other = Load { seed: 8, ..load(50) };
        assert_ne!(diary(&load(50)), diary(&other));
    }

    #[test]
    fn short_leases_begin_by_day() {
        for (hour, expected) in [(3, 13), (13, 13), (22, 22), (23, 37)] {
            assert_eq!(daytime(hour * HOUR), expected * HOUR);
        }
    }
}
