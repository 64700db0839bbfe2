//! The configuration of the root module.

use std::path::Path;
use std::sync::Arc;

use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::Configuration;

use super::backend;
use crate::codes;
use crate::context::{Context, Failed, fail, file_failed};

/// Reads the configuration; errors are returned with it, so that all of a run's can be shown together.
pub(crate) fn load(context: &Context) -> (Arc<Configuration>, Diagnostics) {
    let mut sources = Sources::default();
    let (config, diagnostics) =
        terrarium_lang::config::load(&context.dir, &context.limits.files(), &mut sources);
    context.keep_sources(sources);
    context.redactor().learn_configuration(&config);
    context.backend.get_or_init(|| backend::of(&config));
    (Arc::new(config), diagnostics)
}

/// Returns whether a directory has files of a configuration.
pub(crate) fn exists(dir: &Path) -> Result<bool, Failed> {
    let entries = std::fs::read_dir(dir).map_err(|error| file_failed("read", dir, &error))?;
    Ok(entries.filter_map(Result::ok).any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        !name.starts_with('.') && (name.ends_with(".tf") || name.ends_with(".tf.json"))
    }))
}

/// Refuses a directory without a configuration.
pub(crate) fn require(context: &Context, verb: &str) -> Result<(), Failed> {
    if exists(&context.dir)? {
        return Ok(());
    }
    fail(
        codes::NO_CONFIGURATION,
        "No configuration files",
        format!(
            "{verb} requires configuration to be present. Planning without a configuration would mark everything for \
             destruction, which is normally not what is desired. If you would like to destroy everything, run \
             `terrarium destroy`. Otherwise, create a configuration file (.tf file) and try again."
        ),
    )
}
