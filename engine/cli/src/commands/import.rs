//! `import ADDRESS ID`

use terrarium_address::{Mode as Block, Name, ResourceAddr};
use terrarium_core::{Depth, Mode, PlanOptions, ResourceChange};
use terrarium_diagnostic::Diagnostic;
use terrarium_state::{Batch, Object, ObjectChange};
use terrarium_value::{Marks, json};

use super::planning;
use crate::args::refused::{self, Refused};
use crate::args::{ParallelismArgs, StateFlags, VariableArgs};
use crate::codes;
use crate::context::{Context, Failed, Outcome, fail};
use crate::exit_codes;
use crate::render::paint::{bold, green};
use crate::setup::lowering::{self, Wish};
use crate::setup::session::Session;
use crate::setup::store;
use crate::signals::stop_on_signal;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Variables.
    #[command(flatten)]
    pub variables: VariableArgs,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
    /// Refused: the configuration is the root module's
    #[arg(long, value_name = "DIR", hide = true, value_parser = refused::import_config)]
    pub config: Option<Refused>,
    /// Refused: providers are found by the configuration
    #[arg(long, value_name = "PROVIDER", hide = true, value_parser = refused::import_provider)]
    pub provider: Option<Refused>,
    /// Calls and operations.
    #[command(flatten)]
    pub parallelism: ParallelismArgs,
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
        lowering::address("The command", &args.address).map_err(|error| Failed::from(*error))?;
    if addr.block.mode == Block::Data {
        return fail(
            codes::ADDRESS,
            "Invalid address",
            "A data source can't be imported: it is read by every plan.",
        );
    }
    let wish = Wish {
        operation: Some("import"),
        parallelism: args.parallelism.into(),
        needs_configuration: Some("Import"),
        ..Wish::of_state(&args.state, &args.variables)
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
        imports: vec![(addr.clone(), args.id.clone())],
        time: terrarium_core::TimeOptions::default(),
    };
    let cancel = stop_on_signal(context);
    let made = planning::make(context, session, &options, &cancel, Depth::Look).await?;
    if made.plan.errored || made.diagnostics.has_errors() {
        return Err(made.diagnostics.into());
    }
    context.report(&made.diagnostics);
    let change =
        made.plan.changes.iter().find(|change| change.addr == *addr && change.importing.is_some());
    let (Some(change), Some(fence)) = (change, &session.fence) else {
        return fail(
            codes::ADDRESS,
            "Configuration for import target does not exist",
            format!(
                "The block of {addr} is there, but its count or for_each makes no instance with this key."
            ),
        );
    };
    // The command takes the object over and changes nothing of it: that is the next plan's business.
    let realm = made.plan.realms.get(&change.provider).cloned();
    let batch = Batch { objects: vec![recorded(change, realm)?], ..Batch::default() };
    store::commit(&session.store, fence, batch).await?;
    context.say(&format!(
        "\n{}\n\nThe resources that were imported are shown above. These resources are now in\nyour state and will henceforth \
         be managed by Terrarium.\n",
        green("Import successful!")
    ));
    Ok(exit_codes::SUCCESS)
}

/// Returns the row of an object as it was found.
fn recorded(change: &ResourceChange, realm: Option<Name>) -> Result<ObjectChange, Failed> {
    let value = change.before.unmarked_deep();
    let attributes = match json::to_typed(&value, &change.schema.block.ty()) {
        Ok(text) => text,
        Err(error) => return fail(codes::INTERNAL, "Object can't be recorded", error.to_string()),
    };
    let object = Object {
        attributes: attributes.into(),
        schema_version: change.schema.version,
        sensitive: change.before.paths_with_mark(Marks::SENSITIVE),
        private: change.private.clone(),
        deps: change.deps.clone(),
        realm,
        window: *change.window,
        ..Object::default()
    };
    Ok(ObjectChange {
        addr: change.addr.clone(),
        deposed: None,
        provider: change.provider.clone(),
        object: Some(object),
    })
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
