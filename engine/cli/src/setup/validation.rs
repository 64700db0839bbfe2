//! What can be said of a configuration without state, network and credentials.

use std::sync::Arc;

use terrarium_core::{CallLimits, Inputs, Parallelism};
use terrarium_diagnostic::Diagnostics;
use terrarium_lang::Configuration;

use super::{clock, environment, providers, workspace};
use crate::context::{Context, Failed};

/// How the codes of texts that can't be parsed begin.
const SYNTAX: &str = "T00";

/// Adds what the providers' schemas say to what the source alone told, unless the source could not
/// even be parsed. What is said of one place is said once.
pub(crate) async fn complete(
    context: &Context,
    configuration: Arc<Configuration>,
    mut diagnostics: Diagnostics,
) -> Result<Diagnostics, Failed> {
    if diagnostics.iter().any(|diagnostic| diagnostic.code.0.starts_with(SYNTAX)) {
        return Ok(diagnostics);
    }
    let clock = clock::of(context, None);
    let inputs = Inputs {
        config: configuration,
        variables: std::collections::BTreeMap::new(),
        providers: providers::known(context),
        prior: Arc::default(),
        workspace: workspace::selected(context)?.as_str().into(),
        cwd: context.cwd.clone(),
        environment: environment::of(context, &*clock),
        limits: CallLimits::new(Parallelism::default(), clock.clone()),
        clock,
    };
    let (inputs, unfetched) = inputs.fetched().await;
    if unfetched.has_errors() {
        diagnostics.extend(unfetched);
        return Ok(diagnostics);
    }
    let known: Vec<_> =
        diagnostics.iter().filter_map(|said| Some(said.at.as_ref()?.span)).collect();
    let more = terrarium_core::validate(&inputs).await.into_iter();
    diagnostics
        .extend(more.filter(|new| new.at.as_ref().is_none_or(|at| !known.contains(&at.span))));
    Ok(diagnostics)
}
