//! Commits: what lies before the store is done in order, with the fate that the weather draws.

use futures_util::FutureExt;
use terrarium_state::{
    Batch, Durability, Fate, IntentOutcome, ObjectChange, Script, Store, StoreError,
};

use super::Inside;
use crate::desk::Paper;

const FATES: &[Fate] = &[Fate::HalfAcknowledged, Fate::Vanished, Fate::Full, Fate::Lost];

impl Inside {
    /// Does what lies on top.
    pub(super) fn paper(&mut self) {
        let (Some(paper), Some(store)) = (self.papers.pop_front(), self.store.clone()) else {
            return;
        };
        match paper {
            Paper::Load(to) => {
                let never = || Err(StoreError::Other("a store in memory made us wait".into()));
                let state = store.load().now_or_never().unwrap_or_else(never);
                self.story.tell("load".to_owned());
                self.loads += 1;
                // Whoever asked may be gone.
                let _ = to.send(state);
            }
            Paper::Head(to) => {
                let never = || Err(StoreError::Other("a store in memory made us wait".into()));
                // Whoever asked may be gone.
                let _ = to.send(store.head().now_or_never().unwrap_or_else(never));
            }
            Paper::Commit { fence, batch, durability, to } => {
                let fate = self.fate(durability);
                let begun = batch.intents.iter().map(|intent| (intent.addr.clone(), intent.action));
                self.begun.extend(begun);
                self.story.tell(format!("commit {} -> {fate:?}", words(&batch)));
                let script = match fate {
                    Fate::Written => Script::Calm,
                    other => Script::Listed([other].into()),
                };
                self.disk.set_script(script);
                let ticket = store.submit(&fence, *batch, durability);
                self.tickets.push((ticket, to));
            }
        }
        self.acknowledge();
    }

    fn fate(&mut self, durability: Durability) -> Fate {
        let rare = self.weather.commits_one_in;
        if durability == Durability::Lazy || !self.dice.one_in(rare) {
            return Fate::Written;
        }
        self.dice.pick(FATES).unwrap_or(Fate::Written)
    }

    /// Passes on what the store has answered by now.
    fn acknowledge(&mut self) {
        for (mut ticket, to) in std::mem::take(&mut self.tickets) {
            match ticket.0.try_recv() {
                Ok(result) => {
                    // Nobody has to wait for a ticket.
                    let _ = to.send(result);
                }
                Err(_) => self.tickets.push((ticket, to)),
            }
        }
    }
}

fn words(batch: &Batch) -> String {
    let mut words = Vec::new();
    for intent in &batch.intents {
        words.push(format!("intent {} {:?} {}", intent.id.0, intent.action, intent.addr));
    }
    for (id, progress) in &batch.progress {
        let word = match progress {
            terrarium_state::IntentProgress::Accepted(accepted) => {
                format!("accepted as {}", accepted.id)
            }
            other => format!("{other:?}").split(['(', ' ']).next().unwrap_or_default().to_owned(),
        };
        words.push(format!("{} {word}", id.0));
    }
    let mut rows: Vec<&ObjectChange> = Vec::new();
    for (id, outcome) in &batch.outcomes {
        let word = match outcome {
            IntentOutcome::Row(row) => {
                rows.push(row);
                "closed".to_owned()
            }
            IntentOutcome::Nothing => "closed with nothing".to_owned(),
            IntentOutcome::Continued(next) => format!("continued as {}", next.0),
        };
        words.push(format!("{} {word}", id.0));
    }
    for object in rows.into_iter().chain(&batch.objects) {
        let verb = if object.object.is_some() { "is" } else { "gone" };
        let deposed = object.deposed.as_ref().map(|key| format!(" ({key})")).unwrap_or_default();
        words.push(format!("{}{deposed} {verb}", object.addr));
    }
    if !batch.outputs.is_empty() {
        words.push("outputs".to_owned());
    }
    words.join(", ")
}
