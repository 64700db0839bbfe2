//! The provider against a scripted cloud: what it sends, and what it makes of the answers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a case that can't be run is a case that fails"
)]

mod account;
mod batches;
mod case;
mod cloud;
mod convert;
mod http;
mod leases;
mod login;
mod recovery;
mod retries;
mod time;

use std::path::Path;

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut failed = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let json = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let outcome = std::panic::catch_unwind(|| case::run(&json));
        if let Err(panic) = outcome {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            failed.push(format!(
                "{}: {}",
                file.file_name().unwrap().to_string_lossy(),
                text.unwrap_or_default()
            ));
        }
    }
    assert!(!files.is_empty(), "there are cases");
    assert!(
        failed.is_empty(),
        "{} of {} cases failed:\n{}",
        failed.len(),
        files.len(),
        failed.join("\n\n")
    );
}
