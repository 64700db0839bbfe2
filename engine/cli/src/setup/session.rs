//! Everything that a plan rests on, brought together.

use std::sync::Arc;

use terrarium_address::ResourceAddr;
use terrarium_core::{
    CallLimits, Inputs, Judge, Mode, Parallelism, PlanOptions, ProviderSet, TimeOptions,
};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_drive::LastSeen;
use terrarium_lang::expr::Environment;
use terrarium_provider::{Clock, FixedClock};
use terrarium_state::{Fence, LockError, Store, StoreError};

use super::clock::{SystemClock, WorldClock};
use super::testbed::{self, Testbed};
use super::variables::{self, Missing};
use super::{backend, config, providers, store, workspace};
use crate::args::{PlanFlags, VariableArgs};
use crate::codes;
use crate::commands::{schedule, validate};
use crate::context::{Context, Failed};
use crate::failures;

/// What a command works with.
pub(crate) struct Session {
    /// What the engine may know.
    pub(crate) inputs: Inputs,
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// The lock, where the command has one.
    pub(crate) fence: Option<Fence>,
    /// The testbed, where one is worked on.
    pub(crate) testbed: Option<Arc<Testbed>>,
    /// What recovery took over.
    pub(crate) taken_over: Vec<ResourceAddr>,
    /// How much the latest changing command had changed before the state was read: without the lock, it may
    /// be at work still.
    pub(crate) changed: u64,
}

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

/// What outlives a session: one round of a run takes it over from the last.
#[derive(Default)]
pub(crate) struct Standing<'a> {
    /// The testbed.
    pub(crate) testbed: Option<Arc<Testbed>>,
    /// The state as it was seen last: it is read again only where somebody was at it.
    pub(crate) seen: Option<&'a LastSeen>,
}

impl Session {
    /// Reads, locks and starts what the command needs; warnings are shown at once.
    pub(crate) async fn open(context: &Context, wish: Wish<'_>) -> Result<Self, Failed> {
        let session = Self::open_on(context, wish, Standing::default()).await?;
        let now = session.inputs.clock.now();
        context.report(&schedule::overdue(context, &session.inputs.prior, now));
        Ok(session)
    }

    /// Opens a session on what outlives it.
    pub(crate) async fn open_on(
        context: &Context,
        wish: Wish<'_>,
        outlives: Standing<'_>,
    ) -> Result<Self, Failed> {
        if let Some(verb) = wish.needs_configuration {
            config::require(context, verb)?;
        }
        let (configuration, mut diagnostics) = config::load(context);
        diagnostics.extend(backend::check(&configuration));
        if diagnostics.has_errors() {
            let all = validate::complete(context, configuration, diagnostics).await?;
            return Err(all.into());
        }
        let missing = match wish.missing {
            Missing::Asked if !(context.may_ask(true) && context.out.can_ask()) => Missing::Refused,
            other => other,
        };
        let (values, more) = variables::gather(context, &configuration, wish.variables, missing);
        diagnostics.extend(more);
        if diagnostics.has_errors() {
            return Err(diagnostics.into());
        }
        context.report(&diagnostics);
        let workspace = workspace::selected(context)?;
        let store = store::open(context).await?;
        let fence = match wish.operation {
            Some(operation) => lock(context, &store, (operation, &wish)).await?,
            None => None,
        };
        let head = store.head().await.map_err(|error| failures::of_store(&error))?;
        let seen = outlives.seen.zip(fence.as_ref());
        let prior = if let Some(state) = seen.and_then(|(seen, fence)| seen.under(fence, &head)) {
            state
        } else {
            Arc::new(store::adopt(context, &store, &configuration, fence.as_ref()).await?)
        };
        let testbed = match outlives.testbed {
            Some(testbed) => Some(testbed),
            None => testbed::start(context).await?.map(Arc::new),
        };
        let clock = clock(context, testbed.as_deref());
        let inputs = Inputs {
            config: configuration,
            variables: values,
            providers: providers::all(context, &clock, testbed.as_deref()),
            prior,
            workspace: workspace.as_str().into(),
            cwd: context.cwd.clone(),
            environment: environment(context, &*clock),
            limits: CallLimits::new(wish.parallelism, clock.clone()),
            clock,
        };
        let (inputs, unfetched) = inputs.fetched().await;
        if unfetched.has_errors() {
            return Err(unfetched.into());
        }
        let inputs = inputs.into_owned();
        Ok(Self { inputs, store, fence, testbed, taken_over: Vec::new(), changed: head.changed })
    }

