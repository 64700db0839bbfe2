//! What others do to leases, and what a cloud refuses.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::stage::{Place, Stage};

const HOST: &str = include_str!("../../data/leases/host.tf");
const LEASE: &str = "openstack_reservation_lease_v1.gpu";

/// Replies that a kill can precede.
const SLOW: &str = r#"{"reply_after":{"min_ms":300,"max_ms":900,"seed":1}}"#;
const PROMPT: &str = r#"{"reply_after":null}"#;

/// More nodes than there are: refused before anything is done, with a look at the calendar.
pub(super) fn too_few(stage: &mut Stage) {
    stage.set("nodes", json!(stage.too_many()));
    let said = stage.ends(&["apply", "-auto-approve"], 1);
    assert!(said.to_lowercase().contains("not enough"), "{said}");
    assert!(said.contains(&format!("{} wanted", stage.too_many())), "{said}");
    assert_eq!(stage.recorded(), Vec::<String>::new());
}

/// The nodes of a saved plan are leased by somebody else: the refusal comes from the service.
pub(super) fn taken_meanwhile(stage: &mut Stage) {
    let start = stage.after(stage.place().soon());
    stage.set("start", json!(start));
    stage.set("end", json!(stage.after(stage.place().soon() + stage.place().length())));
    stage.ok(&["plan", "-out", "saved"]);
    let mut rival = stage.beside(HOST);
    rival.set("name", json!(format!("accept-rival-{}", std::process::id())));
    rival.set("nodes", json!(stage.too_many() - 1));
    rival.apply();
    let before = stage.now();
    let said = stage.ends(&["apply", "saved"], 1);
    assert!(said.to_lowercase().contains("not enough"), "{said}");
    assert!(said.contains("The next window"), "{said}");
    // A refusal is not asked for again and again.
    assert!(stage.now().duration_since(before) < SignedDuration::from_secs(30), "{said}");
    assert_eq!(stage.recorded(), Vec::<String>::new());
    rival.destroy();
}

/// Somebody else takes the lease over: an import that has nothing to change.
pub(super) fn imported(stage: &mut Stage) {
    stage.set("start", json!(stage.after(stage.place().soon())));
    stage.set("end", json!(stage.after(stage.place().soon() + stage.place().length())));
    stage.apply();
    let lease = stage.output("lease");
    let other = stage.beside(HOST);
    other.ok(&["import", LEASE, &lease]);
    other.apply();
    other.settled();
    assert_eq!(other.output("reservation"), stage.output("reservation"));
    stage.destroy();
}

/// Somebody else deletes the lease: drift, and a new lease is planned.
pub(super) fn deleted_outside(stage: &mut Stage) {
    stage.set("start", json!(stage.after(stage.place().soon())));
    stage.set("end", json!(stage.after(stage.place().soon() + stage.place().length())));
    stage.apply();
    let lease = stage.output("lease");
    let other = stage.beside(HOST);
    other.ok(&["import", LEASE, &lease]);
    other.destroy();
    let said = stage.ends(&["plan", "-detailed-exitcode"], 2);
    assert!(said.contains("1 to add"), "{said}");
    stage.apply();
    assert_ne!(lease, stage.output("lease"));
    stage.settled();
    stage.destroy();
}

/// Somebody else shortens the lease: drift that names the earlier end, and the next apply restores it.
pub(super) fn shortened_outside(stage: &mut Stage) {
    let end = stage.after(stage.place().soon() + stage.place().length());
    stage.set("start", json!(stage.after(stage.place().soon())));
    stage.set("end", json!(end));
    stage.apply();
    let lease = stage.output("lease");
    let mut other = stage.beside(HOST);
    other.ok(&["import", LEASE, &lease]);
    let earlier = stage.after(stage.place().soon() + stage.place().length() / 2);
    other.set("end", json!(earlier));
    other.apply();
    let said = stage.ends(&["plan", "-detailed-exitcode"], 2);
    assert!(said.contains(&earlier) && said.contains(&end), "{said}");
    assert!(said.contains("0 to add, 1 to change"), "{said}");
    stage.apply();
    assert_eq!(lease, stage.output("lease"));
    stage.settled();
    stage.destroy();
}

/// Killed while a lease is made: the next apply finds it and makes no second one.
pub(super) fn killed(stage: &mut Stage) {
    if *stage.place() == Place::Testbed {
        // A first look begins the world.
        stage.ok(&["plan"]);
        stage.ok(&["testbed", "settings", SLOW]);
    }
    for after in [700, 1_500, 2_500] {
        let mut apply = stage.spawn(&["apply", "-auto-approve"]);
        std::thread::sleep(Duration::from_millis(after));
        apply.kill().expect("a child");
        apply.wait().expect("a child");
    }
    if *stage.place() == Place::Testbed {
        stage.ok(&["testbed", "settings", PROMPT]);
    }
    stage.apply();
    stage.settled();
    // Whoever looks for the lease by its name finds one; two would be an error.
    let looking = stage.beside(
        "data \"openstack_reservation_lease_v1\" \"one\" {\n  name = var.name\n}\n\n\
         output \"lease\" {\n  value = data.openstack_reservation_lease_v1.one.id\n}\n",
    );
    looking.apply();
    assert_eq!(looking.output("lease"), stage.output("lease"));
    stage.destroy();
}
