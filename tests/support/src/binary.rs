//! The built binary, run as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The binary, in a directory.
pub struct Terrarium {
    program: PathBuf,
    dir: PathBuf,
    envs: Vec<(String, String)>,
}

/// What a command did.
pub struct Run {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Terrarium {
    /// Runs in a directory, on the testbed world of that directory.
    pub fn on_testbed(dir: &Path) -> Self {
        Self::plain(dir).env("TERRARIUM_TESTBED", "1")
    }

    /// Runs in a directory, on a testbed that is served at a URL.
    pub fn on_server(dir: &Path, url: &str) -> Self {
        Self::plain(dir).env("TERRARIUM_TESTBED", url)
    }

    /// Runs in a directory, without a testbed.
    pub fn plain(dir: &Path) -> Self {
        Self { program: binary(), dir: dir.to_owned(), envs: Vec::new() }
    }

    /// Runs another program that takes the same arguments.
    #[must_use]
    pub fn program(mut self, program: &str) -> Self {
        self.program = PathBuf::from(program);
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.envs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// Where the binary is not built.
    #[expect(clippy::expect_used, reason = "a test that can't be set up has failed")]
    pub fn run(&self, args: &[&str]) -> Run {
        let output = self.command(args).output().expect("the built binary");
        Run::of(&output)
    }

    /// Runs a command that must succeed, and returns its standard output.
    ///
    /// # Panics
    /// Where it fails.
    pub fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{args:?}\n{}\n{}", run.stdout, run.stderr);
        run.stdout
    }

    /// Starts a command in the background.
    ///
    /// # Panics
    /// Where the binary is not built.
    #[expect(clippy::expect_used, reason = "a test that can't be set up has failed")]
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the built binary")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Only what the test says: neither the developer's clouds nor the CI's settings.
        command
            .env_clear()
            .env("HOME", &self.dir)
            .env("NO_COLOR", "1")
            .env("TF_IN_AUTOMATION", "1");
        command.envs(std::env::var("PATH").map(|path| ("PATH", path)));
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.dir).args(args).stdin(Stdio::null());
        command
    }
}

impl Run {
    /// Takes what a finished process printed.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// Returns the built binary: tests stand in `target/PROFILE/deps`, the program one folder up.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let profile = test.ancestors().nth(2).unwrap_or(Path::new("."));
    profile.join("terrarium")
}
