//! What a user of Terraform expects of the command line: exit codes, what is asked, and what is not said.

use std::process::Command;

use crate::terrarium::Lab;

const MAIN: &str = "variable \"n\" { default = 2 }\nresource \"terraform_data\" \"a\" {\n  count = var.n\n  input = \
                    count.index\n}\nresource \"terraform_data\" \"b\" { input = \"b\" }\noutput \"b\" { value = \
                    terraform_data.b.output }\noutput \"n\" { value = 12 }\n";

#[test]
fn mistyped_words_end_as_they_do_in_terraform() {
    let lab = Lab::of(MAIN);
    for (line, code, texts) in [
        ("state", 1, &["Usage: terrarium [global options] state", "Move an item"][..]),
        ("workspace", 1, &["Create a new workspace"]),
        ("state lst", 1, &["no command named \"state lst\". Did you mean \"state list\"?"]),
        ("testbed frob", 1, &["no command named \"testbed frob\".", "testbed -help"]),
        ("plan -parallelism=0", 1, &["'-parallelism <N>': 0 is not in", "plan -help"]),
        ("fmt nosuch", 2, &["No file or directory at nosuch"]),
        ("apply nosuch", 1, &["Failed to load \"nosuch\" as a plan file"]),
        ("apply -json", 1, &["Plan file or auto-approve required"]),
        ("destroy -json", 1, &["Plan file or auto-approve required"]),
        ("state rm terraform_data.z", 1, &["\nterraform_data.z does not match"]),
        ("workspace select nope", 1, &["Workspace \"nope\" doesn't exist"]),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let ran = lab.run(&args);
        ran.says(code, texts);
        assert!(!ran.err.contains("For more information"), "{line}: {}", ran.err);
    }
    lab.write("bad.tf", "locals {\n");
    lab.run(&["fmt", "bad.tf"]).says(2, &["bad.tf:1:"]);
}

#[test]
fn a_refresh_says_what_it_read_and_the_outputs() {
    let lab = Lab::of(MAIN);
    lab.run(&["refresh"]).says(0, &["n = 12"]);
    lab.good(&["apply", "-auto-approve"]);
    let said = lab.good(&["refresh"]);
    assert!(said.contains("terraform_data.b: Refreshing state..."), "{said}");
    assert!(said.ends_with("\n\nOutputs:\n\nb = \"b\"\nn = 12\n"), "{said}");
    assert!(!said.contains("No changes") && !said.contains("complete"), "{said}");
    let lines = lab.good(&["plan", "-json"]);
    assert_eq!(lines.matches("\"type\":\"refresh_complete\"").count(), 3, "{lines}");
}

#[test]
fn a_plan_that_only_refreshes_does_without_what_is_missing() {
    let lab = Lab::of(MAIN);
    let said = lab.good(&["plan", "-refresh-only"]);
    assert!(
        said.contains("Changes to Outputs:") && said.contains("save these new output"),
        "{said}"
    );
    lab.good(&["apply", "-auto-approve"]);
    lab.good(&["state", "rm", "terraform_data.b"]);
    lab.run(&["plan", "-refresh-only"]).says(0, &["terraform_data.a[1]: Refreshing state..."]);
}

#[test]
fn a_part_is_planned_without_outputs_that_read_nothing_of_it() {
    let lab = Lab::of(MAIN);
    let plan = lab.run(&["plan", "-target=terraform_data.a"]);
    plan.says(0, &["Plan: 2 to add", "Resource targeting is in effect"]);
    assert!(!plan.out.contains("Changes to Outputs"), "{}", plan.out);
    lab.good(&["apply", "-auto-approve"]);
    let ran = lab.run(&["apply", "-auto-approve", "-target=terraform_data.a"]);
    ran.says(0, &["Applied changes may be incomplete", "\nOutputs:\n\nb = \"b\"\nn = 12\n"]);
}

