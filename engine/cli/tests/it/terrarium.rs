//! The binary in a directory of its own.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A directory with a configuration in it.
pub(crate) struct Lab {
    dir: TempDir,
}

/// What a run printed, and its exit code.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Lab {
    /// Makes a directory with one file.
    pub(crate) fn of(main: &str) -> Self {
        let lab = Self { dir: TempDir::new().unwrap() };
        lab.write("main.tf", main);
        lab
    }

    /// Copies a tree of the workspace, such as `examples`, below the directory.
    pub(crate) fn copy(trees: &[&str]) -> Self {
        let lab = Self { dir: TempDir::new().unwrap() };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for tree in trees {
            copy(&root.join(tree), &lab.dir.path().join(tree));
        }
        lab
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.with(args, "", &[])
    }

    /// Runs the binary with text on stdin and nothing but `env` in its environment.
    pub(crate) fn with(&self, args: &[&str], stdin: &str, env: &[(&str, &str)]) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_terrarium"))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may be gone already.
        let _closed = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts the binary, and leaves it where it asks for a yes: it holds the lock then.
    pub(crate) fn asking(&self, args: &[&str]) -> Child {
        let mut child = Command::new(env!("CARGO_BIN_EXE_terrarium"))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut asked = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("Only 'yes'") {
            line.clear();
            assert!(asked.read_line(&mut line).unwrap() > 0, "it never asked");
        }
        // Its end must not fail for want of a reader.
        std::thread::spawn(move || std::io::copy(&mut asked, &mut std::io::sink()));
        child
    }

    /// Starts the binary and reads its lines until one contains `text`.
    pub(crate) fn start(&self, args: &[&str], text: &str) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_terrarium"))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }.until(text)
    }

    /// Runs the binary, which must succeed, and returns its stdout.
    pub(crate) fn good(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}\n{}\n{}", ran.out, ran.err);
        ran.out
    }
}

/// A binary that is running.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Asks it to stop, as Ctrl-C or a service manager does.
    pub(crate) fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Reads its lines until one contains `text`.
    pub(crate) fn until(mut self, text: &str) -> Self {
        let found = self.lines.by_ref().any(|line| line.unwrap().contains(text));
        assert!(found, "it ended before it said {text:?}");
        self
    }

    /// Waits for its end; returns its exit code and the rest of its lines.
    pub(crate) fn end(mut self) -> (i32, String) {
        let rest: Vec<String> = self.lines.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code().unwrap_or(-1), rest.join("\n"))
    }
}

impl Ran {
    /// Asserts the exit code and that each text occurs in stdout or stderr.
    pub(crate) fn says(&self, code: i32, texts: &[&str]) -> &Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        for text in texts {
            let found = self.out.contains(text) || self.err.contains(text);
            assert!(found, "{text:?} is missing in\n{}\n{}", self.out, self.err);
        }
        self
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let name = entry.file_name().to_string_lossy().into_owned();
        // What the README's first command leaves beside an example is no part of it.
        if name.starts_with("terrarium.db") || name.starts_with(".terra") {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
