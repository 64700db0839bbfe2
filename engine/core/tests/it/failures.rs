//! A provider that is slow, dead or wrong once: every command ends in one diagnostic, and nothing is lost.

use terrarium_core::Mode;
use terrarium_diagnostic::Diagnostics;

use crate::fake::{MANNERS, METHODS, Manner, Method};
use crate::scene::{Command, Doing, Scene};

const OLD: &str = r#"
resource "fake_thing" "old" { name = "old" }
"#;

const IMPORTED: &str = r#"
resource "fake_thing" "i" { name = "i" }
"#;

const FORGOTTEN: &str = r"
removed {
  from = fake_thing.i
  lifecycle { destroy = false }
}
";

const NEW: &str = r#"
resource "fake_thing" "a" { name = "a" }
resource "fake_slow" "b" {
  name = "b"
  link = fake_thing.a.id
}
data "fake_lookup" "d" { name = "old" }
output "d" { value = data.fake_lookup.d.id }
"#;

const IMPORT: &str = r#"
import {
  to = fake_thing.i
  id = "2"
}
"#;

/// What a user runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Validate,
    Console,
    Schemas,
    Plan,
    Refresh,
    Apply,
    Import,
    Destroy,
    /// An apply after one that was killed.
    Recover,
}

const VERBS: [Verb; 9] = [
    Verb::Validate,
    Verb::Console,
    Verb::Schemas,
    Verb::Plan,
    Verb::Refresh,
    Verb::Apply,
    Verb::Import,
    Verb::Destroy,
    Verb::Recover,
];

/// Returns the methods that a command comes to ask.
fn asks(verb: Verb, method: Method) -> bool {
    use Method::{
        Apply, Check, Configure, Data, Find, Import, Plan, Read, Schemas, Upgrade, Validate,
    };
    match verb {
        Verb::Schemas => method == Schemas,
        Verb::Console => matches!(method, Schemas | Upgrade),
        Verb::Validate => matches!(method, Schemas | Upgrade | Validate),
        Verb::Plan => {
            matches!(method, Schemas | Upgrade | Configure | Validate | Plan | Check | Read | Data)
        }
        Verb::Refresh => matches!(method, Schemas | Upgrade | Configure | Validate | Read | Data),
        Verb::Apply => !matches!(method, Import | Find),
        Verb::Import => method != Find,
        Verb::Destroy => matches!(method, Schemas | Upgrade | Configure | Read | Apply),
        Verb::Recover => method != Import,
    }
}

/// Returns whether a failure costs nothing: work that is not answered for is asked about again, and a
/// judgement that is passed is none, and a lost reply is looked for in the same run.
fn is_harmless(method: Method, manner: Manner) -> bool {
    match method {
        Method::Poll => manner != Manner::Dead,
        Method::Check => manner == Manner::Wrong,
        // What it may have made is looked for, and made after all.
        Method::Apply => manner == Manner::Slow,
        _ => false,
    }
}

/// Builds what stands before the command: an object, and one that the state does not know any more.
async fn scene(verb: Verb) -> Scene {
    let mut scene = Scene::of(OLD);
    let mut files = vec![OLD.to_owned()];
    if verb == Verb::Import {
        files.extend([[OLD, IMPORTED].concat(), [OLD, FORGOTTEN].concat()]);
    }
    for text in files {
        scene.file("main.tf", &text);
        scene.run(&Command::default(), Doing::Apply).await.unwrap();
    }
    // What is recorded by now follows an older version of the schemas.
    scene.cloud.inside().schema_version = 1;
    scene.file("main.tf", &goal(verb));
    scene
}

/// Returns the configuration that the command works on.
fn goal(verb: Verb) -> String {
    match verb {
        Verb::Destroy => OLD.to_owned(),
        Verb::Import => [OLD, NEW, IMPORTED, IMPORT].concat(),
        _ => [OLD, NEW].concat(),
    }
}

