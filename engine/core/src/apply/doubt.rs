//! In doubt: a call was sent, and no trustworthy answer came. What it made is looked for in the same run, by
//! the rules of recovery; until that is known the intent stays open, so that whoever comes later looks as well.

use std::time::Duration;

use jiff::Timestamp;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Accepted, Action, Doubt, Intent, IntentId};
use terrarium_state::{Batch, Durability, IntentProgress};

use super::looking::Look;
use super::rows::{Became, Kept};
use super::tasks::Step;
use super::walk::{Event, Running, Walk};
use crate::task::{Deed, Fact, Seen, There, Times};
use crate::{Event as Told, RecoveryOutcome, codes};

/// How long after a lost reply the first look is; the pauses double.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// What is not known of a task's call.
pub(super) struct InDoubt {
    pub(super) doubt: Doubt,
    intent: Intent,
    /// Since when nobody is sending it any more.
    since: Timestamp,
    /// How long after the last look the next one is.
    pause: Duration,
}

impl InDoubt {
    fn times(&self) -> Times {
        let Intent { at, cloud_at, .. } = self.intent;
        Times { recorded_at: at, cloud_at, began: self.since }
    }
}

impl<'a> Walk<'a> {
    /// Whether a call was carried out is not known: it is looked for, or left to the next command.
    pub(super) fn doubt(
        &mut self,
        node: usize,
        intent: Option<IntentId>,
        doubt: Doubt,
        look: Option<Duration>,
    ) {
        if let Some(intent) = intent {
            let progress = vec![(intent, IntentProgress::Doubtful(doubt.to_string()))];
            self.lazy.push(self.submit(Batch { progress, ..Batch::default() }, Durability::Now));
        }
        let since = self.inputs.clock.now();
        let Some(under) = self.tasks.get_mut(&node) else { return };
        let Some((intent, left)) = under.sent.clone().zip(look) else {
            return self.leave_open(node, &doubt);
        };
        under.doubt = Some(InDoubt { doubt, intent, since, pause: FIRST_LOOK });
        self.look_later(node, left);
    }

    /// Gives a call up whose outcome nobody knows: its intent stays open, and the next command looks.
    pub(super) fn leave_open(&mut self, node: usize, doubt: &Doubt) {
        let Some(under) = self.tasks.get(&node) else { return };
        let addr = self.plan.changes[under.task.change].addr.clone();
        let error = Diagnostic::error(codes::DOUBTFUL, "Outcome unknown")
            .detail(format!(
                "{doubt}. Whether it was carried out is not known; the next command looks what exists before \
                 it does anything."
            ))
            .about(addr)
            .cause(doubt.to_string())
            .help("run the same command again");
        self.world.report(error);
        self.fail(node, &doubt.to_string());
    }

    /// Sets the timer of the next look.
    fn look_later(&mut self, node: usize, left: Duration) {
        let Some(under) = self.tasks.get_mut(&node) else { return };
        let Some(in_doubt) = &mut under.doubt else { return };
        let what = match under.task.step {
            Step::Delete => "looking whether it is still there",
            Step::Update => "looking whether it was changed",
            Step::Create | Step::Read | Step::Forget => "looking for what it made",
        };
        // What happened is told once, what is waited for each time.
        let what = if in_doubt.pause == FIRST_LOOK {
            format!("no sure answer to {}; {what}", in_doubt.doubt)
        } else {
            what.to_owned()
        };
        let pause = in_doubt.pause.min(left);
        in_doubt.pause = pause.saturating_mul(2);
        let addr = self.plan.changes[under.task.change].addr.clone();
        self.progress.on(Told::Recovering { addr, what, left: Some(left) });
        self.set_timer(node, pause);
    }

    /// Returns whether nobody knows what came of a task's call.
    pub(super) fn is_in_doubt(&self, node: usize) -> bool {
        self.tasks.get(&node).is_some_and(|under| under.doubt.is_some())
    }

