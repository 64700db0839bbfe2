//! A flag or block that chooses a state does what it says, or is refused by name.

use crate::terrarium::Lab;

const MAIN: &str = "variable \"who\" { default = \"me\" }\nresource \"terraform_data\" \"t\" { triggers_replace = var.who }\n";

fn backend(arguments: &str) -> String {
    format!("terraform {{\n  backend \"local\" {{\n    {arguments}\n  }}\n}}\n")
}

#[test]
fn flags_that_would_choose_nothing_are_refused_by_name() {
    let lab = Lab::of(MAIN);
    lab.good(&["apply", "-auto-approve"]);
    let before = lab.good(&["state", "pull"]);
    for (line, texts) in [
        (
            "apply -auto-approve -state=a.tfstate",
            &["-state is not supported: ", "workspace new NAME"][..],
        ),
        ("destroy -auto-approve -state=old.tfstate", &["-state is not supported: "]),
        ("destroy -auto-approve -state old.tfstate", &["-state is not supported: "]),
        ("plan -state-out=b.tfstate", &["-state-out is not supported: ", "state pull > FILE"]),
        ("apply -backup=b.backup", &["-backup is not supported: ", "history"]),
        ("refresh -state=a.tfstate", &["-state is not supported"]),
        ("taint -state=a.tfstate terraform_data.t", &["-state is not supported"]),
        ("output -state=a.tfstate", &["-state is not supported"]),
        ("state list -state=a.tfstate", &["-state is not supported"]),
        ("state show -state=a.tfstate terraform_data.t", &["-state is not supported"]),
        ("state rm -state=a.tfstate terraform_data.t", &["-state is not supported"]),
        ("import -config=x terraform_data.t id", &["-config is not supported: ", "-chdir=DIR"]),
        ("import -provider=x terraform_data.t id", &["-provider is not supported: "]),
        (
            "plan -generate-config-out=gen.tf",
            &["-generate-config-out is not supported: ", "resource"],
        ),
        ("init -backend-config=path=a.tfstate", &["-backend-config is not supported: "]),
        ("init -reconfigure -backend-config=a.hcl", &["-backend-config is not supported: "]),
        ("init -plugin-dir=x", &["-plugin-dir is not supported: "]),
        ("init -get=false", &["-get is not supported: "]),
        ("init -from-module=./x", &["-from-module is not supported: ", "cp -r"]),
        ("init -lockfile=sometimes", &["readonly"]),
        ("graph -plan=p", &["-plan is not supported: "]),
        ("console -plan", &["-plan is not supported: "]),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let ran = lab.run(&args);
        ran.says(1, texts);
        assert!(ran.err.contains("Failed to parse command-line flags"), "{line}: {}", ran.err);
    }
    assert_eq!(lab.good(&["state", "pull"]), before);
    let files = std::fs::read_dir(lab.path()).unwrap().count();
    lab.run(&["plan", "-backup=-"]).says(0, &["No changes"]);
    lab.run(&["init", "-get", "-upgrade"]).says(0, &["successfully initialized"]);
    assert_eq!(std::fs::read_dir(lab.path()).unwrap().count(), files + 1, "the lock file alone");
}

#[test]
fn two_paths_are_two_states() {
    let lab = Lab::of(MAIN);
    for name in ["a", "b"] {
        lab.write("backend.tf", &backend(&format!("path = \"states/{name}.tfstate\"")));
        let who = format!("-var=who={name}");
        lab.good(&["init", "-reconfigure"]);
        lab.run(&["apply", "-auto-approve", &who]).says(0, &["1 added, 0 changed, 0 destroyed"]);
        assert!(lab.path().join(format!("states/{name}.terrarium.db")).exists());
    }
    for name in ["a", "b"] {
        lab.write("backend.tf", &backend(&format!("path = \"./states/{name}.tfstate\"")));
        assert_eq!(lab.good(&["state", "list"]), "terraform_data.t\n");
        assert!(lab.good(&["show"]).contains(&format!("\"{name}\"")));
        lab.run(&["plan", &format!("-var=who={name}")]).says(0, &["No changes"]);
    }
    lab.good(&["destroy", "-auto-approve"]);
    lab.write("backend.tf", &backend("path = \"states/a.tfstate\""));
    assert_eq!(lab.good(&["state", "list"]), "terraform_data.t\n");
    assert!(!lab.path().join("terrarium.db").exists());
}

#[test]
fn a_changed_path_is_no_empty_state() {
    let lab = Lab::of(MAIN);
    lab.good(&["apply", "-auto-approve"]);
    lab.write("backend.tf", &backend("path = \"a.tfstate\""));
    for args in
        [&["plan"][..], &["apply", "-auto-approve"], &["state", "list"], &["init"], &["output"]]
    {
        lab.run(args).says(
            1,
            &[
                "Backend configuration changed",
                "terrarium.db",
                "a.terrarium.db",
                "init -reconfigure",
            ],
        );
    }
    lab.good(&["init", "-reconfigure"]);
    lab.run(&["plan"]).says(0, &["1 to add"]);
    lab.write("backend.tf", "");
    lab.run(&["plan"]).says(0, &["No changes"]);
    // What is Terraform's default is ours.
    lab.write("backend.tf", &backend("path = \"terraform.tfstate\""));
    lab.run(&["plan"]).says(0, &["No changes"]);
}

#[test]
fn what_a_backend_says_beside_is_refused() {
    let lab = Lab::of(MAIN);
    for (arguments, texts) in [
        (
            "workspace_dir = \"elsewhere\"",
            &["Unsupported argument of a backend", "backend.tf:3"][..],
        ),
        ("paht = \"a\"", &["Unsupported argument of a backend", "\"paht\""]),
        ("path = \"\"", &["Invalid path of a state"]),
        ("path = 3", &["Invalid path of a state"]),
    ] {
        lab.write("backend.tf", &backend(arguments));
        lab.run(&["init"]).says(1, texts);
        lab.run(&["plan"]).says(1, texts);
    }
    lab.write("backend.tf", &backend("workspace_dir = \"terraform.tfstate.d\""));
    lab.good(&["init"]);
}

#[test]
fn init_says_its_steps_as_json_and_keeps_a_lock_file_that_is_read_only() {
    let lab = Lab::of(MAIN);
    lab.run(&["init", "-lockfile=readonly"])
        .says(1, &["Provider dependency changes detected", "readonly"]);
    assert!(!lab.path().join(".terrarium.lock.hcl").exists());
    let lines = lab.good(&["init", "-json"]);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["type"], "version");
    let codes: Vec<&str> = lines.iter().filter_map(|line| line["message_code"].as_str()).collect();
    assert!(codes.contains(&"initializing_backend_message"), "{codes:?}");
    assert_eq!(codes.last(), Some(&"output_init_success_message"));
    lab.run(&["init", "-lockfile=readonly"]).says(0, &["successfully initialized"]);
    lab.write("main.tf", "resource \"random_id\" \"a\" { byte_length = 2 }\n");
    lab.run(&["init", "-lockfile=readonly", "-json"])
        .says(1, &["\"summary\":\"Provider dependency changes detected\""]);
}
