//! What grows with a configuration, counted.

use std::fmt::Write as _;

use terrarium_core::planfile::{self, SavedPlan};
use terrarium_state::Dep;

use crate::fake::FakeKind;
use crate::scene::{Command, Doing, Scene};

/// `readers` instances that read all of `instances`.
fn readers(readers: usize, instances: usize) -> Scene {
    let mut text = String::new();
    writeln!(text, "resource \"fake_thing\" \"m\" {{").unwrap();
    writeln!(text, "  count = {instances}\n  name = \"m${{count.index}}\"\n}}").unwrap();
    writeln!(text, "resource \"fake_thing\" \"n\" {{").unwrap();
    writeln!(text, "  count = {readers}\n  name = \"n${{count.index}}\"").unwrap();
    writeln!(text, "  links = fake_thing.m[*].id\n}}").unwrap();
    Scene::of(&text)
}

#[tokio::test]
async fn a_block_is_planned_and_read_in_one_call() {
    let mut scene = readers(50, 40);
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    scene.cloud.inside().calls.clear();
    let outcome = scene.run(&Command::default(), Doing::Plan).await.unwrap();
    assert!(!outcome.plan.has_changes());
    assert_eq!(scene.cloud.calls("plan"), 2, "one call for each block");
    assert_eq!(scene.cloud.calls("read"), 2);
    assert_eq!(scene.cloud.calls("configure"), 1);
}

#[tokio::test]
async fn readers_of_a_block_record_the_block_alone() {
    let mut scene = readers(50, 40);
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    let state = scene.state().await;
    let deps: usize =
        state.resources.values().filter_map(|it| it.current.as_ref()).map(|it| it.deps.len()).sum();
    assert_eq!(deps, 50, "one for each reader, not one for each pair");
}

#[tokio::test]
async fn only_what_is_read_directly_is_recorded() {
    let mut text = String::from("resource \"fake_thing\" \"r0\" { name = \"r0\" }\n");
    for at in 1..30 {
        writeln!(text, "resource \"fake_thing\" \"r{at}\" {{\n  name = \"r{at}\"").unwrap();
        writeln!(text, "  link = fake_thing.r{}.id\n}}", at - 1).unwrap();
    }
    let mut scene = Scene::of(&text);
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    let state = scene.state().await;
    for (addr, instance) in &state.resources {
        let deps = &instance.current.as_ref().unwrap().deps;
        assert!(deps.len() <= 1, "{addr} has {deps:?}");
        assert!(deps.iter().all(|dep| matches!(dep, Dep::Instance(_))), "{addr} has {deps:?}");
    }
}

#[tokio::test]
async fn work_of_a_type_is_polled_together() {
    let text = "resource \"fake_slow\" \"s\" {\n  count = 8\n  name  = \"s${count.index}\"\n}\n";
    let mut scene = Scene::of(text);
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    assert_eq!(scene.cloud.names().len(), 8);
    assert_eq!(scene.cloud.calls("poll"), 2, "two rounds of all, not of each");
}

#[tokio::test]
async fn a_saved_plan_comes_back_as_it_was_unless_damaged_or_stale() {
    let mut scene = Scene::of(
        "variable \"v\" {\n  default   = \"x\"\n  sensitive = true\n}\n\
         resource \"fake_thing\" \"a\" {\n  count = 2\n  name  = \"a\"\n  note  = var.v\n}\n\
         data \"fake_lookup\" \"d\" { name = fake_thing.a[0].token }\n\
         output \"o\" { value = fake_thing.a[*].id }\n",
    );
    let outcome = scene.run(&Command::default(), Doing::Plan).await.unwrap();
    let saved = SavedPlan {
        plan: outcome.plan,
        sources: planfile::fingerprint(&outcome.sources),
        workspace: "default".into(),
    };
    let kinds = terrarium_core::ProviderSet::new(vec![std::sync::Arc::new(FakeKind::new(
        scene.cloud.clone(),
    ))]);
    let bytes = planfile::write(&saved).unwrap();
    let back = planfile::read(&bytes, &kinds).unwrap();
    assert_eq!(format!("{back:?}"), format!("{saved:?}"));
    assert_eq!(planfile::write(&back).unwrap(), bytes);
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(planfile::read(&damaged, &kinds).is_err(), "byte {at}");
        assert!(planfile::read(&bytes[..at], &kinds).is_err(), "cut at {at}");
    }
    let state = scene.state().await;
    planfile::check_fresh(&back, &state, &saved.sources, "default").unwrap();
    assert!(planfile::check_fresh(&back, &state, &saved.sources, "other").is_err());
    assert!(planfile::check_fresh(&back, &state, "other sources", "default").is_err());
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    let state = scene.state().await;
    assert!(planfile::check_fresh(&back, &state, &saved.sources, "default").is_err());
}
