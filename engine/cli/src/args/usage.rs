//! Help: the commands in groups, the flags with one dash.

use std::any::TypeId;
use std::fmt::Write;

use clap::{Arg, ArgAction, Command};

use super::time;

/// The commands of everyday work, in the order in which they are used.
const MAIN: [&str; 5] = ["init", "validate", "plan", "apply", "destroy"];

/// The commands and their flags.
#[derive(Clone, Debug)]
pub struct Tree {
    /// As arguments are read: every switch takes `-flag`, `-flag=true` and `-flag=false`.
    pub command: Command,
    /// As help shows them: the switches have no `=BOOL`, which would only be in the way.
    bare: Command,
}

impl Tree {
    /// Takes the tree as it is declared.
    pub fn of(declared: Command) -> Self {
        Self { command: switches(declared.clone()), bare: without_help_command(declared) }
    }

    /// Returns the help of a command by the words of its name; the usage of the whole program without any.
    pub fn help(&self, path: &[String]) -> String {
        let Some(found) = find(path, &self.bare).filter(|_| !path.is_empty()) else {
            return self.usage();
        };
        let name = format!("terrarium [global options] {}", path.join(" "));
        let fits = |arg: &&Arg| arg.get_long() != Some("at") || time::takes_at(path);
        let shared =
            self.bare.get_arguments().filter(|arg| arg.is_global_set()).filter(fits).cloned();
        let shared: Vec<Arg> = shared.map(|arg| arg.display_order(SHARED_LAST)).collect();
        let mut found = found.clone().bin_name(name).term_width(80).args(shared);
        single_dashes(&found.render_help().to_string())
    }

    /// Returns what bare `terrarium` prints.
    pub fn usage(&self) -> String {
        usage(&self.command)
    }
}

fn switches(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_args(switch).mut_subcommands(switches)
}

fn switch(arg: Arg) -> Arg {
    let sets = matches!(arg.get_action(), ArgAction::SetTrue);
    let flag = arg.get_long().is_some() && arg.get_value_parser().type_id() == TypeId::of::<bool>();
    if !flag && !sets {
        return arg;
    }
    let arg = arg
        .action(ArgAction::Set)
        .value_parser(clap::value_parser!(bool))
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("BOOL");
    if arg.get_default_values().is_empty() { arg.default_value("false") } else { arg }
}

/// Returns the names of the flags that a command takes.
pub(super) fn flags<'a>(path: &[String], command: &'a Command) -> Vec<&'a str> {
    let own = find(path, command).unwrap_or(command);
    own.get_arguments().chain(command.get_arguments()).filter_map(Arg::get_long).collect()
}

fn find<'a>(path: &[String], command: &'a Command) -> Option<&'a Command> {
    path.iter().try_fold(command, |current, name| current.find_subcommand(name))
}

fn without_help_command(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help_command)
}

/// Flags that every command takes stand after its own.
const SHARED_LAST: usize = 900;

fn usage(command: &Command) -> String {
    let mut out = String::from(
        "Usage: terrarium [global options] <subcommand> [args]\n\n\
         The available commands for execution are listed below.\n\
         The primary workflow commands are given first, followed by\n\
         less common or more advanced commands.\n\nMain commands:\n",
    );
    let mut line = |name: &str| {
        let about = command.find_subcommand(name).and_then(Command::get_about);
        let about = about.map(ToString::to_string).unwrap_or_default();
        let _infallible = writeln!(out, "  {name:<13} {about}");
    };
    MAIN.into_iter().for_each(&mut line);
    let mut others: Vec<&str> = command
        .get_subcommands()
        .map(Command::get_name)
        .filter(|name| !MAIN.contains(name))
        .collect();
    others.sort_unstable();
    let mut rest = String::new();
    for name in others {
        let about = command.find_subcommand(name).and_then(Command::get_about);
        let about = about.map(ToString::to_string).unwrap_or_default();
        let _infallible = writeln!(rest, "  {name:<13} {about}");
    }
    let _infallible = write!(out, "\nAll other commands:\n{rest}");
    out.push_str(
        "\nGlobal options (use these before the subcommand, if any):\n  \
         -chdir=DIR    Switch to a different working directory before executing the\n                \
         given subcommand.\n  \
         -testbed      Work on the embedded testbed instead of real clouds; -testbed=PATH\n                \
         or -testbed=URL for another world.\n  \
         -help         Show this help output, or the help for a specified subcommand.\n  \
         -version      An alias for the \"version\" subcommand.\n",
    );
    out
}

/// Writes flags with one dash, as people know them.
pub(super) fn single_dashes(text: &str) -> String {
    text.replace(" --", " -").replace("'--", "'-").replace("[--", "[-").replace("`--", "`-")
}
