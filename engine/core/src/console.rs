//! The console: an expression of the user's, over what the state knows.

use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostics;
use terrarium_lang::Expr;
use terrarium_provider::Connection;
use terrarium_value::Value;

use crate::providers::Providers;
use crate::world::{At, ModuleId, Phase, World};
use crate::{Inputs, object};

/// Evaluates an expression in the root module. Resources have the values that are recorded of them;
/// what is not recorded, and variables without a value, are unknown.
pub fn console(inputs: &Inputs, expr: &Expr) -> (Value, Diagnostics) {
    let world = World::new(inputs, Phase::Console);
    let providers = Providers::new(inputs, Connection::Offline);
    for (addr, instance) in &inputs.prior.resources {
        let known = instance.current.as_ref().and_then(|current| {
            let schema = schema_of(&providers, addr, &instance.provider)?;
            object::read(current, &schema).ok()
        });
        world.set_instance(&addr.block, addr.key.clone(), known);
    }
    let value = world.evaluate(ModuleId::ROOT, At::Module, |frame, diags| expr.eval(frame, diags));
    (value, world.take_diagnostics())
}

fn schema_of(
    providers: &Providers<'_>,
    addr: &ResourceAddr,
    provider: &str,
) -> Option<std::sync::Arc<terrarium_provider::Schema>> {
    let kind = providers.kind(&providers.recorded(provider)?)?;
    match addr.block.mode {
        terrarium_address::Mode::Managed => kind.resource_schema(&addr.block.kind),
        terrarium_address::Mode::Data => kind.data_schema(&addr.block.kind),
    }
}
