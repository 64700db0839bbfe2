//! `console`

use std::sync::Arc;

use terrarium_core::{Answer, Inputs};
use terrarium_lang::tfvars;
use terrarium_value::{render, type_text};

use crate::args::refused::{self, Refused};
use crate::args::{StateFlags, VariableArgs};
use crate::context::{Context, Outcome};
use crate::exit_codes;
use crate::setup::lowering::Wish;
use crate::setup::session::Session;
use crate::setup::variables::Missing;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Variables.
    #[command(flatten)]
    pub variables: VariableArgs,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
    /// Refused: values are those of the state
    #[arg(
        long,
        hide = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = refused::console_plan
    )]
    pub plan: Option<Refused>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    context.block_on(async {
        let wish = Wish { missing: Missing::Left, ..Wish::of_state(&args.state, &args.variables) };
        let mut session = Session::open(context, wish).await?;
        session.inputs.environment.planning = false;
        context.redactor().learn_state(&session.inputs.prior, &|_, _, _| None);
        let code = converse(context, &session.inputs);
        session.close(context).await?;
        Ok(code)
    })?
}

/// Reads expressions line by line; a line that leaves a bracket open goes on in the next.
fn converse(context: &Context, inputs: &Inputs) -> u8 {
    let interactive = context.out.is_interactive();
    let mut code = exit_codes::SUCCESS;
    let mut text = String::new();
    loop {
        if interactive {
            context.out.data(if text.is_empty() { "> " } else { ": " });
        }
        let Some(line) = context.out.ask() else { break };
        text.push_str(&line);
        if depth(&text) > 0 {
            text.push('\n');
            continue;
        }
        let input = std::mem::take(&mut text);
        match input.trim() {
            "" => {}
            "exit" => break,
            "help" => {
                context.out.line(
                    "Type an expression and press Enter to see its value; `exit` or Ctrl-D leaves.",
                );
            }
            expression => {
                if !evaluate(context, inputs, expression) {
                    code = exit_codes::ERROR;
                    if !interactive {
                        break;
                    }
                }
            }
        }
    }
    if !text.trim().is_empty() && !evaluate(context, inputs, text.trim()) {
        code = exit_codes::ERROR;
    }
    if interactive { exit_codes::SUCCESS } else { code }
}

/// Prints the value; returns whether there was one.
fn evaluate(context: &Context, inputs: &Inputs, asked: &str) -> bool {
    let mut sources = context.sources();
    let text: Arc<str> = asked.into();
    let file = sources.add_text("<console-input>", text.clone());
    context.keep_sources(sources);
    let (expression, mut diagnostics) = tfvars::read_expression(file, &text);
    if let Some(expression) = expression.filter(|_| !diagnostics.has_errors()) {
        let (answer, found) = terrarium_core::console(inputs, &expression);
        let good = !found.has_errors();
        diagnostics.extend(found);
        if good {
            let shown = match answer {
                Answer::Value(value) => render(&value),
                Answer::Type(ty) => type_text(&ty),
            };
            if asked.contains("nonsensitive(") {
                context.out.clear(&format!("{shown}\n"));
            } else {
                context.out.line(&shown);
            }
        }
    }
    context.report(&diagnostics);
    !diagnostics.has_errors()
}

/// Counts the brackets that are open, strings left aside.
fn depth(text: &str) -> usize {
    let mut depth = 0usize;
    let mut quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => {
                chars.next();
            }
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth
}
