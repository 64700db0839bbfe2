//! Intents: what is about to be sent is written down first, and the types see to it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use terrarium_address::{Name, ResourceAddr};

use crate::{Action, SharedError};

/// A record that is older at its send is made anew.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

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
    /// When that was by the clock of the service, as its replies tell; `None`: not known. What the
    /// action made can't be older.
    pub cloud_at: Option<Timestamp>,
    /// Where it acts, as the provider names it after login ([`crate::Provider::realm`]).
    pub realm: Option<Name>,
    /// The provider configuration it goes through, as the state writes it.
    pub provider: Name,
    /// What the engine needs to finish the record of a lost create: planned values and what they were
    /// computed from, as `engine/core` writes it. Opaque to stores and providers; `None` for a delete.
    pub planned: Option<Name>,
    /// The id of the object that is changed or deleted, where it has one.
    pub object_id: Option<Name>,
    /// The deposed key, where the action is on a deposed object.
    pub deposed: Option<Name>,
    /// What must follow a create before the object is whole, by the provider's names:
    /// `delete_default_rules`. Whoever adopts the object finishes it, or has it replaced.
    pub follow_ups: Vec<Name>,
}

/// An external action that somebody means to carry out: nothing has numbered, marked or recorded it yet.
///
/// Three types follow each other: a draft becomes [`Prepared`] by [`Recorder::prepare`], and that becomes
/// [`Recorded`] by [`Recorder::record`]; there is no other way to any of them.
///
/// ```compile_fail,E0308
/// # async fn f(recorder: terrarium_provider::Recorder, draft: terrarium_provider::IntentDraft) {
/// // A draft has no number and no marker: it can't be recorded.
/// let _ = recorder.record(vec![draft]).await;
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IntentDraft {
    /// The instance.
    pub addr: ResourceAddr,
    /// What will be done.
    pub action: Action,
    /// When it is meant, by the engine's clock.
    pub at: Timestamp,
    /// When that is by the clock of the service; see [`Intent::cloud_at`].
    pub cloud_at: Option<Timestamp>,
    /// Where it acts; see [`Intent::realm`].
    pub realm: Option<Name>,
    /// The provider configuration it goes through, as the state writes it.
    pub provider: Name,
    /// What the engine needs to finish the record of a lost create; see [`Intent::planned`].
    pub planned: Option<Name>,
    /// The id of the object that is changed or deleted, where it has one.
    pub object_id: Option<Name>,
    /// The deposed key, where the action is on a deposed object.
    pub deposed: Option<Name>,
    /// What must follow a create; see [`Intent::follow_ups`].
    pub follow_ups: Vec<Name>,
}

impl Intent {
    /// Drafts another intent like this one: for the next call of the same action.
    pub fn to_draft(&self) -> IntentDraft {
        let Self { addr, action, at, provider, planned, object_id, deposed, .. } = self.clone();
        let Self { cloud_at, realm, follow_ups, .. } = self.clone();
        IntentDraft {
            addr,
            action,
            at,
            cloud_at,
            realm,
            provider,
            planned,
            object_id,
            deposed,
            follow_ups,
        }
    }
}

/// An intent that is numbered and marked, and not durable yet: nothing may be sent on it.
///
/// ```compile_fail,E0451
/// # fn f(intent: terrarium_provider::Intent) -> terrarium_provider::Prepared {
/// // Only a recorder prepares.
/// terrarium_provider::Prepared { intent }
/// # }
/// ```
///
/// ```compile_fail,E0308
/// # use terrarium_provider::{Permit, Prepared};
/// # fn f(prepared: Prepared) -> Permit {
/// // What is not recorded is no leave to act.
/// Permit::External(prepared)
/// # }
/// ```
#[derive(Debug, PartialEq)]
pub struct Prepared {
    intent: Intent,
}

impl Prepared {
    /// Returns what will be recorded.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }
}

/// Where intents are recorded: the store of the state.
#[async_trait]
pub trait IntentStore: Send + Sync {
    /// Makes the intents durable, in one transaction, before it returns; one that is there already is
    /// recorded anew. Refuses where the lock is somebody else's by now, even if there are none.
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
    cause: SharedError,
}

impl NotRecorded {
    /// Says why, and keeps the error.
    pub fn because(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let cause = SharedError::of(error);
        Self { message: cause.to_string(), cause }
    }
}

impl fmt::Display for NotRecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NotRecorded {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

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
    pub fn prepare(&self, draft: IntentDraft) -> Prepared {
        let id = self.0.next_id();
        let intent = Intent {
            id,
            marker: Marker::derive(&self.0.lineage(), &draft.addr, id),
            addr: draft.addr,
            action: draft.action,
            at: draft.at,
            cloud_at: draft.cloud_at,
            realm: draft.realm,
            provider: draft.provider,
            planned: draft.planned,
            object_id: draft.object_id,
            deposed: draft.deposed,
            follow_ups: draft.follow_ups,
        };
        Prepared { intent }
    }

    /// Makes intents durable, in one transaction, and returns leave to act on each.
    pub async fn record(&self, prepared: Vec<Prepared>) -> Result<Vec<Recorded>, NotRecorded> {
        let intents: Vec<Intent> = prepared.into_iter().map(|it| it.intent).collect();
        self.0.record(&intents).await?;
        let recorded = |intent| Recorded { intent, recorder: self.clone(), created: false };
        Ok(intents.into_iter().map(recorded).collect())
    }
}

