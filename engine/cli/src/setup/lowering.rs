//! From flags to what is asked of a session and of the engine: the one place where flags that commands share are lowered.

use terrarium_core::{Judge, Mode, Parallelism, PlanOptions, TimeOptions};
use terrarium_diagnostic::{Diagnostic, Diagnostics};

use super::variables::Missing;
use crate::args::{PlanFlags, StateFlags, VariableArgs};
use crate::codes;
use crate::context::{Failed, fail};

/// What becomes of a command whose state can't be locked: somebody holds it, or nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlocked {
    /// It is refused.
    Refused,
    /// It looks at the state as it is, and writes nothing.
    Looks,
}

/// What a command wants of its session.
pub(crate) struct Wish<'a> {
    /// What is run, as the lock shows it; `None` takes no lock.
    pub(crate) operation: Option<&'a str>,
    /// What becomes of a state that can't be locked.
    pub(crate) unlocked: Unlocked,
    /// How long to wait for the lock.
    pub(crate) lock_timeout: std::time::Duration,
    /// How much may go on at a time.
    pub(crate) parallelism: Parallelism,
    /// Values on the command line.
    pub(crate) variables: &'a VariableArgs,
    /// What becomes of variables without a value.
    pub(crate) missing: Missing,
    /// Whether a configuration must exist, and the word for what needs it.
    pub(crate) needs_configuration: Option<&'a str>,
}

impl<'a> Wish<'a> {
    /// What the flags of a command that plans ask for, which is allowed to look where it can't lock.
    pub(crate) fn of_plan(flags: &'a PlanFlags) -> Self {
        let (parallelism, variables) = (flags.parallelism.into(), &flags.variables);
        Self { parallelism, unlocked: Unlocked::Looks, ..Self::of_state(&flags.state, variables) }
    }

    /// What the flags of a command that uses the state ask for, which is refused where it can't lock.
    pub(crate) fn of_state(flags: &StateFlags, variables: &'a VariableArgs) -> Self {
        Self {
            operation: None,
            unlocked: Unlocked::Refused,
            lock_timeout: flags.lock_timeout,
            parallelism: Parallelism::default(),
            variables,
            missing: Missing::by_input(flags.input),
            needs_configuration: None,
        }
    }
}

/// Turns flags into options; a targeted plan is warned of.
pub(crate) fn plan_options(
    flags: &PlanFlags,
    offline: bool,
) -> Result<(PlanOptions, Diagnostics), Failed> {
    if flags.destroy && flags.refresh_only {
        return fail(
            codes::FLAGS,
            "Incompatible plan mode options",
            "The -destroy and -refresh-only options are mutually-exclusive.",
        );
    }
    if flags.refresh_only && !flags.refresh {
        return fail(
            codes::FLAGS,
            "Incompatible refresh options",
            "It doesn't make sense to use -refresh-only at the same time as -refresh=false, because there would then \
             be nothing to do.",
        );
    }
    let mut diagnostics = Diagnostics::new();
    let targets = parse_all("-target", &flags.target, &mut diagnostics);
    let replace = parse_all("-replace", &flags.replace, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(diagnostics.into());
    }
    if !targets.is_empty() {
        diagnostics.push(
            Diagnostic::warning(codes::TARGETS, "Resource targeting is in effect").detail(
                "You are creating a plan with the -target option, which means that the result of this plan may not \
                 represent all of the changes requested by the current configuration.\n\nThe -target option is not for \
                 routine use, and is provided only for exceptional situations such as recovering from errors or \
                 mistakes, or when Terrarium specifically suggests to use it as part of an error message.",
            ),
        );
    }
    let options = PlanOptions {
        mode: match (flags.destroy, flags.refresh_only) {
            (true, _) => Mode::Destroy,
            (_, true) => Mode::RefreshOnly,
            _ => Mode::Normal,
        },
        refresh: flags.refresh && !offline,
        targets,
        replace,
        offline,
        imports: Vec::new(),
        time: TimeOptions {
            defer: !flags.time.no_defer,
            eager: flags.time.eager,
            allow_gap: flags.time.allow_gap,
            judge: Judge::Providers,
        },
    };
    Ok((options, diagnostics))
}

fn parse_all<T: std::str::FromStr<Err = terrarium_address::AddressError>>(
    flag: &str,
    texts: &[String],
    diagnostics: &mut Diagnostics,
) -> Vec<T> {
    texts
        .iter()
        .filter_map(|text| match address(flag, text) {
            Ok(address) => Some(address),
            Err(diagnostic) => {
                diagnostics.push(*diagnostic);
                None
            }
        })
        .collect()
}

/// Parses an address that the user gave for `what`.
pub(crate) fn address<T: std::str::FromStr<Err = terrarium_address::AddressError>>(
    what: &str,
    text: &str,
) -> Result<T, Box<Diagnostic>> {
    text.parse().map_err(|error: terrarium_address::AddressError| {
        let detail =
            format!("{what} got {text:?}: {}, at character {}.", error.message, error.at + 1);
        Box::new(
            Diagnostic::error(codes::ADDRESS, "Invalid address")
                .detail(detail)
                .help("In a shell, put an address with brackets or quotes in single quotes."),
        )
    })
}
