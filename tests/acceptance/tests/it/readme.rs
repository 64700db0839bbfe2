//! What the README tells people to type.

use terrarium_support::{Terrarium, Workdir, repository};

/// Lines of the README's shell blocks, comments left out.
fn commands() -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("README.md")).expect("a README");
    text.split("```sh\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap_or_default().lines())
        .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn its_commands_work_again_and_again() {
    let dir = Workdir::of("examples");
    let terrarium = Terrarium::plain(dir.top());
    type_all(&terrarium, "at first");
    type_all(&terrarium, "a second time");
    for example in ["student-project", "gpu-lab"] {
        let caches = dir.top().join("examples").join(example).join(".terrarium");
        std::fs::remove_dir_all(&caches).expect("caches and a world");
    }
    type_all(&terrarium, "after .terrarium was removed");
}

/// Types all commands one after the other; each must succeed.
fn type_all(terrarium: &Terrarium, when: &str) {
    let mut typed = 0;
    for line in commands() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // The first command is the same program, run through cargo.
        let args = match words.as_slice() {
            ["cargo", "run", ..] => line.split_once(" -- ").map_or("", |(_, args)| args),
            ["terrarium", ..] => line.split_once(' ').map_or("", |(_, args)| args),
            _ => continue,
        };
        let run = terrarium.run(&args.split_whitespace().collect::<Vec<_>>());
        assert_eq!(run.code, Some(0), "{when}: {line}\n{}\n{}", run.stdout, run.stderr);
        typed += 1;
    }
    assert!(typed >= 6, "{typed}");
}

#[test]
fn the_tests_of_ci_are_those_of_the_readme() {
    let ci = std::fs::read_to_string(repository().join(".ci/run")).expect("a script");
    let told =
        commands().into_iter().find(|line| line.starts_with("cargo test")).expect("a test command");
    assert!(ci.lines().any(|line| line == told), "{told}");
}
