//! What every command knows: where it runs, what the environment says, how it speaks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use terrarium_diagnostic::{Code, Diagnostic, Diagnostics, Sources};
use terrarium_provider::ProviderKind;
use terrarium_state::adopt::LocalBackend;
use terrarium_state::{Backend, Store};

use crate::args::{self, Shared};
use crate::env::{self, Env};
use crate::json::stream;
use crate::limits::Limits;
use crate::output::Output;
use crate::redact::Redactor;
use crate::render::diagnostics::{self, Warnings};
use crate::shell::shell_word;
use crate::signals::Leaving;

/// Most warnings that are not said again.
const REMEMBERED: usize = 1_000;

/// How a command speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// To people.
    Text,
    /// To programs: one JSON object a line.
    Json,
    /// To programs: one document, printed by the command itself; diagnostics go to stderr as text.
    Document,
}

/// What every command knows.
pub struct Context {
    /// The environment.
    pub env: Env,
    /// The directory in which the process was started.
    pub cwd: PathBuf,
    /// The root module's directory, from the one in which the process was started: `.` without `-chdir`. The process
    /// stays where it is, so that several commands can run in one.
    pub dir: PathBuf,
    /// The root module's directory, absolute.
    pub root: PathBuf,
    /// The command line, as it was given.
    pub args: Vec<String>,
    /// Which testbed to work on.
    pub testbed: Option<String>,
    /// What one evaluation may cost, and how large what is read may be.
    pub limits: Limits,
    /// The time to look at instead of now.
    pub at: Option<Timestamp>,
    /// The streams.
    pub out: Output,
    /// Texts that diagnostics point into.
    pub sources: Mutex<Sources>,
    /// How the command speaks.
    pub speech: Mutex<Speech>,
    /// Whether warnings are shown whole.
    pub warnings: Mutex<Warnings>,
    /// Warnings that were shown: an apply does not repeat those of its plan.
    pub said: Mutex<Vec<Diagnostic>>,
    /// What the backend block says, once it was read.
    pub backend: OnceLock<Option<LocalBackend>>,
    /// Whether it was said where more about errors is to be read.
    pub explained: Mutex<bool>,
    /// Whether it is left where it stands, after two signals.
    pub leaving: Leaving,
    /// What stands between the engine and the outside.
    pub seams: Seams,
}

/// What stands between the engine and the outside: nothing, but in fault injection and with stores of others.
#[derive(Clone)]
pub struct Seams {
    /// Keeps the states, in the place of what the configuration and its directory say.
    pub backend: Option<Arc<dyn Backend>>,
    /// Put between the engine and its store.
    pub store: StoreSeam,
    /// Put around each provider.
    pub provider: ProviderSeam,
}

impl Default for Seams {
    fn default() -> Self {
        Self { backend: None, store: |store| store, provider: |kind| kind }
    }
}

/// Puts something around a provider.
pub type ProviderSeam = fn(Arc<dyn ProviderKind>) -> Arc<dyn ProviderKind>;

/// Puts something between the engine and its store.
pub type StoreSeam = fn(Arc<dyn Store>) -> Arc<dyn Store>;

/// Why a command failed; the diagnostics are shown by [`crate::run`].
#[derive(Debug)]
pub struct Failed(pub Diagnostics);

/// What a command returns: its exit code.
pub type Outcome = Result<u8, Failed>;

impl From<Diagnostic> for Failed {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(diagnostic.into())
    }
}

impl From<Diagnostics> for Failed {
    fn from(diagnostics: Diagnostics) -> Self {
        Self(diagnostics)
    }
}

/// Fails with an error.
pub(crate) fn fail<T>(code: Code, summary: &str, detail: impl Into<String>) -> Result<T, Failed> {
    Err(Diagnostic::error(code, summary).detail(detail).into())
}

/// Fails because a file could not be used.
pub(crate) fn file_failed(verb: &str, path: &Path, error: &std::io::Error) -> Failed {
    let summary = format!("Failed to {verb} file");
    let detail = format!("Terrarium can't {verb} {}: {error}.", path.display());
    Diagnostic::error(crate::codes::FILE, summary).detail(detail).into()
}

impl Context {
    /// Builds the context of a command.
    pub fn new(
        shared: &Shared,
        chdir: Option<&Path>,
        (command_line, out): (Vec<String>, Output),
        env: Env,
    ) -> Result<Self, Failed> {
        let cwd =
            std::env::current_dir().map_err(|error| file_failed("read", Path::new("."), &error))?;
        let dir = chdir.unwrap_or(Path::new(".")).to_owned();
        let root = chdir.map_or_else(|| cwd.clone(), |dir| cwd.join(dir));
        // Reading it fails where it is no directory, or none that may be entered.
        if chdir.is_some()
            && let Err(error) = std::fs::read_dir(&dir)
        {
            let detail = format!("The -chdir option names {}: {error}.", root.display());
            return fail(crate::codes::FLAGS, "Invalid directory for -chdir", detail);
        }
        let from_env = env.get(env::TERRARIUM_TESTBED).map(str::to_owned);
        let testbed = shared.testbed.clone().or(from_env);
        let testbed = testbed.filter(|value| !matches!(value.as_str(), "0" | "false"));
        let at = shared.at.as_deref().map(|text| args::instant(text, &env.time_zone()));
        let at = match at.transpose() {
            Ok(at) => at,
            Err(why) => {
                return fail(crate::codes::FLAGS, "Invalid instant", format!("-at: {why}."));
            }
        };
        Ok(Self {
            limits: Limits::of(&env).map_err(|error| Failed::from(*error))?,
            at,
            env,
            cwd,
            dir,
            root,
            args: command_line,
            testbed,
            out,
            sources: Mutex::default(),
            speech: Mutex::new(Speech::Text),
            warnings: Mutex::new(Warnings::Whole),
            said: Mutex::default(),
            backend: OnceLock::new(),
            explained: Mutex::default(),
            leaving: Leaving::default(),
            seams: Seams::default(),
        })
    }

