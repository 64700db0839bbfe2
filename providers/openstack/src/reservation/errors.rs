//! What Blazar's refusals mean, and what to do about them.

use terrarium_provider::Doubt;

use crate::client::ApiError;

/// Texts of a server error by which Blazar certainly made nothing.
pub(super) const CERTAIN: &[&str] = &[NOT_ENOUGH, "resource type is not supported"];

/// How Blazar says that the calendar has no room.
const NOT_ENOUGH: &str = "Not enough";

/// How Blazar says that it is at work on the lease.
const BUSY: &str = "Invalid lease status";

/// Texts of refusals, and what to do.
const HELP: &[(&str, &str)] = &[
    (
        "Terminated leases can only be renamed",
        "an ended lease can't be brought back: with new dates, the plan makes a new lease",
    ),
    (
        "Cannot modify the start date",
        "the lease has begun: leave start_date as it was, or plan a new lease with -replace",
    ),
    ("Start date must be later", "the start has passed: write start_date = \"now\", or plan again"),
    ("End date must be later", "the end has passed: set a later end_date or duration"),
    (
        "valid reservation IDs",
        "somebody replaced the lease's reservations: plan again to see what is there",
    ),
    ("is an invalid date", "plan again; if this stays, it is a fault of this provider"),
    (
        "Malformed requirements",
        "a filter is [\"=\", \"$node_type\", \"gpu_v100\"], or several of these after \"and\"; all values are strings",
    ),
    (
        "maximum lease duration",
        "shorten the lease; two leases in turn, with time for cleaning between them, may follow each other",
    ),
    (
        "can only be extended within",
        "the testbed extends a lease only near its end: plan again, the extension is then put off until it is possible",
    ),
    (
        "project expiration date",
        "ask the project's lead to extend the allocation, or end the lease before it",
    ),
    (
        "left in user budget",
        "ask the project's lead for a larger budget, or lease less or for a shorter time",
    ),
    ("would spend", "lease less or for a shorter time, or ask for more service units"),
    (
        "Reservation update would spend",
        "extend by less, or ask the project's lead for more service units",
    ),
    (
        "already exists",
        "this site wants names of leases to be unique: choose another name, or remove the old lease",
    ),
    (
        "cannot be updated",
        "this can't be changed in place: put it back as it was, and the next apply brings a lease in ERROR back; or use -replace",
    ),
    ("Invalid values for min/max", "max must be at least min, and both at least 1"),
    (
        "can't be updated",
        "this can't be changed in place: put it back as it was, and the next apply brings a lease in ERROR back; or use -replace",
    ),
    (
        "Policy doesn't allow",
        "the project or the credential may not do this: log in with one that may make leases at this site",
    ),
    (
        "database error",
        "the filter names a property that nothing at this site has: compare it with data.openstack_reservation_hosts_v1",
    ),
    (
        "resource type is not supported",
        "this site does not lend such things: bare metal is at CHI@TACC and CHI@UC, flavors at KVM@TACC, devices at \
         CHI@Edge",
    ),
    ("NotImplemented", "this site can't change such a lease: use -replace to make a new one"),
    ("not implemented", "this site can't change such a lease: use -replace to make a new one"),
    (
        "update not yet supported",
        "plain Blazar can't change a lease of flavors, and leaves it in ERROR: plan again, and a new one takes its place",
    ),
    (
        "only accepts to update amount",
        "this can't be changed in place: put it back as it was, and the next apply brings a lease in ERROR back; or use -replace",
    ),
    (BUSY, "Blazar is still at work on the lease: try again in a minute"),
];

/// What to do about an application credential that may not make trusts.
pub(super) const RESTRICTED: &str = "a credential that makes leases must be unrestricted: Blazar makes a trust with it. Make a new \
     application credential with \"Unrestricted (dangerous)\" ticked, or `openstack application credential create \
     --unrestricted`";

/// Returns whether the calendar has no room.
pub(super) fn is_full(error: &ApiError) -> bool {
    error.message().contains(NOT_ENOUGH)
}

/// Returns whether Blazar is at work on the lease, so that it may be asked again.
pub(super) fn is_busy(error: &ApiError) -> bool {
    error.message().contains(BUSY)
}

/// Returns what to do about a refusal.
pub(super) fn help(error: &ApiError) -> Option<String> {
    let message = error.message();
    let found = HELP.iter().find(|(text, _)| message.contains(text));
    found.map(|(_, help)| (*help).to_owned())
}

/// Returns what may be behind a create without a trustworthy answer.
pub(super) fn suspicion(doubt: &Doubt) -> Option<&'static str> {
    doubt.symptom.starts_with("500").then_some(RESTRICTED)
}
