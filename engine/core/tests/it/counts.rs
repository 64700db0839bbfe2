//! What grows with a configuration, counted.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use terrarium_core::planfile::{self, SavedPlan};
use terrarium_provider::{Action, IntentDraft, Recorder};
use terrarium_state::{Batch, Dep, Durability, IntentProgress};
use terrarium_value::Value;

use crate::fake::{FakeKind, accepted, of_name};
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

/// Two servers with an address each, on a lease or not.
fn served(lease: &str, sits: &str) -> String {
    format!(
        "{lease}\nresource \"fake_port\" \"p\" {{\n  count = 2\n  name  = \"p${{count.index}}\"\n}}\n\
         resource \"fake_server\" \"s\" {{\n  count = 2\n  name  = \"s${{count.index}}\"\n  \
         port  = fake_port.p[count.index].id\n  {sits}\n}}\n\
         resource \"fake_address\" \"a\" {{\n  count = 2\n  name  = \"a${{count.index}}\"\n  \
         bound = fake_port.p[count.index].id\n}}\n\
         locals {{ d = fake_port.p[0].name == \"p0\" ? \"d\" : \"e\" }}\n\
         data \"fake_lookup\" \"d\" {{ name = local.d }}\n"
    )
}

/// A scene on the first of March, with something to look up.
fn served_scene(text: &str) -> Scene {
    let scene = Scene::of(text);
    let mut inside = scene.cloud.inside();
    inside.now = "2026-03-01T00:00:00Z".parse().unwrap();
    inside.make("fake_thing", &Value::object_of([("name", Value::string("d"))]), None);
    drop(inside);
    scene
}

#[tokio::test]
async fn only_what_hindsight_changes_is_planned_again_and_nothing_is_asked_twice() {
    let lease = |start: &str| {
        format!(
            "resource \"fake_lease\" \"l\" {{\n  name  = \"l\"\n  start = \"{start}\"\n  \
             end   = \"2026-03-20T00:00:00Z\"\n}}"
        )
    };
    let sits = "reservation = fake_lease.l.reservation";
    // How often each block is planned: ports, servers and addresses once, and again where they wait after all.
    let rows = [
        ("without time", served("", ""), 3),
        ("nothing waits", served(&lease("2026-03-01T00:00:00Z"), sits), 4),
        ("servers wait", served(&lease("2026-03-08T00:00:00Z"), sits), 4 + 3),
    ];
    for (what, text, plans) in rows {
        let mut scene = served_scene(&text);
        let outcome = scene.run(&Command::default(), Doing::Plan).await.unwrap();
        assert!(!outcome.plan.errored, "{what}: {:?}", outcome.found);
        assert_eq!(scene.cloud.calls("plan"), plans, "{what}");
        assert_eq!(scene.cloud.calls("data"), 1, "{what}");
    }
    // What exists is read once, however often it is planned.
    let text = served(&lease("2026-03-01T00:00:00Z"), sits);
    let mut scene = served_scene(&text);
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    let both = lease("2026-03-01T00:00:00Z")
        + "\n"
        + &lease("2026-03-08T00:00:00Z").replace("\"l\"", "\"m\"");
    let sits =
        "reservation = count.index < 2 ? fake_lease.l.reservation : fake_lease.m.reservation";
    let later = served(&both, sits).replace("count = 2", "count = 3");
    scene.file("main.tf", &later);
    scene.cloud.inside().calls.clear();
    let outcome = scene.run(&Command::default(), Doing::Plan).await.unwrap();
    assert!(!outcome.plan.deferred.is_empty(), "{:?}", outcome.found);
    assert_eq!(scene.cloud.calls("read"), 4, "a block is read once");
}

/// How often files are read while a block with so many instances is imported, which a file names.
async fn reads_of_an_import(instances: usize) -> usize {
    let old = "resource \"fake_thing\" \"old\" { name = \"a\" }\n";
    let mut scene = Scene::of(old);
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    let named = "for_each = toset(split(\",\", file(\"names\")))";
    let block = format!("resource \"fake_thing\" \"r\" {{\n  {named}\n  name = \"a\"\n}}\n");
    let import = format!("import {{\n  {named}\n  to = fake_thing.r[each.key]\n  id = \"1\"\n}}\n");
    scene.file("main.tf", &format!("{old}{block}{import}"));
    let names: Vec<String> = (0..instances).map(|at| format!("k{at}")).collect();
    scene.file("names", &names.join(","));
    scene.reads.store(0, Ordering::Relaxed);
    let outcome = scene.run(&Command::default(), Doing::Plan).await.unwrap();
    let imported = outcome.plan.changes.iter().filter(|change| change.importing.is_some());
    assert_eq!(imported.count(), instances);
    scene.reads.load(Ordering::Relaxed)
}

