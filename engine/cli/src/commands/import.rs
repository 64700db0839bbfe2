//! `import ADDRESS ID`

use std::sync::Arc;

use terrarium_address::{Mode as Block, ResourceAddr};
use terrarium_core::{ApplyOptions, Depth, Mode, PlanOptions, PlannedAction, Progress};
use terrarium_diagnostic::Diagnostic;

use super::planning;
use crate::args::{StateFlags, VariableArgs};
use crate::codes;
use crate::context::{Context, Failed, Outcome, fail};
use crate::exit_codes;
use crate::progress::{Teller, stop_on_signal};
use crate::render::paint::{bold, green};
use crate::setup::session::{self, Session, Wish};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Variables.
    #[command(flatten)]
    pub variables: VariableArgs,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
    /// Accepted; the configuration is the root module's
    #[arg(long, value_name = "DIR", hide = true)]
    pub config: Option<String>,
    /// Accepted; providers are found by the configuration
    #[arg(long, value_name = "PROVIDER", hide = true)]
    pub provider: Option<String>,
    /// Most operations at a time
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: u16,
    /// The resource instance of the configuration
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// The object's id at the service
    #[arg(value_name = "ID")]
    pub id: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    context.block_on(import(args, context))?
}

async fn import(args: &Args, context: &Context) -> Outcome {
    let addr: ResourceAddr =
        session::address("The command", &args.address).map_err(|error| Failed::from(*error))?;
    if addr.block.mode == Block::Data {
        return fail(
            codes::ADDRESS,
            "Invalid address",
            "A data source can't be imported: it is read by every plan.",
        );
    }
    let wish = Wish {
        operation: Some("import"),
        lock_timeout: args.state.lock_timeout,
        variables: &args.variables,
        input: args.state.input,
        needs_configuration: Some("Import"),
    };
    let mut session = Session::open(context, wish).await?;
    let outcome = take_over(args, context, &mut session, &addr).await;
    let closed = session.close(context).await;
    let code = outcome?;
    closed?;
    Ok(code)
}

async fn take_over(
    args: &Args,
    context: &Context,
    session: &mut Session,
    addr: &ResourceAddr,
) -> Outcome {
    declared(session, addr).map_err(|error| Failed::from(*error))?;
    let current =
        session.inputs.prior.resources.get(addr).and_then(|instance| instance.current.as_ref());
    if current.is_some() {
        return fail(
            codes::ADDRESS,
            "Resource already managed by Terrarium",
            format!(
                "{addr} is in the state already. Take it out with `terrarium state rm` to import another object there."
            ),
        );
    }
    context.say(&bold(&format!("{addr}: Importing from ID \"{}\"...", args.id)));
    let options = PlanOptions {
        mode: Mode::Normal,
        refresh: false,
        targets: vec![terrarium_address::Target::Instance(addr.clone())],
        replace: Vec::new(),
        offline: false,
        parallelism: usize::from(args.parallelism),
        imports: vec![(addr.clone(), args.id.clone())],
    };
    let cancel = stop_on_signal(context);
    let mut made = planning::make(context, session, &options, &cancel, Depth::Look).await;
    if made.plan.errored || made.diagnostics.has_errors() {
        return Err(made.diagnostics.into());
    }
    context.report(&made.diagnostics);
    // The command takes the object over and changes nothing of it: that is the next plan's business.
    made.plan.changes.retain(|change| change.addr == *addr && change.importing.is_some());
    for change in &mut made.plan.changes {
        change.action = PlannedAction::NoOp;
        change.after = change.before.clone();
    }
    let Some(held) = planning::held(session) else {
        return fail(codes::INTERNAL, "No lock", "An import was begun without the state's lock.");
    };
    let progress: Arc<dyn Progress> = Teller::new(context);
    let options =
        ApplyOptions { parallelism: options.parallelism, progress: &progress, cancel: &cancel };
    let (summary, diagnostics) =
        terrarium_core::apply(&session.inputs, &made.plan, &held, &options).await;
    context.report(&diagnostics);
    if diagnostics.has_errors() || !summary.failed.is_empty() {
        return Ok(exit_codes::ERROR);
    }
    context.say(&format!(
        "\n{}\n\nThe resources that were imported are shown above. These resources are now in\nyour state and will henceforth \
         be managed by Terrarium.\n",
        green("Import successful!")
    ));
    Ok(exit_codes::SUCCESS)
}

/// Refuses an address that the configuration does not have.
fn declared(session: &Session, addr: &ResourceAddr) -> Result<(), Box<Diagnostic>> {
    let block = &addr.block;
    let module = session.inputs.config.module(&block.module);
    let found = module.is_some_and(|module| {
        module.resources.keys().any(|known| {
            known.mode == block.mode && known.kind == block.kind && known.name == block.name
        })
    });
    if found {
        return Ok(());
    }
    Err(Box::new(
        Diagnostic::error(codes::ADDRESS, "Resource address does not exist in the configuration").detail(format!(
            "Before importing this resource, please create its configuration in the {}. For example:\n\n  resource \"{}\" \
             \"{}\" {{\n    # (resource arguments)\n  }}",
            if block.module.is_root() { "root module".to_owned() } else { block.module.to_string() },
            block.kind,
            block.name
        )),
    ))
}
