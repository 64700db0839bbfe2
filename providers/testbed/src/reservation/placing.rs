//! Where the servers of a reservation will run.

use super::{
    allocation, counted,
    filter::{self, Condition},
    inventory,
    lease::{Reservation, Window},
    shares::{self, Shape, Share},
};
use crate::{
    cloud::Cloud,
    reply::{Outcome, Refusal, no},
};

/// What is to be placed.
pub(super) struct Placing<'p> {
    pub(super) shape: Shape,
    pub(super) conditions: &'p [Condition],
    /// True: all on one host; false: each on another.
    pub(super) affinity: Option<bool>,
    pub(super) amount: usize,
}

impl Placing<'_> {
    /// Chooses hosts: those that the reservation has, then those that others use, then idle ones.
    pub(super) fn choose(
        &self,
        cloud: &Cloud<'_>,
        reservation: &Reservation,
        window: Window,
    ) -> Outcome<Vec<Share>> {
        let held = shares::of_reservation(cloud, &reservation.id)?;
        let window = allocation::with_cleaning(cloud, window);
        let mut rooms: Vec<(u8, &str, usize)> = Vec::new();
        for host in filter::select(&inventory::of(cloud.site).hosts, self.conditions)? {
            if !counted::is_reservable(cloud, host) {
                continue;
            }
            let (room, shared) = shares::room(cloud, host, &self.shape, (window, &reservation.id))?;
            let room = if self.affinity == Some(false) { room.min(1) } else { room };
            let had = held.iter().any(|share| share.host == host.id);
            let rank = if had { 0 } else { 2 - u8::from(shared) };
            if room > 0 && (self.affinity != Some(true) || room >= self.amount) {
                rooms.push((rank, &host.id, room));
            }
        }
        rooms.sort_by_key(|(rank, ..)| *rank);
        let mut left = self.amount;
        let mut chosen = Vec::new();
        for (_, host, room) in rooms {
            let amount = room.min(left);
            if amount > 0 {
                chosen.push(Share { host: host.to_owned(), amount });
                left -= amount;
            }
        }
        if left > 0 { Err(not_enough()) } else { Ok(chosen) }
    }
}

fn not_enough() -> Refusal {
    no(500, "Not enough hosts available")
}
