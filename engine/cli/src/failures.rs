//! What is told of a store that could not do what was asked: the one place where kinds of errors become words and advice.

use terrarium_diagnostic::{Code, Diagnostic};
use terrarium_drive::DriveError;
use terrarium_provider::SharedError;
use terrarium_state::adopt::AdoptError;
use terrarium_state::edit::EditError;
use terrarium_state::{CommitError, LockError, LockHolder, StoreError, WorkspaceError};

use crate::codes;
use crate::context::Failed;

/// What is to be done where nothing can grow.
const MAKE_ROOM: &str = "The disk is full, or a limit on file sizes is reached: make room and run the command again. What \
                         was recorded is kept.";

/// What is to be done where others are at work on the same file.
const COME_AGAIN: &str =
    "Another command was writing the same file for too long: run this one again when it is done.";

/// Tells of a store that can't be used.
pub(crate) fn of_store(error: &StoreError) -> Failed {
    told(codes::STATE, "State can't be used", error, advice(error))
}

/// Tells of a lock that can't be had.
pub(crate) fn of_lock(error: &LockError) -> Failed {
    match error {
        LockError::Held(holder) => Diagnostic::error(codes::LOCK, "Error acquiring the state lock")
            .detail(holder_text(holder))
            .help(format!(
                "Wait until it is done, for instance with -lock-timeout=5m. If no such process is left, run \
                 `terrarium force-unlock {}`.",
                holder.id
            ))
            .into(),
        LockError::Store(error) => of_store(error),
    }
}

/// Tells of a failure to write, or of a lost lock.
pub(crate) fn of_commit(error: &CommitError) -> Failed {
    let below = |cause: &SharedError| cause.as_kind().and_then(advice);
    let advice = match error {
        CommitError::Lost => None,
        CommitError::Full(_) => Some(MAKE_ROOM),
        CommitError::Busy(_) => Some(COME_AGAIN),
        CommitError::Unknown(cause) => below(cause),
    };
    told(codes::STATE, "State was not written", error, advice)
}

/// Tells what kept a driver from going on.
pub(crate) fn of_drive(error: &DriveError) -> Failed {
    match error {
        DriveError::Found(found) => found.clone().into(),
        DriveError::Store(error) => of_store(error),
        DriveError::Lock(error) => of_lock(error),
        DriveError::Commit(error) => of_commit(error),
    }
}

/// Tells of a state of Terraform that can't be taken over.
pub(crate) fn of_adoption(error: &AdoptError) -> Failed {
    told(codes::STATE, "State can't be taken over", error, Some(&error.help()))
}

/// Tells of a refused change of the state.
pub(crate) fn of_edit(summary: &str, error: &EditError) -> Failed {
    told(codes::NO_INSTANCE, summary, error, None)
}

/// Tells of a workspace that can't be made or deleted.
pub(crate) fn of_workspace(error: &WorkspaceError) -> Failed {
    match error {
        WorkspaceError::Store(error) => of_store(error),
        WorkspaceError::NotEmpty { .. } => Diagnostic::error(codes::WORKSPACE, "Workspace is not empty")
            .detail(format!(
                "{} Deleting it would leave them without anybody who manages them. Destroy them first, or give -force.",
                sentence(&error.to_string())
            ))
            .into(),
        _ => told(codes::WORKSPACE, "Workspace can't be used", error, None),
    }
}

/// Says what is to be done about a store of which something is known.
fn advice(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Stale { .. } => Some(
            "restore the file with its `-wal`, or a backup (`terrarium state backup` makes them); or take it as it is, \
             where you know what was recorded since: `terrarium state accept`",
        ),
        StoreError::Damaged { .. } => Some(
            "restore a backup (`terrarium state backup` makes them) and run `terrarium state accept`; what stands in the \
             cloud is not touched",
        ),
        StoreError::Full { .. } => Some(MAKE_ROOM),
        StoreError::Busy { .. } => Some(COME_AGAIN),
        StoreError::File { .. }
        | StoreError::ReadOnly { .. }
        | StoreError::Newer { .. }
        | StoreError::NotLocked
        | StoreError::Other(_) => None,
    }
}

fn told(code: Code, summary: &str, error: &dyn std::error::Error, advice: Option<&str>) -> Failed {
    let diagnostic = Diagnostic::error(code, summary).detail(sentence(&error.to_string()));
    match advice {
        Some(advice) => diagnostic.help(advice).into(),
        None => diagnostic.into(),
    }
}

fn holder_text(holder: &LockHolder) -> String {
    format!(
        "Somebody else is writing the state.\n\nLock Info:\n  ID:        {}\n  Path:      {}\n  Operation: {}\n  \
         Who:       {}\n  Version:   {}\n  Created:   {}",
        holder.id, holder.path, holder.operation, holder.who, holder.version, holder.created
    )
}

/// Makes a sentence of an error's words; a name or an address that it begins with stays as it is.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first_word = text.split_whitespace().next().unwrap_or_default();
    let is_name = first_word
        .trim_end_matches(['.', ',', ':'])
        .contains(|c: char| !c.is_alphabetic() && c != '\'');
    let first =
        chars.next().map(|c| if is_name { c.to_string() } else { c.to_uppercase().to_string() });
    let first = first.unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kind is told the same however many errors it went through.
    #[test]
    fn advice_follows_the_kind() {
        let full = || StoreError::Full { path: "t.db".into(), cause: "no room".into() };
        let damaged = || StoreError::Damaged { path: "t.db".into(), cause: "torn".into() };
        let cases: [(Failed, &str); 7] = [
            (of_store(&full()), "make room"),
            (of_commit(&full().into()), "make room"),
            (of_drive(&CommitError::from(full()).into()), "make room"),
            (of_lock(&damaged().into()), "restore a backup"),
            (of_commit(&damaged().into()), "restore a backup"),
            (of_workspace(&damaged().into()), "restore a backup"),
            (of_commit(&CommitError::Busy("locked".into())), "run this one again"),
        ];
        for (failed, expected) in cases {
            let told = format!("{:?}", failed.0);
            assert!(told.contains(expected), "{expected:?} is missing in {told}");
        }
    }
}
