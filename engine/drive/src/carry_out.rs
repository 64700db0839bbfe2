//! What an apply and a run have in common: carry a plan out, and see what is recorded then.

use std::sync::Arc;

use terrarium_core::{ApplyOptions, Cancel, Held, Inputs, Plan, RunSummary};
use terrarium_diagnostic::Diagnostics;
use terrarium_state::{Scheduled, State};

use crate::error::DriveError;
use crate::notice::{Audience, Notice, Work};

/// What carrying a plan out came to.
pub(crate) struct Outcome {
    pub(crate) summary: RunSummary,
    /// Not told yet.
    pub(crate) diagnostics: Diagnostics,
    /// What is recorded now.
    pub(crate) state: Result<Arc<State>, DriveError>,
}

/// Carries a plan out, of which `left` stays scheduled where a run takes what is due.
pub(crate) async fn carry_out(
    inputs: &mut Inputs,
    held: &Held,
    (plan, left): (&Plan, Option<Vec<Scheduled>>),
    (cancel, audience): (&Cancel, &dyn Audience),
) -> Outcome {
    inputs.environment.planning = false;
    let progress = audience.progress(if left.is_some() { Work::Acting } else { Work::Applying });
    let options = ApplyOptions { progress: &progress, cancel, left };
    let (summary, diagnostics) = terrarium_core::apply(inputs, plan, held, &options).await;
    inputs.environment.planning = true;
    audience.finish();
    let state = held.store.load().await.map(Arc::new).map_err(DriveError::from);
    let known = state.as_ref().ok().map(|state| &**state);
    let providers = &inputs.providers;
    audience.on(Notice::CarriedOut { plan, providers, summary: &summary, state: known });
    Outcome { summary, diagnostics, state }
}
