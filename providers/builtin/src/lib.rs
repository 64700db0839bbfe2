//! The providers that need no cloud: `terraform_data`, and the small ones that configurations use.
//!
//! A provider is a table: its rows are resource types, a row lists fields and the few hooks that are
//! truly the type's own. [`kinds`] wires the tables to the seams, which are arguments: the clock and
//! [`Chance`]. Every type here is local: it changes nothing outside the state.

mod attributes;
mod chance;
mod codes;
mod null;
mod planning;
mod random;
mod row;
mod schema;
mod small;
mod terraform_data;
mod time;

use std::sync::Arc;

use terrarium_provider::{Clock, ProviderKind};

pub use chance::{Chance, NoChance, OsChance, SeededChance};
pub use codes::CODES;

/// Builds every provider of this crate over one source of chance and one clock.
pub fn kinds(chance: &Arc<dyn Chance>, clock: &Arc<dyn Clock>) -> Vec<Arc<dyn ProviderKind>> {
    [&terraform_data::PROVIDER, &random::PROVIDER, &null::PROVIDER, &time::PROVIDER]
        .into_iter()
        .map(|row| Arc::new(small::Small::new(row, chance, clock)) as Arc<dyn ProviderKind>)
        .collect()
}
