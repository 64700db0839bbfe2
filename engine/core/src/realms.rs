//! Where the providers of a configuration act today, whatever is recorded.

use std::collections::BTreeMap;

use terrarium_address::{Mode, Name, ResourceAddr};
use terrarium_diagnostic::Diagnostics;

use crate::Inputs;
use crate::providers::Providers;
use crate::world::{Phase, World};

/// Logs in with the provider configurations of what is recorded, and returns where each recorded instance
/// would be looked for.
pub async fn realms(inputs: &Inputs) -> (BTreeMap<ResourceAddr, Name>, Diagnostics) {
    let world = World::new(inputs, Phase::Plan);
    let providers = Providers::unbound(inputs);
    // The configuration of a provider may read what is recorded.
    crate::console::see_recorded(&world, &providers);
    let mut realms = BTreeMap::new();
    let managed = inputs.prior.resources.iter();
    for (addr, instance) in managed.filter(|(addr, _)| addr.block.mode == Mode::Managed) {
        let Some(provider) = providers.used_today(&addr.block, &instance.provider) else {
            continue;
        };
        if providers.configured(&world, &provider).await.is_none() {
            continue;
        }
        if let Some(realm) = providers.realm_of(&provider.recorded()) {
            realms.insert(addr.clone(), realm);
        }
    }
    (realms, world.take_diagnostics())
}
