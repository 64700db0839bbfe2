//! Random leases and what sits on them, lived through in steps of any size: after every run exactly what
//! can exist exists, and nothing was tried before its time.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use terrarium_value::Value;

use crate::crash::Dice;
use crate::scene::{Command, Doing, Scene};
use crate::show;

/// How many semesters are lived through.
const SEEDS: u64 = 12;

/// Hours of a semester.
const LENGTH: i64 = 200;

/// A lease of the configuration: first and last hour, and how late it is active.
#[derive(Clone, Copy)]
pub(crate) struct Term {
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) lag: i64,
}

/// Something declared that sits on a lease.
struct Sitting {
    name: String,
    lease: Option<usize>,
}

pub(crate) struct Semester {
    pub(crate) text: String,
    /// How many hours after its start a lease is active that had to be waited for.
    pub(crate) lag: i64,
    /// How many minutes after its end what sat on a lease is still there.
    linger: i64,
    pub(crate) terms: Vec<Term>,
    /// How many of the terms are of leases that follow no other: `l0` and so on.
    pub(crate) free: usize,
    sitting: Vec<Sitting>,
}

pub(crate) fn hour(at: i64) -> Timestamp {
    let base: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    base.checked_add(SignedDuration::from_hours(at)).unwrap()
}

/// Invents a configuration.
pub(crate) fn invent(dice: &mut Dice) -> Semester {
    let lag = if dice.below(2) == 0 { 0 } else { dice.small(4) };
    let (mut text, mut terms, mut sitting) = (String::new(), Vec::new(), Vec::new());
    for lease in 0..=dice.below(3) {
        let from = dice.small(LENGTH / 4);
        let term = Term { from, until: from + 1 + dice.small(3 * LENGTH / 4), lag: 0 };
        writeln!(text, "resource \"fake_lease\" \"l{lease}\" {{\n  name = \"l{lease}\"").unwrap();
        if from > 0 || dice.below(2) == 0 {
            writeln!(text, "  start = \"{}\"", hour(from)).unwrap();
        }
        writeln!(text, "  end = \"{}\"\n}}", hour(term.until)).unwrap();
        terms.push(term);
    }
    for server in 0..=dice.below(4) {
        let lease = usize::try_from(dice.below(5)).unwrap();
        let lease = (lease < terms.len()).then_some(lease);
        writeln!(text, "resource \"fake_server\" \"s{server}\" {{\n  name = \"s{server}\"")
            .unwrap();
        if let Some(lease) = lease {
            writeln!(text, "  reservation = fake_lease.l{lease}.reservation").unwrap();
        }
        let ported = dice.below(3) == 0;
        if ported {
            writeln!(text, "  port = fake_port.p{server}.id").unwrap();
        }
        writeln!(text, "}}").unwrap();
        if ported {
            let bound = if dice.below(2) == 0 { "port.p" } else { "server.s" };
            writeln!(text, "resource \"fake_port\" \"p{server}\" {{ name = \"p{server}\" }}")
                .unwrap();
            writeln!(text, "resource \"fake_address\" \"b{server}\" {{\n  name = \"b{server}\"")
                .unwrap();
            writeln!(text, "  bound = fake_{bound}{server}.id\n}}").unwrap();
        }
        sitting.push(Sitting { name: format!("fake_server s{server}"), lease });
        if dice.below(2) == 0 {
            let name = format!("v{server}");
            writeln!(text, "resource \"fake_thing\" \"{name}\" {{ name = \"{name}\" }}").unwrap();
            writeln!(text, "resource \"fake_attachment\" \"{name}\" {{\n  name = \"{name}\"")
                .unwrap();
            writeln!(text, "  server = fake_server.s{server}.id").unwrap();
            writeln!(text, "  volume = fake_thing.{name}.id\n}}").unwrap();
            sitting.push(Sitting { name: format!("fake_attachment {name}"), lease });
        }
        if dice.below(3) == 0 {
            let name = format!("a{server}");
            writeln!(text, "resource \"fake_address\" \"{name}\" {{ name = \"{name}\" }}").unwrap();
            writeln!(text, "resource \"fake_association\" \"{name}\" {{\n  name = \"{name}\"")
                .unwrap();
            writeln!(text, "  server = fake_server.s{server}.id").unwrap();
            writeln!(text, "  address = fake_address.{name}.id\n}}").unwrap();
            sitting.push(Sitting { name: format!("fake_association {name}"), lease });
        }
    }
    let linger = if dice.below(2) == 0 { 0 } else { 30 };
    let free = terms.len();
    in_turn(dice, &mut text, &mut terms, &mut sitting);
    for term in &mut terms {
        term.lag = if term.from > 0 { lag } else { 0 };
    }
    Semester { text, lag, linger, terms, free, sitting }
}

