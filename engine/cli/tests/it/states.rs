//! The state's commands, workspaces, and states that Terraform left.

use crate::terrarium::Lab;

const MAIN: &str = "resource \"terraform_data\" \"a\" {\n  count = 2\n  input = count.index\n}\noutput \"o\" { value = \"v\" }\n";

#[test]
fn instances_are_listed_shown_moved_and_removed() {
    let lab = Lab::of(MAIN);
    lab.good(&["apply", "-auto-approve"]);
    assert_eq!(lab.good(&["state", "list"]), "terraform_data.a[0]\nterraform_data.a[1]\n");
    assert!(lab.good(&["state", "show", "terraform_data.a[1]"]).contains("input  = 1"));
    lab.run(&["state", "mv", "terraform_data.a[1]", "terraform_data.b"]).says(
        0,
        &[
            "Move \"terraform_data.a[1]\" to \"terraform_data.b\"",
            "Successfully moved 1 object(s).",
        ],
    );
    lab.run(&["state", "rm", "terraform_data.b"]).says(0, &["Removed terraform_data.b"]);
    lab.run(&["state", "rm", "terraform_data.b"]).says(1, &["Invalid target address"]);
    assert_eq!(lab.good(&["state", "list"]), "terraform_data.a[0]\n");
    lab.run(&["state", "show", "terraform_data.b"]).says(1, &["No instance found"]);
}

#[test]
fn tainted_instances_are_replaced() {
    let lab = Lab::of(MAIN);
    lab.good(&["apply", "-auto-approve"]);
    lab.run(&["taint", "terraform_data.a[0]"])
        .says(0, &["Resource instance terraform_data.a[0] has been marked as tainted."]);
    lab.run(&["plan"]).says(0, &["# terraform_data.a[0] is tainted, so must be replaced"]);
    lab.run(&["untaint", "terraform_data.a[0]"]).says(0, &["has been successfully untainted."]);
    lab.run(&["untaint", "terraform_data.a[0]"]).says(1, &["is not tainted"]);
    lab.run(&["taint", "terraform_data.z"]).says(1, &["No such resource instance"]);
    lab.run(&["taint", "-allow-missing", "terraform_data.z"])
        .says(0, &["No such resource instance"]);
    lab.run(&["plan", "-detailed-exitcode"]).says(0, &["No changes."]);
}

#[test]
fn workspaces_keep_their_states_apart() {
    let lab = Lab::of(MAIN);
    lab.good(&["apply", "-auto-approve"]);
    lab.run(&["workspace", "new", "w"]).says(0, &["Created and switched to workspace \"w\"!"]);
    assert_eq!(lab.good(&["workspace", "list"]), "  default\n* w\n\n");
    assert_eq!(lab.good(&["state", "list"]), "");
    assert_eq!(
        lab.with(&["state", "list"], "", &[("TF_WORKSPACE", "default")]).out.lines().count(),
        2
    );
    lab.run(&["workspace", "select", "nope"])
        .says(1, &["Workspace \"nope\" doesn't exist", "-or-create"]);
    lab.good(&["apply", "-auto-approve"]);
    lab.run(&["workspace", "delete", "w"]).says(1, &["active workspace"]);
    lab.good(&["workspace", "select", "default"]);
    lab.run(&["workspace", "delete", "w"]).says(1, &["not empty"]);
    lab.run(&["workspace", "delete", "-force", "w"]).says(0, &["Deleted workspace \"w\"!"]);
    assert_eq!(lab.good(&["workspace", "show"]), "default\n");
}

#[test]
fn a_state_of_terraform_is_taken_over_and_given_back_byte_for_byte() {
    let state = include_str!("../data/terraform.tfstate");
    let lab = Lab::of(
        "resource \"terraform_data\" \"a\" { input = \"x\" }\noutput \"o\" { value = terraform_data.a.output }\n",
    );
    lab.write("terraform.tfstate", state);
    assert_eq!(lab.good(&["output", "-raw", "o"]), "x", "read before it is taken over");
    assert!(!lab.path().join("terrarium.db").exists());
    lab.run(&["init"]).says(0, &["Took over the state in terraform.tfstate"]);
    assert_eq!(lab.good(&["state", "pull"]), state);
    lab.run(&["plan", "-detailed-exitcode"]).says(0, &["No changes."]);
    assert_eq!(lab.read("terraform.tfstate"), state);
    lab.write("terraform.tfstate", &state.replace("\"serial\": 2", "\"serial\": 3"));
    lab.run(&["plan"]).says(1, &["Terraform changed"]);
}