impl Recorder {
    /// Makes sure, right before a send, that the lock is still held, and records what grew old anew.
    async fn confirm(&self, intent: &Intent, now: Timestamp) -> Result<(), NotRecorded> {
        let age = now.duration_since(intent.at);
        if age <= FRESH {
            return self.0.record(&[]).await;
        }
        let cloud_at = intent.cloud_at.and_then(|at| at.checked_add(age).ok());
        self.0.record(&[Intent { at: now, cloud_at, ..intent.clone() }]).await
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

/// Proof that an intent is durable: leave to send the calls of its action. Only a [`Recorder`] makes one.
///
/// ```compile_fail,E0599
/// # fn f(recorded: terrarium_provider::Recorded) {
/// // One intent is leave for one action.
/// let _ = recorded.clone();
/// # }
/// ```
#[derive(Debug)]
pub struct Recorded {
    intent: Intent,
    recorder: Recorder,
    /// Whether its one create was begun.
    created: bool,
}

impl Recorded {
    /// Returns what was recorded.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Returns leave for one of the action's mutating calls: its create, or any number of idempotent ones.
    pub fn step(&mut self) -> Step<'_> {
        // What was made is as old as its create: a later record would make it older than its intent.
        let renews = !self.created;
        let leave = Leave { intent: &self.intent, recorder: &self.recorder, renews };
        Step { leave, created: &mut self.created }
    }

    /// Records an intent of its own for a second create within the action.
    pub async fn another(&self, at: Timestamp) -> Result<Recorded, NotRecorded> {
        let draft = IntentDraft { at, ..self.intent.to_draft() };
        let recorded = self.recorder.record(vec![self.recorder.prepare(draft)]).await?;
        recorded
            .into_iter()
            .next()
            .ok_or_else(|| NotRecorded::because("the store recorded nothing"))
    }
}

/// Leave to send one mutating call (and to repeat it while it is certain that nothing was done).
///
/// An idempotent call borrows it; a create consumes it, by [`Step::into_create`]:
///
/// ```compile_fail,E0382
/// # fn f(recorded: &mut terrarium_provider::Recorded) {
/// let step = recorded.step();
/// let first = step.into_create();
/// let second = step.into_create();
/// # }
/// ```
#[derive(Debug)]
pub struct Step<'a> {
    leave: Leave<'a>,
    created: &'a mut bool,
}

impl<'a> Step<'a> {
    /// Returns the intent.
    pub fn intent(&self) -> &'a Intent {
        self.leave.intent
    }

    /// Returns what is asked right before each send.
    pub fn leave(&self) -> Leave<'a> {
        self.leave
    }

    /// Turns it into leave for the one create of its intent; an error where that was used already: a
    /// second create needs an intent of its own ([`Recorded::another`]), or recovery would take one of
    /// the two for a double.
    pub fn into_create(self) -> Result<Creation<'a>, Spent> {
        if std::mem::replace(self.created, true) {
            return Err(Spent);
        }
        Ok(Creation { leave: self.leave, created: self.created })
    }
}

/// What is asked right before a send, after all waiting: the intent's record must stand, and its lock.
#[derive(Clone, Copy, Debug)]
pub struct Leave<'a> {
    intent: &'a Intent,
    recorder: &'a Recorder,
    /// Whether a record that grew old is made anew.
    renews: bool,
}

impl Leave<'_> {
    /// Makes sure that the call may leave. A holder that was stopped for long may have lost its lock to
    /// somebody who acted since; a record that is older than some seconds is made anew, so that recovery
    /// knows when the call may have left.
    ///
    /// # Cancel safety
    /// A dropped future may have recorded the intent anew, which is harmless.
    pub async fn confirm(&self, now: Timestamp) -> Result<(), NotRecorded> {
        if !self.renews {
            return self.recorder.0.record(&[]).await.map(drop);
        }
        self.recorder.confirm(self.intent, now).await
    }
}

/// Leave to send the call that makes an object.
#[derive(Debug)]
pub struct Creation<'a> {
    leave: Leave<'a>,
    created: &'a mut bool,
}

impl<'a> Creation<'a> {
    /// Returns the intent, whose marker the object carries.
    pub fn intent(&self) -> &'a Intent {
        self.leave.intent
    }

    /// Returns what is asked right before each send.
    pub fn leave(&self) -> Leave<'a> {
        self.leave
    }

    /// Gives the leave back: the service said no, so that nothing was made and the create may be tried
    /// otherwise.
    pub fn made_nothing(self) {
        *self.created = false;
    }
}

/// The one create of an intent was sent already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent;

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a second create of one action needs an intent of its own")
    }
}

impl std::error::Error for Spent {}

/// Why an outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What was attempted: method and path.
    pub attempted: String,
    /// What came instead of a trustworthy answer.
    pub symptom: String,
    /// What that says of the call.
    pub kind: DoubtKind,
}

/// What is known of a call whose outcome is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtKind {
    /// No answer came: the call may still be on its way. Where nothing comes of it, it is sent again.
    Lost,
    /// The service answered with an error of its own, and may have done it all the same. Nothing is on its
    /// way any more, and the same call would earn the same answer.
    Failed,
    /// It may not leave any more, since the lock is lost; an earlier call of the action may have left.
    NotSent,
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