    /// Looks for what came of these calls, with one question of each kind for all of one provider.
    pub(super) fn look<'w>(&mut self, nodes: Vec<usize>, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        let mut groups: std::collections::BTreeMap<_, (_, Vec<Look<'a>>)> =
            std::collections::BTreeMap::new();
        for node in nodes {
            let Some(under) = self.tasks.get(&node) else { continue };
            let (Some(in_doubt), Some(ready)) = (&under.doubt, &under.ready) else { continue };
            let plan = self.plan;
            let change = &plan.changes[under.task.change];
            let look = Look {
                node,
                change,
                intent: in_doubt.intent.clone(),
                times: in_doubt.times(),
                prior: ready.prior.clone(),
                planned: ready.planned.clone(),
                config: ready.config.clone(),
                private: ready.private.clone(),
            };
            let group = groups.entry(&change.provider);
            group.or_insert_with(|| (ready.provider.clone(), Vec::new())).1.push(look);
        }
        for (provider, looks) in groups.into_values() {
            let clock = self.inputs.clock.clone();
            running.push(Box::pin(async move {
                let nodes = looks.iter().map(|look| look.node).collect();
                let seen = super::looking::look(provider.as_ref(), clock.as_ref(), &looks).await;
                Event::Looked(nodes, seen)
            }));
        }
    }

    /// Goes on with what a look showed.
    pub(super) fn settle_look<'w>(&mut self, node: usize, seen: Seen, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        let Some(under) = self.tasks.get_mut(&node) else { return };
        let Some(in_doubt) = under.doubt.take() else { return };
        let intent = under.intent;
        let owes = under.task.step == Step::Create && !in_doubt.intent.follow_ups.is_empty();
        match self.stepped(node, Fact::Looked(seen), owes) {
            Deed::LookAgain { left } => {
                if let Some(under) = self.tasks.get_mut(&node) {
                    under.doubt = Some(in_doubt);
                }
                self.look_later(node, left);
            }
            Deed::LeaveOpen => self.leave_open(node, &in_doubt.doubt),
            Deed::Failed => self.nothing_came(node, &in_doubt.doubt),
            Deed::SendAgain => {
                self.tell_found(node, RecoveryOutcome::Nothing, "nothing came of it: sent again");
                self.resumed.push_back(node);
            }
            Deed::Keep(accepted) => {
                if let Some(under) = self.tasks.get_mut(&node) {
                    under.owes = owes;
                }
                self.tell_at_work(node, &accepted);
                self.accept(node, intent, &accepted, running);
            }
            Deed::Adopt(there) => self.adopt(node, *there, owes, running),
            deed @ Deed::Finish { .. } => {
                let gone = matches!(deed, Deed::Finish { state: None, .. });
                let what =
                    if gone { "it is gone, as was asked" } else { "it was changed all the same" };
                self.tell_found(node, RecoveryOutcome::Finished, what);
                self.carry_out(node, intent, deed, running);
            }
            // No look leads to any other.
            _ => {}
        }
    }

    /// Takes over what a create made whose reply was lost.
    fn adopt<'w>(&mut self, node: usize, there: There, owes: bool, running: &mut Running<'w>)
    where
        'a: 'w,
    {
        let There { state, private, lacks, as_planned } = there;
        let id = crate::object::id_of(&state).unwrap_or_default();
        let what = format!("adopted {id}, whose creation got no answer");
        self.tell_found(node, RecoveryOutcome::Adopted, &what);
        if owes {
            return self.go_on(node, Some(state), private);
        }
        if let Some(lacks) = lacks {
            self.half_made(node, &id, &format!("it will be replaced: {lacks}"));
            return self.refuse(node, Some(state), private);
        }
        let (became, kept) = (Became::Whole(state), Kept { private, window: None });
        if as_planned {
            return self.finish_task(node, &became, kept, running);
        }
        let left = "it is not as planned yet, which the next apply mends";
        self.half_made(node, &id, left);
        let batch = self.outcome(node, &became, kept);
        self.lazy.push(self.submit(batch, Durability::Now));
        self.publish(node, &became);
        self.fail(node, left);
    }

    /// The service failed, and nothing came of the call: it is refused.
    fn nothing_came(&mut self, node: usize, doubt: &Doubt) {
        let Some(under) = self.tasks.get(&node) else { return };
        let addr = self.plan.changes[under.task.change].addr.clone();
        let error = Diagnostic::error(codes::APPLY_FAILED, "The service failed")
            .detail(format!(
                "{doubt}. It was looked for until no request can be on its way: nothing came of it."
            ))
            .about(addr)
            .help(
                "ask the cloud's operators why the service failed, or run the same command again",
            );
        self.world.report(error);
        self.refuse(node, None, None);
    }

    fn half_made(&mut self, node: usize, id: &str, left: &str) {
        let Some(under) = self.tasks.get(&node) else { return };
        let addr = self.plan.changes[under.task.change].addr.clone();
        let error = Diagnostic::error(codes::DOUBTFUL, "Made, but not whole")
            .detail(format!(
                "The answer to its creation was lost. It was found again, as {id}; {left}."
            ))
            .about(addr)
            .help("run the same command again");
        self.world.report(error);
    }

    fn tell_at_work(&self, node: usize, accepted: &Accepted) {
        let Some(under) = self.tasks.get(&node) else { return };
        if Self::action_of(under.task.step) == Action::Create {
            let what = format!("adopted {}, whose creation got no answer", accepted.id);
            self.tell_found(node, RecoveryOutcome::Adopted, &what);
        } else {
            self.tell_found(node, RecoveryOutcome::Finished, "the service is at work on it");
        }
    }

    fn tell_found(&self, node: usize, outcome: RecoveryOutcome, what: &str) {
        let Some(under) = self.tasks.get(&node) else { return };
        let addr = self.plan.changes[under.task.change].addr.clone();
        self.progress.on(Told::Recovered { addr, outcome, what: what.to_owned() });
    }
}
