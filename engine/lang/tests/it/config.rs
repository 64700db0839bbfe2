//! Loading: every folder or file under `tests/data/config` is a module with its expectations in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use terrarium_diagnostic::{Diagnostics, Sources};
use terrarium_lang::expr::Files;
use terrarium_lang::{Configuration, StdFiles, config};

use crate::expectations::differences;

/// A file system of a few texts.
pub(crate) struct Texts(pub(crate) BTreeMap<PathBuf, Vec<u8>>);

impl Texts {
    /// Builds one from names and texts.
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(files.into_iter().map(|(name, text)| (name.into(), text.into())).collect())
    }
}

impl Files for Texts {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, bool)>> {
        let dir = if dir == Path::new(".") { Path::new("") } else { dir };
        let names: Vec<_> = self
            .0
            .keys()
            .filter(|path| path.parent() == Some(dir))
            .filter_map(|path| Some((path.file_name()?.to_string_lossy().into_owned(), false)))
            .collect();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names) }
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

/// Loads a module from one text.
pub(crate) fn load_text(text: &str) -> (Configuration, Diagnostics, Sources) {
    let mut sources = Sources::default();
    let (configuration, diags) =
        config::load(Path::new("."), &Texts::new([("main.tf", text)]), &mut sources);
    (configuration, diags, sources)
}

#[test]
fn modules_give_the_diagnostics_that_they_announce() {
    let mut cases = 0;
    let mut wrong = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config");
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let (sources, diags) = if path.is_dir() {
            let mut sources = Sources::default();
            let (_, diags) = config::load(&path, &StdFiles, &mut sources);
            (sources, diags)
        } else {
            let (_, diags, sources) = load_text(&fs::read_to_string(&path).unwrap());
            (sources, diags)
        };
        let text = differences(&sources, &diags);
        if !text.is_empty() {
            wrong.extend([path.display().to_string().as_str(), "\n", &text, "\n"]);
        }
        cases += 1;
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(cases >= 9, "only {cases} cases were found");
}
