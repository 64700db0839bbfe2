//! The engine is killed at any moment, and its disk fails: nothing is lost and nothing is left over.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use terrarium_core::Mode;
use terrarium_provider::{Action, Intent, IntentId, IntentStore, NotRecorded};
use terrarium_state::{
    Batch, CommitError, Durability, Fence, Head, HistoryEntry, IntentOutcome, LockError,
    LockRequest, Script, State, Store, StoreError, Ticket,
};

use crate::fake::{Fault, Trouble};
use crate::scene::{Command, Doing, Scene};

/// How many worlds are played.
const SEEDS: u64 = 120;

/// Worlds in which an object was lost between an acceptance and its record.
const FOUND: [u64; 4] = [303, 545, 1465, 1505];

#[tokio::test]
async fn after_any_crash_exactly_what_is_declared_exists() {
    let mut wrong = String::new();
    for seed in (0..SEEDS).chain(FOUND) {
        if let Err(why) = play(seed, |store| store).await {
            writeln!(wrong, "seed {seed}: {why}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn a_store_that_forgets_intents_is_noticed() {
    assert!(fails(|store| Arc::new(Planted { store, bug: Bug::IntentSkipped })).await);
}

#[tokio::test]
async fn an_outcome_before_its_intent_is_noticed() {
    assert!(fails(|store| Arc::new(Planted { store, bug: Bug::OutcomeFirst })).await);
}

async fn fails(wrap: fn(Arc<dyn Store>) -> Arc<dyn Store>) -> bool {
    for seed in 0..SEEDS {
        if play(seed, wrap).await.is_err() {
            return true;
        }
    }
    false
}

/// Plays one world; what went wrong comes with the configuration and what the cloud was asked.
async fn play(seed: u64, wrap: fn(Arc<dyn Store>) -> Arc<dyn Store>) -> Result<(), String> {
    let mut scene = Scene::new();
    scene.wrap = Box::new(wrap);
    let played = life(seed, &mut scene).await;
    played.map_err(|why| {
        let text: Vec<&str> = scene.files.values().map(String::as_str).collect();
        format!("{why}\n{}\n{}", text.join("\n"), scene.cloud.take_log().join("\n"))
    })
}

/// Builds, kills, changes, kills, and at last lets it finish.
async fn life(seed: u64, scene: &mut Scene) -> Result<(), String> {
    let mut dice = Dice(seed);
    // Replies that are lost are drawn by themselves: the seeds' stories stay what they were.
    let mut losses = Dice(seed ^ 0x10_55e5);
    for generation in 0..2 {
        scene.cloud.inside().log.push(format!("generation {generation}"));
        let declared = world(scene, &mut dice, generation);
        lose_replies(scene, &mut losses);
        for _ in 0..dice.below(4) {
            if dice.below(3) == 0 {
                scene.disk.set_script(Script::Seeded { state: dice.next(), one_in: 6 });
            }
            let crash = Some(usize::try_from(dice.below(60)).unwrap());
            scene.run(&Command { crash, ..Command::default() }, Doing::Apply).await;
            scene.cloud.inside().log.push("--".to_owned());
            scene.disk.set_script(Script::Calm);
            scene.pass(i64::try_from(dice.below(90)).unwrap());
        }
        settle(scene, &Command::default()).await?;
        let found = scene.cloud.names();
        if found != declared {
            return Err(format!("declared are {declared:?}, found are {found:?}"));
        }
        let plan = scene.run(&Command::default(), Doing::Plan).await.unwrap().plan;
        if plan.errored || plan.has_changes() {
            return Err(format!("the plan is not empty: {:?}", plan.counts()));
        }
    }
    let mut destroy = Command::default();
    destroy.options.mode = Mode::Destroy;
    let crash = Some(usize::try_from(dice.below(40)).unwrap());
    scene.run(&Command { crash, ..destroy.clone() }, Doing::Apply).await;
    settle(scene, &destroy).await?;
    let left = scene.cloud.names();
    if left.is_empty() { Ok(()) } else { Err(format!("left over are {left:?}")) }
}

/// Lets some replies be lost, of calls that were carried out and of others that were not.
fn lose_replies(scene: &Scene, dice: &mut Dice) {
    for _ in 0..dice.below(3) {
        let kind = ["fake_thing", "fake_slow"][usize::try_from(dice.below(2)).unwrap()];
        let addr = format!("{kind}.r{}", dice.below(6));
        let action = [Action::Create, Action::Update, Action::Delete];
        let action = action[usize::try_from(dice.below(3)).unwrap()];
        let trouble = [Trouble::Lost, Trouble::LostUnmade][usize::try_from(dice.below(2)).unwrap()];
        scene.cloud.inside().faults.push(Fault { addr, action, trouble });
    }
}

async fn settle(scene: &mut Scene, command: &Command) -> Result<(), String> {
    let outcome = scene.run(command, Doing::Apply).await.unwrap();
    let Some((summary, _)) = outcome.run else {
        return Err(format!("not applied: {:?}", outcome.found));
    };
    match summary.failed.first() {
        None => Ok(()),
        Some(failed) => Err(format!("{} failed: {}", failed.addr, failed.why)),
    }
}

/// Writes a configuration, and returns what it declares of the cloud.
fn world(scene: &mut Scene, dice: &mut Dice, generation: u64) -> Vec<String> {
    let mut text = String::new();
    let (mut declared, mut bases) = (BTreeSet::new(), BTreeSet::new());
    let count = 2 + dice.below(6);
    for at in 0..count {
        let kind = ["fake_thing", "fake_slow"][usize::try_from(dice.below(2)).unwrap()];
        if at > 0 && dice.below(5) == 0 {
            continue;
        }
        writeln!(text, "resource \"{kind}\" \"r{at}\" {{\n  name = \"r{at}\"").unwrap();
        writeln!(text, "  note = \"generation {}\"", generation * dice.below(2)).unwrap();
        // Only what is replaced by a successor first, or not at all, may be linked to.
        let base = at % 2 == 0;
        if let Some(below) = bases.iter().nth(usize::try_from(dice.below(count)).unwrap()) {
            let below: &String = below;
            writeln!(text, "  link = {below}.id").unwrap();
        }
        if kind == "fake_thing" {
            writeln!(text, "  size = {}", generation * dice.below(3)).unwrap();
        } else if dice.below(3) == 0 {
            writeln!(text, "  stages = 2").unwrap();
        }
        if base {
            writeln!(text, "  lifecycle {{ create_before_destroy = true }}").unwrap();
            bases.insert(format!("{kind}.r{at}"));
        }
        writeln!(text, "}}").unwrap();
        declared.insert(format!("{kind} r{at}"));
    }
    scene.file("main.tf", &text);
    declared.into_iter().collect()
}

/// `SplitMix64`.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn small(&mut self, bound: i64) -> i64 {
        i64::try_from(self.below(bound.unsigned_abs())).unwrap()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// The journal keeps nothing.
    IntentSkipped,
    /// An intent is written as done already.
    OutcomeFirst,
}

/// A store with a planted bug.
struct Planted {
    store: Arc<dyn Store>,
    bug: Bug,
}

#[async_trait]
impl Store for Planted {
    async fn load(&self) -> Result<State, StoreError> {
        self.store.load().await
    }

    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError> {
        self.store.lock(request).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.store.head().await
    }

    async fn renew(&self, fence: &Fence) -> Result<(), CommitError> {
        self.store.renew(fence).await
    }

    async fn unlock(&self, fence: Fence) -> Result<(), StoreError> {
        self.store.unlock(fence).await
    }

    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        self.store.submit(fence, batch, durability)
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.store.history().await
    }

    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore> {
        Arc::new(PlantedJournal {
            journal: self.store.intents(fence),
            store: self.store.clone(),
            fence: fence.clone(),
            bug: self.bug,
        })
    }
}

struct PlantedJournal {
    journal: Arc<dyn IntentStore>,
    store: Arc<dyn Store>,
    fence: Fence,
    bug: Bug,
}

#[async_trait]
impl IntentStore for PlantedJournal {
    async fn record(&self, intents: &[Intent]) -> Result<(), NotRecorded> {
        if self.bug == Bug::IntentSkipped {
            return Ok(());
        }
        self.journal.record(intents).await?;
        let outcomes = intents.iter().map(|it| (it.id, IntentOutcome::Nothing)).collect();
        let batch = Batch { outcomes, ..Batch::default() };
        let _ = self.store.submit(&self.fence, batch, Durability::Now).durable().await;
        Ok(())
    }

    fn next_id(&self) -> IntentId {
        self.journal.next_id()
    }

    fn lineage(&self) -> terrarium_address::Name {
        self.journal.lineage()
    }
}
