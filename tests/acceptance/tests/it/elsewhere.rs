//! States that are kept by a backend which the command line knows nothing of, and several root modules in one process.

use terrarium_support::{Run, Terrarium, Workdir};

const DESK: &str = r#"
resource "terraform_data" "desk" { input = "oak" }
output "desk" { value = terraform_data.desk.output }
"#;

/// Runs commands over one backend in memory, in one process.
fn elsewhere(dir: &Workdir, commands: &[&str]) -> Run {
    let line = commands.join(" then ");
    let args: Vec<&str> = line.split(' ').collect();
    let program = env!("CARGO_BIN_EXE_terrarium-elsewhere");
    Terrarium::plain(dir.path()).program(program).run(&args)
}

#[test]
fn a_state_of_another_backend_is_planned_applied_listed_and_changed() {
    let dir = Workdir::with(DESK);
    let run = elsewhere(
        &dir,
        &[
            "apply -auto-approve",
            "plan -detailed-exitcode",
            "state list",
            "output -raw desk",
            "workspace new other",
            "state list",
            "workspace list",
            "workspace select default",
            "workspace delete other",
            "taint terraform_data.desk",
            "plan -detailed-exitcode",
        ],
    );
    let said = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, Some(2), "what is tainted is replaced\n{said}");
    for part in [
        "Apply complete! Resources: 1 added",
        "No changes.",
        "terraform_data.desk\noak",
        "  default\n* other",
        "Deleted workspace \"other\"!",
        "1 to add, 0 to change, 1 to destroy",
    ] {
        assert!(said.contains(part), "{part:?} is missing\n{said}");
    }
    assert_eq!(run.stdout.matches("terraform_data.desk\n").count(), 1, "one list has it\n{said}");
    let files = std::fs::read_dir(dir.path()).expect("the directory").flatten();
    let databases: Vec<_> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("terrarium.db"))
        .collect();
    assert!(databases.is_empty(), "{databases:?}");
}

#[test]
fn a_lock_of_another_backend_is_told_and_broken() {
    let dir = Workdir::with(DESK);
    let refused = elsewhere(&dir, &["hold", "apply -auto-approve"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    for part in ["somebody@elsewhere", "terrarium force-unlock another-one"] {
        assert!(refused.stderr.contains(part), "{part:?} is missing\n{}", refused.stderr);
    }
    let wrong = elsewhere(&dir, &["hold", "force-unlock -force not-that-one"]);
    assert_eq!(wrong.code, Some(1), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("another-one"), "{}", wrong.stderr);
    let looked = elsewhere(&dir, &["hold", "plan"]);
    assert_eq!(looked.code, Some(0), "{}", looked.stderr);
    assert!(looked.stderr.contains("The state is not locked: somebody@elsewhere"));
    let broken = ["hold", "force-unlock -force another-one", "apply -auto-approve", "state list"];
    let broken = elsewhere(&dir, &broken);
    assert_eq!(broken.code, Some(0), "{}", broken.stderr);
    assert!(broken.stdout.contains("terraform_data.desk\n"), "{}", broken.stdout);
}

/// The directory of the root module is a value: with a working directory of the process, the second command would look
/// for its own below that of the first.
#[test]
fn root_modules_side_by_side_are_worked_on_in_one_process() {
    let dir = Workdir::with("");
    let stacks = [("oak", ""), ("elm", "workspace new elm")];
    for (name, _) in stacks {
        let stack = dir.path().join(name);
        std::fs::create_dir_all(stack.join("part")).expect("a directory");
        let text = r#"
variable "wood" {}
module "part" { source = "./part" }
resource "terraform_data" "desk" { input = "${var.wood} ${file("size.txt")} ${module.part.at}" }
output "at" { value = "${path.root} ${basename(abspath("."))} ${basename(path.cwd)}" }
output "desk" { value = terraform_data.desk.output }
"#;
        let files = [
            ("main.tf", text),
            ("part/main.tf", "output \"at\" { value = path.module }"),
            ("size.txt", name),
            ("given.tfvars", &format!("wood = \"{name}\"")),
        ];
        for (file, text) in files {
            std::fs::write(stack.join(file), text).expect("a file");
        }
    }
    let commands: Vec<String> = stacks
        .iter()
        .flat_map(|(name, select)| {
            let plan = "plan -var-file=given.tfvars -out=saved".to_owned();
            [*select, &plan, "apply saved", "output"]
                .iter()
                .filter(|command| !command.is_empty())
                .map(|command| format!("-chdir={name} {command}"))
                .collect::<Vec<_>>()
        })
        .collect();
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let run = elsewhere(&dir, &commands);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    for (name, _) in stacks {
        let shown = format!("at = \". {name} config\"\ndesk = \"{name} {name} part\"\n");
        assert!(run.stdout.contains(&shown), "{shown:?} is missing\n{}", run.stdout);
        assert!(dir.path().join(name).join("saved").is_file(), "it is saved in its own directory");
    }
}
