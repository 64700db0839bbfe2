//! Which value of a variable wins.

use crate::terrarium::Lab;

const MAIN: &str = "variable \"x\" {}\nvariable \"l\" {\n  type = list(number)\n  default = []\n}\noutput \"x\" { value = var.x }\noutput \"l\" { value = var.l }\n";

#[test]
fn later_sources_win() {
    let lab = Lab::of(MAIN);
    let value = |args: &[&str], env: &[(&str, &str)]| {
        let all: Vec<&str> = ["apply", "-auto-approve"].iter().chain(args).copied().collect();
        lab.with(&all, "", env).says(0, &[]);
        lab.good(&["output", "-raw", "x"])
    };
    let env = [("TF_VAR_x", "environment"), ("TF_VAR_unrelated", "1")];
    assert_eq!(value(&[], &env), "environment");
    lab.write("terraform.tfvars", "x = \"tfvars\"\n");
    assert_eq!(value(&[], &env), "tfvars");
    lab.write("terraform.tfvars.json", "{\"x\": \"json\"}");
    assert_eq!(value(&[], &env), "json");
    lab.write("b.auto.tfvars", "x = \"b\"\n");
    lab.write("a.auto.tfvars.json", "{\"x\": \"a\"}");
    assert_eq!(value(&[], &env), "b");
    lab.write("file.tfvars", "x = \"file\"\n");
    assert_eq!(value(&["-var-file=file.tfvars"], &env), "file");
    assert_eq!(value(&["-var-file=file.tfvars", "-var", "x=line"], &env), "line");
    assert_eq!(value(&["-var", "x=-1", "-var-file", "file.tfvars"], &env), "file");
    assert_eq!(value(&["-var", "x=-1", "-var", "l=[1, 2]"], &env), "-1");
    assert_eq!(lab.good(&["output", "-json", "l"]), "[1,2]\n");
}

#[test]
fn undeclared_values_are_errors_on_the_command_line_and_warnings_in_files() {
    let lab = Lab::of(MAIN);
    lab.run(&["plan", "-var", "x=1", "-var", "y=2"]).says(1, &["Value for undeclared variable"]);
    lab.write("terraform.tfvars", "x = 1\nll = []\n");
    lab.run(&["plan"]).says(
        0,
        &["Warning: Value for undeclared variable", "terraform.tfvars:2:", "Did you mean \"l\"?"],
    );
    lab.run(&["plan", "-compact-warnings"]).says(0, &["Warnings:", "on terraform.tfvars line 2"]);
    lab.run(&["plan", "-var-file=none.tfvars"]).says(1, &["none.tfvars does not exist"]);
    lab.run(&["plan", "-var", "l"]).says(1, &["equals sign"]);
}