/// Adds leases that follow each other, and one volume that goes from server to server.
fn in_turn(dice: &mut Dice, text: &mut String, terms: &mut Vec<Term>, sitting: &mut Vec<Sitting>) {
    let mut from = dice.small(LENGTH / 4);
    writeln!(text, "resource \"fake_thing\" \"shared\" {{ name = \"shared\" }}").unwrap();
    for turn in 0..dice.below(4) {
        let term = Term { from, until: from + 2 + dice.small(LENGTH / 5), lag: 0 };
        let (start, end) = (hour(term.from), hour(term.until));
        writeln!(
            text,
            "resource \"fake_lease\" \"t{turn}\" {{\n  name = \"t{turn}\"\n  start = \"{start}\"\n  end = \"{end}\"\n}}\n\
             resource \"fake_server\" \"t{turn}\" {{\n  name = \"t{turn}\"\n  reservation = fake_lease.t{turn}.reservation\n}}\n\
             resource \"fake_attachment\" \"t{turn}\" {{\n  name = \"t{turn}\"\n  server = fake_server.t{turn}.id\n  \
             volume = fake_thing.shared.id\n}}"
        )
        .unwrap();
        for kind in ["fake_server", "fake_attachment"] {
            sitting.push(Sitting { name: format!("{kind} t{turn}"), lease: Some(terms.len()) });
        }
        terms.push(term);
        from = term.until + dice.small(2);
    }
}

impl Semester {
    /// Builds the world that it is lived in.
    pub(crate) fn scene(&self) -> Scene {
        let scene = Scene::of(&self.text);
        scene.cloud.inside().lag = SignedDuration::from_hours(self.lag);
        scene.cloud.inside().linger = SignedDuration::from_mins(self.linger);
        scene
    }

    /// Declares one more server.
    pub(crate) fn add_server(&mut self, lease: usize, name: &str) {
        writeln!(
            self.text,
            "resource \"fake_server\" \"{name}\" {{\n  name = \"{name}\"\n  reservation = fake_lease.l{lease}.reservation\n}}"
        )
        .unwrap();
        self.sitting.push(Sitting { name: format!("fake_server {name}"), lease: Some(lease) });
    }

    /// Lists what exists on leases at an hour.
    fn at(&self, hour: i64) -> BTreeSet<String> {
        let stands = |lease: &usize| {
            let term = self.terms[*lease];
            term.from + term.lag <= hour && hour < term.until
        };
        let exist = self.sitting.iter().filter(|it| it.lease.as_ref().is_none_or(stands));
        exist.map(|it| it.name.clone()).collect()
    }
}

/// Lists what exists of the kinds that sit on leases; the error is something that went wrong.
fn existing(scene: &Scene) -> Result<BTreeSet<String>, String> {
    let inside = scene.cloud.inside();
    let mut found = BTreeSet::new();
    for object in inside.objects.values() {
        let text = |name: &str| object.state.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("status") == "ERROR" {
            return Err(format!("{} {} came too early", object.kind, text("name")));
        }
        let sits = ["fake_server", "fake_attachment", "fake_association"];
        if sits.contains(&&*object.kind)
            && !found.insert(format!("{} {}", object.kind, text("name")))
        {
            return Err(format!("{} {} is there twice", object.kind, text("name")));
        }
    }
    Ok(found)
}

/// Carries out one command; the error is what failed.
async fn carry_out(scene: &mut Scene, doing: Doing) -> Result<String, String> {
    let outcome = scene.run(&Command::default(), doing).await.unwrap();
    let text = show::plan(&outcome.plan, &outcome.found, &outcome.sources);
    let Some((summary, found)) = &outcome.run else {
        let errs = outcome.plan.errored || doing != Doing::Plan;
        return if errs { Err(text) } else { Ok(text) };
    };
    match (summary.failed.first(), outcome.held.first()) {
        (None, None) => Ok(text + &show::run(summary, found, &outcome.sources)),
        (Some(failed), _) => Err(format!("{} failed: {}", failed.addr, failed.why)),
        (_, Some(held)) => Err(show::held(held)),
    }
}

/// Lives through a semester, looking at these hours; the text of everything that was said comes back.
async fn live(semester: &Semester, hours: &[i64], crashes: Option<u64>) -> Result<String, String> {
    let mut scene = semester.scene();
    let mut said = String::new();
    let mut crashes = crashes.map(Dice);
    for (step, at) in hours.iter().enumerate() {
        scene.cloud.inside().now = hour(*at);
        let doing = if step == 0 { Doing::Apply } else { Doing::Run };
        if let Some(dice) = &mut crashes {
            let crash = Some(usize::try_from(dice.below(40)).unwrap());
            scene.run(&Command { crash, ..Command::default() }, doing).await;
            scene.pass(90);
        }
        said += &Box::pin(look(&mut scene, semester, *at, doing)).await?;
    }
    Ok(said)
}

