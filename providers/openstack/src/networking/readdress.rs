//! A port that is to give up a fixed address under a floating IP: Neutron refuses that, and what makes it
//! possible has to be in the same plan.

use serde_json::Value as Json;
use terrarium_address::AttrPath;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::PlannedFact;
use terrarium_value::Value;

use super::floatingip::FLOATINGIP;
use super::floatingip_associate::FLOATINGIP_ASSOCIATE;
use super::port::PORT;
use super::server_floatingip::SERVER_FLOATINGIP;
use crate::client::{Call, Service, Session};
use crate::codes;
use crate::look::{Look, elements, field};
use crate::verbs::encoded;

/// Judges the ports that a plan gives other addresses; asks nothing where there is none.
pub(crate) async fn check_addresses(session: &Session, facts: &[PlannedFact]) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for fact in facts {
        let Some(port) = readdressed(fact) else { continue };
        let region = fact.prior.as_ref().and_then(|prior| prior.text("region")).unwrap_or_default();
        // What can't be looked up, the service refuses itself.
        let call = Call::get(Service::Network, region, "/floatingips");
        let Ok(all) = session.shared_list(&call, "floatingips").await else { continue };
        let mine = all.iter().filter(|one| field(one, "port_id") == port);
        let mine: Vec<&Json> = mine.filter(|one| !is_released(facts, port, one)).collect();
        if mine.is_empty() {
            continue;
        }
        let path = format!("/ports/{}", encoded(port));
        let Ok(Some(there)) = session.find(&Call::get(Service::Network, region, path)).await else {
            continue;
        };
        let leaves =
            |one: &&&Json| !stays(&fact.planned, &there["port"], field(one, "fixed_ip_address"));
        diagnostics.extend(mine.iter().filter(leaves).map(|one| held(fact, one)));
    }
    diagnostics
}

/// Returns the id of a port whose configured addresses change in place.
fn readdressed(fact: &PlannedFact) -> Option<&str> {
    let prior = fact.prior.as_ref().filter(|_| &*fact.kind == PORT.name)?;
    let id = prior.text("id").filter(|id| fact.planned.text("id") == Some(id))?;
    let differs = |name: &str| prior.get(name) != fact.planned.get(name);
    let known = fact.planned.get("fixed_ip").is_some_and(terrarium_value::Value::is_known);
    (known && (differs("fixed_ip") || differs("no_fixed_ip"))).then_some(id)
}

/// Returns whether something in the plan takes a floating IP from a port, and makes way before that changes.
fn is_released(facts: &[PlannedFact], port: &str, floating: &Json) -> bool {
    let kinds = [FLOATINGIP.name, FLOATINGIP_ASSOCIATE.name, SERVER_FLOATINGIP.name];
    let address = Some(field(floating, "floating_ip_address"));
    facts.iter().filter(|fact| kinds.contains(&&*fact.kind)).any(|fact| {
        let Some(prior) = &fact.prior else { return false };
        let about = prior.text("floating_ip").or(prior.text("address")) == address;
        let goes = fact.planned.is_null() || fact.planned.text("id") != prior.text("id");
        // A port that is not known yet is made in this plan: it is another one.
        let moves = fact.planned.text("port_id") != Some(port);
        about && (goes || moves)
    })
}

/// Returns whether a port keeps an address: one of the wishes is about it.
fn stays(planned: &Value, port: &Json, address: &str) -> bool {
    let mut places = elements(port, "fixed_ips").iter();
    let Some(place) = places.find(|it| field(it, "ip_address") == address) else {
        return true;
    };
    planned.items("fixed_ip").iter().any(|wish| {
        ["subnet_id", "ip_address"].iter().all(|name| match wish.get(name) {
            Some(value) if !value.is_known() => false,
            _ => wish.text(name).is_none_or(|wanted| wanted == field(place, name)),
        })
    })
}

fn held(fact: &PlannedFact, floating: &Json) -> Diagnostic {
    let (fixed, address) =
        (field(floating, "fixed_ip_address"), field(floating, "floating_ip_address"));
    Diagnostic::error(codes::CONFLICT, "The port's address is held by a floating IP")
        .detail(format!(
            "{} would give up its fixed address {fixed}, which the floating IP {address} is associated with: Neutron \
             refuses that until it is associated no more.",
            fact.addr
        ))
        .about(fact.addr.clone())
        .path(AttrPath::attr("fixed_ip"))
        .help(
            "where an association gives it to the port, make that anew in the same run (-replace=ADDRESS): it goes \
             first and comes back last, and the floating IP stays the same. Where the floating IP has a port_id, set \
             that to \"\", apply, and set it again",
        )
}
