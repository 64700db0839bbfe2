//! The rules of the house that a machine can check.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use terrarium_support::repository;

/// Longest file, its tests included.
const CEILING: usize = 600;

/// Which crates may stand under `[dependencies]` of which.
const ARROWS: &[(&str, &[&str])] = &[
    ("address", &[]),
    ("diagnostic", &["address"]),
    ("value", &["address"]),
    ("provider", &["address", "diagnostic", "value"]),
    ("state", &["address", "diagnostic", "value", "provider"]),
    ("lang", &["address", "diagnostic", "value", "provider"]),
    ("core", &["address", "diagnostic", "value", "provider", "state", "lang"]),
    ("openstack", &["address", "diagnostic", "value", "provider"]),
    ("builtin", &["address", "diagnostic", "value", "provider"]),
    ("testbed", &[]),
];

/// All crates: short name and folder.
fn crates() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for group in ["engine", "providers", "tests"] {
        for entry in fs::read_dir(repository().join(group)).expect("a folder of crates").flatten() {
            if entry.path().join("Cargo.toml").exists() {
                found.insert(entry.file_name().to_string_lossy().into_owned(), entry.path());
            }
        }
    }
    found
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in crates().values() {
        sources(folder, &mut found);
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a readable file")
}

/// Our crates under `[dependencies]`, by short name.
fn dependencies(folder: &Path) -> Vec<String> {
    let manifest = read(&folder.join("Cargo.toml"));
    let section = manifest.split("\n[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("terrarium-"))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let crates = crates();
    for (name, allowed) in ARROWS {
        for used in dependencies(&crates[*name]) {
            assert!(allowed.contains(&used.as_str()), "{name} may not depend on {used}");
        }
    }
    let free = ["cli", "support", "acceptance", "simulation"];
    for name in crates.keys() {
        let known = ARROWS.iter().any(|(crate_name, _)| crate_name == name)
            || free.contains(&name.as_str());
        assert!(known, "{name} is in no list of arrows");
    }
}

#[test]
fn files_fit_in_a_head() {
    for path in all_sources() {
        let lines = read(&path).lines().count();
        assert!(lines <= CEILING, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_map_names_every_crate() {
    let map = read(&repository().join("ARCHITECTURE.md"));
    for (name, folder) in crates() {
        let path =
            folder.strip_prefix(repository()).expect("a folder of ours").display().to_string();
        assert!(map.contains(&path), "ARCHITECTURE.md does not name {name} ({path})");
    }
}

#[test]
fn nothing_is_left_for_later_without_an_issue() {
    // Spelt apart, so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimpl", "emented!("),
    ];
    for path in all_sources() {
        for (number, line) in read(&path).lines().enumerate() {
            let left = marks.iter().any(|mark| line.contains(mark)) && !line.contains('#');
            assert!(!left, "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

#[test]
fn codes_are_unique_across_crates() {
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in all_sources()
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "codes.rs"))
    {
        let text = read(&path);
        let codes: std::collections::BTreeSet<&str> = text
            .split('"')
            .filter(|word| {
                word.len() == 5
                    && word.starts_with('T')
                    && word[1..].bytes().all(|b| b.is_ascii_digit())
            })
            .collect();
        for code in codes {
            if let Some(other) = seen.insert(code.to_owned(), path.clone()) {
                panic!("{code} stands in {} and {}", path.display(), other.display());
            }
        }
    }
}