/// Carries out a command at an hour, and compares what there is with what there should be.
pub(crate) async fn look(
    scene: &mut Scene,
    semester: &Semester,
    at: i64,
    doing: Doing,
) -> Result<String, String> {
    let fail = |why: String| format!("hour {at}: {why}");
    let mut said = carry_out(scene, doing).await.map_err(fail)?;
    if semester.linger > 0 {
        // Nothing failed although others are still there; now they go, and what waited comes.
        scene.pass(SignedDuration::from_mins(semester.linger).as_secs());
        said += &carry_out(scene, Doing::Run).await.map_err(fail)?;
    }
    let (found, wanted) = (existing(scene).map_err(fail)?, semester.at(at));
    if found != wanted {
        return Err(fail(format!("there are {found:?}, not {wanted:?}\n{said}")));
    }
    let plan = scene.run(&Command::default(), Doing::Plan).await.unwrap().plan;
    if plan.has_changes() || plan.has_unapproved() {
        let left = carry_out(scene, Doing::Plan).await?;
        return Err(fail(format!("the plan after it is not empty: {left}")));
    }
    let over = semester.terms.iter().all(|term| term.until <= at);
    if over && plan.has_waiting() {
        return Err(fail("something waits when all is over".to_owned()));
    }
    writeln!(said, "{}", scene.cloud.text()).unwrap();
    Ok(said)
}

/// Invents hours to look at, the first and the last of the semester among them.
pub(crate) fn steps(dice: &mut Dice) -> Vec<i64> {
    let inner: BTreeSet<i64> = (0..2 + dice.below(6)).map(|_| 1 + dice.small(LENGTH)).collect();
    [0].into_iter().chain(inner).chain([LENGTH + 10]).collect()
}

#[tokio::test]
async fn after_every_run_exactly_what_can_exist_exists() {
    let mut wrong = String::new();
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let semester = invent(&mut dice);
        let hours = steps(&mut dice);
        let first = Box::pin(live(&semester, &hours, None)).await;
        let again = Box::pin(live(&semester, &hours, None)).await;
        match first {
            Err(why) => writeln!(wrong, "seed {seed}: {why}\n{}", semester.text).unwrap(),
            Ok(said) if again.as_ref() != Ok(&said) => {
                writeln!(wrong, "seed {seed}: not the same twice").unwrap();
            }
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn small_steps_come_to_the_same_as_one_large_one() {
    let mut wrong = String::new();
    for seed in 1000..1000 + SEEDS {
        let mut dice = Dice(seed);
        let semester = invent(&mut dice);
        let hours = steps(&mut dice);
        let (first, last) = (hours[0], hours[hours.len() - 2]);
        for hours in [hours[..hours.len() - 1].to_vec(), vec![first, last]] {
            if let Err(why) = Box::pin(live(&semester, &hours, None)).await {
                writeln!(wrong, "seed {seed}, {hours:?}: {why}\n{}", semester.text).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn runs_that_are_killed_leave_nothing_over() {
    let mut wrong = String::new();
    for seed in 2000..2000 + SEEDS {
        let mut dice = Dice(seed);
        let semester = invent(&mut dice);
        let hours = steps(&mut dice);
        if let Err(why) = Box::pin(live(&semester, &hours, Some(dice.below(1 << 40)))).await {
            writeln!(wrong, "seed {seed}: {why}\n{}", semester.text).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn a_lease_that_seems_active_too_early_is_noticed() {
    let mut noticed = false;
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let mut semester = Semester { lag: 20, ..invent(&mut dice) };
        for term in semester.terms.iter_mut().filter(|term| term.from > 0) {
            term.lag = 20;
        }
        let mut scene = semester.scene();
        scene.cloud.inside().lies = true;
        for (step, at) in steps(&mut dice).into_iter().enumerate() {
            scene.cloud.inside().now = hour(at);
            let doing = if step == 0 { Doing::Apply } else { Doing::Run };
            noticed |= Box::pin(look(&mut scene, &semester, at, doing)).await.is_err();
        }
    }
    assert!(noticed);
}

/// Returns a configuration with its blocks in another order.
fn shuffled(text: &str, dice: &mut Dice) -> String {
    let mut blocks: Vec<&str> = text.split_inclusive("}\n").collect();
    for at in (1..blocks.len()).rev() {
        let other = usize::try_from(dice.below(at as u64 + 1)).unwrap();
        blocks.swap(at, other);
    }
    blocks.concat()
}

#[tokio::test]
async fn any_order_of_blocks_is_the_same_plan() {
    let mut wrong = String::new();
    for seed in 2000..2000 + SEEDS {
        let mut dice = Dice(seed);
        let semester = invent(&mut dice);
        let hours = steps(&mut dice);
        let mut scene = Scene::of(&semester.text);
        for hour in hours {
            scene.cloud.inside().now = self::hour(hour);
            let mut plans = Vec::new();
            for text in [semester.text.clone(), shuffled(&semester.text, &mut dice)] {
                scene.file("main.tf", &text);
                let outcome = scene.run(&Command::default(), Doing::Plan).await.unwrap();
                let diagnostics = outcome.found.0.len();
                let changes = format!("{:?}\n{:?}", outcome.plan.changes, outcome.plan.deferred);
                plans.push((changes, outcome.plan.leftovers, diagnostics));
            }
            if plans[0] != plans[1] {
                writeln!(wrong, "seed {seed}, hour {hour}: {plans:#?}").unwrap();
            }
            scene.file("main.tf", &semester.text);
            scene.run(&Command::default(), Doing::Apply).await.unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
