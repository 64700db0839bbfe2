//! Validation: everything that can be checked without state, network and credentials.

use terrarium_address::{InstanceKey, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_lang::config::Resource;
use terrarium_provider::ValidateRequest;
use terrarium_value::Value;

use crate::graph::Graph;
use crate::providers::{self, Providers};
use crate::rules::RuleKind;
use crate::world::{At, ModuleId, Phase, World};
use crate::{Inputs, plan};

/// Checks a configuration: references, types, providers' schemas and checks, cycles.
///
/// Variables may be missing; what depends on them is unknown.
pub async fn validate(inputs: &Inputs) -> Diagnostics {
    let (_, mut diagnostics) = Graph::of(&inputs.config);
    diagnostics.extend(providers::check(inputs));
    if diagnostics.has_errors() {
        return diagnostics;
    }
    let world = World::new(inputs, Phase::Validate);
    let providers = Providers::new(inputs, terrarium_provider::Connection::Offline);
    let paths: Vec<_> = inputs.config.modules.keys().cloned().collect();
    let instances: Vec<ModuleId> = paths.iter().flat_map(|path| world.instances_of(path)).collect();
    for id in &instances {
        declare(&world, &providers, *id);
    }
    let mut asked = Vec::new();
    for id in instances {
        check_module(&world, &providers, id, &mut asked);
    }
    ask(&world, asked).await;
    diagnostics.extend(world.take_diagnostics());
    diagnostics
}

/// Lets references see the type of every resource.
fn declare(world: &World<'_>, providers: &Providers<'_>, id: ModuleId) {
    let module = world.module(id);
    for resource in module.config.resources.values() {
        let Some((_, kind)) = providers.of(&module.path, resource) else { continue };
        let schema = kind.schema(resource.block.mode, &resource.block.kind);
        if let Some(schema) = schema
            && resource.count.is_none()
            && resource.for_each.is_none()
        {
            let addr = resource.block.in_module(module.path.clone());
            let value = Value::unknown(schema.block.ty(), terrarium_value::Causes::NONE);
            world.set_instance(&addr, InstanceKey::None, Some(value));
        }
    }
}

/// What a provider has to check by a call.
struct Asked {
    /// The source of the provider.
    source: String,
    instance: ResourceAddr,
    request: ValidateRequest,
}

/// Lets each provider check in one call what only a call can judge.
async fn ask(world: &World<'_>, mut asked: Vec<Asked>) {
    asked.sort_by(|one, other| one.source.cmp(&other.source));
    for of_one in asked.chunk_by(|one, other| one.source == other.source) {
        let known = world.inputs.providers.iter().find(|known| known.source() == of_one[0].source);
        let Some(known) = known else { continue };
        let requests = of_one.iter().map(|one| one.request.clone()).collect();
        let found = known.validate_many(requests).await;
        for (one, found) in of_one.iter().zip(found) {
            let Some(resource) = world.inputs.config.resource(&one.instance.block) else {
                continue;
            };
            for diagnostic in found {
                world.report(plan::located(diagnostic, resource, &one.instance));
            }
        }
    }
}

fn check_module(
    world: &World<'_>,
    providers: &Providers<'_>,
    id: ModuleId,
    asked: &mut Vec<Asked>,
) {
    let module = world.module(id);
    world.check_variables(id);
    for name in module.config.locals.keys() {
        let _ = world.local(id, name);
    }
    for output in module.config.outputs.values() {
        let _ = world.output(id, &output.name);
        world.check_rules(id, At::Module, &output.preconditions, RuleKind::Output);
    }
    for block in &module.config.providers {
        let addr = providers::resolve(
            &world.inputs.config,
            &module.path,
            &block.name,
            block.alias.as_ref(),
        );
        if let Some(kind) = addr.and_then(|addr| providers.kind(&addr)) {
            let schema = kind.config_schema();
            world.evaluate(id, At::Module, |frame, diags| {
                block.body.decode(&schema.block, frame, diags)
            });
        }
    }
    for resource in module.config.resources.values() {
        check_resource((world, providers), id, resource, asked);
    }
}

fn check_resource(
    (world, providers): (&World<'_>, &Providers<'_>),
    id: ModuleId,
    resource: &Resource,
    asked: &mut Vec<Asked>,
) {
    let module = world.module(id);
    let Some((_, kind)) = providers.of(&module.path, resource) else {
        world.report(providers::not_configured(&module.path, resource));
        return;
    };
    let (mode, name) = (resource.block.mode, &resource.block.kind);
    let Some(schema) = kind.schema(mode, name) else {
        world.report(providers::unknown_kind(kind, resource));
        return;
    };
    for provisioner in &resource.provisioners {
        world.report(plan::no_provisioners(provisioner.span));
    }
    let addr = resource.block.in_module(module.path.clone());
    let repetition =
        world.repetition(id, &addr, (resource.count.as_ref(), resource.for_each.as_ref()));
    let Some(instances) = &repetition.instances else { return };
    for (key, each) in instances {
        let at = At::Instance { key, each: each.as_ref() };
        let config = world
            .evaluate(id, at, |frame, diags| resource.body.decode(&schema.block, frame, diags));
        let instance = addr.instance(InstanceKey::None);
        let config = world.refuse_ephemeral(config, resource, (&schema.block, &instance));
        let bare = config.unmarked_deep();
        let found = kind.validate(mode, name, &bare);
        for diagnostic in found {
            world.report(plan::located(diagnostic, resource, &instance));
        }
        if kind.validates() {
            let request = ValidateRequest { mode, kind: name.clone(), config: bare };
            asked.push(Asked { source: kind.source().to_owned(), instance, request });
        }
        world.check_rules(id, at, &resource.lifecycle.preconditions, RuleKind::Precondition);
    }
}
