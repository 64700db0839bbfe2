//! The calendar against the slow way to know: asking for every minute.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + minute * 60).unwrap()
}

/// Builds a calendar: of each thing, when it is taken.
fn calendar(things: &[Vec<(i64, i64)>]) -> Calendar {
    let things = things.iter().enumerate().map(|(id, spans)| Thing {
        id: id.to_string(),
        name: format!("node{id}"),
        reservable: true,
        properties: BTreeMap::new(),
        taken: spans
            .iter()
            .map(|(from, length)| Taken {
                from: at(*from),
                until: at(from + length),
                lease: format!("lease{id}"),
                reservation: String::new(),
                user: String::new(),
            })
            .collect(),
    });
    Calendar { pool: Pool::Hosts, things: things.collect() }
}

fn ask(cleaning: i64) -> Ask<'static> {
    Ask {
        conditions: &[],
        cleaning: SignedDuration::from_mins(cleaning),
        except: BTreeSet::new(),
        project: None,
    }
}

/// Tells whether a thing is free all the time, minute by minute.
fn is_free(spans: &[(i64, i64)], cleaning: i64, (from, until): (i64, i64)) -> bool {
    let taken = |minute: i64| {
        spans.iter().any(|(start, length)| (*start..start + length).contains(&minute))
    };
    !(from - cleaning..until + cleaning).any(taken)
}

fn things() -> impl Strategy<Value = Vec<Vec<(i64, i64)>>> {
    prop::collection::vec(prop::collection::vec((0i64..60, 1i64..20), 0..4), 1..4)
}

proptest! {
    #[test]
    fn the_next_window_is_the_first_with_room(
        things in things(), count in 1usize..4, length in 1i64..15, cleaning in 0i64..4,
    ) {
        let found = calendar(&things).next_window(
            &ask(cleaning), (count, SignedDuration::from_mins(length)), at(0),
        );
        let room = |from: i64| {
            let free = things.iter().filter(|spans| is_free(spans, cleaning, (from, from + length)));
            free.count() >= count
        };
        // All is over after 60 + 20 minutes.
        let slow = (0..100).find(|from| room(*from));
        prop_assert_eq!(found.map(|(from, _)| from), slow.map(at));
    }

    #[test]
    fn windows_are_those_in_which_the_same_things_stay_free(
        things in things(), count in 1usize..4, length in 1i64..15, cleaning in 0i64..4,
    ) {
        let horizon = 90;
        let found = calendar(&things).windows(
            &ask(cleaning), (count, SignedDuration::from_mins(length)), (at(0), at(horizon)),
        );
        let free = |from: i64, until: i64| {
            let bare = |spans: &&Vec<(i64, i64)>| {
                // Cleaning reaches beyond the horizon, which cuts the window and not the things.
                let taken = |m: i64| spans.iter().any(|(s, l)| (s - cleaning..s + l + cleaning).contains(&m));
                !(from..until).any(taken)
            };
            things.iter().filter(bare).count()
        };
        for (window, count_free) in &found {
            let minute = |at: Timestamp| (at.as_second() - 1_767_225_600) / 60;
            let (from, until) = (minute(window.from()), minute(window.until().unwrap()));
            prop_assert!(until - from >= length);
            prop_assert_eq!(free(from, until), *count_free);
            prop_assert!(*count_free >= count);
            prop_assert!(until == horizon || free(from, until + 1) < count, "it could be longer");
        }
        for from in 0..horizon - length {
            let covered = found.iter().any(|(window, _)| {
                window.from() <= at(from) && at(from + length) <= window.until().unwrap()
            });
            // Some window covers every span with room.
            if free(from, from + length) >= count {
                prop_assert!(covered, "{from} is not covered by {found:?}");
            }
        }
    }
}
