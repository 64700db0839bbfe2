//! What is secret stays so: on every stream, in the log, in files, and in the lines that say what to run next.

use std::os::unix::fs::PermissionsExt;

use crate::terrarium::{Lab, Ran};

const SECRET: &str = "hunter2/secret+9";

/// A secret, and what a provider computes from it.
const MAIN: &str = r#"
variable "pw" {
  type      = string
  sensitive = true
}
variable "n" { default = 1 }
resource "terraform_data" "a" { input = var.pw }
resource "terraform_data" "b" {
  input            = "n${var.n}"
  triggers_replace = [var.n]
  lifecycle {
    precondition {
      condition     = var.n < 3
      error_message = "n is too large"
    }
  }
}
"#;

/// Asserts that a secret is nowhere in what was printed, in none of its forms.
fn hushed(ran: &Ran, secret: &str) {
    let json = serde_json::to_string(secret).unwrap();
    let url = secret.replace('/', "%2F").replace('+', "%2B");
    for form in [secret, json.trim_matches('"'), &url] {
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains(form), "{form} is in\n{text}");
        }
    }
}

#[test]
fn a_computed_copy_is_hidden_on_every_stream() {
    let lab = Lab::of(MAIN);
    lab.write("out.tf", "output \"copy\" { value = terraform_data.a.output }\n");
    let var = format!("-var=pw={SECRET}");
    for args in [
        &["plan", &var][..],
        &["plan", "-json", &var],
        &["plan", "-out=p", &var],
        &["show", "p"],
        &["show", "-json", "p"],
        &["timeline", "p"],
        &["apply", "-auto-approve", &var],
        &["apply", "-auto-approve", "-json", "-var=n=2", &var],
        &["show"],
        &["show", "-json"],
        &["state", "show", "terraform_data.a"],
        &["plan", "-destroy", &var],
        &["refresh", &var],
        &["output"],
    ] {
        let ran = lab.run(args);
        assert_eq!(ran.code, 0, "{args:?}\n{}\n{}", ran.out, ran.err);
        hushed(&ran, SECRET);
        let json = args.contains(&"-json");
        for line in ran.out.lines().filter(|_| json) {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
    }
    lab.run(&["output"]).says(0, &["copy = \"(sensitive value)\""]);
    let typed = lab.with(&["console", &var], "terraform_data.a.output\nvar.pw\n", &[]);
    typed.says(0, &["(sensitive value)"]);
    hushed(&typed, SECRET);
}

#[test]
fn what_prints_in_clear_by_contract_still_does() {
    let lab = Lab::of(MAIN);
    lab.write(
        "out.tf",
        "output \"pw\" {\n  value     = var.pw\n  sensitive = true\n}\noutput \"free\" { value = nonsensitive(\"is \
         ${var.pw}\") }\n",
    );
    let var = format!("-var=pw={SECRET}");
    let applied = lab.run(&["apply", "-auto-approve", &var]);
    applied.says(0, &["pw = <sensitive>", &format!("free = \"is {SECRET}\"")]);
    for args in [
        &["output", "-raw", "pw"][..],
        &["output", "pw"],
        &["output", "-json"],
        &["output", "-json", "pw"],
        &["output"],
        &["state", "pull"],
        &["show", "-json", "-show-sensitive"],
    ] {
        lab.run(args).says(0, &[SECRET]);
    }
    let typed = lab.with(&["console", &var], "nonsensitive(var.pw)\n", &[]);
    typed.says(0, &[SECRET]);
}

#[test]
fn a_failed_apply_names_sensitive_variables_only() {
    for (given, again) in [
        (&["-var", "pw=abc", "-var", "n=2"][..], "-var pw=… -var n=2"),
        (&["-var=pw=abc", "-var=n=2"], "-var pw=… -var=n=2"),
        (&["--var", "pw=hunter2 secret"], "--var pw=…"),
    ] {
        for json in [false, true] {
            let lab = Lab::of(MAIN);
            lab.write("late.tf", "resource \"terraform_data\" \"late\" {\n  input = terraform_data.b.id\n  lifecycle {\n    postcondition {\n      condition     = self.output == \"\"\n      error_message = \"not so\"\n    }\n  }\n}\n");
            let mut args = vec!["apply", "-auto-approve"];
            args.extend(json.then_some("-json"));
            args.extend(given);
            let ran = lab.run(&args);
            let expected = args[..args.len() - given.len()].join(" ");
            ran.says(1, &[&format!("terrarium {expected} {again}")]);
            hushed(&ran, "pw=abc");
            hushed(&ran, "hunter2 secret");
        }
    }
}

#[test]
fn messages_and_places_show_no_secret() {
    let lab = Lab::of("");
    for main in [
        "output \"x\" {\n  value     = { a = 1 }[var.pw]\n  sensitive = true\n}\n",
        "output \"x\" {\n  value     = lookup({ a = 1 }, var.pw)\n  sensitive = true\n}\n",
        "output \"x\" {\n  value     = tonumber(var.pw)\n  sensitive = true\n}\n",
        "output \"x\" {\n  value     = file(\"/nowhere/${var.pw}\")\n  sensitive = true\n}\n",
    ] {
        lab.write(
            "main.tf",
            &format!(
                "variable \"pw\" {{\n  sensitive = true\n  default   = \"{SECRET}\"\n}}\n{main}"
            ),
        );
        for json in [&["plan"][..], &["plan", "-json"]] {
            let ran = lab.run(json);
            assert_eq!(ran.code, 1, "{main}{}", ran.out);
            hushed(&ran, SECRET);
        }
    }
}

/// The text of a value that can't be read is the place of its error.
#[test]
fn a_sensitive_value_that_cannot_be_read_is_not_shown() {
    let lab = Lab::of(
        "variable \"pw\" {\n  type      = list(string)\n  sensitive = true\n}\noutput \"o\" { value = 1 }\n",
    );
    for text in ["[\"hunter2-secret\"", "hunter2-secret"] {
        let ran = lab.run(&["plan", &format!("-var=pw={text}")]);
        assert_eq!(ran.code, 1, "{}", ran.out);
        hushed(&ran, "hunter2-secret");
        let ran = lab.with(&["plan", "-json"], "", &[("TF_VAR_pw", text)]);
        assert_eq!(ran.code, 1, "{}", ran.out);
        hushed(&ran, "hunter2-secret");
    }
}

#[test]
fn a_services_echo_is_cut_and_its_base64_hidden() {
    let lab = Lab::of(
        r##"
variable "token" {
  default   = "tok-9f8e7d6c"
  sensitive = true
}
locals { pad = join("", [for i in range(1000) : join("", [for j in range(8) : "0123456789"])]) }
resource "terraform_data" "late" {}
resource "openstack_compute_instance_v2" "big" {
  name        = "big"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  # Not known to the plan, which would refuse it.
  user_data   = "#!/bin/sh\nexport TOKEN=${var.token}\n# ${terraform_data.late.id} ${local.pad}\n"
  metadata    = { token = var.token }
  network { name = "sharednet1" }
}
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
"##,
    );
    let env = [("TF_LOG", "trace"), ("TF_LOG_PATH", "log")];
    let ran = lab.with(&["apply", "--testbed", "-auto-approve"], "", &env);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("is too long"), "{}", ran.out);
    assert!(ran.out.len() + ran.err.len() < 8_000, "{}", ran.out.len() + ran.err.len());
    // "export TOKEN=" ends at 22 bytes of the script: the token begins at offset 2 of three in base64.
    for form in ["tok-9f8e7d6c", "9rLTlmOGU3ZDZj", "dG9rLTlmOGU3ZD", "b2stOWY4ZTdkN"] {
        assert!(!ran.out.contains(form) && !ran.err.contains(form), "{form}");
        assert!(!lab.path().join("log").exists() || !lab.read("log").contains(form), "{form}");
    }
}

