//! clap's refusals in Terraform's words.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};
use terrarium_diagnostic::nearest;

use super::refused::NOT_SUPPORTED;
use super::usage::{Tree, flags, single_dashes};

/// Why there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Help was asked for.
    Help(String),
    /// No command was given: the usage.
    Usage(String),
    /// A command that has commands, without one: its help.
    Group(String),
    /// No such command; in words, with the nearest name.
    UnknownCommand(String),
    /// The flags make no sense.
    Flags {
        /// What is wrong.
        message: String,
        /// The command whose help tells more: `plan`, `state rm`.
        command: String,
    },
}

/// Returns the words of the command's name: `state rm`.
pub(crate) fn command_path(args: &[String], command: &Command) -> Vec<String> {
    let mut current = command;
    let mut path = Vec::new();
    for arg in args.iter().filter(|arg| !arg.starts_with('-')) {
        match current.find_subcommand(arg) {
            Some(next) => {
                current = next;
                path.push(next.get_name().to_owned());
            }
            None => break,
        }
    }
    path
}

/// Refuses a first word that is no command.
pub(crate) fn unknown_command(args: &[String], command: &Command) -> Option<Refusal> {
    let word = args.iter().find(|arg| !arg.starts_with('-'))?;
    if command.find_subcommand(word).is_some() {
        return None;
    }
    let known = nearest(word, command.get_subcommands().map(Command::get_name));
    let hint = known.map(|name| format!(" Did you mean \"{name}\"?")).unwrap_or_default();
    Some(Refusal::UnknownCommand(format!(
        "Terrarium has no command named \"{word}\".{hint}\n\n\
         To see all of Terrarium's top-level commands, run:\n  terrarium -help\n"
    )))
}

/// Refuses a word that is no command of its group: `state lst`.
fn unknown_subcommand(word: &str, path: &[String], command: &Command) -> Refusal {
    let group = path.iter().try_fold(command, |current, name| current.find_subcommand(name));
    let names = group.into_iter().flat_map(Command::get_subcommands).map(Command::get_name);
    let path = path.join(" ");
    let hint = nearest(word, names).map(|name| format!(" Did you mean \"{path} {name}\"?"));
    Refusal::UnknownCommand(format!(
        "Terrarium has no command named \"{path} {word}\".{}\n\n\
         To see all commands of this kind, run:\n  terrarium {path} -help\n",
        hint.unwrap_or_default()
    ))
}

impl Tree {
    /// Translates a refusal.
    pub(crate) fn refusal(&self, error: &Error, path: &[String]) -> Refusal {
        refusal(error, path, self)
    }
}

fn refusal(error: &Error, path: &[String], tree: &Tree) -> Refusal {
    let command = &tree.command;
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::DisplayHelp => return Refusal::Help(tree.help(path)),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            return Refusal::Group(tree.help(path));
        }
        ErrorKind::InvalidSubcommand => {
            let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            return unknown_subcommand(&word, path, command);
        }
        ErrorKind::UnknownArgument if !flag.starts_with('-') => {
            "too many arguments; to work in another directory, use the global option -chdir=DIR"
                .to_owned()
        }
        ErrorKind::UnknownArgument => {
            let name = flag.trim_start_matches('-');
            let name = name.split('=').next().unwrap_or(name);
            match nearest(name, flags(path, command)) {
                Some(known) if known == name => misplaced(name, path, command),
                known => {
                    let hint = known.map(|known| format!("; did you mean -{known}?"));
                    format!("flag provided but not defined: -{name}{}", hint.unwrap_or_default())
                }
            }
        }
        _ if unsupported(error).is_some() => {
            let flag = flag.split([' ', '=', '[']).next().unwrap_or_default();
            let flag = flag.trim_start_matches('-');
            format!("-{flag} is {}", unsupported(error).unwrap_or_default())
        }
        _ => single_dashes(error.to_string().trim_start_matches("error: "))
            .split("\n\nUsage:")
            .next()
            .and_then(|text| text.split("\n\nFor more information").next())
            .unwrap_or_default()
            .to_owned(),
    };
    Refusal::Flags { message, command: path.join(" ") }
}

/// Returns why a flag of Terraform is refused, where it is one that is.
fn unsupported(error: &Error) -> Option<String> {
    let why = std::error::Error::source(error)?.to_string();
    why.starts_with(NOT_SUPPORTED).then_some(why)
}

/// Says where a flag belongs that is known, but stands on the other side of the command's name.
fn misplaced(name: &str, path: &[String], command: &Command) -> String {
    let words = path.join(" ");
    let global = command.get_arguments().find(|arg| arg.get_long() == Some(name));
    let Some(global) = global else {
        return format!("-{name} belongs after the command: terrarium {words} -{name}");
    };
    let takes = global.get_action().takes_values() && !global.is_require_equals_set();
    let value = global.get_value_names().and_then(|names| names.first()).filter(|_| takes);
    let value = value.map(|value| format!("={value}")).unwrap_or_default();
    format!("-{name} belongs before the command: terrarium -{name}{value} {words}")
}