#[test]
fn a_whole_resource_moves_as_one_object() {
    let lab = Lab::of(MAIN);
    lab.good(&["apply", "-auto-approve"]);
    let said = lab.good(&["state", "mv", "-dry-run", "terraform_data.a", "terraform_data.c"]);
    assert_eq!(said, "Would move \"terraform_data.a\" to \"terraform_data.c\"\n");
    lab.run(&["state", "mv", "terraform_data.a", "terraform_data.c"])
        .says(0, &["Move \"terraform_data.a\" to \"terraform_data.c\"", "moved 1 object(s)."]);
    assert!(lab.good(&["state", "list"]).starts_with("terraform_data.b\nterraform_data.c[0]\n"));
}

#[test]
fn what_a_plan_warned_of_is_not_said_again_by_its_apply() {
    let lab = Lab::of(
        "check \"c\" {\n  assert {\n    condition = length(\"a\") > 5\n    error_message = \"few\"\n  }\n}\noutput \"o\" { value = 1 }\n",
    );
    let ran = lab.run(&["apply", "-auto-approve"]);
    ran.says(0, &["Check block assertion failed"]);
    assert_eq!(ran.err.matches("Check block assertion failed").count(), 1, "{}", ran.err);
}

#[test]
fn an_import_names_the_instance_that_is_not_there() {
    let lab = Lab::of(MAIN);
    lab.run(&["import", "terraform_data.a[7]", "id"])
        .says(1, &["Configuration for import target does not exist", "terraform_data.a[7]"]);
    lab.run(&["state", "list"]).says(0, &[]);
}

#[test]
fn an_output_that_is_partly_unknown_has_no_value_in_a_plan() {
    let lab = Lab::of(
        "resource \"terraform_data\" \"a\" {}\noutput \"o\" { value = [1, terraform_data.a.id] }\n",
    );
    lab.good(&["plan", "-out=p"]);
    let plan: serde_json::Value = serde_json::from_str(&lab.good(&["show", "-json", "p"])).unwrap();
    let output = &plan["planned_values"]["outputs"]["o"];
    assert_eq!(output, &serde_json::json!({"sensitive": false}));
    assert!(plan.get("variables").is_none());
}

#[test]
fn a_lock_that_a_killed_terraform_left_can_be_broken() {
    let lab = Lab::of(MAIN);
    let lock = ".terraform.tfstate.lock.info";
    lab.write(lock, "{\"ID\":\"abc\",\"Who\":\"me@there\"}");
    lab.run(&["apply", "-auto-approve"])
        .says(1, &["Who:       me@there", "terrarium force-unlock abc"]);
    lab.run(&["force-unlock", "-force", "other"]).says(1, &["Error:"]);
    assert!(lab.path().join(lock).exists());
    lab.run(&["force-unlock", "-force", "abc"]).says(0, &["successfully unlocked!"]);
    lab.run(&["plan"]).says(0, &["Plan: 3 to add"]);
}

#[test]
fn an_overridden_workspace_is_listed_and_said_so() {
    let lab = Lab::of(MAIN);
    let ran = lab.with(&["workspace", "list"], "", &[("TF_WORKSPACE", "w")]);
    ran.says(0, &["overridden using the TF_WORKSPACE"]);
    assert_eq!(ran.out, "  default\n* w\n\n");
}

/// Values may come through a pipe: `-var-file=<(decrypt secrets)`.
#[test]
fn a_variables_file_may_be_a_pipe() {
    let lab = Lab::of(MAIN);
    let ran = lab.with(&["plan", "-var-file=/dev/stdin"], "n = 5\n", &[]);
    ran.says(0, &["Plan: 6 to add"]);
    lab.run(&["plan", "-var-file=nosuch"]).says(1, &["nosuch does not exist"]);
}

#[test]
fn an_interrupt_ends_a_question() {
    let lab = Lab::of(MAIN);
    let mut asking = lab.asking(&["apply"]);
    // Its stdin stays open: nothing but the signal can end it.
    let pid = asking.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(asking.wait().unwrap().code(), Some(1));
    lab.run(&["plan"]).says(0, &["Plan: 3 to add"]);
}