#[test]
fn files_with_secrets_are_their_owners_alone() {
    let lab = Lab::of(MAIN);
    let var = format!("-var=pw={SECRET}");
    lab.write("p", "an older file, which anybody may read");
    std::fs::set_permissions(lab.path().join("p"), PermissionsExt::from_mode(0o644)).unwrap();
    let env = [("TF_LOG", "trace"), ("TF_LOG_PATH", "log")];
    lab.with(&["plan", "-out=p", &var], "", &env).says(0, &["Saved the plan"]);
    lab.with(&["apply", "--testbed", "p"], "", &env).says(0, &["Apply complete!"]);
    lab.good(&["testbed", "status"]);
    for file in ["p", "log", "terrarium.db", ".terrarium/testbed.db"] {
        let mode = std::fs::metadata(lab.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let left: Vec<_> = std::fs::read_dir(lab.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".p."))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_a_module_makes_nonsensitive_is_printed_and_the_rest_stays_hidden() {
    let lab = Lab::of(
        r#"
variable "pw" {
  sensitive = true
  default   = "hunter2-secret"
}
module "m" {
  source = "./m"
  pw     = var.pw
}
resource "terraform_data" "a" {
  input = { made = module.m.made, begins = module.m.begins }
  lifecycle {
    precondition {
      condition     = var.pw != ""
      error_message = "not ${module.m.made}"
    }
  }
}
output "made" { value = module.m.made }
output "echo" { value = join("-", ["hunter2", "secret"]) }
"#,
    );
    std::fs::create_dir(lab.path().join("m")).unwrap();
    lab.write(
        "m/main.tf",
        r#"
variable "pw" {}
locals { made = nonsensitive("user:${var.pw}") }
output "made" { value = local.made }
output "begins" { value = nonsensitive(substr(var.pw, 0, 7)) }
"#,
    );
    for args in [&["plan"][..], &["apply", "-auto-approve"]] {
        let ran = lab.run(args);
        ran.says(0, &["user:hunter2-secret", "(sensitive value)"]);
        // Made of words, and the same as what is secret.
        assert!(!ran.out.contains("\"hunter2-secret\""), "{}", ran.out);
    }
    let shown = lab.good(&["show"]);
    assert!(shown.contains("made = \"user:hunter2-secret\""), "{shown}");
    lab.run(&["output"]).says(0, &["user:hunter2-secret"]);
    // The refused message shows what was given free.
    lab.run(&["plan", "-var=pw="]).says(1, &["not user:"]);
}

#[test]
fn a_script_that_is_too_long_is_refused_by_its_size() {
    let lab = Lab::of(
        r##"
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}
variable "token" {
  default   = "tok-9f8e7d6c"
  sensitive = true
}
locals { pad = join("", [for i in range(1000) : join("", [for j in range(8) : "0123456789"])]) }
resource "openstack_compute_instance_v2" "big" {
  name        = "big"
  image_name  = "CC-Ubuntu24.04"
  flavor_name = "m1.small"
  user_data   = "#!/bin/sh\nexport TOKEN=${var.token}\n# ${local.pad}\n"
  network { name = "sharednet1" }
}
"##,
    );
    let ran = lab.run(&["plan", "--testbed"]);
    ran.says(1, &["user_data is too long", "106720 characters in base64", "65535 at"]);
    assert!(ran.out.len() + ran.err.len() < 4_000);
    hushed(&ran, "tok-9f8e7d6c");
}
