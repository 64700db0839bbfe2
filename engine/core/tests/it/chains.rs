//! Chains as long as somebody may write them: no value is evaluated by recursion along its references.

use std::fmt::Write as _;

use terrarium_core::{Mode, validate};
use terrarium_lang::tfvars;
use terrarium_state::State;

use crate::scene::{Command, Doing, Scene};

const LINKS: usize = 20_000;

/// Locals of which each reads the next, so that their order in the source is no help.
fn locals() -> String {
    let mut text = String::from("locals {\n");
    for at in 0..LINKS {
        writeln!(text, "  l{at:05} = local.l{:05}", at + 1).unwrap();
    }
    writeln!(text, "  l{LINKS:05} = \"end\"\n}}").unwrap();
    writeln!(text, "resource \"fake_thing\" \"t\" {{ name = local.l00000 }}").unwrap();
    writeln!(text, "output \"o\" {{ value = local.l00000 }}").unwrap();
    text
}

/// Calls of one module, each given what the one before it gives out.
fn calls(links: usize) -> Scene {
    let mut text = String::from("module \"m0\" {\n  source = \"./m\"\n  x      = \"end\"\n}\n");
    for at in 1..links {
        writeln!(text, "module \"m{at}\" {{\n  source = \"./m\"").unwrap();
        writeln!(text, "  x      = module.m{}.y\n}}", at - 1).unwrap();
    }
    writeln!(text, "output \"o\" {{ value = module.m{}.y }}", links - 1).unwrap();
    let mut scene = Scene::of(&text);
    scene.file("m/main.tf", "variable \"x\" {}\noutput \"y\" { value = var.x }\n");
    scene
}

fn answer(scene: &Scene, text: &str) -> String {
    let (inputs, mut sources, found) = scene.inputs(State::default(), false);
    assert!(!found.has_errors());
    let file = sources.add_text("<console-input>", text);
    let (expression, found) = tfvars::read_expression(file, &text.into());
    assert!(!found.has_errors());
    let (answer, found) = terrarium_core::console(&inputs, &expression.unwrap());
    assert!(!found.has_errors(), "{found:?}");
    format!("{answer:?}")
}

#[tokio::test]
async fn a_long_chain_of_locals_is_evaluated_by_every_command() {
    let mut scene = Scene::of(&locals());
    let (inputs, _, _) = scene.inputs(State::default(), true);
    let (inputs, unfetched) = inputs.fetched().await;
    assert!(!unfetched.has_errors() && !validate(&inputs).await.has_errors());
    assert!(answer(&scene, "local.l00000").contains("end"));
    let outcome = scene.run(&Command::default(), Doing::Apply).await.unwrap();
    assert!(!outcome.run.unwrap().1.has_errors());
    let mut command = Command::default();
    command.options.mode = Mode::Destroy;
    let outcome = scene.run(&command, Doing::Apply).await.unwrap();
    assert!(!outcome.found.has_errors() && scene.cloud.names().is_empty());
}

#[test]
fn a_long_chain_of_modules_is_evaluated_on_demand() {
    assert!(answer(&calls(2_000), "module.m1999.y").contains("end"));
}

#[tokio::test]
async fn a_long_circle_is_told_with_its_ends() {
    let text = locals().replace("\"end\"", "local.l00000");
    let outcome = Scene::of(&text).run(&Command::default(), Doing::Plan).await.unwrap();
    let all: Vec<_> = outcome.found.iter().collect();
    let [circle] = all.as_slice() else { panic!("{} diagnostics", all.len()) };
    assert_eq!(circle.summary, "Cycle");
    assert!(circle.detail.contains(" more) … needs "), "{}", circle.detail);
    assert!(circle.detail.len() < 2_000, "{}", circle.detail.len());
}
