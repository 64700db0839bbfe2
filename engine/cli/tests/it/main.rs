//! The command line: texts in, texts out; then the binary itself, end to end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod arguments;
mod choices;
mod cycle;
mod fixture;
mod help;
mod manners;
mod pinned;
mod plan_text;
mod read_only;
mod refusals;
mod secrets;
mod states;
mod terrarium;
mod testbed;
mod time;
mod timeline;
mod twins;
mod unattended;
mod variables;
mod wide;
