//! Recovery: what an interrupted run left open is resolved by looking, before anybody acts.
//!
//! What is found decides, by the rules of the task machine (`task`); here it is asked and carried out.

mod doubles;
mod follow;
mod look;
mod record;
mod strays;
mod together;
mod unfinished;
mod wait;

pub use strays::strays;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Action, Connection, FindRequest, Provider, Schema};
use terrarium_state::{Object, OpenIntent, State};
use terrarium_value::Value;
use tokio::sync::Semaphore;

use self::together::Together;
use crate::draft::Draft;
use crate::held::store_failed;
use crate::providers::Providers;
use crate::task::Found;
use crate::world::{Phase, World};
use crate::{Cancel, Held, Inputs, Progress};

/// How far recovery may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Look, adopt and report: `plan`, `refresh`.
    Look,
    /// Also wait, and remove doubles: `apply`, `destroy`.
    Resolve,
}

/// How a recovery goes about it.
pub struct RecoverOptions<'a> {
    /// How far it may go.
    pub depth: Depth,
    /// Takes what it waits for and what it took over.
    pub progress: &'a Arc<dyn Progress>,
    /// Ends its waits; what is open then stays open.
    pub cancel: &'a Cancel,
}

/// What a recovery came to.
pub struct Recovered {
    /// The state as it is then.
    pub state: Arc<State>,
    /// Errors and warnings; where it was interrupted, an error says so.
    pub diagnostics: Diagnostics,
    /// What an interrupted run had made, and is in the state now.
    pub taken_over: Vec<ResourceAddr>,
}

/// Resolves the open intents of a state.
///
/// Runs by itself in every locked command and never asks. With [`Depth::Look`] nothing is sent that
/// changes anything.
pub async fn recover(inputs: &Inputs, held: &Held, options: &RecoverOptions<'_>) -> Recovered {
    if inputs.prior.intents.is_empty() {
        let (state, diagnostics) = (inputs.prior.clone(), Diagnostics::new());
        return Recovered { state, diagnostics, taken_over: Vec::new() };
    }
    inputs.limits.tell_through(options.progress);
    let (inputs, unfetched) = inputs.fetched().await;
    let inputs = &*inputs;
    if unfetched.has_errors() {
        let (state, taken_over) = (inputs.prior.clone(), Vec::new());
        return Recovered { state, diagnostics: unfetched, taken_over };
    }
    let world = World::new(inputs, Phase::Plan);
    let providers = Providers::new(inputs, Connection::Online);
    // The configuration of a provider may read what is recorded.
    crate::console::see_recorded(&world, &providers);
    let run = Recovery {
        inputs,
        held,
        options,
        providers,
        world: &world,
        began: inputs.clock.now(),
        taken_over: RefCell::default(),
        stopped: Cell::new(false),
        together: Together::default(),
        turns: Semaphore::new(1),
    };
    let resolved = crate::while_held(Some(held), run.resolve_all(&inputs.prior.intents)).await;
    if let Err(why) = resolved {
        world.report(store_failed(&why.to_string()));
    }
    let state = match held.store.load().await {
        Ok(state) => Arc::new(state),
        Err(error) => {
            world.report(store_failed(&error.to_string()));
            inputs.prior.clone()
        }
    };
    let taken_over = run.taken_over.into_inner();
    Recovered { state, diagnostics: world.take_diagnostics(), taken_over }
}

struct Recovery<'a> {
    inputs: &'a Inputs,
    held: &'a Held,
    options: &'a RecoverOptions<'a>,
    providers: Providers<'a>,
    world: &'a World<'a>,
    began: Timestamp,
    taken_over: RefCell<Vec<ResourceAddr>>,
    /// Whether it was said that recovery stopped.
    stopped: Cell<bool>,
    together: Together,
    /// Leave to change something.
    turns: Semaphore,
}

/// An open intent with what is needed to look after it.
struct Case<'o> {
    open: &'o OpenIntent,
    provider: Arc<dyn Provider>,
    schema: Arc<Schema>,
    draft: Option<Draft>,
}

