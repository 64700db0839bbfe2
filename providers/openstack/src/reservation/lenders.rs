//! Who lends what a pasted value names.

use terrarium_provider::{Lender, Term};

use super::term;
use crate::client::{Call, Service, Session};
use crate::look::{elements, field};

/// What stands before a reservation's id in the name of its flavor.
const FLAVOR_PREFIX: &str = "reservation:";

/// Looks up the leases that lend these values, with one list; without any request where no value looks
/// like a reservation, or where the cloud has no reservations.
pub(crate) async fn lenders(session: &Session, values: &[String]) -> Vec<Option<Lender>> {
    let none = || vec![None; values.len()];
    let ids: Vec<Option<&str>> = values.iter().map(|value| reservation_id(value)).collect();
    if ids.iter().all(Option::is_none) || !session.offers(Service::Reservation).await {
        return none();
    }
    let call = Call::get(Service::Reservation, "", "/leases");
    let Ok(leases) = session.shared_list(&call, "leases").await else { return none() };
    let now = session.clock().now();
    let lender = |id: &str| {
        let lease = leases.iter().find(|lease| {
            elements(lease, "reservations")
                .iter()
                .any(|one| field(one, "id") == id || field(one, "flavor_id") == id)
        })?;
        let term: Term = term::term(lease, None, now)?;
        let label = format!("the lease {:?} ({})", field(lease, "name"), field(lease, "id"));
        Some(Lender { label, term })
    };
    ids.into_iter().map(|id| id.and_then(lender)).collect()
}

/// Returns the reservation's id that a value may be: it has the shape of a UUID.
fn reservation_id(value: &str) -> Option<&str> {
    let id = value.strip_prefix(FLAVOR_PREFIX).unwrap_or(value);
    let groups: Vec<&str> = id.split('-').collect();
    let shaped = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()));
    shaped.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::reservation_id;

    #[test]
    fn only_uuids_are_asked_for() {
        let id = "b3f5c1de-0000-4000-8000-00000000000a";
        assert_eq!(reservation_id(id), Some(id));
        assert_eq!(reservation_id(&format!("reservation:{id}")), Some(id));
        for other in ["3", "m1.medium", "", "b3f5c1de-0000-4000-8000", "129.114.1.1"] {
            assert_eq!(reservation_id(other), None, "{other}");
        }
    }
}
