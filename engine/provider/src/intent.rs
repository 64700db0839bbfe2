//! Intents: what is about to be sent is written down first, and the types see to it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};

use crate::Action;

/// Number of an intent within a lineage; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub u64);

/// Text that makes a created object findable: base32 of 80 bits, the same on every replay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marker(Name);

impl Marker {
    /// Derives the marker of an intent from its lineage, address and number.
    pub fn derive(lineage: &str, addr: &ResourceAddr, intent: IntentId) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [lineage, &addr.to_string(), &intent.0.to_string()] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        Self(base32(hasher.finalize().as_bytes().iter().take(10)).into())
    }

    /// Reads a marker back from where it was stored.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the text: 16 characters of `a`–`z`, `2`–`7`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn base32<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    const ALPHABET: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r',
        's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let mut out = String::new();
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.extend(ALPHABET.get((held >> bits) as usize & 31));
            held &= (1 << bits) - 1;
        }
    }
    out
}

/// An external action that is about to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// The instance.
    pub addr: ResourceAddr,
    /// What will be done.
    pub action: Action,
    /// The marker that a created object carries.
    pub marker: Marker,
    /// When it was recorded, by the engine's clock.
    pub at: Timestamp,
    /// The provider configuration it goes through, as the state writes it.
    pub provider: Name,
    /// What the engine needs to finish the record of a lost create: planned values and what they were
    /// computed from, as `engine/core` writes it. Opaque to stores and providers; `None` for a delete.
    pub planned: Option<Name>,
    /// The id of the object that is changed or deleted, where it has one.
    pub object_id: Option<Name>,
    /// The deposed key, where the action is on a deposed object.
    pub deposed: Option<Name>,
}

/// Where intents are recorded: the store of the state.
#[async_trait]
pub trait IntentStore: Send + Sync {
    /// Makes the intents durable, in one transaction, before it returns.
    ///
    /// # Cancel safety
    /// A dropped future may have recorded them; an intent without an outcome is harmless.
    async fn record(&self, intents: &[Intent]) -> Result<(), NotRecorded>;

    /// Returns the next unused number.
    fn next_id(&self) -> IntentId;

    /// Returns the lineage of the state.
    fn lineage(&self) -> Name;
}

/// Why intents could not be recorded; then nothing may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRecorded {
    /// What happened, with its cause.
    pub message: String,
}

impl fmt::Display for NotRecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NotRecorded {}

/// A store that keeps nothing: for providers that are served to Terraform, and for tests.
#[derive(Debug, Default)]
pub struct NoStore(std::sync::atomic::AtomicU64);

#[async_trait]
impl IntentStore for NoStore {
    async fn record(&self, _intents: &[Intent]) -> Result<(), NotRecorded> {
        Ok(())
    }

    fn next_id(&self) -> IntentId {
        IntentId(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1)
    }

    fn lineage(&self) -> Name {
        "".into()
    }
}

/// Records intents; the only maker of [`Recorded`].
#[derive(Clone)]
pub struct Recorder(Arc<dyn IntentStore>);

impl Recorder {
    /// Builds a recorder over a store.
    pub fn new(store: Arc<dyn IntentStore>) -> Self {
        Self(store)
    }

    /// Numbers and marks an intent; nothing is recorded yet.
    pub fn prepare(&self, draft: Intent) -> Intent {
        let id = self.0.next_id();
        let marker = Marker::derive(&self.0.lineage(), &draft.addr, id);
        Intent { id, marker, ..draft }
    }

    /// Makes intents durable, in one transaction, and returns leave to act on each.
    pub async fn record(&self, intents: Vec<Intent>) -> Result<Vec<Recorded>, NotRecorded> {
        self.0.record(&intents).await?;
        Ok(intents.into_iter().map(|intent| Recorded { intent, recorder: self.clone() }).collect())
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

/// Proof that an intent is durable. Only a [`Recorder`] makes one.
#[derive(Debug)]
pub struct Recorded {
    intent: Intent,
    recorder: Recorder,
}

impl Recorded {
    /// Returns what was recorded.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Returns leave for the action's mutating calls: its create, or any number of idempotent ones.
    pub fn step(&mut self) -> Step<'_> {
        Step { intent: &self.intent, sent: false }
    }

    /// Records an intent of its own for a second create within the action.
    pub async fn another(&self, at: Timestamp) -> Result<Recorded, NotRecorded> {
        let intent = self.recorder.prepare(Intent { at, ..self.intent.clone() });
        let recorded = self.recorder.record(vec![intent]).await?;
        recorded
            .into_iter()
            .next()
            .ok_or(NotRecorded { message: "the store recorded nothing".into() })
    }
}

/// Leave to send one mutating call (and to repeat it while it is certain that nothing was done).
#[derive(Debug)]
pub struct Step<'a> {
    intent: &'a Intent,
    sent: bool,
}

impl Step<'_> {
    /// Returns the intent.
    pub fn intent(&self) -> &Intent {
        self.intent
    }

    /// Notes that the call may have reached the service.
    pub fn note_sent(&mut self) {
        self.sent = true;
    }

    /// Returns whether the call may have reached the service.
    pub fn was_sent(&self) -> bool {
        self.sent
    }
}

/// Why an outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What was attempted: method and path.
    pub attempted: String,
    /// What came instead of a trustworthy answer.
    pub symptom: String,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attempted, self.symptom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_the_same_on_every_replay_and_differs_otherwise() {
        let addr: ResourceAddr = "a.b[0]".parse().unwrap();
        let marker = |lineage, id| Marker::derive(lineage, &addr, IntentId(id));
        assert_eq!(marker("l", 1), marker("l", 1));
        assert_ne!(marker("l", 1), marker("l", 2));
        assert_ne!(marker("l", 1), marker("m", 1));
        assert_eq!(marker("l", 1).as_str().len(), 16);
    }
}
