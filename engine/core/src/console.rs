//! The console: an expression of the user's, over what the state knows.

use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostics;
use terrarium_lang::Expr;
use terrarium_provider::Connection;
use terrarium_value::{Type, Value};

use crate::graph::Graph;
use crate::providers::Providers;
use crate::world::{At, ModuleId, Phase, World};
use crate::{Inputs, object};

/// What the console shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The value of an expression.
    Value(Value),
    /// The type that `type(…)` asks for.
    Type(Type),
}

/// Evaluates an expression in the root module. Resources have the values that are recorded of them;
/// what is not recorded, and variables without a value, are unknown.
pub fn console(inputs: &Inputs, expr: &Expr) -> (Answer, Diagnostics) {
    let (_, cycles) = Graph::of(&inputs.config);
    if cycles.has_errors() {
        return (Answer::Value(Value::null(Type::Dynamic)), cycles);
    }
    let world = World::new(inputs, Phase::Console);
    let providers = Providers::new(inputs, Connection::Offline);
    see_recorded(&world, &providers);
    let mut asks_type = false;
    let value = world.evaluate(ModuleId::ROOT, At::Module, |frame, diags| {
        let argument = expr.eval_type_argument(frame, diags);
        asks_type = argument.is_some();
        argument.unwrap_or_else(|| expr.eval(frame, diags))
    });
    let answer = if asks_type { Answer::Type(value.ty()) } else { Answer::Value(value) };
    (answer, world.take_diagnostics())
}

/// Lets the world see what is recorded.
pub(crate) fn see_recorded(world: &World<'_>, providers: &Providers<'_>) {
    for (addr, instance) in &world.inputs.prior.resources {
        let known = instance.current.as_ref().and_then(|current| {
            let schema = schema_of(providers, addr, &instance.provider)?;
            object::read(current, &schema).ok()
        });
        world.set_instance(&addr.block, addr.key.clone(), known);
    }
}

fn schema_of(
    providers: &Providers<'_>,
    addr: &ResourceAddr,
    provider: &str,
) -> Option<std::sync::Arc<terrarium_provider::Schema>> {
    let kind = providers.kind(&providers.recorded(provider)?)?;
    kind.schema(addr.block.mode, &addr.block.kind)
}
