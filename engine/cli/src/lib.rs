//! The command line: commands, rendering, exit codes. The only crate that prints, reads the
//! environment, and wires providers, state and testbed together.
//!
//! Start at [`run`]. A command is a file in `commands`; what people read is made in [`render`], what
//! programs read in [`json`].

pub mod args;
pub mod codes;
pub mod command_line;
mod commands;
pub mod context;
pub mod crash;
pub mod env;
pub mod exit_codes;
mod failures;
pub mod json;
pub mod limits;
pub mod output;
mod private;
mod progress;
pub mod redact;
pub mod render;
mod setup;
mod shell;
mod signals;

use terrarium_diagnostic::Diagnostic;

use args::Refusal;
use command_line::Cli;
use context::{Context, Failed, Seams};
use env::Env;
use output::{Colour, Output};
use redact::Redactor;

/// Runs the command that the arguments (without the program's name) ask for, and returns its exit code.
pub fn run(args: Vec<String>, env: Env) -> u8 {
    run_over(args, env, Seams::default())
}

/// Runs a command as [`run`] does, with something between the engine and the outside: the suites plant
/// faults there.
pub fn run_over(args: Vec<String>, env: Env, seams: Seams) -> u8 {
    let cli = match command_line::parse(args.clone(), &env) {
        Ok(cli) => cli,
        Err(refusal) => return refuse(refusal, &env),
    };
    let redactor = Redactor::default();
    setup::log::start(&env, &redactor);
    let quiet = cli.shared.no_color || env.get(env::NO_COLOR).is_some();
    let out = Output::new(if quiet { Colour::Never } else { Colour::Auto }, redactor);
    let told = (args, out.clone());
    let context = match Context::new(&cli.shared, cli.chdir.as_deref(), told, env) {
        Ok(context) => Context { seams, ..context },
        Err(failed) => return show_early(&out, &failed),
    };
    match dispatch(&cli, &context) {
        Ok(code) => code,
        Err(Failed(diagnostics)) => {
            context.report(&diagnostics);
            if context.leaving.is_raised() { exit_codes::INTERRUPTED } else { exit_codes::ERROR }
        }
    }
}

fn dispatch(cli: &Cli, context: &Context) -> context::Outcome {
    match &cli.command {
        Some(command) if !cli.version => command.run(context),
        _ => Ok(commands::version::run(&commands::version::Args::default(), context)),
    }
}

fn show_early(out: &Output, failed: &Failed) -> u8 {
    let sources = terrarium_diagnostic::Sources::default();
    let texts = (&sources, &out.redactor);
    let text = render::diagnostics::text(&failed.0, texts, render::diagnostics::Warnings::Whole);
    out.talk(text.trim_end_matches('\n'));
    exit_codes::ERROR
}

fn refuse(refusal: Refusal, env: &Env) -> u8 {
    let colour = if env.get(env::NO_COLOR).is_some() { Colour::Never } else { Colour::Auto };
    let out = Output::new(colour, Redactor::default());
    match refusal {
        Refusal::Help(text) => {
            out.data(&text);
            exit_codes::SUCCESS
        }
        Refusal::Usage(text) => {
            out.data(&text);
            exit_codes::USAGE
        }
        Refusal::Group(text) => {
            out.data(&text);
            exit_codes::ERROR
        }
        Refusal::UnknownCommand(text) => {
            out.talk(&text);
            exit_codes::ERROR
        }
        Refusal::Flags { message, command } => {
            let diagnostic = Diagnostic::error(codes::FLAGS, "Failed to parse command-line flags")
                .detail(message);
            show_early(&out, &diagnostic.into());
            let command = if command.is_empty() { String::new() } else { format!(" {command}") };
            out.talk(&format!(
                "\nFor more help on using this command, run:\n  terrarium{command} -help"
            ));
            exit_codes::ERROR
        }
    }
}
