//! A lease's own life: begun, changed, ended, destroyed.

use serde_json::json;

use super::stage::{Place, Stage};

const LEASE: &str = "openstack_reservation_lease_v1.gpu";
const SERVER: &str = "openstack_compute_instance_v2.node[0]";

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.split('-').count() == 5
}

/// Puts the lease into the time to come, with a server on it.
fn in_time_to_come(stage: &mut Stage) -> (String, String) {
    let start = stage.after(stage.place().soon());
    let end = stage.after(stage.place().soon() + stage.place().length());
    stage.set("start", json!(start));
    stage.set("end", json!(end));
    stage.set("servers", json!(1));
    (start, end)
}

/// A lease in the time to come: its reservation's id is known at once, and nothing waits.
pub(super) fn pending(stage: &mut Stage) {
    in_time_to_come(stage);
    stage.set("servers", json!(0));
    stage.apply();
    assert!(is_uuid(&stage.output("reservation")));
    stage.settled();
    let shown = stage.ok(&["state", "show", LEASE]);
    assert!(shown.contains("PENDING"), "{shown}");
    stage.destroy();
}

/// A flavor from now on, and a server of it.
pub(super) fn flavor(stage: &mut Stage) {
    let said = stage.apply();
    assert!(said.contains("2 added"), "{said}");
    assert_eq!(stage.output("flavor"), stage.output("reservation"));
    stage.settled();
    stage.destroy();
}

/// The dates of a lease with a flavor: Chameleon extends it, plain Blazar can't, so that a new lease is
/// planned there, with a warning; its name changes in place everywhere.
pub(super) fn flavor_extended(stage: &mut Stage) {
    stage.apply();
    let before = stage.output("flavor");
    stage.set("name", json!(format!("accept-renamed-{}", std::process::id())));
    let said = stage.apply();
    assert!(said.contains("0 added") && said.contains("0 destroyed"), "{said}");
    stage.set("end", json!(stage.after(stage.place().length() + stage.place().length())));
    let said = stage.ends(&["plan", "-detailed-exitcode"], 2);
    let stays = *stage.place() == Place::Testbed;
    assert_eq!(!stays, said.contains("can't change the dates"), "{said}");
    stage.apply();
    assert_eq!(stays, before == stage.output("flavor"));
    stage.settled();
    stage.destroy();
}

/// A server on a lease that begins later: it waits, and `run` brings it when it is time.
pub(super) fn deferred(stage: &mut Stage) {
    let (start, _) = in_time_to_come(stage);
    let said = stage.apply();
    assert!(said.contains("terrarium run"), "{said}");
    assert_eq!(stage.recorded(), [LEASE]);
    stage.settled();
    stage.ends(&["plan", "-detailed-exitcode=waiting"], 3);
    stage.ends(&["run", "-once"], 0);
    assert_eq!(stage.recorded(), [LEASE]);
    stage.pass(&start);
    stage.ends(&["run"], 0);
    assert!(stage.recorded().iter().any(|address| address == SERVER), "{:?}", stage.recorded());
    stage.settled();
    stage.destroy();
}

/// A lease that is moved before it begins: in place, and what waits for it moves along.
pub(super) fn moved(stage: &mut Stage) {
    in_time_to_come(stage);
    stage.apply();
    let (lease, reservation) = (stage.output("lease"), stage.output("reservation"));
    let later = stage.place().soon() + stage.place().length();
    let start = stage.after(later);
    stage.set("start", json!(start));
    stage.set("end", json!(stage.after(later + stage.place().length())));
    let said = stage.apply();
    assert!(said.contains("0 added, 1 changed, 0 destroyed"), "{said}");
    assert_eq!((lease, reservation), (stage.output("lease"), stage.output("reservation")));
    stage.settled();
    stage.ends(&["plan", "-detailed-exitcode=waiting"], 3);
    stage.destroy();
}

/// `run` that is started early stands until its time, and then does what is due.
pub(super) fn stays(stage: &mut Stage) {
    in_time_to_come(stage);
    stage.apply();
    stage.ends(&["run"], 0);
    assert!(stage.recorded().iter().any(|address| address == SERVER), "{:?}", stage.recorded());
    stage.settled();
    stage.destroy();
}

/// Extended, shortened, renamed: the reservation and the server stay what they are.
pub(super) fn changed_in_place(stage: &mut Stage) {
    stage.set("servers", json!(1));
    stage.apply();
    let before = [stage.output("lease"), stage.output("reservation"), stage.output("servers")];
    let longer = stage.place().length() + stage.place().length();
    for (name, value) in [
        ("end", stage.after(longer)),
        ("end", stage.after(stage.place().length())),
        ("name", "accept-renamed".to_owned()),
    ] {
        // A new name of everything would rename the server, too: in place as well.
        stage.set(name, json!(value));
        stage.ends(&["plan", "-detailed-exitcode"], 2);
        let said = stage.apply();
        assert!(said.contains("0 added") && said.contains("0 destroyed"), "{said}");
        stage.settled();
        let after = [stage.output("lease"), stage.output("reservation"), stage.output("servers")];
        assert_eq!(before, after, "{said}");
    }
    stage.destroy();
}

/// A node more, while one is in use: in place, and a second server comes to it.
pub(super) fn grown(stage: &mut Stage) {
    stage.set("servers", json!(1));
    stage.apply();
    let before = [stage.output("reservation"), stage.output("servers")];
    stage.set("nodes", json!(2));
    stage.set("servers", json!(2));
    let said = stage.apply();
    assert!(said.contains("1 added, 1 changed, 0 destroyed"), "{said}");
    assert_eq!(before[0], stage.output("reservation"));
    assert!(stage.output("servers").starts_with(&format!("{},", before[1])));
    stage.settled();
    stage.destroy();
}

/// A floating IP out of a lease, at a port.
pub(super) fn address(stage: &mut Stage) {
    stage.apply();
    let address = stage.output("address");
    assert!(address.parse::<std::net::IpAddr>().is_ok(), "{address}");
    stage.settled();
    stage.destroy();
}

/// The lease's end: it and its server are ended, which is no drift; a new end brings both anew.
pub(super) fn ended(stage: &mut Stage) {
    stage.set("servers", json!(1));
    let end = stage.after(stage.place().length());
    stage.set("end", json!(end));
    stage.apply();
    let lease = stage.output("lease");
    stage.pass(&end);
    stage.pass(&stage.after(jiff::SignedDuration::from_secs(30)));
    let said = stage.settled();
    assert!(said.contains("ended"), "{said}");
    stage.set("end", json!(stage.after(stage.place().length())));
    let said = stage.ends(&["plan", "-detailed-exitcode"], 2);
    assert!(said.contains("2 to add"), "{said}");
    stage.apply();
    assert_ne!(lease, stage.output("lease"));
    stage.settled();
    stage.destroy();
}

/// Destroyed before the lease has begun: what waited never comes.
pub(super) fn destroyed_in_the_middle(stage: &mut Stage) {
    let (start, _) = in_time_to_come(stage);
    stage.apply();
    stage.destroy();
    stage.pass(&start);
    stage.ends(&["run", "-once"], 0);
    assert_eq!(stage.recorded(), Vec::<String>::new());
}
