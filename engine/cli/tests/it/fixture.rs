//! Folders of cases: a text beside its expected text.

use std::path::{Path, PathBuf};

/// Lists the cases of a folder of `tests/data` by their extension, sorted.
pub(crate) fn cases(folder: &str, extension: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", dir.display());
    cases
}

/// Compares a text with the file that holds what is expected; `UPDATE_FIXTURES=1` writes it instead.
pub(crate) fn assert_file(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_FIXTURES").is_some_and(|value| value == "1") {
        std::fs::write(path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if expected != actual {
        let diff = similar::TextDiff::from_lines(expected.as_str(), actual);
        let name = path.display();
        panic!("{name} differs:\n{}", diff.unified_diff().header("expected", "actual"));
    }
}
