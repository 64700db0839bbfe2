//! hashicorp/random: values that are drawn once and kept.

mod id;
mod integer;
mod pet;
mod shuffle;
mod text;
mod uuids;

use terrarium_diagnostic::Diagnostics;

use crate::chance::Draw;
use crate::row::{Field, Means, Provider, Replace, keepers};
use crate::{Chance, SeededChance};

/// The provider.
pub(crate) const PROVIDER: Provider = Provider {
    source: "hashicorp/random",
    versions: &[
        "2.0.0", "2.1.0", "2.1.1", "2.1.2", "2.2.0", "2.2.1", "2.3.0", "2.3.1", "3.0.0", "3.0.1",
        "3.1.0", "3.1.1", "3.1.2", "3.1.3", "3.2.0", "3.3.0", "3.3.1", "3.3.2", "3.4.0", "3.4.1",
        "3.4.2", "3.4.3", "3.5.0", "3.5.1", "3.6.0", "3.6.1", "3.6.2", "3.6.3", "3.7.0", "3.7.1",
        "3.7.2", "3.8.0", "3.8.1", "3.9.0",
    ],
    resources: &[
        id::RANDOM_ID,
        integer::RANDOM_INTEGER,
        text::RANDOM_PASSWORD,
        pet::RANDOM_PET,
        shuffle::RANDOM_SHUFFLE,
        text::RANDOM_STRING,
        uuids::RANDOM_UUID,
        uuids::RANDOM_UUID4,
        uuids::RANDOM_UUID7,
    ],
};

const KEEPERS: Field = keepers("keepers", Replace::Entries);

/// Runs `work` with numbers from the seed, or from the provider's chance where there is none.
///
/// The original draws seeded numbers with Go's generator; ours differ, so a new object's value can't match.
fn with_seed<T>(
    means: &Means,
    seed: Option<&str>,
    work: impl FnOnce(&mut Draw<'_>) -> Result<T, Diagnostics>,
) -> Result<T, Diagnostics> {
    let seeded = seed.filter(|seed| !seed.is_empty()).map(SeededChance::new);
    let chance: &dyn Chance = seeded.as_ref().map_or(&*means.chance, |seeded| seeded);
    work(&mut Draw::new(chance))
}