impl Case<'_> {
    fn addr(&self) -> &ResourceAddr {
        &self.open.intent.addr
    }

    /// Returns whom is asked about it.
    fn asked(&self) -> (&Name, &Arc<dyn Provider>) {
        (&self.open.intent.provider, &self.provider)
    }

    fn planned(&self) -> Option<Value> {
        self.draft.as_ref().map(|draft| draft.planned.unmarked_deep())
    }

    fn find_request(&self) -> FindRequest {
        let (kind, intent) = (self.kind().clone(), self.open.intent.clone());
        FindRequest { kind, intent, planned: self.planned() }
    }

    /// Returns whether more than one call makes the object whole.
    fn has_follow_ups(&self) -> bool {
        !self.open.intent.follow_ups.is_empty()
    }

    fn kind(&self) -> &Name {
        &self.open.intent.addr.block.kind
    }
}

impl Recovery<'_> {
    /// Resolves all of them side by side, but for those of one instance: these follow each other.
    async fn resolve_all(&self, intents: &[OpenIntent]) {
        let mut cases: IndexMap<&ResourceAddr, Vec<Case<'_>>> = IndexMap::new();
        for open in intents {
            // Logging in may take long, too.
            let Some(found) = self.unless_stopped(self.case(open)).await else { return };
            match found {
                Ok(case) => cases.entry(&open.intent.addr).or_default().push(case),
                Err(why) => self.warn(open, why),
            }
        }
        let work = cases.values().map(|cases| Box::pin(self.resolve_each(cases)) as _).collect();
        self.together.run(work, &*self.inputs.clock, self.options.cancel).await;
    }

    async fn resolve_each(&self, cases: &[Case<'_>]) {
        for case in cases {
            self.resolve(case).await;
        }
    }

    async fn resolve(&self, case: &Case<'_>) {
        if self.options.cancel.is_raised() {
            return self.interrupted();
        }
        match (Found::of(&case.open.progress), case.open.intent.action) {
            (Found::Accepted(accepted), _) => self.follow(case, accepted).await,
            (Found::InDoubt, Action::Create) => self.look(case).await,
            (Found::InDoubt, Action::Update) => self.resume(case).await,
            (Found::InDoubt, Action::Delete) => self.reread(case).await,
        }
    }

    /// Brings together what is needed to look; the error says why nobody can.
    async fn case<'o>(&self, open: &'o OpenIntent) -> Result<Case<'o>, &'static str> {
        let intent = &open.intent;
        let addr = self.providers.recorded(&intent.provider).ok_or(
            "its provider is not in the configuration any more, so nobody can look; it stays open",
        )?;
        let schema = self.providers.kind(&addr);
        let schema = schema
            .and_then(|kind| kind.schema(intent.addr.block.mode, &intent.addr.block.kind))
            .ok_or("its provider does not know the type, so nobody can look; it stays open")?;
        let provider = self
            .providers
            .configured(self.world, &addr)
            .await
            .ok_or("its provider can't be configured, so nobody can look; it stays open")?;
        let sets = &self.inputs.prior.sets;
        let draft = intent.planned.as_ref().map(|text| Draft::read(text, sets)).transpose();
        let draft = draft.unwrap_or_else(|why| {
            // It is looked for by its marker all the same.
            let lost = format!(
                "what was planned can't be read ({why}), so what it depends on, when it exists and whom it sits on \
                 is not known until the next apply writes it"
            );
            self.warn(open, &lost);
            None
        });
        Ok(Case { open, provider, schema, draft })
    }

    /// Returns what is recorded of the object that an intent changes or removes.
    fn recorded(&self, case: &Case<'_>) -> Option<&Object> {
        let intent = &case.open.intent;
        let instance = self.inputs.prior.resources.get(&intent.addr)?;
        match &intent.deposed {
            Some(key) => instance.deposed.get(key),
            None => instance.current.as_ref(),
        }
    }
}
