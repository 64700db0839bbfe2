//! The log, for those who set `TF_LOG`. Bodies of requests are in it, so it goes through the run's redactor.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::env::{Env, TF_LOG, TF_LOG_PATH};
use crate::private;
use crate::redact::Redactor;

/// Starts the log where the environment asks for one.
pub(crate) fn start(env: &Env, redactor: &Redactor) {
    let Some(level) = env.get(TF_LOG) else { return };
    let level = level.to_lowercase();
    // Terraform's `json` means everything, as JSON.
    let (filter, json) = if level == "json" { ("trace", true) } else { (level.as_str(), false) };
    let Ok(filter) = EnvFilter::try_new(filter) else { return };
    let file = env.get(TF_LOG_PATH).and_then(|path| private::append(path.as_ref()).ok());
    let to_file = file.is_some();
    let sink: Box<dyn Write + Send> = match file {
        Some(file) => Box::new(file),
        None => Box::new(std::io::stderr()),
    };
    let sink = Sink { redactor: redactor.clone(), sink: Arc::new(Mutex::new(sink)) };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(sink);
    // A second subscriber in one process is refused, and the first goes on.
    let _started = match (to_file, json) {
        (_, true) => builder.json().try_init(),
        (true, false) => builder.with_ansi(false).try_init(),
        (false, false) => builder.try_init(),
    };
}

/// Where events go; each comes as one write.
#[derive(Clone)]
struct Sink {
    redactor: Redactor,
    sink: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Sink {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(self.redactor.text(&text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}