#[tokio::test]
async fn an_import_block_is_evaluated_once_for_all_instances() {
    assert_eq!(reads_of_an_import(40).await, reads_of_an_import(10).await);
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

/// Leaves creates open: so many that may have been sent, and as many that the service took on.
async fn interrupted(scene: &mut Scene, count: usize) {
    let (store, fence) = scene.open().await;
    let recorder = Recorder::new(store.intents(&fence));
    let draft = |kind: &str, at: usize| IntentDraft {
        addr: format!("{kind}.a[{at}]").parse().unwrap(),
        action: Action::Create,
        at: scene.cloud.inside().now,
        cloud_at: None,
        realm: None,
        provider: "provider[\"registry.terraform.io/hashicorp/fake\"]".into(),
        planned: None,
        object_id: None,
        deposed: None,
        follow_ups: Vec::new(),
    };
    for kind in ["fake_thing", "fake_slow"] {
        let drafts = (0..count).map(|at| recorder.prepare(draft(kind, at)));
        let recorded = recorder.record(drafts.collect()).await.unwrap();
        let mut progress = Vec::new();
        for one in &recorded {
            let marker = Some(one.intent().marker.to_string());
            let id = scene.cloud.inside().make(kind, &of_name(kind, "a"), marker).to_string();
            if kind == "fake_slow" {
                let accepted = accepted(kind, &id);
                progress.push((one.intent().id, IntentProgress::Accepted(Box::new(accepted))));
            }
        }
        let batch = Batch { progress, ..Batch::default() };
        store.submit(&fence, batch, Durability::Now).durable().await.unwrap();
    }
    store.unlock(fence).await.unwrap();
}

#[tokio::test]
async fn what_is_open_is_found_out_in_one_batch_of_each_kind() {
    let count = 200;
    let text = ["fake_thing", "fake_slow"].map(|kind| {
        format!("resource \"{kind}\" \"a\" {{\n  count = {count}\n  name  = \"a\"\n}}\n")
    });
    for doing in [Doing::Plan, Doing::Apply] {
        let mut scene = Scene::of(&text.concat());
        interrupted(&mut scene, count).await;
        let outcome = scene.run(&Command::default(), doing).await.unwrap();
        let calls = |call| scene.cloud.calls(call);
        assert_eq!(calls("find"), 1, "{doing:?}: one question for all that may have been made");
        // What a plan finds at work is looked at once; an apply looks again until it is done.
        let polls = if doing == Doing::Plan { 1 } else { 2 };
        assert_eq!(calls("poll"), polls, "{doing:?}: one question for all that is at work");
        // One for all that was found, and the plan's own of each block that has something recorded.
        let reads = if doing == Doing::Plan { 2 } else { 3 };
        assert_eq!(calls("read"), reads, "{doing:?}");
        assert_eq!(calls("apply"), 0, "{doing:?}: {:?}", outcome.plan.counts());
        let open = scene.state().await.intents.len();
        assert_eq!(open, if doing == Doing::Plan { count } else { 0 }, "{doing:?}");
        assert_eq!(scene.cloud.names().len(), 2 * count);
    }
}

#[tokio::test]
async fn what_was_never_made_is_waited_for_once() {
    let count = 50;
    let mut scene = Scene::of(&format!(
        "resource \"fake_thing\" \"a\" {{\n  count = {count}\n  name  = \"a\"\n}}\n"
    ));
    interrupted(&mut scene, count).await;
    scene.cloud.inside().vanish("a");
    let before = scene.cloud.inside().now;
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    let waited = scene.cloud.inside().now.duration_since(before).as_secs();
    assert_eq!(
        (waited, scene.cloud.calls("find")),
        (60, 2),
        "one horizon, and a look on either side"
    );
    assert_eq!(scene.cloud.names().len(), count);
}

/// Builds leases in every stage: ended, running with an extension that waits, coming, replaced with a gap.
fn leases() -> Scene {
    Scene::of(
        "resource \"fake_lease\" \"past\" {\n  name = \"past\"\n  end  = \"2026-03-02T00:00:00Z\"\n}\n\
         resource \"fake_server\" \"past\" {\n  name        = \"past\"\n  reservation = fake_lease.past.reservation\n}\n\
         resource \"fake_lease\" \"runs\" {\n  name = \"runs\"\n  kind = \"a100\"\n  zone = \"America/Chicago\"\n  \
         end  = \"2026-03-20T00:00:00Z\"\n}\n\
         resource \"fake_server\" \"runs\" {\n  name        = \"runs\"\n  reservation = fake_lease.runs.reservation\n}\n",
    )
}

const MORE: &str = "
resource \"fake_lease\" \"comes\" {
  name  = \"comes\"
  start = \"2026-03-08T00:00:00Z\"
  end   = \"2026-03-10T00:00:00Z\"
}
resource \"fake_server\" \"comes\" {
  name        = \"comes\"
  reservation = fake_lease.comes.reservation
}
resource \"fake_server\" \"never\" {
  name        = \"never\"
  reservation = fake_lease.past.reservation
}
resource \"fake_address\" \"a\" { name = \"a\" }
resource \"fake_association\" \"a\" {
  server  = fake_server.comes.id
  address = fake_address.a.id
}
data \"fake_lookup\" \"d\" {
  name       = \"comes\"
  depends_on = [fake_lease.comes]
}
output \"address\" { value = fake_lease.comes.address }
output \"runs\" { value = fake_server.runs.id }
";