#[test]
fn a_pushed_state_must_be_of_the_same_line_and_newer() {
    let lab = Lab::of(MAIN);
    lab.good(&["apply", "-auto-approve"]);
    let pulled = lab.good(&["state", "pull"]);
    lab.write("other.json", include_str!("../data/terraform.tfstate"));
    lab.run(&["state", "push", "other.json"]).says(1, &["lineage"]);
    lab.write("newer.json", &pulled.replace("\"serial\": 1", "\"serial\": 7"));
    lab.run(&["state", "push", "newer.json"]).says(0, &[]);
    lab.write("cut.json", &pulled[..pulled.len() / 2]);
    lab.run(&["state", "push", "cut.json"]).says(1, &["Failed to read state"]);
    lab.run(&["state", "push", "-force", "other.json"]).says(0, &[]);
    assert_eq!(lab.good(&["state", "list"]), "terraform_data.a\n");
}

#[test]
fn secrets_are_shown_only_where_scripts_need_them() {
    let lab = Lab::of(
        "output \"s\" {\n  value = \"hush\"\n  sensitive = true\n}\noutput \"n\" { value = 1.5 }\noutput \"l\" { value = [1] }\n",
    );
    lab.good(&["apply", "-auto-approve"]);
    assert_eq!(lab.good(&["output"]), "l = [\n  1,\n]\nn = 1.5\ns = <sensitive>\n");
    assert_eq!(lab.good(&["output", "-raw", "s"]), "hush");
    assert_eq!(lab.good(&["output", "-json", "n"]), "1.5\n");
    assert!(lab.good(&["output", "-json"]).contains("\"value\": \"hush\""));
    assert!(lab.good(&["state", "pull"]).contains("hush"));
    assert!(!lab.good(&["show"]).contains("hush"));
    assert!(!lab.good(&["show", "-json"]).contains("hush"));
    assert!(lab.good(&["show", "-json", "-show-sensitive"]).contains("hush"));
    lab.run(&["output", "-raw", "l"]).says(1, &["Unsupported value for raw output"]);
    lab.run(&["output", "nope"]).says(1, &["Output \"nope\" not found"]);
}

#[test]
fn an_object_is_imported_as_it_is() {
    let lab = Lab::of("resource \"terraform_data\" \"a\" {}\n");
    lab.run(&["import", "terraform_data.a", "my-id"])
        .says(0, &["Importing from ID \"my-id\"", "Import successful!"]);
    assert!(lab.good(&["state", "show", "terraform_data.a"]).contains("id = \"my-id\""));
    lab.run(&["plan", "-detailed-exitcode"]).says(0, &["No changes."]);
    lab.run(&["import", "terraform_data.a", "my-id"]).says(1, &["already managed"]);
    lab.run(&["import", "terraform_data.b", "my-id"])
        .says(1, &["does not exist in the configuration"]);
}

#[test]
fn one_writer_at_a_time() {
    let lab = Lab::of(MAIN);
    let mut waiting = lab.asking(&["apply"]);
    lab.run(&["apply", "-auto-approve"])
        .says(1, &["Error acquiring the state lock", "Operation: apply", "force-unlock"]);
    lab.run(&["plan"]).says(0, &["The state is not locked", "(apply)", "Plan: 2 to add"]);
    lab.run(&["state", "list"]).says(0, &[]);
    drop(waiting.stdin.take());
    waiting.wait().unwrap();
    lab.run(&["plan"]).says(0, &["Plan: 2 to add"]);
}

#[test]
fn workspaces_that_only_terraform_has_are_taken_over_when_used() {
    let lab = Lab::of(
        "resource \"terraform_data\" \"a\" { input = \"x\" }\noutput \"o\" { value = terraform_data.a.output }\n",
    );
    std::fs::create_dir_all(lab.path().join("terraform.tfstate.d/w")).unwrap();
    lab.write("terraform.tfstate.d/w/terraform.tfstate", include_str!("../data/terraform.tfstate"));
    assert_eq!(lab.good(&["workspace", "list"]), "* default\n  w\n\n");
    lab.run(&["workspace", "select", "w"]).says(0, &["Switched to workspace \"w\"."]);
    lab.run(&["plan", "-detailed-exitcode"]).says(0, &["Took over", "No changes."]);
    lab.write(
        "terraform.tfstate.d/w/.terraform.tfstate.lock.info",
        "{\"ID\":\"1\",\"Who\":\"me\"}",
    );
    lab.run(&["apply", "-auto-approve"]).says(1, &["lock"]);
}
