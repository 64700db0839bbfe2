//! The only module that prints: stdout is data, stderr is talk. All of it goes through the run's [`Redactor`], but
//! what a command prints in clear by contract.

use std::io::{BufRead, IsTerminal, Write};

use anstream::ColorChoice;

use crate::redact::Redactor;

/// Whether colours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Where the stream is a terminal and `NO_COLOR` is not set.
    Auto,
    /// Never.
    Never,
}

/// The process's streams. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Output {
    colour: ColorChoice,
    /// What is taken out of everything that is written.
    pub redactor: Redactor,
}

impl Output {
    /// Chooses the colours for both streams.
    pub fn new(colour: Colour, redactor: Redactor) -> Self {
        let colour = match colour {
            Colour::Auto => ColorChoice::Auto,
            Colour::Never => ColorChoice::Never,
        };
        Self { colour, redactor }
    }

    /// Writes data to stdout, and a line break after it.
    pub fn line(&self, text: &str) {
        let mut stream = anstream::AutoStream::new(std::io::stdout().lock(), self.colour);
        let text = self.redactor.text(text);
        let _closed = writeln!(stream, "{text}").and_then(|()| stream.flush());
    }

    /// Writes data to stdout as it is. A reader that went away (`| head`) is no error.
    pub fn data(&self, text: &str) {
        self.clear(&self.redactor.text(text));
    }

    /// Writes data to stdout as it is, sensitive values included: for commands whose contract that is.
    pub fn clear(&self, text: &str) {
        let mut stream = anstream::AutoStream::new(std::io::stdout().lock(), self.colour);
        let _closed = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }

    /// Writes talk to stderr, and a line break after it.
    pub fn talk(&self, text: &str) {
        let mut stream = anstream::AutoStream::new(std::io::stderr().lock(), self.colour);
        let text = self.redactor.text(text);
        let _closed = writeln!(stream, "{text}").and_then(|()| stream.flush());
    }

    /// Returns how many columns the terminal has to which results go; `None` where they go elsewhere.
    pub fn columns(&self) -> Option<usize> {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        size.map(|(width, _)| usize::from(width.0))
    }

    /// Returns whether somebody can be asked.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    /// Returns whether progress may be drawn.
    pub fn draws(&self) -> bool {
        std::io::stderr().is_terminal() && std::io::stdout().is_terminal()
    }

    /// Reads a line from stdin; `None` at its end.
    pub fn ask(&self) -> Option<String> {
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end_matches(['\n', '\r']).to_owned()),
        }
    }

    /// Reads a line from stdin on a thread of its own, which may be left behind with the question: a read of
    /// a terminal can't be called off, and a runtime would wait for it.
    pub async fn ask_aside(&self) -> Option<String> {
        let out = self.clone();
        let (answer, heard) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            // Nobody listens any more where the question was interrupted.
            let _left = answer.send(out.ask());
        });
        heard.await.ok().flatten()
    }

    /// Reads all of stdin.
    pub fn read_all(&self) -> std::io::Result<String> {
        std::io::read_to_string(std::io::stdin().lock())
    }

    /// Returns whether lines can be read from stdin one by one by a person.
    pub fn is_interactive(&self) -> bool {
        self.can_ask() && std::io::stdout().is_terminal()
    }
}
