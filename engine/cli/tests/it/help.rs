//! Help, as people see it.

use terrarium_cli::command_line::tree;

use crate::fixture::{assert_file, cases};

#[test]
fn help_is_as_it_was_read() {
    for path in cases("help", "txt") {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = match name.as_str() {
            "usage" => tree().usage(),
            command => tree().help(&command.split('_').map(str::to_owned).collect::<Vec<_>>()),
        };
        assert_file(&path, &text);
    }
}

#[test]
fn every_command_says_what_it_is_for() {
    fn check(command: &clap::Command, path: &str) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            assert!(sub.get_about().is_some(), "{path}");
            for arg in sub.get_arguments() {
                assert!(arg.get_help().is_some(), "{path} {}", arg.get_id());
                assert!(
                    arg.get_short().is_none_or(|short| short == 'h'),
                    "{path} {}",
                    arg.get_id()
                );
            }
            check(sub, &path);
        }
    }
    check(&tree().command, "terrarium");
}
