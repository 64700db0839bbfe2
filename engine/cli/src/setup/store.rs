//! The store of the selected workspace, its lock, and refusals in Terraform's words.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use terrarium_diagnostic::Diagnostic;
use terrarium_state::{
    Fence, Location, LockError, LockHolder, LockRequest, SqliteStore, State, Store, StoreError,
};

use super::workspace;
use crate::codes;
use crate::context::{Context, Failed};

/// Returns where the store is.
pub(crate) fn location(context: &Context) -> Location {
    Location::beside(&context.dir)
}

/// Opens the store of the selected workspace.
pub(crate) fn open(context: &Context) -> Result<Arc<SqliteStore>, Failed> {
    let name = workspace::selected(context)?;
    SqliteStore::open(location(context), &name).map(Arc::new).map_err(|error| failed(&error))
}

/// Loads a state.
pub(crate) async fn load(store: &SqliteStore) -> Result<State, Failed> {
    store.load().await.map_err(|error| failed(&error))
}

/// Takes the lock for a command.
pub(crate) async fn lock(
    context: &Context,
    store: &SqliteStore,
    operation: &str,
    timeout: Duration,
) -> Result<Fence, Failed> {
    let request = LockRequest {
        id: uuid::Uuid::new_v4().to_string().into(),
        operation: operation.to_owned(),
        who: context.env.who(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: Timestamp::now(),
        timeout,
    };
    store.lock(request).await.map_err(|error| lock_failed(&error))
}

/// Releases the lock.
pub(crate) async fn unlock(store: &SqliteStore, fence: Fence) -> Result<(), Failed> {
    store.unlock(fence).await.map_err(|error| failed(&error))
}

/// Turns a failure of the store into an error.
pub(crate) fn failed(error: &StoreError) -> Failed {
    Diagnostic::error(codes::STATE, "State can't be used")
        .detail(sentence(&error.to_string()))
        .into()
}

/// Turns a failure to lock into an error.
pub(crate) fn lock_failed(error: &LockError) -> Failed {
    match error {
        LockError::Held(holder) => Diagnostic::error(codes::LOCK, "Error acquiring the state lock")
            .detail(holder_text(holder))
            .help(format!(
                "Wait until it is done, for instance with -lock-timeout=5m. If no such process is left, run \
                 `terrarium force-unlock {}`.",
                holder.id
            ))
            .into(),
        LockError::Store(error) => failed(error),
    }
}

fn holder_text(holder: &LockHolder) -> String {
    format!(
        "Somebody else is writing the state.\n\nLock Info:\n  ID:        {}\n  Path:      {}\n  Operation: {}\n  \
         Who:       {}\n  Version:   {}\n  Created:   {}",
        holder.id, holder.path, holder.operation, holder.who, holder.version, holder.created
    )
}

/// Makes a sentence of an error's words.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// Loads the state of the selected workspace without its lock.
pub(crate) async fn read(context: &Context) -> Result<State, Failed> {
    let store = open(context)?;
    load(&store).await
}

/// Writes a change of the state that no provider takes part in, and waits until it is durable.
pub(crate) async fn commit(
    store: &SqliteStore,
    fence: &Fence,
    batch: terrarium_state::Batch,
) -> Result<(), Failed> {
    let ticket = store.submit(fence, batch, terrarium_state::Durability::Now);
    match ticket.durable().await {
        Ok(_serial) => Ok(()),
        Err(error) => Err(Diagnostic::error(codes::STATE, "State was not written")
            .detail(sentence(&error.to_string()))
            .into()),
    }
}

/// Takes a state of Terraform over, where there is no own one.
pub(crate) async fn adopt(
    _context: &Context,
    _store: &SqliteStore,
    _config: &terrarium_lang::Configuration,
    _fence: Option<&Fence>,
) -> Result<(), Failed> {
    Ok(())
}

/// Returns the state in Terraform's format.
pub(crate) fn export(state: &State) -> Result<String, Failed> {
    Ok(terrarium_state::v4::write(state))
}
