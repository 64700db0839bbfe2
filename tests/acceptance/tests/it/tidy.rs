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
    ("drive", &["address", "diagnostic", "provider", "state", "core"]),
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

/// Names that only some folders may have, each with why.
const AT_HOME: &[(&str, &[&str], &str)] = &[
    (
        concat!("Sqlite", "Store"),
        &["engine/state"],
        "a command works on whatever keeps the states: it holds `dyn Backend` and `dyn Store`",
    ),
    (concat!("rusq", "lite"), &["engine/state", "providers/testbed"], "no SQL leaves its store"),
    (
        concat!("set_current", "_dir"),
        &[],
        "the directory of the root module is a value: several stacks may be at work in one process",
    ),
];

#[test]
fn names_stay_at_home() {
    for path in all_sources() {
        let shown = path.strip_prefix(repository()).expect("a file of ours").to_path_buf();
        let text = read(&path);
        for (name, homes, why) in AT_HOME {
            let at_home = homes.iter().any(|home| shown.starts_with(home));
            assert!(at_home || !text.contains(name), "{} has {name}: {why}", shown.display());
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

/// Flags that are taken and have nothing to do, each with why that is what its user asked for.
const MOOT: &[(&str, &str, &str)] = &[
    ("shared.rs", "lock", "belongs to the store: a plan without a lock"),
    (
        "shared.rs",
        "backup",
        "only `-` is taken, which asks for no backup file, and none is written",
    ),
    ("init.rs", "upgrade", "providers are built in, so the newest that fits is always chosen"),
    ("init.rs", "migrate_state", "what has to be moved is refused and told, with or without it"),
    ("init.rs", "force_copy", "as migrate_state"),
    ("init.rs", "get", "only `true` is taken"),
    ("init.rs", "ignore_remote_version", "no state is remote"),
    ("init.rs", "test_directory", "there are no tests that it could be the folder of"),
    ("validate.rs", "no_tests", "as test_directory"),
    ("validate.rs", "test_directory", "as in init"),
    ("validate.rs", "variables", "validate takes every variable as unknown"),
    ("providers.rs", "test_directory", "as in init"),
    ("graph.rs", "kind", "only `plan` is taken, which is the graph that is drawn"),
    ("graph.rs", "draw_cycles", "a cycle is an error that shows its path"),
    ("workspace.rs", "lock", "making a workspace locks nothing"),
    ("workspace.rs", "lock_timeout", "making a workspace locks nothing"),
];

/// A field of a struct that clap fills.
struct Flag {
    file: PathBuf,
    name: String,
    ty: String,
}

/// Finds the flags of the command line: public fields under `#[arg(…)]` or `#[command(flatten)]`.
fn flags() -> Vec<Flag> {
    let mut files = Vec::new();
    for folder in ["engine/cli/src/args", "engine/cli/src/commands"] {
        sources(&repository().join(folder), &mut files);
    }
    files.push(repository().join("engine/cli/src/command_line.rs"));
    let mut found = Vec::new();
    for file in files {
        let text = read(&file);
        let mut pieces = text.split("#[arg(").collect::<Vec<_>>();
        pieces.extend(text.split("#[command(flatten)]"));
        for piece in pieces.iter().skip(1) {
            let field = piece.lines().find_map(|line| line.trim().strip_prefix("pub "));
            let Some((name, ty)) = field.and_then(|field| field.split_once(": ")) else { continue };
            let (name, ty) = (name.to_owned(), ty.trim_end_matches(',').to_owned());
            if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                found.push(Flag { file: file.clone(), name, ty });
            }
        }
    }
    found
}

/// Returns whether some line of the command line's source reads a field of this name: `args.name`, `.state.name`.
fn is_read(name: &str, texts: &[String]) -> bool {
    let owners = [
        "args",
        "flags",
        "shared",
        "cli",
        "plan",
        "state",
        "time",
        "variables",
        "select",
        "delete",
        "new",
        "schema",
        "push",
        "list",
        "show",
        "serve",
        "reset",
        "advance",
        "settings",
    ];
    let reads: Vec<String> = owners.iter().map(|owner| format!("{owner}.{name}")).collect();
    texts.iter().flat_map(|text| text.lines()).any(|line| {
        !line.trim_start().starts_with("//")
            && reads.iter().any(|read| {
                line.split(read.as_str()).skip(1).any(|rest| {
                    !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
                })
            })
    })
}

#[test]
fn every_flag_is_read_somewhere_or_refused() {
    let mut files = Vec::new();
    sources(&repository().join("engine/cli/src"), &mut files);
    let texts: Vec<String> = files.iter().map(|file| read(file)).collect();
    let flags = flags();
    assert!(flags.len() > 60, "only {} flags were found", flags.len());
    let moot = |flag: &Flag| {
        let file = flag.file.file_name().unwrap_or_default();
        MOOT.iter().any(|(known, name, _)| file == *known && flag.name == *name)
    };
    for flag in &flags {
        let refused = flag.ty.contains("Refused");
        assert!(
            refused || moot(flag) || is_read(&flag.name, &texts),
            "-{} of {} is declared and nowhere read: do what it says, or refuse it by name",
            flag.name,
            flag.file.display()
        );
    }
    for (file, name, why) in MOOT {
        let stands = flags.iter().any(|flag| flag.name == *name && flag.file.ends_with(file));
        assert!(stands && !why.is_empty(), "{file} has no flag {name}");
    }
}

/// Parts of a block that the language reads and that nothing has to act on, each with why.
const SAID_ONLY: &[(&str, &str)] = &[
    ("description", "documentation"),
    ("aliases", "which configurations a module is given is told by the `providers` of its call"),
    ("on_destroy", "a provisioner is refused as a whole"),
    ("continue_on_failure", "a provisioner is refused as a whole"),
];

/// A field of the configuration that only the reading of it knows was accepted and ignored.
#[test]
fn every_argument_of_a_block_is_acted_on() {
    let mut readers = Vec::new();
    for folder in ["engine/core/src", "engine/cli/src", "engine/lang/src/config"] {
        sources(&repository().join(folder), &mut readers);
    }
    // Reading a block into a field is not acting on it.
    let lowering = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "lower");
    let texts: Vec<String> =
        readers.iter().filter(|path| !lowering(path)).map(|path| read(path)).collect();
    let mut fields = 0;
    for file in ["module.rs", "resource.rs"] {
        let text = read(&repository().join("engine/lang/src/config").join(file));
        for line in text.lines() {
            let Some((name, _)) =
                line.strip_prefix("    pub ").and_then(|rest| rest.split_once(": "))
            else {
                continue;
            };
            if name.contains(' ') || SAID_ONLY.iter().any(|(known, _)| known == &name) {
                continue;
            }
            fields += 1;
            let read = format!(".{name}");
            let acted = texts.iter().any(|text| {
                text.split(read.as_str()).skip(1).any(|rest| {
                    !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
                })
            });
            assert!(
                acted,
                "{name} of {file} is read into the configuration and nothing acts on it"
            );
        }
    }
    assert!(fields > 60, "only {fields} fields were found");
}
