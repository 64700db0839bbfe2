//! What bad input gets: file, line, cause and remedy; exit 1; the state untouched.

use crate::terrarium::Lab;

#[test]
fn mistakes_are_named_with_their_place() {
    for (main, texts) in [
        ("resource \"terraform_data\" \"a\" {\n  input = 1\n", &["Unclosed", "main.tf:1:"][..]),
        (
            "resource \"terraform_data\" \"a\" {\n  inputt = 1\n}\n",
            &["Unsupported argument", "main.tf:2:", "input"][..],
        ),
        ("resource \"terraform_dat\" \"a\" {}\n", &["terraform_dat", "main.tf:1:"][..]),
        ("variable \"x\" {}\n", &["No value for required variable", "main.tf:1:", "-var"][..]),
        ("locals {\n  a = local.b\n  b = local.a\n}\n", &["Cycle", "local.a", "local.b"][..]),
        (
            "output \"x\" { value = local.lst }\nlocals { list = 1 }\n",
            &["undeclared", "main.tf:1:"][..],
        ),
        (
            "terraform {\n  backend \"s3\" {}\n}\n",
            &["s3", "main.tf:2:", "terraform state pull"][..],
        ),
        (
            "terraform {\n  required_providers {\n    x = { source = \"no/such\" }\n  }\n}\nprovider \"x\" {}\n",
            &["no/such"][..],
        ),
    ] {
        let lab = Lab::of(main);
        lab.run(&["plan", "-input=false"]).says(1, texts);
        lab.run(&["apply", "-auto-approve"]).says(1, &["Error:"]);
        assert!(!lab.path().join("terrarium.db").exists(), "{main}");
    }
}

#[test]
fn a_list_in_for_each_is_told_how_it_becomes_a_set() {
    let lab = Lab::of(
        "locals { names = [\"a\", \"b\"] }\nresource \"terraform_data\" \"a\" { for_each = local.names }\n",
    );
    lab.run(&["plan"]).says(1, &["Invalid for_each argument", "main.tf:2:", "toset(local.names)"]);
}

#[test]
fn a_directory_without_configuration_is_said_so() {
    let lab = Lab::of("");
    std::fs::remove_file(lab.path().join("main.tf")).unwrap();
    lab.run(&["plan"]).says(1, &["No configuration files"]);
    lab.run(&["init"]).says(0, &["empty directory"]);
    lab.run(&["-chdir=nowhere", "plan"]).says(1, &["Invalid directory for -chdir"]);
}

#[test]
fn the_command_line_is_refused_as_terraform_refuses_it() {
    let lab = Lab::of("");
    lab.run(&[]).says(127, &["Usage: terrarium [global options] <subcommand> [args]"]);
    lab.run(&["aplly"])
        .says(1, &["Terrarium has no command named \"aplly\". Did you mean \"apply\"?"]);
    lab.run(&["plan", "-nope"])
        .says(1, &["flag provided but not defined: -nope", "terrarium plan -help"]);
    lab.run(&["plan", "-chdir=x"])
        .says(1, &["-chdir belongs before the command: terrarium -chdir=DIR plan"]);
    lab.run(&["-json", "plan"]).says(1, &["-json belongs after the command: terrarium plan -json"]);
    let lab_of_typo = Lab::of("resource \"terraform_dat\" \"a\" {}\n");
    lab_of_typo.run(&["plan"]).says(1, &["To read more, run: terrarium explain T"]);
    let quiet = lab_of_typo.with(&["plan"], "", &[("TF_IN_AUTOMATION", "1")]);
    assert!(!quiet.err.contains("terrarium explain"), "{}", quiet.err);
    lab.run(&["-help"]).says(0, &["Main commands:"]);
    lab.run(&["plan", "-help"]).says(0, &["-detailed-exitcode"]);
    lab.run(&["-version"]).says(0, &["Terrarium v"]);
    lab.run(&["explain", "T0704"]).says(0, &["TF_VAR_NAME"]);
    lab.run(&["explain", "T0794"]).says(1, &["Did you mean"]);
}