    /// Releases what was taken.
    pub(crate) async fn close(self, context: &Context) -> Result<(), Failed> {
        if let Some(testbed) = &self.testbed {
            testbed.finish(context);
        }
        self.release().await
    }

    /// Releases the lock; the testbed goes on.
    pub(crate) async fn release(self) -> Result<(), Failed> {
        match self.fence {
            Some(fence) => store::unlock(&self.store, fence).await,
            None => Ok(()),
        }
    }
}

/// Takes the lock; where a command may go on without it, says why it does.
async fn lock(
    context: &Context,
    store: &Arc<dyn Store>,
    (operation, wish): (&str, &Wish<'_>),
) -> Result<Option<Fence>, Failed> {
    let error = match store::try_lock(context, store, operation, wish.lock_timeout).await {
        Ok(fence) => return Ok(Some(fence)),
        Err(error) => error,
    };
    let why = match &error {
        LockError::Held(holder) => {
            format!("{} is at work on it ({})", holder.who, holder.operation)
        }
        LockError::Store(StoreError::ReadOnly { .. }) => "nothing can be written there".to_owned(),
        LockError::Store(_) => return Err(failures::of_lock(&error)),
    };
    if wish.unlocked == Unlocked::Refused {
        return Err(failures::of_lock(&error));
    }
    context.out.talk(&format!(
        "The state is not locked: {why}. It is looked at as it is; nothing is taken over or written down."
    ));
    Ok(None)
}

/// Returns the clock: the one that `-at` holds still, the testbed's, else the machine's.
pub(crate) fn clock(context: &Context, testbed: Option<&Testbed>) -> Arc<dyn Clock> {
    match (context.at, testbed) {
        (Some(at), _) => Arc::new(FixedClock(at)),
        (None, Some(testbed)) => Arc::new(WorldClock(testbed.control.clone())),
        (None, None) => Arc::new(SystemClock),
    }
}

/// Returns the providers that there are, without any schema.
pub(crate) fn known(context: &Context) -> ProviderSet {
    providers::all(context, &clock(context, None), None)
}

/// Returns the providers with all their schemas, for commands that need nothing else of them.
pub(crate) fn schemas(context: &Context) -> Result<ProviderSet, Failed> {
    let (providers, unfetched) = context.block_on(async { known(context).fetch_all().await })?;
    if unfetched.has_errors() { Err(unfetched.into()) } else { Ok(providers) }
}

/// Returns what functions need.
pub(crate) fn environment(context: &Context, clock: &dyn Clock) -> Environment {
    Environment {
        home: context.env.home(),
        limits: context.limits.evaluation,
        freed: Some(context.redactor().listener()),
        ..Environment::new(context.root.clone(), Arc::new(context.limits.files()), clock.now())
    }
}

/// Turns flags into options; a targeted plan is warned of.
pub(crate) fn plan_options(
    flags: &PlanFlags,
    offline: bool,
) -> Result<(PlanOptions, Diagnostics), Failed> {
    if flags.destroy && flags.refresh_only {
        return crate::context::fail(
            codes::FLAGS,
            "Incompatible plan mode options",
            "The -destroy and -refresh-only options are mutually-exclusive.",
        );
    }
    if flags.refresh_only && !flags.refresh {
        return crate::context::fail(
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
