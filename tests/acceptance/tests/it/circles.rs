//! Circles of files: files of one crate that name each other in a loop can't be understood, tested or moved one by one.
//!
//! An arrow leads from a file to each file that it names in a `use` or in a written-out path; a re-export is followed to the
//! file that defines the name. `mod x;` alone is no arrow, and what is compiled for tests only does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use terrarium_support::repository;

/// How large the largest circle of a crate may be where it is larger than [`LARGEST`] today. These only fall.
const CEILINGS: &[(&str, usize)] = &[("core", 14)];

/// How large a circle may be: what fits in a head.
const LARGEST: usize = 6;

/// A file by its module's path in the crate.
type Module = Vec<String>;

/// A path as it is written: `crate::context::Context`.
type Written = Vec<String>;

#[test]
fn circles_of_files_are_small_and_only_shrink() {
    for entry in fs::read_dir(repository().join("engine")).expect("the engine").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut texts = BTreeMap::new();
        read(&entry.path().join("src"), &mut Vec::new(), &mut texts);
        assert!(!texts.is_empty(), "{name} has no files");
        let ceiling = CEILINGS.iter().find(|(known, _)| *known == name);
        let most = ceiling.map_or(LARGEST, |(_, most)| *most);
        let largest = circles(&texts).into_iter().next().unwrap_or_default();
        let names: Vec<String> = largest.iter().map(|module| module.join("/")).collect();
        assert!(
            names.len() <= most,
            "{name}: {} files name each other, and {most} are the most: {names:?}. Move what they share down into a file \
             that names none of them.",
            names.len()
        );
        assert!(
            ceiling.is_none() || names.len() > LARGEST,
            "{name} has no circle of more than {LARGEST} any more: take its ceiling away"
        );
    }
}

#[test]
fn a_circle_is_found_through_a_re_export_and_a_written_out_path() {
    let of = |files: &[(&str, &str)]| {
        let module = |path: &str| {
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let texts = files.iter().map(|(path, text)| (module(path), (*text).to_owned())).collect();
        circles(&texts).first().map_or(0, Vec::len)
    };
    let top = ("", "mod a; mod b; pub use a::{A, other::X as Y};");
    assert_eq!(of(&[top, ("a", "use crate::b::B;"), ("b", "use crate::A;")]), 2);
    assert_eq!(of(&[top, ("a", "fn f() -> super::b::B {}"), ("b", "fn g(a: crate::A) {}")]), 2);
    let quiet =
        "#[cfg(test)] mod tests { use crate::b::B; } // crate::b\nconst C: &str = \"crate::b::B\";";
    assert_eq!(of(&[top, ("a", quiet), ("b", "use crate::A;")]), 0);
    assert_eq!(
        of(&[
            top,
            ("a", "mod deep;"),
            ("a/deep", "use super::super::b;"),
            ("b", "use crate::a::deep::D;")
        ]),
        2
    );
}

/// Reads the files below a folder, but those that are compiled for tests only.
fn read(dir: &Path, at: &mut Module, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(dir).expect("a readable folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "tests" || name == "tests.rs" {
            continue;
        }
        if entry.path().is_dir() {
            at.push(name);
            read(&entry.path(), at, texts);
            at.pop();
        } else if let Some(stem) = name.strip_suffix(".rs") {
            let own = (!["lib", "main", "mod"].contains(&stem)).then(|| stem.to_owned());
            let module = at.iter().cloned().chain(own).collect();
            let text = fs::read_to_string(entry.path()).expect("a readable file");
            // `main.rs` and `lib.rs` are both the root.
            texts.entry(module).or_default().push_str(&text);
        }
    }
}

/// What a file names, and what can be named through it.
#[derive(Default)]
struct File {
    paths: BTreeSet<Written>,
    exports: BTreeMap<String, Written>,
}

/// Returns the circles, the largest first.
fn circles(texts: &BTreeMap<Module, String>) -> Vec<Vec<Module>> {
    let files: BTreeMap<Module, File> =
        texts.iter().map(|(module, text)| (module.clone(), scan(&tokens(text)))).collect();
    let arrows: BTreeMap<Module, BTreeSet<Module>> = files
        .iter()
        .map(|(module, file)| {
            let found = file.paths.iter().filter_map(|path| defined(&files, module, path, 0));
            (module.clone(), found.filter(|target| target != module).collect())
        })
        .collect();
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        arrows.keys().map(|module| (module, reach(&arrows, module))).collect();
    let mut found: BTreeSet<Vec<Module>> = BTreeSet::new();
    for (module, targets) in &reached {
        let circle = targets.iter().filter(|other| reached[**other].contains(*module));
        let circle: Vec<Module> = circle.map(|other| (*other).clone()).collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

/// Returns everything that arrows lead to from a file.
fn reach<'a>(
    arrows: &'a BTreeMap<Module, BTreeSet<Module>>,
    from: &Module,
) -> BTreeSet<&'a Module> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&Module> = arrows[from].iter().collect();
    while let Some(module) = next.pop() {
        if seen.insert(module) {
            next.extend(&arrows[module]);
        }
    }
    seen
}