/// Runs a command; returns what is said.
async fn carry_out(scene: &mut Scene, verb: Verb) -> Diagnostics {
    let mut command = Command::default();
    let doing = match verb {
        Verb::Validate | Verb::Console | Verb::Schemas => return look(scene, verb).await,
        Verb::Plan => Doing::Plan,
        Verb::Refresh => {
            command.options.mode = Mode::RefreshOnly;
            Doing::Apply
        }
        Verb::Destroy => {
            command.options.mode = Mode::Destroy;
            Doing::Apply
        }
        Verb::Apply | Verb::Import | Verb::Recover => Doing::Apply,
    };
    let outcome = scene.run(&command, doing).await.unwrap();
    let mut said = outcome.found;
    said.extend(outcome.run.map(|(_, said)| said).unwrap_or_default());
    said
}

/// Runs a command that only reads schemas.
async fn look(scene: &Scene, verb: Verb) -> Diagnostics {
    let (inputs, _, _) = scene.inputs(scene.state().await, true);
    if verb == Verb::Schemas {
        return inputs.providers.fetch_all().await.1;
    }
    let (inputs, mut said) = inputs.fetched().await;
    if said.has_errors() {
        return said;
    }
    if verb == Verb::Validate {
        said.extend(terrarium_core::validate(&inputs).await);
    } else {
        let root = inputs.config.module(&terrarium_address::ModulePath::root()).unwrap();
        let output = root.outputs.get("d").unwrap();
        said.extend(terrarium_core::console(&inputs, &output.value).1);
    }
    said
}

/// Kills an apply where its create was sent and not written down.
async fn kill(scene: &mut Scene) {
    for polls in 1.. {
        let command = Command { crash: Some(polls), ..Command::default() };
        let ended = scene.run(&command, Doing::Apply).await.is_some();
        assert!(!ended, "no crash leaves an open create");
        let state = scene.state().await;
        if !state.intents.is_empty() {
            return;
        }
    }
}

#[tokio::test]
async fn whatever_fails_is_one_diagnostic_and_nothing_is_lost() {
    let mut wrong = Vec::new();
    for verb in VERBS {
        for method in METHODS {
            for manner in MANNERS {
                let case = format!("{verb:?}, {method:?} {manner:?}");
                if let Err(why) = play(verb, (method, manner)).await {
                    wrong.push(format!("{case}: {why}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn told(said: &Diagnostics) -> Vec<String> {
    let errors = said.iter().filter(|one| one.is_error());
    errors.map(|one| format!("{}: {}", one.summary, one.detail)).collect()
}

/// Plays one row of the table.
async fn play(verb: Verb, (method, manner): (Method, Manner)) -> Result<(), String> {
    let mut scene = scene(verb).await;
    if verb == Verb::Recover {
        kill(&mut scene).await;
    }
    scene.impatient = true;
    scene.cloud.inside().broken = Some((method, manner));
    let said = carry_out(&mut scene, verb).await;
    let asked = scene.cloud.inside().broken.take().is_none();
    if asked != asks(verb, method) {
        return Err(format!("the provider was asked: {asked}"));
    }
    let errors = told(&said);
    let expected = usize::from(asked && !is_harmless(method, manner));
    if errors.len() != expected {
        return Err(format!("{} errors, not {expected}: {errors:#?}", errors.len()));
    }
    // Once more, with nothing in the way.
    let again = if matches!(verb, Verb::Destroy | Verb::Import) { verb } else { Verb::Apply };
    let said = carry_out(&mut scene, again).await;
    let errors = told(&said);
    if !errors.is_empty() {
        return Err(format!("the next command fails: {errors:?}"));
    }
    let names = match verb {
        Verb::Destroy => Vec::new(),
        Verb::Import => vec!["fake_slow b", "fake_thing a", "fake_thing i", "fake_thing old"],
        _ => vec!["fake_slow b", "fake_thing a", "fake_thing old"],
    };
    if scene.cloud.names() != names {
        return Err(format!("there is {:?}", scene.cloud.names()));
    }
    let state = scene.state().await;
    if !state.intents.is_empty() {
        return Err(format!("intents stay open: {:#?}", state.intents));
    }
    Ok(())
}
