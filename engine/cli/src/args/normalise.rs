//! From Terraform's command line to clap's: `-flag value`, `-flag=value` and `--flag` all become
//! `--flag=value`, by position, so that a value that begins with a dash stays a value.

use clap::Command;

use super::split::{Unterminated, split};
use crate::env::{Env, TF_CLI_ARGS, TF_CLI_ARGS_PREFIX};

/// Puts the arguments of `TF_CLI_ARGS` and `TF_CLI_ARGS_<command>` right after the command's name.
pub fn with_environment(
    args: Vec<String>,
    env: &Env,
    command: &Command,
) -> Result<Vec<String>, Unterminated> {
    let Some(end) = command_end(&args, command) else { return Ok(args) };
    let names: Vec<&str> =
        args.iter().take(end).filter(|arg| !arg.starts_with('-')).map(String::as_str).collect();
    let own = format!("{TF_CLI_ARGS_PREFIX}{}", names.join("_").replace('-', "_"));
    let mut extra = Vec::new();
    for variable in [TF_CLI_ARGS, own.as_str()] {
        if let Some(text) = env.get(variable) {
            extra.extend(split(variable, text)?);
        }
    }
    let mut args = args;
    args.splice(end..end, extra);
    Ok(args)
}

/// Returns the index after the last word of the command's name; `None` where there is no command.
fn command_end(args: &[String], command: &Command) -> Option<usize> {
    let mut current = command;
    let mut end = None;
    for (at, arg) in args.iter().enumerate() {
        if arg.starts_with('-') {
            if end.is_some() {
                break;
            }
            continue;
        }
        match current.find_subcommand(arg) {
            Some(next) => {
                current = next;
                end = Some(at + 1);
            }
            None => break,
        }
    }
    end
}

/// Rewrites every flag to `--flag` or `--flag=value`; nothing after `--` is touched.
pub fn normalise(args: Vec<String>, command: &Command) -> Vec<String> {
    let mut current = command;
    let mut out = Vec::with_capacity(args.len());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            out.push(arg);
            out.extend(args);
            break;
        }
        let Some(flag) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')) else {
            current = current.find_subcommand(&arg).unwrap_or(current);
            out.push(arg);
            continue;
        };
        if flag.is_empty() || flag == "h" {
            out.push(arg);
        } else if flag == "v" {
            out.push("--version".to_owned());
        } else if !flag.contains('=') && takes_value(flag, current, command) {
            match args.next() {
                Some(value) => out.push(format!("--{flag}={value}")),
                None => out.push(format!("--{flag}")),
            }
        } else {
            out.push(format!("--{flag}"));
        }
    }
    out
}

/// Returns whether the flag's value is the next argument.
fn takes_value(flag: &str, current: &Command, root: &Command) -> bool {
    let find = |command: &Command| {
        command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(flag))
            .map(|arg| arg.get_action().takes_values() && !arg.is_require_equals_set())
    };
    find(current).or_else(|| find(root)).unwrap_or(false)
}
