//! Saved plans: bytes with a checksum, so that a damaged one is refused and a stale one is noticed.
//!
//! Layout: a line that names format and version, a line of JSON, a line with the BLAKE3 of that JSON.

mod time;
mod twin;

use std::io::{BufWriter, Write};
use std::sync::Arc;

use terrarium_address::Mode;
use terrarium_diagnostic::{Diagnostic, Sources};
use terrarium_provider::Schema;
use terrarium_state::State;

use crate::{Plan, ProviderSet, codes};

const HEADER: &str = "terrarium plan 5";

/// A plan as it was saved.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    /// The plan.
    pub plan: Plan,
    /// Fingerprint of the sources that it was made from.
    pub sources: String,
    /// The workspace that it was made in.
    pub workspace: String,
    /// How much the command of its serial had changed when the state was read.
    pub changed: u64,
}

/// Returns a fingerprint of all source files of a configuration, names included. Files of values are none of them: a
/// plan has its values.
pub fn fingerprint(sources: &Sources) -> String {
    let mut files: Vec<_> = sources
        .iter()
        .filter(|(_, source)| source.path.is_some())
        .map(|(_, source)| source)
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hasher = blake3::Hasher::new();
    for source in files {
        for part in [source.name.as_bytes(), source.text.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Writes a plan.
pub fn write(saved: &SavedPlan) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_plan(&saved.plan, &saved.sources, (&saved.workspace, saved.changed), &mut bytes)?;
    Ok(bytes)
}

/// Writes a plan piece by piece that was made from sources with this fingerprint, in this workspace, of which the
/// latest command had changed so much.
pub fn write_plan(
    plan: &Plan,
    sources: &str,
    (workspace, changed): (&str, u64),
    out: &mut dyn Write,
) -> std::io::Result<()> {
    writeln!(out, "{HEADER}")?;
    let mut body = BufWriter::new(Hashing { out, hasher: blake3::Hasher::new() });
    serde_json::to_writer(&mut body, &twin::SavedTwin::of(plan, sources, (workspace, changed)))?;
    body.flush()?;
    let hash = body.get_ref().hasher.finalize().to_hex();
    drop(body);
    write!(out, "\n{hash}\n")
}

/// Hashes what goes through.
struct Hashing<'o> {
    out: &'o mut dyn Write,
    hasher: blake3::Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Returns whether bytes look like a saved plan, whole or not.
pub fn is_plan(bytes: &[u8]) -> bool {
    bytes.starts_with(b"terrarium plan ")
}

/// Reads a plan.
pub fn read(bytes: &[u8], providers: &ProviderSet) -> Result<SavedPlan, Box<Diagnostic>> {
    let damaged = |why: &str| {
        let error =
            Diagnostic::error(codes::PLAN_DAMAGED, "Invalid plan file").detail(why.to_owned());
        Box::new(error.help("make a new one with `terrarium plan -out=FILE`"))
    };
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("The file is no saved plan."))?;
    let mut lines = text.split('\n');
    match lines.next() {
        Some(HEADER) => {}
        Some(other) if other.starts_with("terrarium plan ") => {
            return Err(damaged("The plan was saved by another version of terrarium."));
        }
        _ => return Err(damaged("The file is no saved plan.")),
    }
    let (Some(body), Some(checksum), Some("")) = (lines.next(), lines.next(), lines.next()) else {
        return Err(damaged("The file is cut short."));
    };
    if blake3::hash(body.as_bytes()).to_hex().as_str() != checksum {
        return Err(damaged("Its checksum does not fit: the file was changed or cut short."));
    }
    let twin: twin::SavedTwin =
        serde_json::from_str(body).map_err(|error| damaged(&format!("{error}.")))?;
    let schema =
        |provider: &str, kind: &str, data: bool| schema_of(providers, provider, kind, data);
    twin.restore(&schema).map_err(|why| damaged(&why))
}

/// Refuses a plan that rests on another state than today's, of which the latest command changed so much, and
/// one that nobody can judge since actions are open.
pub fn check_fresh(
    saved: &SavedPlan,
    (state, changed): (&State, u64),
    sources: &str,
    workspace: &str,
) -> Result<(), Box<Diagnostic>> {
    let plan = &saved.plan;
    let stale = |why: String| {
        let error = Diagnostic::error(codes::PLAN_STALE, "Saved plan is stale").detail(why);
        Err(Box::new(error.help("make a new plan")))
    };
    if saved.workspace != workspace {
        return stale(format!(
            "The plan was made in the workspace {:?}; the selected one is {workspace:?}.",
            saved.workspace
        ));
    }
    // A state that was never written has no lineage to compare.
    if !plan.lineage.is_empty() && plan.lineage != state.lineage && plan.serial > 0 {
        return stale("The plan was made for another state (its lineage differs).".to_owned());
    }
    if plan.serial != state.serial {
        return stale(format!(
            "The given plan file can no longer be applied because the state was changed by another operation after \
             the plan was created (serial {} then, {} now).",
            plan.serial, state.serial
        ));
    }
    if changed != saved.changed {
        return stale(
            "The plan was made while another operation was at work on the state, which it has changed since."
                .to_owned(),
        );
    }
    let open = state.intents.len().max(plan.under_way.len());
    if open > 0 {
        let what = if open == 1 { "1 action".to_owned() } else { format!("{open} actions") };
        return stale(format!(
            "{what} of another run had no outcome when the plan was made, or has none now. A new plan finds out first \
             what became of them."
        ));
    }
    if saved.sources != sources {
        return stale("The configuration was changed after the plan was created.".to_owned());
    }
    Ok(())
}

fn schema_of(
    providers: &ProviderSet,
    provider: &str,
    kind: &str,
    data: bool,
) -> Option<Arc<Schema>> {
    let source = provider.split_once("[\"")?.1.split_once("\"]")?.0;
    let found = crate::providers::find(providers, source).ok()?;
    found.schema(if data { Mode::Data } else { Mode::Managed }, kind)
}
