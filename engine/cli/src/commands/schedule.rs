//! What waits for its time, told by the commands that plan, apply or only look.

use std::fmt::Write;

use jiff::Timestamp;
use terrarium_core::{Mode, Plan};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::Configuration;
use terrarium_state::{Instance, Scheduled, State};

use crate::args::{VariableArg, VariableArgs};
use crate::codes;
use crate::context::{Context, Failed, Speech};
use crate::env::TF_WORKSPACE;
use crate::json::stream;
use crate::render::instant::Times;
use crate::render::paint::bold;
use crate::render::schedule::{lines, waiting};
use crate::setup::overdue::overdue;
use crate::setup::session::Session;
use crate::setup::{clock, store};
use crate::shell::shell_word;

/// Loads the state for a command that only looks, with the time in its world where that is known, and says what
/// is overdue.
pub(crate) async fn read(context: &Context) -> Result<(State, Option<Timestamp>), Failed> {
    let state = store::read(context).await?;
    let ended = |instance: &Instance| {
        instance.current.as_ref().is_some_and(|object| object.ended.is_some())
    };
    let timed = !state.schedule.is_empty()
        || state.outputs.values().any(|output| output.until.is_some())
        || state.resources.values().any(ended);
    let now = if timed { clock::of_state(context, &state).await } else { None };
    if let Some(now) = now {
        context.report(&overdue(context, &state, now));
    }
    Ok((state, now))
}

/// Says after an apply what waits for when, and the command that carries it out, with the variables that were
/// given; a saved plan brought its own.
pub(crate) fn afterwards(
    context: &Context,
    session: &Session,
    (plan, credentials_end): (&Plan, Option<Timestamp>),
    given: Option<&VariableArgs>,
) {
    if plan.mode != Mode::Normal {
        return;
    }
    let entries = &session.inputs.prior.schedule;
    if entries.is_empty() {
        return;
    }
    let now = session.inputs.clock.now();
    let (command, secrets) = run_command(context, session, plan, given);
    if context.speech() == Speech::Json {
        context.out.line(&stream::waiting(entries, &command));
    } else {
        let times = Times::of_plan(plan, &context.env.time_zone());
        let mut out = format!("\n{}:\n", bold(&waiting(entries.len())));
        for line in lines(entries, &times, now) {
            let _infallible = writeln!(out, "  {line}");
        }
        let _infallible = write!(
            out,
            "\nTo carry this out when its time comes, keep this running on a machine that lasts (with -unit, it prints the \
             systemd unit for that):\n    {command}"
        );
        if !secrets.is_empty() {
            let names: Vec<String> = secrets.iter().map(|name| format!("TF_VAR_{name}")).collect();
            let _infallible =
                write!(out, "\nwith the sensitive values in its environment: {}", names.join(", "));
        }
        context.say(&out);
    }
    context.report(&credentials(
        credentials_end,
        entries,
        &Times::of_plan(plan, &context.env.time_zone()),
    ));
}

/// Warns of credentials that end before the last scheduled change is due.
fn credentials(end: Option<Timestamp>, entries: &[Scheduled], times: &Times) -> Diagnostics {
    let last = entries.iter().filter_map(|entry| entry.schedule.not_before).max();
    let (Some(end), Some(last)) = (end, last) else {
        return Diagnostics::new();
    };
    if end >= last {
        return Diagnostics::new();
    }
    Diagnostic::warning(codes::CREDENTIALS_END, "Credentials end before the last change is due")
        .detail(format!(
            "They end {}; the last scheduled change is due {}. What is due in between will fail.",
            times.both(end),
            times.both(last)
        ))
        .help(
            "Make an application credential that lasts longer, and start `terrarium run` with it.",
        )
        .into()
}

