//! Everything that a plan rests on, brought together.

use std::sync::Arc;

use terrarium_address::ResourceAddr;
use terrarium_core::{CallLimits, Inputs};
use terrarium_drive::LastSeen;
use terrarium_state::{Fence, LockError, Store, StoreError};

use super::lowering::{Unlocked, Wish};
use super::overdue::overdue;
use super::testbed::{self, Testbed};
use super::variables::{self, Missing};
use super::{backend, clock, config, environment, providers, store, validation, workspace};
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
        context.report(&overdue(context, &session.inputs.prior, now));
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
            let all = validation::complete(context, configuration, diagnostics).await?;
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
        let clock = clock::of(context, testbed.as_deref());
        let inputs = Inputs {
            config: configuration,
            variables: values,
            providers: providers::all(context, &clock, testbed.as_deref()),
            prior,
            workspace: workspace.as_str().into(),
            cwd: context.cwd.clone(),
            environment: environment::of(context, &*clock),
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
