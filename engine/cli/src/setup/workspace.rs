//! Which workspace is selected.

use std::path::PathBuf;

use crate::codes;
use crate::context::{Context, Failed, fail, file_failed};
use crate::env::TF_WORKSPACE;

/// The workspace that always exists.
pub(crate) const DEFAULT: &str = "default";

/// Returns the selected workspace: the environment's, else the recorded one, else the default.
pub(crate) fn selected(context: &Context) -> Result<String, Failed> {
    let recorded = || std::fs::read_to_string(file(context)).ok();
    let name = context.env.get(TF_WORKSPACE).map(str::to_owned).or_else(recorded);
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| DEFAULT.to_owned());
    if terrarium_state::is_workspace_name(&name) {
        Ok(name)
    } else {
        fail(
            codes::WORKSPACE,
            "Invalid workspace name",
            format!("{name:?} can't name a workspace."),
        )
    }
}

/// Records the selected workspace where Terraform records it, so that both agree.
pub(crate) fn select(context: &Context, name: &str) -> Result<(), Failed> {
    let path = file(context);
    let dir = context.data_dir();
    std::fs::create_dir_all(&dir).map_err(|error| file_failed("create", &dir, &error))?;
    std::fs::write(&path, name).map_err(|error| file_failed("write", &path, &error))
}

fn file(context: &Context) -> PathBuf {
    context.data_dir().join("environment")
}
