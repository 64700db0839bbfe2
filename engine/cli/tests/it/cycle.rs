//! The whole cycle on resources that need no cloud, with Terraform's lines.

use crate::terrarium::Lab;

const MAIN: &str = r#"
variable "text" { default = "one" }
resource "terraform_data" "a" { input = var.text }
resource "terraform_data" "b" {
  for_each         = { x = 1, y = 2 }
  input            = terraform_data.a.output
  triggers_replace = [var.text]
}
output "text" { value = terraform_data.a.output }
output "key" {
  value     = "hush"
  sensitive = true
}
"#;

#[test]
fn apply_plan_change_and_destroy() {
    let lab = Lab::of(MAIN);
    lab.run(&["plan", "-detailed-exitcode"])
        .says(2, &["Plan: 3 to add, 0 to change, 0 to destroy."]);
    let out = lab.good(&["apply", "-auto-approve"]);
    assert!(out.contains("terraform_data.a: Creating...\n"), "{out}");
    assert!(out.contains("terraform_data.a: Creation complete after 0s [id="), "{out}");
    assert!(
        out.ends_with("Apply complete! Resources: 3 added, 0 changed, 0 destroyed.\n\nOutputs:\n\nkey = <sensitive>\ntext = \"one\"\n"),
        "{out}"
    );
    lab.run(&["plan", "-detailed-exitcode"])
        .says(0, &["No changes. Your infrastructure matches the configuration."]);
    lab.run(&["plan", "-var", "text=two", "-detailed-exitcode"]).says(
        2,
        &[
            "# terraform_data.a will be updated in-place",
            "~ input  = \"one\" -> \"two\"",
            "# terraform_data.b[\"x\"] must be replaced",
            "# forces replacement",
            "Plan: 2 to add, 1 to change, 2 to destroy.",
            "You didn't use the -out option",
        ],
    );
    let out = lab.good(&["destroy", "-auto-approve"]);
    assert!(out.ends_with("\nDestroy complete! Resources: 3 destroyed.\n"), "{out}");
    lab.run(&["plan", "-destroy"]).says(0, &["No changes. No objects need to be destroyed."]);
    assert_eq!(lab.good(&["state", "list"]), "");
}

#[test]
fn only_yes_is_a_yes() {
    let lab = Lab::of(MAIN);
    lab.with(&["apply"], "no\n", &[]).says(
        1,
        &[
            "Do you want to perform these actions?",
            "Only 'yes' will be accepted to approve.",
            "Apply cancelled.",
        ],
    );
    lab.with(&["apply"], "", &[]).says(1, &["The actions were not approved", "-auto-approve"]);
    lab.with(&["apply", "-input=false"], "yes\n", &[]).says(1, &["not approved"]);
    lab.with(&["apply"], "yes\n", &[("TF_INPUT", "0")]).says(1, &["not approved"]);
    assert_eq!(lab.good(&["state", "list"]), "", "nothing was approved");
    lab.with(&["apply"], "yes\n", &[]).says(0, &["Apply complete! Resources: 3 added"]);
    lab.with(&["destroy"], "yes\n", &[]).says(
        0,
        &[
            "Do you really want to destroy all resources?",
            "Destroy complete! Resources: 3 destroyed.",
        ],
    );
}

#[test]
fn a_saved_plan_is_applied_once_and_only_as_it_was_made() {
    let lab = Lab::of(MAIN);
    lab.run(&["plan", "-out=p", "-var=text=two"])
        .says(0, &["Saved the plan to: p", "terrarium apply \"p\""]);
    assert!(lab.good(&["show", "p"]).contains("Plan: 3 to add"));
    lab.run(&["apply", "p"]).says(0, &["Apply complete! Resources: 3 added", "text = \"two\""]);
    lab.run(&["apply", "p"]).says(1, &["Saved plan is stale"]);
    lab.good(&["plan", "-out=q", "-var=text=three"]);
    lab.write("more.tf", "locals { x = 1 }\n");
    lab.run(&["apply", "q"]).says(1, &["Saved plan is stale"]);
    lab.write("r", &lab.read("q").replace("three", "other"));
    lab.run(&["apply", "r"]).says(1, &["Invalid plan file"]);
    lab.run(&["show", "main.tf"]).says(1, &["no saved plan"]);
}

