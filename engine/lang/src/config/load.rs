//! Reading a module tree from its directories.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use terrarium_address::{InstanceKey, ModulePath};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Sources};

use super::lower::{self, Overrides};
use super::{Configuration, Module, ModuleCall, assemble, references};
use crate::codes;
use crate::expr::{Files, Origin};
use crate::syntax::tree::Content;
use crate::syntax::{self, Text};

/// Most modules in one tree. A tree in which each module calls two others is exponential in its depth;
/// real ones have some hundred.
const MAX_MODULES: usize = 100_000;

/// How deep modules may call modules.
const DEEPEST_MODULE: usize = 200;

/// Reads the module in `dir` and all that it calls.
///
/// Every directory is parsed once. The configuration is as complete as the files allow; with an error
/// in the diagnostics it must not be used for changes. References are checked only where the rest has
/// no error, since a declaration that could not be read would make many references wrong.
pub fn load(dir: &Path, files: &dyn Files, sources: &mut Sources) -> (Configuration, Diagnostics) {
    let mut loader = Loader {
        root: dir,
        files,
        sources,
        diags: Diagnostics::new(),
        parsed: HashMap::new(),
        modules: BTreeMap::new(),
    };
    if let Some(root) = loader.directory(Path::new("."), None) {
        loader.tree(&ModulePath::root(), &root, &mut vec![PathBuf::from(".")]);
    }
    let Loader { mut diags, modules, .. } = loader;
    let configuration = Configuration { dir: dir.to_owned(), modules };
    if !diags.has_errors() {
        diags.extend(references::check_references(&configuration));
    }
    (configuration, diags)
}

struct Loader<'a> {
    root: &'a Path,
    files: &'a dyn Files,
    sources: &'a mut Sources,
    diags: Diagnostics,
    parsed: HashMap<PathBuf, Option<Arc<Module>>>,
    modules: BTreeMap<ModulePath, Arc<Module>>,
}

impl Loader<'_> {
    /// Enters a module and those that it calls into the tree.
    fn tree(&mut self, path: &ModulePath, module: &Arc<Module>, above: &mut Vec<PathBuf>) {
        self.modules.insert(path.clone(), module.clone());
        for call in module.calls.values() {
            let Some(dir) = self.local_source(module, call) else { continue };
            if above.contains(&dir) {
                let cycle = cycle(call, &dir);
                // Each way to the module leads here; it is said once.
                if !self.diags.0.contains(&cycle) {
                    self.diags.push(cycle);
                }
                continue;
            }
            if self.modules.len() >= MAX_MODULES {
                self.diags.push(too_many(call));
                return;
            }
            if above.len() >= DEEPEST_MODULE {
                self.diags.push(too_deep(call));
                return;
            }
            let Some(child) = self.directory(&dir, Some(call)) else { continue };
            above.push(dir);
            self.tree(&path.child(call.name.clone(), InstanceKey::None), &child, above);
            above.pop();
        }
    }

    /// Returns the directory of a call's module, relative to the root; says so once where it is none.
    fn local_source(&mut self, module: &Module, call: &ModuleCall) -> Option<PathBuf> {
        if call.source.starts_with("./")
            || call.source.starts_with("../")
            || matches!(&*call.source, "." | "..")
        {
            return Some(clean(&module.dir.join(&call.source)));
        }
        let unsupported = Diagnostic::error(codes::MODULE_SOURCE, "Unsupported module source")
            .detail(format!(
                "The module \"{}\" comes from \"{}\". Modules are read from local directories only: a source that \
                 starts with ./ or ../",
                call.name, call.source
            ))
            .at(call.source_span, "not a local directory")
            .help("download the module into a directory of the project and name that directory here");
        if !self.diags.0.contains(&unsupported) {
            self.diags.push(unsupported);
        }
        None
    }

    /// Returns where the file system has a path that is given from the root module's directory. That one is not
    /// cleaned by its text: where it is a link, `..` leads from what it names.
    fn located(&self, path: &Path) -> PathBuf {
        if self.root == Path::new(".") { path.to_owned() } else { self.root.join(path) }
    }

    /// Returns the module of a directory, parsing it the first time.
    fn directory(&mut self, dir: &Path, call: Option<&ModuleCall>) -> Option<Arc<Module>> {
        if let Some(known) = self.parsed.get(dir) {
            return known.clone();
        }
        let module = self.read_directory(dir, call).map(Arc::new);
        self.parsed.insert(dir.to_owned(), module.clone());
        module
    }

    fn read_directory(&mut self, dir: &Path, call: Option<&ModuleCall>) -> Option<Module> {
        let names = match self.files.list(&self.located(dir)) {
            Ok(entries) => entries,
            Err(error) => {
                self.diags.push(unreadable_directory(dir, &error, call));
                return None;
            }
        };
        let mut names: Vec<String> = names
            .into_iter()
            .filter(|(name, is_dir)| !is_dir && is_source(name))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        let (overriding, primary): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| is_override(name));
        let (texts, json) = self.texts(dir, &primary);
        let (override_texts, override_json) = self.texts(dir, &overriding);
        let (overrides, problems) = syntax::parse_with(&override_texts, |origin, body, _| {
            (origin.clone(), Content::of_native(origin, body))
        });
        self.diags.extend(problems);
        let more = self.json(&override_json);
        let overrides = Overrides(overrides.into_iter().chain(more).collect());
        let (items, problems) = syntax::parse_with(&texts, |origin, body, diags| {
            lower::lower(origin, &Content::of_native(origin, body), &overrides, diags)
        });
        self.diags.extend(problems);
        let mut items: Vec<lower::Item> = items.into_iter().flatten().collect();
        for (origin, content) in self.json(&json) {
            items.extend(lower::lower(&origin, &content, &overrides, &mut self.diags));
        }
        let files = [&texts, &json, &override_texts, &override_json];
        let files = files.into_iter().flatten().map(|text| text.file).collect();
        Some(assemble::module(
            Module { dir: dir.to_owned(), files, ..Module::default() },
            items.into_iter(),
            &overrides,
            &mut self.diags,
        ))
    }

    /// Reads files; returns those in the native syntax and those in JSON.
    fn texts(&mut self, dir: &Path, names: &[String]) -> (Vec<Text>, Vec<Text>) {
        let (json, native): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| has_suffix(name, ".json"));
        let mut read = |names: Vec<&String>| -> Vec<Text> {
            names.into_iter().filter_map(|name| self.text(dir, name)).collect()
        };
        (read(native), read(json))
    }

    fn json(&mut self, texts: &[Text]) -> Vec<(Origin, Content)> {
        texts.iter().filter_map(|text| syntax::json::content(text, &mut self.diags)).collect()
    }

    fn text(&mut self, dir: &Path, name: &str) -> Option<Text> {
        let path = clean(&dir.join(name));
        let shown = path.display().to_string();
        let path = self.located(&path);
        let bytes = match self.files.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let detail = format!("The file {shown} could not be read: {error}.");
                self.diags.push(
                    Diagnostic::error(codes::UNREADABLE, "Failed to read file").detail(detail),
                );
                return None;
            }
        };
        match syntax::decode(bytes, self.files.largest_source()) {
            Ok(text) => {
                let text: Arc<str> = text.into();
                let file = self.sources.add_file(path, &shown, text.clone());
                Some(Text { file, text })
            }
            Err(problem) => {
                let file = self.sources.add_file(path, &shown, "");
                let start = terrarium_diagnostic::Span::new(file, 0..0);
                self.diags.push(problem.at(start, ""));
                None
            }
        }
    }
}

