//! What time makes of things at the testbed: windows that nobody used, leases that can't be had as asked, addresses that
//! outlive their servers or wait for them.

use terrarium_support::{Terrarium, Workdir};

use crate::order::project;

/// A server in a lease of addresses and a node, from the second of March on.
const LATER: &str = r#"
variable "addresses" { default = 2 }
variable "start" { default = "2027-03-02 09:00" }
resource "openstack_reservation_lease_v1" "l" {
  name       = "later-project7"
  start_date = var.start
  end_date   = "2027-03-02 21:00"
  time_zone  = "UTC"
  host {
    min = 1
    max = 1
    where {
      property = "node_name"
      value    = "nc41"
    }
  }
  floatingip {
    pool   = "public"
    amount = var.addresses
  }
}
resource "openstack_compute_instance_v2" "s" {
  name        = "later-project7"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "baremetal"
  network { name = "sharednet1" }
  scheduler_hints {
    additional_properties = { reservation = openstack_reservation_lease_v1.l.host[0].id }
  }
}
output "address" { value = openstack_reservation_lease_v1.l.floatingip[0].addresses[0] }
output "upper" { value = upper(join(",", openstack_reservation_lease_v1.l.floatingip[0].addresses)) }
"#;

/// A directory whose provider is the site with bare metal.
fn at_uc(body: &str) -> Workdir {
    project(&format!("provider \"openstack\" {{ cloud = \"chi_uc\" }}\n{body}"))
}

fn on_the_first(dir: &Workdir) -> Terrarium {
    let terrarium = Terrarium::on_testbed(dir.path());
    terrarium.ok(&["testbed", "reset", "-force", "-at=2027-03-01T12:00:00Z"]);
    terrarium
}

fn ends(terrarium: &Terrarium, args: &[&str], code: i32) -> String {
    let ended = terrarium.run(args);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(code), "{args:?}\n{said}");
    said
}

/// Returns a text as one line: messages are wrapped where they are long.
fn on_one_line(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !matches!(*word, "│" | "×" | "⚠"));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_window_that_nobody_used_is_told_and_is_no_error() {
    let dir = at_uc(LATER);
    let terrarium = on_the_first(&dir);
    terrarium.ok(&["apply", "-auto-approve"]);
    terrarium.ok(&["testbed", "advance", "2d"]);
    let said = ends(&terrarium, &["plan", "-detailed-exitcode"], 0);
    assert!(said.contains("can't be created") && said.contains("window closed"), "{said}");
    ends(&terrarium, &["timeline"], 0);
    let said = ends(&terrarium, &["apply", "-auto-approve"], 0);
    assert!(said.contains("(never: its time ended 2 Mar 21:00 UTC)"), "{said}");
    ends(&terrarium, &["plan", "-detailed-exitcode"], 0);
    // New dates are one of the ways on.
    let later = LATER.replace("2027-03-02 21:00", "2027-03-20 21:00");
    let moved = at_uc(&later.replace("2027-03-02 09:00", "2027-03-19 09:00"));
    std::fs::copy(moved.path().join("main.tf"), dir.path().join("main.tf")).expect("copied");
    let said = ends(&terrarium, &["plan", "-detailed-exitcode"], 2);
    assert!(said.contains("1 to add now, 1 to add later"), "{said}");
}

#[test]
fn a_lease_is_never_left_in_error_by_a_change_that_blazar_refuses() {
    let dir = at_uc(LATER);
    let terrarium = on_the_first(&dir);
    terrarium.ok(&["apply", "-auto-approve", "-var", "start=now"]);
    // Another lease would need the very node: that is a gap, which nobody gets without having said so.
    let fewer = ["plan", "-var", "start=now", "-var", "addresses=1"];
    let said = on_one_line(&ends(&terrarium, &fewer, 1));
    assert!(said.contains("T0419") && said.contains("goes down now"), "{said}");
    let said = terrarium.ok(&[&fewer[..], &["-allow-gap"]].concat());
    assert!(said.contains("openstack_reservation_lease_v1.l must be replaced"), "{said}");
    assert!(said.contains("openstack_compute_instance_v2.s must be replaced"), "{said}");
    let many = ["plan", "-var", "start=now", "-var", "addresses=100000"];
    let said = on_one_line(&ends(&terrarium, &many, 1));
    assert!(
        said.contains("Not enough floating IPs") && said.contains("The site has only"),
        "{said}"
    );
    let more = ["apply", "-auto-approve", "-var", "start=now", "-var", "addresses=3"];
    let said = terrarium.ok(&more);
    assert!(said.contains("0 added, 1 changed, 0 destroyed"), "{said}");
    let shown = terrarium.ok(&["state", "show", "openstack_reservation_lease_v1.l"]);
    assert!(shown.contains("\"ACTIVE\"") && !shown.contains("\"ERROR\""), "{shown}");
}

