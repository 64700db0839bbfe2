//! `fmt`: `tests/data/fmt/NAME.tf` becomes `NAME.out`, which `terraform fmt` 1.11.4 wrote.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use terrarium_diagnostic::FileId;

fn fmt(text: &str) -> String {
    match terrarium_lang::fmt(FileId(0), text) {
        Ok(text) => text,
        Err(diags) => panic!("{diags:#?}"),
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fmt");
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "tf"));
    found.sort();
    found
}

#[test]
fn texts_are_laid_out_as_terraform_does() {
    let mut wrong = String::new();
    let cases = cases();
    assert!(cases.len() >= 10, "only {} cases were found", cases.len());
    for path in cases {
        let formatted = fmt(&fs::read_to_string(&path).unwrap());
        let expected = fs::read_to_string(path.with_extension("out")).unwrap();
        if formatted != expected {
            wrong.extend([path.display().to_string().as_str(), "\n"]);
            for (at, (ours, theirs)) in formatted.lines().zip(expected.lines()).enumerate() {
                if ours != theirs {
                    writeln!(wrong, "{}: {ours:?}\n  not {theirs:?}", at + 1).unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_layout_stays_as_it_is() {
    for path in cases() {
        let once = fs::read_to_string(path.with_extension("out")).unwrap();
        let name = path.file_stem().unwrap();
        // Terraform itself needs two runs for these: an unwrapped value may change the indentation.
        let twice = fmt(&fmt(&once));
        assert_eq!(fmt(&twice), twice, "{}", name.display());
    }
}