#[tokio::test]
async fn a_saved_plan_keeps_what_it_says_of_time() {
    let mut scene = leases();
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    scene.cloud.inside().now = "2026-03-03T00:00:00Z".parse().unwrap();
    let longer = scene.files.values().next().unwrap().replace("20T00", "25T00") + MORE;
    scene.file("main.tf", &longer);
    let outcome = scene.run(&Command::default(), Doing::Plan).await.unwrap();
    let text = crate::show::plan(&outcome.plan, &outcome.found, &outcome.sources);
    for word in ["ended", "deferred", "can't", "those who need it", "known after", "<="] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    let deferred = outcome.plan.deferred.iter().map(|it| &it.change);
    let all: Vec<_> = outcome.plan.changes.iter().chain(deferred).collect();
    assert!(all.iter().any(|it| it.notes.cost.is_some() && it.notes.perishes.is_some()));
    assert!(all.iter().any(|it| it.standing.is_some() && it.schedule.not_after.is_some()));
    assert!(all.iter().any(|it| it.approval.is_some() && !it.covers.is_empty()));
    assert_eq!(outcome.plan.zone.as_deref(), Some("America/Chicago"));
    let saved = SavedPlan {
        plan: outcome.plan,
        sources: planfile::fingerprint(&outcome.sources),
        workspace: "default".into(),
        changed: 3,
    };
    let kind = FakeKind::new(scene.cloud.clone());
    let kinds = terrarium_core::ProviderSet::new(vec![std::sync::Arc::new(kind)]);
    let (kinds, _) = kinds.fetch_all().await;
    let back = planfile::read(&planfile::write(&saved).unwrap(), &kinds).unwrap();
    assert_eq!(format!("{back:#?}"), format!("{saved:#?}"));
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
        changed: 3,
    };
    let kinds = terrarium_core::ProviderSet::new(vec![std::sync::Arc::new(FakeKind::new(
        scene.cloud.clone(),
    ))]);
    let (kinds, _) = kinds.fetch_all().await;
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
    let check = |state: &_, changed, sources: &str, workspace: &str| {
        planfile::check_fresh(&back, (state, changed), sources, workspace)
    };
    check(&state, 3, &saved.sources, "default").unwrap();
    assert!(check(&state, 3, &saved.sources, "other").is_err());
    assert!(check(&state, 3, "other sources", "default").is_err());
    // The command of that serial was at work when the plan was made, and went on.
    assert!(check(&state, 4, &saved.sources, "default").is_err());
    scene.run(&Command::default(), Doing::Apply).await.unwrap();
    let state = scene.state().await;
    assert!(check(&state, 3, &saved.sources, "default").is_err());
}