#[test]
fn a_lease_whose_only_node_failed_keeps_its_server_waiting_with_the_reason() {
    let dir = at_uc(LATER);
    let terrarium = on_the_first(&dir);
    terrarium.ok(&["apply", "-auto-approve"]);
    terrarium.ok(&["testbed", "settings", r#"{"failed_hosts":["nc41"]}"#]);
    terrarium.ok(&["testbed", "advance", "2h"]);
    let said = on_one_line(&ends(&terrarium, &["plan", "-detailed-exitcode"], 0));
    for part in ["The lease has no node", "-replace='openstack_reservation_lease_v1.l'"] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    terrarium.ok(&["testbed", "advance", "1d"]);
    let said = on_one_line(&ends(&terrarium, &["run", "-once"], 0));
    assert!(!said.contains("No valid host"), "{said}");
    let listed = terrarium.ok(&["state", "list"]);
    assert!(!listed.contains("openstack_compute_instance_v2.s"), "{listed}");
    let said = on_one_line(&terrarium.ok(&["plan"]));
    assert!(said.contains("reserved failed, and nothing took its place"), "{said}");
}

#[test]
fn a_lease_that_was_given_another_node_lends_again() {
    let dir = at_uc(LATER);
    let terrarium = on_the_first(&dir);
    terrarium.ok(&["apply", "-auto-approve"]);
    terrarium.ok(&["testbed", "settings", r#"{"failed_hosts":["nc41"]}"#]);
    terrarium.ok(&["testbed", "advance", "2h"]);
    let said = on_one_line(&ends(&terrarium, &["plan", "-detailed-exitcode"], 0));
    assert!(said.contains("name another in its filter"), "{said}");
    // That is taken in place; Blazar's flag stays, and the calendar says that there is a node again.
    let other = at_uc(&LATER.replace("nc41", "nc42"));
    std::fs::copy(other.path().join("main.tf"), dir.path().join("main.tf")).expect("copied");
    let said = terrarium.ok(&["apply", "-auto-approve"]);
    assert!(said.contains("0 added, 1 changed, 0 destroyed"), "{said}");
    let said = on_one_line(&terrarium.ok(&["plan"]));
    assert!(!said.contains("The lease has no node"), "{said}");
    terrarium.ok(&["testbed", "advance", "1d"]);
    terrarium.ok(&["run", "-once"]);
    let listed = terrarium.ok(&["state", "list"]);
    assert!(listed.contains("openstack_compute_instance_v2.s"), "{listed}");
}

#[test]
fn an_address_outlives_its_server_and_waits_for_one() {
    let lease = |dates: &str| {
        format!(
            r#"
data "openstack_compute_flavor_v2" "x" {{ name = "m1.xlarge" }}
data "openstack_networking_network_v2" "n" {{ name = "sharednet1" }}
resource "openstack_reservation_flavor_v1" "l" {{
  name      = "lease"
  flavor_id = data.openstack_compute_flavor_v2.x.id
  amount    = 1
  time_zone = "UTC"
  {dates}
}}
resource "openstack_networking_port_v2" "p" {{
  network_id = data.openstack_networking_network_v2.n.id
}}
resource "openstack_compute_instance_v2" "s" {{
  name        = "node"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = openstack_reservation_flavor_v1.l.reserved_flavor_name
  network {{ port = openstack_networking_port_v2.p.id }}
}}
resource "openstack_networking_floatingip_v2" "named" {{
  pool    = "public"
  port_id = openstack_networking_port_v2.p.id
}}
resource "openstack_compute_instance_v2" "own" {{
  name        = "own"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = openstack_reservation_flavor_v1.l.reserved_flavor_name
  network {{ name = "sharednet1" }}
}}
resource "openstack_networking_floatingip_v2" "own" {{
  pool    = "public"
  port_id = openstack_compute_instance_v2.own.network[0].port
}}
"#
        )
        .replace("amount    = 1", "amount    = 2")
    };
    let at_kvm =
        |body: &str| project(&format!("provider \"openstack\" {{ cloud = \"kvm_tacc\" }}\n{body}"));
    let dir = at_kvm(&lease("duration = \"8h\""));
    let terrarium = on_the_first(&dir);
    terrarium.ok(&["apply", "-auto-approve"]);
    terrarium.ok(&["testbed", "advance", "9h"]);
    let said = ends(&terrarium, &["plan", "-detailed-exitcode"], 0);
    let freed = "terrarium destroy -target=openstack_networking_floatingip_v2.own";
    assert!(said.contains(freed), "{said}");
    ends(&terrarium, &["apply", "-auto-approve"], 0);
    ends(&terrarium, &["plan", "-detailed-exitcode"], 0);
    // Weeks ahead nothing scarce is taken: only the lease is made.
    let ahead = "start_date = \"2027-03-20 09:00\"\n  end_date = \"2027-03-21 09:00\"";
    let dir = at_kvm(&lease(ahead));
    let terrarium = on_the_first(&dir);
    let said = terrarium.ok(&["plan"]);
    assert!(said.contains("1 to add now, 5 to add later"), "{said}");
}
