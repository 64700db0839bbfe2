//! A provider that fails once, through the binary: one error, exit code 1, nothing lost, and the same command
//! succeeds afterwards.

use terrarium_support::{Terrarium, Workdir};

const OLD: &str = r#"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}

resource "openstack_networking_network_v2" "old" {
  name = "old"
}

output "old" {
  value = openstack_networking_network_v2.old.id
}
"#;

const NEW: &str = r#"
data "openstack_networking_network_v2" "public" {
  name = "public"
}

resource "openstack_networking_secgroup_v2" "new" {
  name        = "new"
  description = data.openstack_networking_network_v2.public.name
}
"#;

const IMPORTED: &str = r#"
resource "openstack_networking_network_v2" "taken" {
  name = "taken"
}
"#;

/// Plays a command with a provider that fails once, where it comes to be asked.
fn play(command: &[&str], files: &[&str], method: &str, asked: bool) {
    let case = format!("{command:?} with {method}");
    let dir = Workdir::with(&[OLD, IMPORTED].concat());
    let good = Terrarium::on_testbed(dir.path());
    good.ok(&["apply", "-auto-approve"]);
    let state = good.ok(&["state", "show", "openstack_networking_network_v2.taken"]);
    let taken = state.lines().find_map(|line| line.trim().strip_prefix("id ")).unwrap_or_default();
    let id = taken.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()).to_owned();
    if command[0] == "import" {
        good.ok(&["state", "rm", "openstack_networking_network_v2.taken"]);
    }
    std::fs::write(dir.path().join("main.tf"), files.concat()).expect("a configuration");
    let command: Vec<&str> =
        command.iter().map(|arg| if *arg == "ID" { id.as_str() } else { *arg }).collect();

    let failing: Vec<&str> = [method].into_iter().chain(command.iter().copied()).collect();
    let bad = Terrarium::on_testbed(dir.path()).program(env!("CARGO_BIN_EXE_terrarium-failing"));
    let ran = bad.run(&failing);
    let said = format!("{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(dir.path().join("asked").exists(), asked, "{case}: {said}");
    let errors = said.lines().filter(|line| line.starts_with("Error: ")).count();
    assert_eq!((ran.code, errors), (Some(i32::from(asked)), usize::from(asked)), "{case}: {said}");

    // Once more, with nothing in the way.
    if asked {
        good.ok(&command);
    }
    if command[0] == "destroy" {
        assert!(good.ok(&["testbed", "list"]).starts_with("Nothing exists"), "{case}");
        return;
    }
    good.ok(&["apply", "-auto-approve"]);
    good.ok(&["plan", "-detailed-exitcode"]);
    let there = good.ok(&["testbed", "list"]);
    let new = files.concat().contains("\"new\"");
    let networks = if files.concat().contains("taken") { 2 } else { 1 };
    assert_eq!(there.matches("new").count(), usize::from(new), "{case}: {there}");
    assert_eq!(
        good.ok(&["state", "list"]).matches("network_v2.").count(),
        networks + usize::from(new),
        "{case}"
    );
}

#[test]
fn commands_that_change_nothing_end_with_one_error() {
    for (command, methods) in [
        (&["validate"][..], &["schemas", "validate", "validate-call"][..]),
        (
            &["plan"],
            &[
                "schemas",
                "upgrade",
                "configure",
                "validate-call",
                "plan",
                "plan:panic",
                "check",
                "read",
                "data",
            ],
        ),
        (&["refresh"], &["schemas", "upgrade", "configure", "read", "read:panic", "data"]),
    ] {
        for method in methods {
            play(command, &[OLD, NEW], method, true);
        }
        play(command, &[OLD, NEW], "apply", false);
    }
    // What is recorded is told without any provider.
    play(&["output"], &[OLD, NEW], "schemas", false);
    play(&["console"], &[OLD, NEW], "schemas", true);
    play(&["console"], &[OLD, NEW], "upgrade", true);
    play(&["console"], &[OLD, NEW], "read", false);
}

#[test]
fn commands_that_change_something_end_with_one_error_and_lose_nothing() {
    let apply = ["apply", "-auto-approve"];
    for method in [
        "schemas",
        "upgrade",
        "upgrade:panic",
        "configure",
        "validate-call",
        "validate-call:panic",
        "plan",
        "check",
        "read",
        "data",
        "apply",
        "apply:panic",
    ] {
        play(&apply, &[OLD, NEW], method, true);
    }
    play(&apply, &[OLD, NEW], "import", false);
    let destroy = ["destroy", "-auto-approve"];
    for method in ["schemas", "upgrade", "configure", "read", "apply", "apply:panic"] {
        play(&destroy, &[OLD], method, true);
    }
    let import = ["import", "openstack_networking_network_v2.taken", "ID"];
    for method in ["schemas", "configure", "import", "import:panic"] {
        play(&import, &[OLD, IMPORTED], method, true);
    }
}
