//! The timeline for people: a Gantt chart as text, as a picture, and as a page.
//!
//! [`text`] and [`excerpt`] write it for a terminal, [`svg`] draws it, [`html`] puts
//! the picture above a table, [`ics`] makes entries of a calendar.

mod axis;
mod calendar;
mod lasting;
mod page;
mod picture;
mod terminal;
mod words;

pub use calendar::{Calendar, ics};
pub use page::html;
pub use picture::svg;
pub use terminal::{excerpt, text};