    /// Returns where the file system has a path that the user gave: from the root module's directory.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        if self.dir == Path::new(".") { path.to_owned() } else { self.dir.join(path) }
    }

    /// Returns a path as it is shown: from the root module's directory, as the user would give it.
    pub fn shown(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.dir).unwrap_or(path);
        path.strip_prefix(".").unwrap_or(path).display().to_string()
    }

    /// Returns the directory of caches and of the selected workspace.
    pub fn data_dir(&self) -> PathBuf {
        self.path(self.env.get(env::TF_DATA_DIR).unwrap_or(".terraform"))
    }

    /// Returns what knows the run's sensitive values.
    pub fn redactor(&self) -> &Redactor {
        &self.out.redactor
    }

    /// Returns the command line again, ready for a shell, without the arguments that `leave_out`; of sensitive
    /// variables it has the names only.
    pub fn command_line(&self, leave_out: impl Fn(&str) -> bool) -> String {
        let mut words = vec!["terrarium".to_owned()];
        let mut assigns = false;
        for arg in self.args.iter().filter(|arg| !leave_out(arg)) {
            let flag = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'));
            let assignment = flag.and_then(|flag| flag.strip_prefix("var="));
            let assignment = assignment.or_else(|| assigns.then_some(arg.as_str()));
            assigns = !assigns && flag == Some("var");
            let name =
                assignment.and_then(|text| text.split_once('=')).map(|(name, _)| name.trim());
            match name.filter(|name| self.redactor().hides_variable(name)) {
                Some(name) if flag.is_some_and(|flag| flag.starts_with("var=")) => {
                    words.push(format!("-var {name}=…"));
                }
                Some(name) => words.push(format!("{name}=…")),
                None => words.push(shell_word(arg)),
            }
        }
        words.join(" ")
    }

    /// Says how the command speaks from now on.
    pub fn speak(&self, speech: Speech) {
        *lock(&self.speech) = speech;
    }

    /// Returns how the command speaks.
    pub fn speech(&self) -> Speech {
        *lock(&self.speech)
    }

    /// Shows only the summaries of warnings.
    pub fn compact_warnings(&self) {
        *lock(&self.warnings) = Warnings::Compact;
    }

    /// Remembers the texts that diagnostics point into.
    pub fn keep_sources(&self, sources: Sources) {
        *lock(&self.sources) = sources;
    }

    /// Returns the texts that diagnostics point into.
    pub fn sources(&self) -> Sources {
        lock(&self.sources).clone()
    }

    /// Shows diagnostics.
    pub fn report(&self, diagnostics: &Diagnostics) {
        let diagnostics = &self.news(diagnostics);
        if diagnostics.is_empty() {
            return;
        }
        let sources = self.sources();
        if self.speech() == Speech::Json {
            for diagnostic in diagnostics::unique(diagnostics) {
                self.out.line(&stream::diagnostic(diagnostic, &sources, self.redactor()));
            }
            return;
        }
        let texts = (&sources, self.redactor());
        let text = diagnostics::text(diagnostics, texts, *lock(&self.warnings));
        self.out.talk(text.trim_end_matches('\n'));
        self.explain(diagnostics);
    }

    /// Says once where more about errors is to be read.
    fn explain(&self, diagnostics: &Diagnostics) {
        let advice = diagnostics::explained(diagnostics).filter(|_| !self.env.in_automation());
        if let Some(advice) =
            advice.filter(|_| !std::mem::replace(&mut *lock(&self.explained), true))
        {
            self.out.talk(&advice);
        }
    }

    /// Leaves out the warnings that were shown already.
    fn news(&self, diagnostics: &Diagnostics) -> Diagnostics {
        let mut said = lock(&self.said);
        let news: Vec<Diagnostic> = diagnostics
            .iter()
            .filter(|one| one.is_error() || !said.contains(one))
            .cloned()
            .collect();
        said.extend(news.iter().filter(|one| !one.is_error()).cloned());
        // A run of weeks is told of more warnings than it has to remember.
        let too_many = said.len().saturating_sub(REMEMBERED);
        said.drain(..too_many);
        Diagnostics(news)
    }

    /// Says something to people; programs hear nothing.
    pub fn say(&self, text: &str) {
        if self.speech() == Speech::Text {
            self.out.line(text);
        }
    }

    /// Returns whether questions may be asked.
    pub fn may_ask(&self, input: bool) -> bool {
        input && self.env.input() && self.speech() == Speech::Text
    }

    /// Runs a future on a runtime of its own: none exists before a command needs one.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> Result<T, Failed> {
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return fail(crate::codes::INTERNAL, "No runtime", error.to_string()),
        };
        let ended = runtime.block_on(async {
            tokio::select! {
                biased;
                done = future => Some(done),
                () = self.leaving.raised() => None,
            }
        });
        if ended.is_none() {
            // Whatever does not answer is waited for no longer.
            runtime.shutdown_background();
        }
        ended.ok_or_else(|| Failed(Diagnostics::new()))
    }
}

/// Locks, whatever a thread that panicked left behind.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
