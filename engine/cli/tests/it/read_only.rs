//! A project of which nothing can be written: who looks is served, who changes is told.

use std::fs::{OpenOptions, Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::terrarium::{Lab, Ran};

const MAIN: &str = r#"
resource "terraform_data" "a" { input = "x" }
output "o" { value = terraform_data.a.output }
"#;

/// What can't be written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fixed {
    /// The database, in a directory where files can be made.
    Database,
    /// Database and directory.
    Directory,
}

/// Runs the binary where permissions do not help its user, root, by a mount of its own.
fn mounted(lab: &Lab, fixed: Fixed, args: &[&str]) -> Ran {
    let mounts: &[&str] = match fixed {
        Fixed::Directory => &["."],
        Fixed::Database => &["terrarium.db", "terrarium.db-head"],
    };
    let fix: Vec<String> = mounts
        .iter()
        .map(|at| format!("mount --bind {at} {at} && mount -o remount,ro,bind {at}"))
        .collect();
    // A mount over the directory one stands in shows only to who enters it anew.
    let script = format!("{} && cd \"$PWD\" && exec \"$0\" \"$@\"", fix.join(" && "));
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_terrarium")])
        .args(args)
        .current_dir(lab.path())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn can_mount() -> bool {
    let tried = Command::new("unshare").args(["--mount", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Takes leave to write away; returns whether that has any effect.
fn fix(lab: &Lab, fixed: Fixed) -> bool {
    let set = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for name in ["terrarium.db", "terrarium.db-head"] {
        set(&lab.path().join(name), 0o444);
    }
    if fixed == Fixed::Directory {
        set(lab.path(), 0o555);
    }
    OpenOptions::new().append(true).open(lab.path().join("terrarium.db")).is_err()
}

#[test]
fn what_can_only_be_read_is_looked_at_and_left_as_it_is() {
    for fixed in [Fixed::Database, Fixed::Directory] {
        let lab = Lab::of(MAIN);
        lab.good(&["apply", "-auto-approve"]);
        let before = std::fs::read(lab.path().join("terrarium.db")).unwrap();
        let plainly = fix(&lab, fixed);
        if !plainly && !can_mount() {
            // Nothing holds this user, and it may not mount: there is nothing that it can't write.
            println!("{fixed:?} can't be tried here");
            continue;
        }
        let run = |args: &[&str]| if plainly { lab.run(args) } else { mounted(&lab, fixed, args) };
        run(&["plan", "-detailed-exitcode"]).says(0, &["The state is not locked", "No changes."]);
        run(&["plan", "-lock=false", "-detailed-exitcode"]).says(0, &["No changes."]);
        run(&["output", "-raw", "o"]).says(0, &["x"]);
        run(&["show"]).says(0, &["terraform_data.a", "o = \"x\""]);
        run(&["state", "list"]).says(0, &["terraform_data.a"]);
        run(&["state", "show", "terraform_data.a"]).says(0, &["input  = \"x\""]);
        run(&["state", "pull"]).says(0, &["\"serial\": 1"]);
        run(&["workspace", "list"]).says(0, &["* default"]);
        for args in [
            &["apply", "-auto-approve"][..],
            &["destroy", "-auto-approve"],
            &["state", "rm", "terraform_data.a"],
        ] {
            let ran = run(args);
            ran.says(1, &["Nothing can be written beside"]);
            assert_eq!(
                ran.err.lines().filter(|line| line.starts_with("Error: ")).count(),
                1,
                "{}",
                ran.err
            );
        }
        assert_eq!(std::fs::read(lab.path().join("terrarium.db")).unwrap(), before, "{fixed:?}");
        set_permissions(lab.path(), Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_state_whose_folder_can_not_be_made_is_none_to_who_looks() {
    let backend = "terraform {\n  backend \"local\" { path = \"env/a.tfstate\" }\n}\n";
    let lab = Lab::of(&format!("{backend}{MAIN}"));
    set_permissions(lab.path(), Permissions::from_mode(0o555)).unwrap();
    let plainly = std::fs::write(lab.path().join("made"), "").is_err();
    if !plainly && !can_mount() {
        println!("a folder that can't be made can't be tried here");
        return;
    }
    let run = |args: &[&str]| {
        if plainly { lab.run(args) } else { mounted(&lab, Fixed::Directory, args) }
    };
    run(&["plan"]).says(0, &["The state is not locked", "Plan: 1 to add"]);
    run(&["show"]).says(0, &["No resources are represented"]);
    run(&["state", "list"]).says(0, &[]);
    run(&["apply", "-auto-approve"]).says(1, &["env/a.terrarium.db-lock"]);
    set_permissions(lab.path(), Permissions::from_mode(0o755)).unwrap();
}
