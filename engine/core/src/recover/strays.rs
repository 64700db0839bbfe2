//! Strays: objects that carry a marker of this state and have no row in it. A request may reach its
//! service long after everybody gave it up; what it made is shown, and never taken over in silence.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{Connection, IntentId, Marked, Marker};

use crate::providers::Providers;
use crate::world::{Phase, World};
use crate::{Held, Inputs, Plan, codes};

/// Most markers that are tried; the latest intents first.
const TRIES: u64 = 400_000;

/// Most strays that are named; the rest is counted.
const NAMED: usize = 20;

/// Looks for objects that carry a marker of this state and are not in it, of the types that a plan knows:
/// one list a type, and none where this state never made anything.
pub async fn strays(inputs: &Inputs, plan: &Plan, held: &Held) -> Diagnostics {
    let next = held.store.intents(&held.fence).next_id().0;
    if next <= 1 {
        return Diagnostics::new();
    }
    let world = World::new(inputs, Phase::Plan);
    let providers = Providers::new(inputs, Connection::Online);
    crate::console::see_recorded(&world, &providers);
    let mut kinds: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
    for change in &plan.changes {
        kinds.entry(&change.provider).or_default().insert(&change.addr.block.kind);
    }
    let mut found = Vec::new();
    for (provider, kinds) in kinds {
        let Some(addr) = providers.recorded(provider) else { continue };
        let Some(provider) = providers.configured(&world, &addr).await else { continue };
        let kinds: Vec<Name> = kinds.into_iter().cloned().collect();
        found.extend(provider.marked_many(&kinds).await);
    }
    let ids = recorded_ids(inputs);
    let open: BTreeSet<&str> =
        inputs.prior.intents.iter().map(|open| open.intent.marker.as_str()).collect();
    found.retain(|one| !ids.contains(&*one.id) && !open.contains(one.marker.as_str()));
    if found.is_empty() {
        return Diagnostics::new();
    }
    let addrs: BTreeSet<&ResourceAddr> = plan
        .changes
        .iter()
        .map(|change| &change.addr)
        .chain(plan.deferred.iter().map(|deferred| &deferred.change.addr))
        .collect();
    let ours = made_for(&found, &inputs.prior.lineage, &addrs, next);
    if ours.is_empty() { Diagnostics::new() } else { told(inputs, &ours).into() }
}

/// Returns the ids of all objects in the state.
fn recorded_ids(inputs: &Inputs) -> BTreeSet<String> {
    let instances = inputs.prior.resources.values();
    let objects = instances.flat_map(|one| one.current.iter().chain(one.deposed.values()));
    let id = |attributes: &Name| {
        let values: serde_json::Value = serde_json::from_str(attributes).ok()?;
        values.get("id")?.as_str().map(str::to_owned)
    };
    objects.filter_map(|object| id(&object.attributes)).collect()
}

/// Returns what an intent of this lineage marked, with the instance that it was made for.
fn made_for<'f>(
    found: &'f [Marked],
    lineage: &str,
    addrs: &BTreeSet<&ResourceAddr>,
    next: u64,
) -> Vec<(&'f Marked, ResourceAddr)> {
    let mut wanted: HashMap<&str, &Marked> =
        found.iter().map(|one| (one.marker.as_str(), one)).collect();
    let mut ours = Vec::new();
    let most = TRIES / u64::try_from(addrs.len().max(1)).unwrap_or(TRIES);
    for id in (1..next).rev().take(usize::try_from(most.max(1)).unwrap_or(1)) {
        for addr in addrs {
            let marker = Marker::derive(lineage, addr, IntentId(id));
            if let Some(one) = wanted.remove(marker.as_str()) {
                ours.push((one, (*addr).clone()));
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    ours.sort_by(|a, b| (&a.1, &a.0.id).cmp(&(&b.1, &b.0.id)));
    ours
}

fn told(inputs: &Inputs, ours: &[(&Marked, ResourceAddr)]) -> Diagnostic {
    let mut lines: Vec<String> = ours
        .iter()
        .take(NAMED)
        .map(|(one, addr)| {
            let free = inputs.prior.resources.get(addr).is_none_or(|it| it.current.is_none());
            let way = if free {
                format!("`terrarium import '{addr}' {}` takes it over", one.id)
            } else {
                "there is another one in the state by now: it can go".to_owned()
            };
            format!("- {} {} ({:?}), made for {addr}: {way}", one.kind, one.id, one.name)
        })
        .collect();
    if ours.len() > NAMED {
        lines.push(format!("- and {} more", ours.len() - NAMED));
    }
    Diagnostic::warning(codes::RECOVERY, "Objects of this state are not in it")
        .detail(format!(
            "They carry a marker of this state, and no row of it knows them: a request arrived after everybody had \
             given it up.\n{}",
            lines.join("\n")
        ))
        .help(
            "take over what is wanted, and delete the rest with the cloud's own tools: nothing here removes what it \
             does not know",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_markers_of_this_lineage_count() {
        let addrs: Vec<ResourceAddr> =
            ["a.one", "a.two"].iter().map(|text| text.parse().unwrap()).collect();
        let marked = |id: &str, marker: Marker| Marked {
            kind: "a".into(),
            id: id.into(),
            name: "n".to_owned(),
            marker,
        };
        let found = [
            marked("ours", Marker::derive("here", &addrs[1], IntentId(3))),
            marked("theirs", Marker::derive("there", &addrs[1], IntentId(3))),
            marked("later", Marker::derive("here", &addrs[0], IntentId(9))),
        ];
        let ours = made_for(&found, "here", &addrs.iter().collect(), 7);
        let ours: Vec<(&str, String)> =
            ours.iter().map(|(one, addr)| (&*one.id, addr.to_string())).collect();
        assert_eq!(ours, [("ours", "a.two".to_owned())]);
    }
}