/// Returns the file that defines what a path names; `None` where it leads out of the crate.
fn defined(
    files: &BTreeMap<Module, File>,
    here: &Module,
    path: &[String],
    deep: u8,
) -> Option<Module> {
    let mut at = here.clone();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => (at, rest) = (Vec::new(), &rest[1..]),
        "self" | "super" => {
            while let Some(word @ ("self" | "super")) = rest.first().map(String::as_str) {
                if word == "super" {
                    at.pop();
                }
                rest = &rest[1..];
            }
        }
        first if !files.contains_key(&below(&at, first)) => return None,
        _ => {}
    }
    while let Some(word) = rest.first() {
        let child = below(&at, word);
        if files.contains_key(&child) {
            (at, rest) = (child, &rest[1..]);
        } else if let Some(export) = files.get(&at).and_then(|file| file.exports.get(word))
            && deep < 8
        {
            let led: Vec<String> = export.iter().chain(&rest[1..]).cloned().collect();
            return defined(files, &at, &led, deep + 1).or(Some(at));
        } else {
            break;
        }
    }
    files.contains_key(&at).then_some(at)
}

fn below(at: &Module, word: &str) -> Module {
    at.iter().cloned().chain([word.to_owned()]).collect()
}

/// Reads which paths a file names.
fn scan(tokens: &[String]) -> File {
    let mut file = File::default();
    let mut at = 0;
    while at < tokens.len() {
        let is =
            |ahead: usize, text: &str| tokens.get(at + ahead).is_some_and(|token| token == text);
        if is(0, "#") && is(1, "[") && is(2, "cfg") && is(3, "(") {
            let end = closing(tokens, at + 1);
            if tokens[at..end].iter().any(|token| token == "test")
                && !tokens[at..end].iter().any(|token| token == "not")
            {
                at = item_end(tokens, end + 1);
                continue;
            }
        }
        if is(0, "use") {
            let end = (at..tokens.len()).find(|end| tokens[*end] == ";").unwrap_or(tokens.len());
            for (path, name) in leaves(&tokens[at + 1..end]) {
                file.exports.insert(name, path.clone());
                file.paths.insert(path);
            }
            at = end;
        } else if (is(0, "crate") || is(0, "super") || is(0, "self")) && is(1, "::") {
            let mut path = vec![tokens[at].clone()];
            while tokens.get(at + 1).is_some_and(|token| token == "::")
                && tokens.get(at + 2).is_some_and(|token| is_word(token))
            {
                path.push(tokens[at + 2].clone());
                at += 2;
            }
            file.paths.insert(path);
        }
        at += 1;
    }
    file
}

/// Returns the paths of a `use` tree, each with the name that it gets here.
fn leaves(tree: &[String]) -> Vec<(Written, String)> {
    let open = tree.iter().position(|token| token == "{");
    let words = |tokens: &[String]| -> Written {
        tokens.iter().filter(|token| is_word(token)).cloned().collect()
    };
    let Some(open) = open else {
        let alias = tree.iter().position(|token| token == "as");
        let mut path = words(&tree[..alias.unwrap_or(tree.len())]);
        if path.len() > 1 && path.last().is_some_and(|word| word == "self") {
            path.pop();
        }
        let name = alias.and_then(|at| tree.get(at + 1)).or(path.last()).cloned();
        return name.map(|name| (path, name)).into_iter().collect();
    };
    let head = words(&tree[..open]);
    let inner = &tree[open + 1..closing(tree, open)];
    let mut depth = 0;
    let parts = inner.split(|token| {
        depth += i32::from(token == "{") - i32::from(token == "}");
        token == "," && depth == 0
    });
    parts
        .flat_map(leaves)
        .map(|(path, name)| match path.as_slice() {
            [only] if only == "self" => (head.clone(), head.last().cloned().unwrap_or(name)),
            _ => (head.iter().chain(&path).cloned().collect(), name),
        })
        .collect()
}

/// Returns where the bracket closes that opens at a token.
fn closing(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        depth +=
            i32::from("([{".contains(token.as_str())) - i32::from(")]}".contains(token.as_str()));
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// Returns the token after an item: after its `;`, or after its braces.
fn item_end(tokens: &[String], from: usize) -> usize {
    let mut at = from;
    while at < tokens.len() {
        match tokens[at].as_str() {
            ";" => return at + 1,
            "{" => return closing(tokens, at) + 1,
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Takes a text apart into words, `::` and single characters; comments and literals are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let end = |c: char| !c.is_alphanumeric() && c != '_';
            let length = rest.find(end).unwrap_or(rest.len());
            found.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            found.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

/// Returns the length of a string or a character that the text begins with.
fn literal(text: &str) -> Option<usize> {
    let bare = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - bare.len();
    if let Some(raw) = bare.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"').filter(|_| prefix < 2)?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(prefix + 1 + hashes + 1 + length);
    }
    let quote = bare.chars().next().filter(|c| (*c == '"' || *c == '\'') && prefix < 2)?;
    if quote == '\'' {
        // `'a` is a lifetime, `'a'` and `'\n'` are characters.
        let mut chars = bare.chars().skip(1);
        let (first, second) = (chars.next()?, chars.next()?);
        if first != '\\' && second != '\'' {
            return None;
        }
    }
    let mut escaped = false;
    for (at, c) in bare.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(prefix + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}
