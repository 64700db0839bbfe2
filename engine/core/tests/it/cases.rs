//! Plays `tests/data/*.txt`: files and commands in turn, each command with the text it must answer.
//!
//! `--- NAME.tf` sets a file (empty: removes it), `--- vars` the variables (`name = JSON`); commands are
//! `plan`, `apply`, `validate`, `graph`, `state`, `cloud`, `fault`, `drift`, `vanish`, `taint`, `wait`,
//! `deaf`, `calls`, `unbind` (from its realm, as what was taken over); about time `run` (as `run -once`), `schedule`, `overdue`, `until`, `end`, `capacity`,
//! `lag`, `linger`, `asleep`, `awake`. After `BLESS=1 cargo test -p terrarium-core` the files hold what was answered: read
//! the difference.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::SignedDuration;
use terrarium_address::ResourceAddr;
use terrarium_core::{Mode, Parallelism};
use terrarium_provider::Action;
use terrarium_state::{Batch, Durability, Object, ObjectChange, ObjectStatus};
use terrarium_value::json;

use crate::fake::{Fault, Inside, Trouble};
use crate::scene::{Command, Doing, Scene};
use crate::show;

#[tokio::test]
async fn every_case_answers_what_it_says() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 10, "the cases are there");
    let mut wrong = String::new();
    for path in names.iter().filter(|path| path.extension().is_some_and(|it| it == "txt")) {
        let text = std::fs::read_to_string(path).unwrap();
        let answered = play(&text).await;
        if answered == text {
            continue;
        }
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, answered).unwrap();
        } else {
            let name = path.file_name().unwrap().to_string_lossy();
            writeln!(wrong, "{name}:\n{}", first_difference(&text, &answered)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn first_difference(expected: &str, actual: &str) -> String {
    let mut actual = actual.lines();
    for (at, line) in expected.lines().enumerate() {
        let other = actual.next().unwrap_or("(end)");
        if line != other {
            return format!("  line {}: expected {line}\n           answered {other}", at + 1);
        }
    }
    format!("  answered more: {}", actual.next().unwrap_or(""))
}

async fn play(text: &str) -> String {
    let mut scene = Scene::new();
    let (head, rest) = text.split_once("--- ").unwrap_or((text, ""));
    let mut out = head.to_owned();
    for section in format!("\n{rest}").split("\n--- ").filter(|it| !it.trim().is_empty()) {
        let section = section.strip_prefix('\n').unwrap_or(section);
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        let answer = step(&mut scene, title.trim(), body).await;
        let body = answer.unwrap_or_else(|| body.trim_end().to_owned());
        let end = if body.is_empty() { "" } else { "\n" };
        writeln!(out, "--- {title}\n{body}{end}").unwrap();
    }
    format!("{}\n", out.trim_end())
}

/// Carries out one section; `None` keeps its body.
async fn step(scene: &mut Scene, title: &str, body: &str) -> Option<String> {
    let words: Vec<&str> = title.split_whitespace().collect();
    Some(match *words.as_slice() {
        ["vars"] => {
            scene.variables =
                body.lines().filter_map(|line| line.split_once('=')).map(variable).collect();
            return None;
        }
        [name] if name.contains('.') => {
            scene.files.remove(&PathBuf::from("project").join(name));
            if !body.trim().is_empty() {
                scene.file(name, body);
            }
            return None;
        }
        ["plan", ref flags @ ..] => plan(scene, flags).await,
        ["apply", ref flags @ ..] => carry_out(scene, flags, Doing::Apply).await,
        ["run", ref flags @ ..] => carry_out(scene, flags, Doing::Run).await,
        ["validate"] => validate(scene).await,
        ["graph"] => graph(scene).await,
        ["state"] => show::state(&scene.state().await),
        ["schedule"] => show::schedule(&scene.state().await),
        ["overdue"] => show::overdue(&scene.state().await, scene.cloud.inside().now),
        ["cloud"] => scene.cloud.text().trim_end().to_owned(),
        ["calls", call] => {
            let calls = scene.cloud.calls(call);
            scene.cloud.inside().calls.clear();
            calls.to_string()
        }
        ["taint", addr] => {
            let tainted: ResourceAddr = addr.parse().unwrap();
            let taint = |addr: &ResourceAddr, object: &mut Object| {
                if *addr == tainted {
                    object.status = ObjectStatus::Tainted;
                }
            };
            rewrite(scene, taint).await;
            return None;
        }
        ["unbind"] => {
            rewrite(scene, |_, object| object.realm = None).await;
            return None;
        }
        ref words => {
            happen(&mut scene.cloud.inside(), words);
            return None;
        }
    })
}

/// Lets something happen in the cloud.
fn happen(cloud: &mut Inside, words: &[&str]) {
    match *words {
        ["fault", action, addr, trouble] => cloud.faults.push(Fault {
            addr: addr.to_owned(),
            action: self::action(action),
            trouble: self::trouble(trouble),
        }),
        ["drift", name, attribute, value] => {
            cloud.drift(name, attribute, &json::decode(value).unwrap());
        }
        ["vanish", name] => cloud.vanish(name),
        ["wait", span] => cloud.now = cloud.now.checked_add(duration(span)).unwrap(),
        ["until", at] => cloud.now = at.parse().unwrap(),
        ["end", name, at] => cloud.end(name, at),
        ["capacity", leases] => cloud.capacity = leases.parse().unwrap(),
        ["lag", span] => cloud.lag = duration(span),
        ["linger", span] => cloud.linger = duration(span),
        ["asleep", name] => drop(cloud.asleep.insert(name.to_owned())),
        ["awake", name] => drop(cloud.asleep.remove(name)),
        ["deaf", how] => cloud.deaf = how == "on",
        _ => panic!("unknown section {words:?}"),
    }
}

/// Reads a span: seconds, or `30m`, `12h`, `2d`.
fn duration(span: &str) -> SignedDuration {
    let (digits, unit) = span.split_at(span.find(char::is_alphabetic).unwrap_or(span.len()));
    let factor = match unit {
        "" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => panic!("unknown unit {unit}"),
    };
    SignedDuration::from_secs(digits.parse::<i64>().unwrap() * factor)
}

fn variable((name, value): (&str, &str)) -> (terrarium_address::Name, terrarium_value::Value) {
    (name.trim().into(), json::decode(value.trim()).unwrap())
}

fn action(word: &str) -> Action {
    match word {
        "create" => Action::Create,
        "update" => Action::Update,
        "delete" => Action::Delete,
        _ => panic!("unknown action {word}"),
    }
}

fn trouble(word: &str) -> Trouble {
    match word {
        "refuse" => Trouble::Refuse,
        "refuse-made" => Trouble::RefuseMade,
        "lost" => Trouble::Lost,
        "lost-unmade" => Trouble::LostUnmade,
        "lost-doubled" => Trouble::LostDoubled,
        "lost-unmarked" => Trouble::LostUnmarked,
        "failed" => Trouble::Failed,
        "failed-made" => Trouble::FailedMade,
        "stuck" => Trouble::Stuck,
        _ => panic!("unknown trouble {word}"),
    }
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::default();
    for flag in flags {
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        match name {
            "-destroy" => command.options.mode = Mode::Destroy,
            "-refresh-only" => command.options.mode = Mode::RefreshOnly,
            "-refresh" => command.options.refresh = value != "false",
            "-eager" => command.options.time.eager = true,
            "-allow-gap" => command.options.time.allow_gap = true,
            "-no-defer" => command.options.time.defer = false,
            "-offline" => command.options.offline = true,
            "-target" => command.options.targets.push(value.parse().unwrap()),
            "-replace" => command.options.replace.push(value.parse().unwrap()),
            "-import" => {
                let (addr, id) = value.rsplit_once('=').unwrap();
                command.options.imports.push((addr.parse().unwrap(), id.to_owned()));
            }
            "-parallelism" => command.parallelism = Parallelism::Work(value.parse().unwrap()),
            "-cancel" => command.cancel = Some(value.parse().unwrap()),
            "-crash" => command.crash = Some(value.parse().unwrap()),
            _ => panic!("unknown flag {flag}"),
        }
    }
    command
}

async fn plan(scene: &mut Scene, flags: &[&str]) -> String {
    let outcome = scene.run(&command(flags), Doing::Plan).await.unwrap();
    scene.cloud.take_log();
    let mut lines = outcome.told;
    lines.push(show::plan(&outcome.plan, &outcome.found, &outcome.sources));
    lines.join("\n")
}

async fn carry_out(scene: &mut Scene, flags: &[&str], doing: Doing) -> String {
    scene.cloud.take_log();
    let outcome = scene.run(&command(flags), doing).await;
    let log = scene.cloud.take_log();
    let Some(outcome) = outcome else {
        return log.into_iter().chain(["Killed.".to_owned()]).collect::<Vec<_>>().join("\n");
    };
    let mut lines: Vec<String> = outcome.told;
    lines.extend(log);
    lines.extend(outcome.held.iter().map(show::held));
    match &outcome.run {
        None => lines.push(show::plan(&outcome.plan, &outcome.found, &outcome.sources)),
        Some((summary, found)) => {
            let all = outcome.found.iter().chain(found.iter()).cloned().collect();
            lines.push(show::run(summary, &all, &outcome.sources));
        }
    }
    lines.extend(outcome.next.map(|at| format!("Next: {at}.")));
    lines.join("\n")
}

async fn validate(scene: &Scene) -> String {
    let (inputs, sources, mut found) = scene.inputs(scene.state().await, true);
    if !found.has_errors() {
        let (inputs, unfetched) = inputs.fetched().await;
        found.extend(unfetched);
        found.extend(terrarium_core::validate(&inputs).await);
    }
    show::found(&found, &sources)
}

async fn graph(scene: &Scene) -> String {
    let (inputs, sources, mut found) = scene.inputs(scene.state().await, true);
    let (text, more) = terrarium_core::dot(&inputs.config);
    found.extend(more);
    format!("{text}{}", show::found(&found, &sources))
}

/// Changes recorded objects under the lock.
async fn rewrite(scene: &Scene, change: impl Fn(&ResourceAddr, &mut Object)) {
    use terrarium_state::Store as _;
    let store = terrarium_state::MemoryStore::open(scene.disk.clone());
    let state = store.load().await.unwrap();
    let request = terrarium_state::LockRequest {
        id: "11111111-1111-4111-8111-111111111111".into(),
        scope: terrarium_state::LockScope::Workspace,
        operation: "taint".into(),
        who: "somebody@here".into(),
        version: "0".into(),
        at: scene.cloud.inside().now,
        timeout: std::time::Duration::ZERO,
    };
    let fence = store.lock(request).await.unwrap();
    let rewritten = state.resources.iter().map(|(addr, instance)| {
        let (addr, provider) = (addr.clone(), instance.provider.clone());
        let mut object = instance.current.clone();
        if let Some(object) = &mut object {
            change(&addr, object);
        }
        ObjectChange { addr, deposed: None, provider, object }
    });
    let batch = Batch { objects: rewritten.collect(), ..Batch::default() };
    store.submit(&fence, batch, Durability::Now).durable().await.unwrap();
    store.unlock(fence).await.unwrap();
}
