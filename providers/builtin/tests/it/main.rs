//! Plays the cases under `tests/data`: each is a folder named like its type, each file a life of one object.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod json;
mod play;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use terrarium_address::Mode;
use terrarium_builtin::{OsChance, kinds};
use terrarium_provider::{Effect, FixedClock, Presence, ProviderKind, Types};

fn every_kind() -> Vec<Arc<dyn ProviderKind>> {
    kinds(&(Arc::new(OsChance) as _), &(Arc::new(FixedClock(jiff::Timestamp::UNIX_EPOCH)) as _))
}

#[tokio::test]
async fn every_case_plays_as_written() {
    let (mut played, mut failures) = (0, Vec::new());
    for folder in entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")) {
        let kind = name(&folder);
        for file in entries(&folder) {
            played += 1;
            if let Err(why) = play::play(&kind, &fs::read_to_string(&file).unwrap()).await {
                failures.push(format!("{kind}/{}: {why}", name(&file)));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(played >= 20, "only {played} cases found");
}

#[tokio::test]
async fn every_type_has_a_case_and_a_complete_schema() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for provider in every_kind() {
        let schemas = provider.schemas("", &Types::All).await.unwrap();
        let again = provider.schemas("", &Types::All).await.unwrap();
        assert_eq!(schemas.resource_names.len(), schemas.resources.len());
        for (kind, schema) in &schemas.resources {
            assert!(&**kind == "random_uuid4" || data.join(&**kind).is_dir(), "{kind} has no case");
            assert_eq!(schema.effect, Effect::Local, "{kind}");
            assert!(!schema.block.description.is_empty(), "{kind}");
            assert_eq!(
                schema.block.attributes.get("id").unwrap().presence,
                Presence::Computed,
                "{kind}"
            );
            for (name, attribute) in &schema.block.attributes {
                assert!(!attribute.description.is_empty(), "{kind}.{name}");
            }
            assert!(
                Arc::ptr_eq(schema, again.resources.get(kind).unwrap()),
                "{kind} is built twice"
            );
        }
        let few = Types::Named([(Mode::Managed, "random_id".into())].into());
        let few = provider.schemas("", &few).await.unwrap();
        assert!(few.resources.keys().all(|kind| &**kind == "random_id"), "only what was asked for");
    }
}

#[test]
fn sources_are_terraforms() {
    let kinds = every_kind();
    let sources: Vec<_> = kinds.iter().map(|kind| kind.source()).collect();
    assert_eq!(
        sources,
        ["builtin/terraform", "hashicorp/random", "hashicorp/null", "hashicorp/time"]
    );
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}