/// Returns the command that carries out what was approved, with the names of the sensitive and ephemeral
/// variables that it leaves out.
fn run_command(
    context: &Context,
    session: &Session,
    plan: &Plan,
    given: Option<&VariableArgs>,
) -> (String, Vec<String>) {
    let mut words = Vec::new();
    if let Some(workspace) = context.env.get(TF_WORKSPACE) {
        words.push(format!("{TF_WORKSPACE}={}", shell_word(workspace)));
    }
    words.push("terrarium".to_owned());
    if context.root != context.cwd {
        let root = context.root.strip_prefix(&context.cwd).unwrap_or(&context.root);
        words.push(shell_word(&format!("-chdir={}", root.display())));
    }
    words.push("run".to_owned());
    match context.testbed.as_deref() {
        None => {}
        Some("1" | "true" | "") => words.push("--testbed".to_owned()),
        Some(world) => words.push(shell_word(&format!("--testbed={world}"))),
    }
    let config = &session.inputs.config;
    let mut secrets = Vec::new();
    let values = match given {
        Some(given) => given.0.clone(),
        None => told(context, session, plan),
    };
    for arg in values.into_iter().chain(answered(context, session)) {
        match arg {
            VariableArg::File(file) => words.push(shell_word(&format!("-var-file={file}"))),
            VariableArg::Value(text) => {
                let name = text.split('=').next().unwrap_or_default().trim().to_owned();
                if is_secret(config, &name) {
                    secrets.push(name);
                } else {
                    words.push(format!("-var {}", shell_word(&text)));
                }
            }
        }
    }
    (words.join(" "), secrets)
}

fn is_secret(config: &Configuration, name: &str) -> bool {
    let variable = config.root().and_then(|root| root.variables.get(name));
    variable.is_some_and(|variable| variable.sensitive || variable.ephemeral)
}

/// Returns the values that a saved plan brought, and that nothing else gives.
fn told(context: &Context, session: &Session, plan: &Plan) -> Vec<VariableArg> {
    let config = &session.inputs.config;
    let (gathered, _) = crate::setup::variables::gather(
        context,
        config,
        &VariableArgs::default(),
        crate::setup::variables::Missing::Left,
    );
    let same = |name: &str, value: &terrarium_value::Value| {
        let default = config.root().and_then(|root| root.variables.get(name)?.default.clone());
        let given = gathered.get(name).map(|given| given.value.clone()).or(default);
        given.is_some_and(|given| terrarium_value::render(&given) == terrarium_value::render(value))
    };
    plan.variables
        .iter()
        .map(|(name, value)| (name, value.clone().unmarked_deep()))
        .filter(|(name, value)| !value.is_null() && !same(name, value))
        .map(|(name, value)| {
            let text =
                value.as_str().map_or_else(|| terrarium_value::render(&value), str::to_owned);
            VariableArg::Value(format!("{name}={text}"))
        })
        .collect()
}

/// Returns the values that were typed in as answers.
fn answered(context: &Context, session: &Session) -> Vec<VariableArg> {
    let sources = context.sources();
    let typed = session.inputs.variables.iter().filter_map(|(name, given)| {
        let source = sources.get(given.span?.file)?;
        let answer = source.name.starts_with("<answer for var.");
        answer.then(|| VariableArg::Value(format!("{name}={}", source.text)))
    });
    typed.collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use terrarium_provider::{Action, Schedule};

    use super::*;

    #[test]
    fn credentials_must_last_until_the_last_change() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let due = at("2027-03-08T14:00:00Z");
        let entry = Scheduled {
            deposed: None,
            addr: "lab_server.gpu".parse().unwrap(),
            action: Action::Create,
            schedule: Schedule { not_before: Some(due), not_after: None },
            reason: "its lease".to_owned(),
            approval: None,
            inputs: std::collections::BTreeMap::new(),
            trials: terrarium_state::Trials::default(),
        };
        let times = Times::new(TimeZone::UTC, due);
        for (end, warned) in [
            (None, false),
            (Some(at("2027-03-09T00:00:00Z")), false),
            (Some(at("2027-03-01T00:00:00Z")), true),
        ] {
            let found = credentials(end, std::slice::from_ref(&entry), &times);
            assert_eq!(!found.is_empty(), warned, "{end:?}");
        }
    }
}
