//! Simulated worlds that a state was made in, and the one at hand.

use std::collections::BTreeSet;

use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_state::rebind;

use super::session::Session;
use super::testbed;
use crate::codes;
use crate::context::Failed;

/// How many instances a refusal names.
const NAMED: usize = 3;

/// Refuses a state of a simulated world that is not the one at hand, before anybody looks there, and says
/// how to begin anew.
pub(crate) fn admit(session: &Session) -> Result<(), Failed> {
    let prior = &session.inputs.prior;
    let here = session.testbed.as_ref().map(|testbed| testbed.realm());
    let is_elsewhere =
        |realm: &str| testbed::is_realm(realm) && here.as_deref().is_none_or(|here| here != realm);
    let worlds: BTreeSet<&Name> =
        prior.realms().into_iter().filter(|realm| is_elsewhere(realm)).collect();
    let Some(world) = worlds.first() else { return Ok(()) };
    let of_it = prior.resources.iter().filter(|(_, instance)| {
        instance.objects().any(|(_, object)| object.realm.as_deref().is_some_and(is_elsewhere))
    });
    let addrs: Vec<&ResourceAddr> = of_it.map(|(addr, _)| addr).collect();
    let mut names: Vec<String> = addrs.iter().take(NAMED).map(ToString::to_string).collect();
    if addrs.len() > names.len() {
        names.push(format!("{} more", addrs.len() - names.len()));
    }
    let forgets = what_goes(&rebind::anew(prior, is_elsewhere));
    let anew = format!(
        "`terrarium state anew` forgets {forgets}, and nothing real is touched; or use another workspace: `terrarium \
         workspace new NAME`"
    );
    let (summary, detail, help) = match here {
        Some(here) => (
            "The state belongs to another simulated world",
            format!(
                "Made in {world}: {}. The testbed at hand is {here}, where nothing of that exists. A world is gone once \
                 `.terrarium/` was removed or `testbed reset` began another one.",
                names.join(", ")
            ),
            format!(
                "to begin anew, {anew}; or give the testbed that it was made on: -testbed=PATH"
            ),
        ),
        None => (
            "The state belongs to a simulated world",
            format!(
                "Made in {world}: {}. This run would act at a real cloud, where nothing of that exists.",
                names.join(", ")
            ),
            format!(
                "work on the testbed: -testbed; or, where that world is not wanted any more, {anew}"
            ),
        ),
    };
    Err(Diagnostic::error(codes::STATE, summary).detail(detail).help(help).into())
}

/// Counts what is forgotten, in words.
pub(crate) fn what_goes(anew: &rebind::Anew) -> String {
    let batch = &anew.batch;
    format!(
        "{} instance(s), {} scheduled action(s), {} unfinished action(s) and {} output(s) of a simulated world",
        anew.instances(),
        batch.schedule.len(),
        batch.outcomes.len(),
        batch.outputs.len()
    )
}