fn cycle(call: &ModuleCall, dir: &Path) -> Diagnostic {
    Diagnostic::error(codes::MODULE_CYCLE, "Module calls itself")
        .detail(format!(
            "The module in {} is called from within itself by the module call \"{}\", so that the tree would never end.",
            dir.display(),
            call.name
        ))
        .at(call.source_span, "leads back to a module that this one is part of")
}

fn too_many(call: &ModuleCall) -> Diagnostic {
    Diagnostic::error(codes::MODULE_CYCLE, "Too many modules")
        .detail(format!("The tree has more than {MAX_MODULES} modules."))
        .at(call.span, "")
}

fn too_deep(call: &ModuleCall) -> Diagnostic {
    Diagnostic::error(codes::MODULE_CYCLE, "Modules are nested too deep")
        .detail(format!(
            "The module \"{}\" lies within {DEEPEST_MODULE} others, which is the limit. Call it from a module further up.",
            call.name
        ))
        .at(call.span, "")
}

fn unreadable_directory(
    dir: &Path,
    error: &std::io::Error,
    call: Option<&ModuleCall>,
) -> Diagnostic {
    let shown = dir.display();
    match call {
        Some(call) => Diagnostic::error(codes::UNREADABLE, "Unreadable module directory")
            .detail(format!(
                "The directory {shown} could not be read for module \"{}\": {error}.",
                call.name
            ))
            .at(call.source_span, ""),
        None => Diagnostic::error(codes::UNREADABLE, "Failed to read module directory")
            .detail(format!("Module directory {shown} does not exist or cannot be read: {error}.")),
    }
}

/// Returns whether a directory entry is a file of the configuration.
fn is_source(name: &str) -> bool {
    let ignored = name.starts_with('.')
        || name.ends_with('~')
        || (name.starts_with('#') && name.ends_with('#'));
    !ignored && (has_suffix(name, ".tf") || has_suffix(name, ".tf.json"))
}

fn has_suffix(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|stem| !stem.is_empty())
}

fn is_override(name: &str) -> bool {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    let stem = stem.strip_suffix(".tf").unwrap_or(stem);
    stem == "override" || stem.ends_with("_override")
}

/// Resolves `.` and `..` by the text of the path alone; `.` where nothing is left.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match parts.last() {
                Some(Component::Normal(_)) => {
                    parts.pop();
                }
                Some(Component::RootDir) => {}
                _ => parts.push(component),
            },
            other => parts.push(other),
        }
    }
    if parts.is_empty() { PathBuf::from(".") } else { parts.iter().collect() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{clean, is_override, is_source};

    #[test]
    fn paths_are_cleaned_by_their_text() {
        for (path, expected) in [
            (".", "."),
            ("./unit", "unit"),
            ("a/../b/./c", "b/c"),
            ("../x/..", ".."),
            ("/a/../../b", "/b"),
        ] {
            assert_eq!(clean(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn only_source_files_are_read() {
        for name in ["main.tf", "x.tf.json", "override.tf"] {
            assert!(is_source(name), "{name}");
        }
        for name in [".tf", ".hidden.tf", "main.tf~", "#main.tf#", "notes.md", "x.tfvars"] {
            assert!(!is_source(name), "{name}");
        }
        assert!(
            is_override("override.tf")
                && is_override("x_override.tf.json")
                && !is_override("overrides.tf")
        );
    }
}