#[test]
fn advice_is_left_out_in_automation() {
    let lab = Lab::of(MAIN);
    let ran = lab.with(&["plan", "-out=p"], "", &[("TF_IN_AUTOMATION", "1")]);
    assert!(
        ran.says(0, &["Saved the plan to: p"])
            .out
            .lines()
            .all(|line| !line.contains("following command"))
    );
}

#[test]
fn targets_and_replacements_are_named() {
    let lab = Lab::of(MAIN);
    lab.run(&["apply", "-auto-approve", "-target=terraform_data.a"])
        .says(0, &["Resource targeting is in effect", "Resources: 1 added"]);
    lab.good(&["apply", "-auto-approve"]);
    lab.run(&["plan", "-replace=terraform_data.b[\"x\"]"]).says(
        0,
        &[
            "# terraform_data.b[\"x\"] will be replaced, as requested",
            "Plan: 1 to add, 0 to change, 1 to destroy.",
        ],
    );
    lab.run(&["plan", "-target=b[c"]).says(1, &["Invalid address", "-target"]);
    lab.run(&["plan", "-destroy", "-refresh-only"]).says(1, &["mutually-exclusive"]);
}

#[test]
fn the_world_of_a_run_can_be_told_to_programs() {
    let lab = Lab::of(MAIN);
    let out = lab.good(&["apply", "-auto-approve", "-json"]);
    let types: Vec<String> = out
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["type"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(types.first().map(String::as_str), Some("version"));
    for expected in ["planned_change", "change_summary", "apply_start", "apply_complete", "outputs"]
    {
        assert!(types.iter().any(|found| found == expected), "{expected}: {types:?}");
    }
    assert!(!out.contains("hush"), "a sensitive output is never streamed");
}

#[test]
fn a_saved_plan_brings_its_values() {
    let lab = Lab::of("variable \"x\" {}\nresource \"terraform_data\" \"a\" { input = var.x }\n");
    lab.good(&["plan", "-out=p", "-var=x=1"]);
    lab.run(&["apply", "p"]).says(0, &["Resources: 1 added"]);
    assert!(lab.good(&["state", "show", "terraform_data.a"]).contains("input  = \"1\""));
    lab.good(&["plan", "-out=p", "-var=x=2"]);
    lab.run(&["apply", "-var=x=3", "p"])
        .says(1, &["Can't set variables when applying a saved plan"]);
    lab.run(&["apply", "-target=terraform_data.a", "p"]).says(1, &["Can't change a saved plan"]);
    lab.run(&["apply", "-var=x=2", "p"]).says(0, &["1 changed"]);
}

#[test]
fn a_saved_plan_is_given_ephemeral_values_again_and_keeps_none() {
    let lab = Lab::of(
        "variable \"token\" {\n  type      = string\n  ephemeral = true\n}\n\
         variable \"spare\" {\n  ephemeral = true\n  default   = \"s\"\n}\n\
         locals { header = \"Bearer ${var.token}\" }\n\
         resource \"terraform_data\" \"a\" {\n  input = 1\n  lifecycle {\n    precondition {\n\
         \x20     condition     = startswith(local.header, \"Bearer \")\n\
         \x20     error_message = \"No header.\"\n    }\n  }\n}\n",
    );
    lab.good(&["plan", "-out=p", "-var=token=hunter2"]);
    let shown = lab.good(&["show", "-json", "p"]);
    assert!(!shown.contains("hunter2"), "{shown}");
    let holds_it = |name: &str| {
        let bytes = std::fs::read(lab.path().join(name)).unwrap();
        bytes.windows(7).any(|window| window == b"hunter2")
    };
    assert!(!holds_it("p"));
    lab.run(&["apply", "p"]).says(1, &["No value for required variable", "\"token\" was set"]);
    lab.run(&["apply", "-var=token=other", "p"]).says(0, &["Resources: 1 added"]);
    assert!(!holds_it("terrarium.db"));
    lab.good(&[
        "plan",
        "-out=p",
        "-var=token=hunter2",
        "-var=spare=t",
        "-replace=terraform_data.a",
    ]);
    lab.run(&["apply", "-var=token=hunter2", "p"]).says(1, &["\"spare\" was set"]);
    lab.with(&["apply", "-var=spare=t", "p"], "", &[("TF_VAR_token", "hunter2")])
        .says(0, &["1 added"]);
    assert!(!holds_it("terrarium.db"));
}
