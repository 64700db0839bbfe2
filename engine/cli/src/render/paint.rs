//! Colours, always written; `Output` takes them away where they are not wanted.

use owo_colors::OwoColorize;

pub(crate) fn bold(text: &str) -> String {
    text.bold().to_string()
}

pub(crate) fn red(text: &str) -> String {
    text.red().to_string()
}

pub(crate) fn green(text: &str) -> String {
    text.green().to_string()
}

pub(crate) fn yellow(text: &str) -> String {
    text.yellow().to_string()
}

pub(crate) fn cyan(text: &str) -> String {
    text.cyan().to_string()
}

pub(crate) fn dim(text: &str) -> String {
    text.bright_black().to_string()
}

/// Returns the text without any colour.
#[must_use]
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