#[test]
fn without_a_cloud_the_testbed_is_offered() {
    let lab = Lab::of(
        "provider \"openstack\" { cloud = \"nowhere\" }\ndata \"openstack_networking_network_v2\" \"n\" { name = \"x\" }\n",
    );
    lab.run(&["plan"]).says(1, &["--testbed"]);
}

#[test]
fn every_mistake_of_a_run_is_shown_once() {
    let lab = Lab::of(
        "resource \"terraform_data\" \"a\" {\n  count = 3\n  input = nope(1)\n}\noutput \"x\" { value = nada(2) }\n",
    );
    let ran = lab.run(&["plan"]);
    assert_eq!(ran.err.matches("Error:").count(), 2, "{}", ran.err);
}

#[test]
fn every_code_is_explained_once() {
    let lab = Lab::of("");
    let list = lab.good(&["explain"]);
    let codes: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let unique: std::collections::BTreeSet<&&str> = codes.iter().collect();
    assert_eq!(codes.len(), unique.len(), "two crates use one code");
    for row in terrarium_cli::codes::CODES {
        assert!(codes.contains(&row.code.0) && row.explanation.len() > 80, "{}", row.code);
    }
}

#[test]
fn init_chooses_the_newest_version_that_is_wanted_or_says_why_not() {
    let require = |version: &str| {
        format!(
            "terraform {{\n  required_providers {{\n    openstack = {{\n      source  = \"terraform-provider-openstack/openstack\"\n      \
             version = \"{version}\"\n    }}\n  }}\n}}\nprovider \"openstack\" {{}}\n"
        )
    };
    let lab = Lab::of(&require("~> 1.51.1"));
    lab.run(&["init"]).says(
        0,
        &["terraform-provider-openstack/openstack is built in", "successfully initialized"],
    );
    let lock = lab.read(".terrarium.lock.hcl");
    assert!(lock.contains("version     = \"1.51.1\"\n  constraints = \"~> 1.51.1\""), "{lock}");
    lab.run(&["fmt", "-check", ".terrarium.lock.hcl"]).says(0, &[]);
    lab.write("main.tf", &require("~> 9.0"));
    lab.run(&["init"]).says(1, &["~> 9.0", "main.tf:"]);
    assert_eq!(lab.read(".terrarium.lock.hcl"), lock);
    lab.write("main.tf", "terraform {\n  backend \"s3\" {}\n}\n");
    lab.run(&["init"]).says(1, &["Unsupported backend"]);
    lab.run(&["init", "-backend=false"]).says(0, &["successfully initialized"]);
}

#[test]
fn a_limit_names_how_it_is_raised() {
    let lab = Lab::of("resource \"terraform_data\" \"a\" {}\n");
    let within = |limits| lab.with(&["plan"], "", &[("TERRARIUM_LIMITS", limits)]);
    within("source_file=10")
        .says(1, &["Source file too large", "main.tf", "TERRARIUM_LIMITS=source_file="]);
    within("source_file=1KiB").says(0, &["1 to add"]);
    within("soruce_file=1KiB")
        .says(1, &["Invalid limit", "`soruce_file=1KiB` names no limit", "state_file"]);
    let state = r#"{"version":4,"terraform_version":"1.5.0","serial":1,"lineage":"l","outputs":{},"resources":[]}"#;
    lab.write("terraform.tfstate", state);
    within("state_file=50").says(1, &["`state_file` is 50", "TERRARIUM_LIMITS=state_file=2GiB"]);
    within("state_file=1KiB").says(0, &["1 to add"]);
}

#[test]
fn instances_of_a_block_are_counted_in_all_instances_of_its_module() {
    let lab = Lab::of("module \"m\" {\n  source = \"./m\"\n  count  = 3\n}\n");
    std::fs::create_dir(lab.path().join("m")).unwrap();
    lab.write(
        "m/main.tf",
        "resource \"terraform_data\" \"a\" { for_each = toset([\"x\", \"y\"]) }\n",
    );
    let within = |limits| lab.with(&["plan"], "", &[("TERRARIUM_LIMITS", limits)]);
    within("instances=6").says(0, &["6 to add"]);
    within("instances=5").says(1, &["Invalid for_each argument", "more than 5 instances"]);
    within("instances=2").says(1, &["Invalid count argument", "TERRARIUM_LIMITS=instances=NUMBER"]);
}
