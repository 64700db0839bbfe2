//! The store of the selected workspace, its lock, and refusals in Terraform's words.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::Configuration;
use terrarium_state::adopt::{self, Adoption, Places};
use terrarium_state::{
    Backend, Batch, Durability, Fence, Location, LockError, LockRequest, LockScope, State, Store,
};

use super::{backend, workspace};
use crate::codes;
use crate::context::{Context, Failed, file_failed};
use crate::failures;

/// Returns where the store is.
pub(super) fn location(context: &Context) -> Location {
    let mut location = Location::beside(&context.dir);
    // Terraform locks the state of the selected workspace beside its file.
    let places = Places {
        dir: context.dir.clone(),
        data_dir: context.data_dir(),
        backend: backend::local(context),
        workspace: workspace::selected(context)
            .unwrap_or_else(|_| workspace::DEFAULT.to_owned())
            .into(),
        largest_bytes: context.limits.state_file,
    };
    if let Ok(file) = adopt::state_file(&places) {
        location.terraform_lock = Some(adopt::terraform_lock(&file));
    }
    backend::place(context, &mut location);
    location
}

/// Returns the place that keeps the states.
pub(crate) fn backend(context: &Context) -> Arc<dyn Backend> {
    context.seams.backend.clone().unwrap_or_else(|| Arc::new(location(context)))
}

/// Opens the store of the selected workspace.
pub(crate) async fn open(context: &Context) -> Result<Arc<dyn Store>, Failed> {
    backend::settled(context)?;
    open_anew(context).await
}

/// Opens the store of the selected workspace, also where another one is in the directory: `init -reconfigure`.
pub(crate) async fn open_anew(context: &Context) -> Result<Arc<dyn Store>, Failed> {
    let name = workspace::selected(context)?;
    if context.seams.backend.is_none() {
        make_folder(&location(context))?;
    }
    let store = backend(context).open(&name).await.map_err(|error| failures::of_store(&error))?;
    Ok((context.seams.store)(store))
}

/// Makes the folder of the database. Where nothing can be written there is nothing yet, which can be read all the same;
/// the lock is refused.
fn make_folder(location: &Location) -> Result<(), Failed> {
    match location.db.parent().map(|parent| (parent, std::fs::create_dir_all(parent))) {
        Some((parent, Err(error)))
            if !matches!(
                error.kind(),
                ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
            ) =>
        {
            Err(file_failed("create", parent, &error))
        }
        _ => Ok(()),
    }
}

/// Loads a state.
pub(crate) async fn load(store: &Arc<dyn Store>) -> Result<State, Failed> {
    store.load().await.map_err(|error| failures::of_store(&error))
}

/// Takes the lock for a command.
pub(crate) async fn lock(
    context: &Context,
    store: &Arc<dyn Store>,
    operation: &str,
    timeout: Duration,
) -> Result<Fence, Failed> {
    let locked = try_lock(context, store, operation, timeout).await;
    locked.map_err(|error| failures::of_lock(&error))
}

/// Takes the lock for a command that can go on without it.
pub(crate) async fn try_lock(
    context: &Context,
    store: &Arc<dyn Store>,
    operation: &str,
    timeout: Duration,
) -> Result<Fence, LockError> {
    let request = LockRequest {
        id: uuid::Uuid::new_v4().to_string().into(),
        scope: LockScope::Workspace,
        operation: operation.to_owned(),
        who: context.env.who(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: Timestamp::now(),
        timeout,
    };
    store.lock(request).await
}

/// Releases the lock.
pub(crate) async fn unlock(store: &Arc<dyn Store>, fence: Fence) -> Result<(), Failed> {
    store.unlock(fence).await.map_err(|error| failures::of_store(&error))
}

/// Loads the state of the selected workspace without its lock; where there is no own one, what Terraform
/// left is read in its place.
pub(crate) async fn read(context: &Context) -> Result<State, Failed> {
    let store = open(context).await?;
    let state = load(&store).await?;
    if !state.resources.is_empty() && state.adopted.is_none() {
        return Ok(state);
    }
    let (config, _) = super::config::load(context);
    match look(context, &config, &state)? {
        Adoption::Take(found) => Ok(found.state),
        Adoption::Nothing | Adoption::Beside(_) => Ok(state),
    }
}

/// Writes a change of the state that no provider takes part in, and waits until it is durable.
pub(crate) async fn commit(
    store: &Arc<dyn Store>,
    fence: &Fence,
    batch: Batch,
) -> Result<(), Failed> {
    let ticket = store.submit(fence, batch, Durability::Now);
    match ticket.durable().await {
        Ok(_serial) => Ok(()),
        Err(error) => Err(failures::of_commit(&error)),
    }
}

/// Takes over what Terraform left, where there is no own state; never on a testbed.
pub(crate) async fn adopt(
    context: &Context,
    store: &Arc<dyn Store>,
    config: &Configuration,
    fence: Option<&Fence>,
) -> Result<State, Failed> {
    let state = load(store).await?;
    if context.testbed.is_some() {
        return Ok(state);
    }
    match (look(context, config, &state)?, fence) {
        (Adoption::Take(found), Some(fence)) => {
            commit(store, fence, found.batch()).await?;
            let count = found.state.resources.len();
            context.out.talk(&format!(
                "Took over the state in {} ({count} resource instances). The file is left as it is.",
                found.adopted.path
            ));
            load(store).await
        }
        (Adoption::Take(found), None) => Ok(found.state),
        (Adoption::Beside(path), _) => {
            let warning = Diagnostic::warning(codes::STATE, "A state of Terraform is not used").detail(format!(
                "{} has objects in it, but this workspace has a state of its own, which never came from that file.",
                path.display()
            ));
            context.report(&Diagnostics::from(warning));
            Ok(state)
        }
        (Adoption::Nothing, _) => Ok(state),
    }
}

/// Looks what Terraform left.
fn look(context: &Context, config: &Configuration, own: &State) -> Result<Adoption, Failed> {
    let places = places(context, config)?;
    adopt::look(&places, own).map_err(|error| failures::of_adoption(&error))
}

/// Returns where Terraform may have left a state.
pub(crate) fn places(context: &Context, config: &Configuration) -> Result<Places, Failed> {
    Ok(Places {
        dir: context.dir.clone(),
        data_dir: context.data_dir(),
        backend: backend::of(config),
        workspace: workspace::selected(context)?.as_str().into(),
        largest_bytes: context.limits.state_file,
    })
}
