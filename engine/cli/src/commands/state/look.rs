//! `state list`, `state show`

use jiff::Timestamp;
use terrarium_address::{ResourceAddr, Target};
use terrarium_diagnostic::Diagnostic;
use terrarium_state::{Instance, ObjectStatus};

use super::{List, Show};
use crate::codes;
use crate::commands::schedule;
use crate::commands::show::schema_of;
use crate::context::{Context, Failed, Outcome};
use crate::exit_codes;
use crate::render::instant::Times;
use crate::render::outputs::{ended, object_value, write_object};
use crate::render::paint::bold;
use crate::setup::{lowering, providers};

pub(super) fn list(args: &List, context: &Context) -> Outcome {
    let mut targets: Vec<Target> = Vec::new();
    for text in &args.addresses {
        targets.push(lowering::address("The command", text).map_err(|error| Failed::from(*error))?);
    }
    let (state, _) = context.block_on(schedule::read(context))??;
    for target in &targets {
        if !state.resources.keys().any(|addr| target.contains(addr)) {
            return Err(none_found(&target.to_string()).into());
        }
    }
    for (addr, instance) in &state.resources {
        let wanted = targets.is_empty() || targets.iter().any(|target| target.contains(addr));
        let same_id = args.id.as_ref().is_none_or(|id| has_id(instance, id));
        if wanted && same_id && instance.current.is_some() {
            context.out.line(&addr.to_string());
        }
    }
    Ok(exit_codes::SUCCESS)
}

fn has_id(instance: &Instance, id: &str) -> bool {
    instance.current.as_ref().is_some_and(|object| {
        let (value, _) = object_value(object, None);
        value.get("id").and_then(terrarium_value::Value::as_str) == Some(id)
    })
}

fn none_found(address: &str) -> Diagnostic {
    Diagnostic::error(codes::NO_INSTANCE, "Invalid target address").detail(format!(
        "No instance found for {address}. To view the available instances, use `terrarium state list`."
    ))
}

pub(super) fn show(args: &Show, context: &Context) -> Outcome {
    let addr: ResourceAddr =
        lowering::address("The command", &args.address).map_err(|error| Failed::from(*error))?;
    let (state, now) = context.block_on(schedule::read(context))??;
    let found = state
        .resources
        .get(&addr)
        .and_then(|instance| Some((instance, instance.current.as_ref()?)));
    let Some((instance, object)) = found else {
        return Err(Diagnostic::error(codes::NO_INSTANCE, "No instance found for the given address!")
            .detail(
                "This command requires that the address references one specific instance. To view the available instances, \
                 use `terrarium state list`. Please modify the address to reference a specific instance.",
            )
            .into());
    };
    let providers = providers::schemas(context)?;
    let find = |mode, provider: &str, kind: &str| schema_of(&providers, mode, provider, kind);
    context.redactor().learn_state(&state, &find);
    let schema = find(addr.block.mode, &instance.provider, &addr.block.kind);
    let tainted = match object.status {
        ObjectStatus::Ready => "",
        ObjectStatus::Tainted => " (tainted)",
        ObjectStatus::Unprovisioned => " (not provisioned)",
    };
    let ended =
        ended(object, &Times::new(context.env.time_zone(), now.unwrap_or_else(Timestamp::now)));
    let mut out = format!("{}\n", bold(&format!("# {addr}:{tainted}{ended}")));
    write_object(&mut out, &addr, object, schema.as_deref());
    context.out.data(&out);
    Ok(exit_codes::SUCCESS)
}
