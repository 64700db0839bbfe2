//! The timeline for people: a Gantt chart as text, as a picture, and as a page.
//!
//! [`text`] and [`excerpt`] write it for a terminal.

mod axis;
mod terminal;
mod words;

pub use terminal::{excerpt, text};
