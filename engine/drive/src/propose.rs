//! A proposal: what an earlier command left open is found out, then all is planned.

use std::sync::Arc;

use terrarium_address::ResourceAddr;
use terrarium_core::{Cancel, Depth, Held, Inputs, Plan, PlanOptions, Progress, RecoverOptions};
use terrarium_diagnostic::Diagnostics;

use crate::error::DriveError;
use crate::notice::{Audience, Notice, Work};

/// A plan that nobody agreed to yet, with what was found on the way.
pub struct Proposal {
    /// The plan.
    pub plan: Plan,
    /// What was found.
    pub diagnostics: Diagnostics,
    /// What an interrupted command had made, and is recorded now.
    pub taken_over: Vec<ResourceAddr>,
}

/// How a proposal is made.
pub struct Drafting<'a> {
    /// What is planned.
    pub options: &'a PlanOptions,
    /// How far recovery may go.
    pub depth: Depth,
    /// Asks to stop.
    pub cancel: &'a Cancel,
    /// Is told what happens.
    pub audience: &'a dyn Audience,
}

impl Proposal {
    /// Returns whether nobody may agree to it.
    pub fn has_errors(&self) -> bool {
        self.plan.errored || self.diagnostics.has_errors()
    }
}

/// Resolves what an earlier command left open, plans, and looks for what nobody knows. Without the lock nothing
/// is resolved and nothing looked for.
pub async fn propose(
    inputs: &mut Inputs,
    held: Option<&Held>,
    drafting: &Drafting<'_>,
) -> Result<Proposal, DriveError> {
    let Drafting { options, depth, cancel, audience } = *drafting;
    let progress = audience.progress(Work::Planning);
    let mut diagnostics = Diagnostics::new();
    let mut taken_over = Vec::new();
    let acting = held.filter(|_| !options.offline);
    if let Some(held) = acting {
        let options = RecoverOptions { depth, progress: &progress, cancel };
        let found = terrarium_core::recover(inputs, held, &options).await;
        inputs.prior = found.state;
        taken_over = found.taken_over;
        diagnostics.extend(found.diagnostics);
    }
    let planned = planned(inputs, held, options, (&progress, cancel)).await;
    let (plan, found) = planned.inspect_err(|_| audience.finish())?;
    audience.on(Notice::Planned(&plan));
    diagnostics.extend(found);
    let looks = options.refresh && !plan.errored && !cancel.is_raised();
    if let Some(held) = acting.filter(|_| looks) {
        diagnostics.extend(terrarium_core::strays(inputs, &plan, held).await);
    }
    audience.finish();
    Ok(Proposal { plan, diagnostics, taken_over })
}

/// Plans, for as long as the lock is held.
pub(crate) async fn planned(
    inputs: &Inputs,
    held: Option<&Held>,
    options: &PlanOptions,
    (progress, cancel): (&Arc<dyn Progress>, &Cancel),
) -> Result<(Plan, Diagnostics), DriveError> {
    let plan = terrarium_core::plan(inputs, options, progress, cancel);
    Ok(terrarium_core::while_held(held, plan).await?)
}
