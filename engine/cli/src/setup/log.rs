//! The log, for those who set `TF_LOG`.

use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use crate::env::{Env, TF_LOG, TF_LOG_PATH};

/// Starts the log where the environment asks for one.
pub(crate) fn start(env: &Env) {
    let Some(level) = env.get(TF_LOG) else { return };
    let level = level.to_lowercase();
    // Terraform's `json` means everything, as JSON.
    let (filter, json) = if level == "json" { ("trace", true) } else { (level.as_str(), false) };
    let Ok(filter) = EnvFilter::try_new(filter) else { return };
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    let file = env
        .get(TF_LOG_PATH)
        .and_then(|path| std::fs::OpenOptions::new().create(true).append(true).open(path).ok());
    // A second subscriber in one process is refused, and the first goes on.
    let _started = match (file, json) {
        (Some(file), true) => builder.json().with_writer(Mutex::new(file)).try_init(),
        (Some(file), false) => builder.with_ansi(false).with_writer(Mutex::new(file)).try_init(),
        (None, true) => builder.json().with_writer(std::io::stderr).try_init(),
        (None, false) => builder.with_writer(std::io::stderr).try_init(),
    };
}
