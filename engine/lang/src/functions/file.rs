//! Files and paths. Relative paths start at the working directory.

use std::io;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use globset::GlobBuilder;
use terrarium_value::{Type, Value};

use super::{Args, BOOL, Function, Refusal, Returns, STRING, function, string};

pub(super) const FUNCTIONS: &[Function] = &[
    function("file", &[string("path")], STRING, file, "Returns the text of a file."),
    function(
        "filebase64",
        &[string("path")],
        STRING,
        |args| Ok(Value::string(STANDARD.encode(read(args, 0)?))),
        "Returns the bytes of a file in base64.",
    ),
    function(
        "fileexists",
        &[string("path")],
        BOOL,
        fileexists,
        "Whether there is a file at `path`.",
    ),
    function(
        "fileset",
        &[string("path"), string("pattern")],
        Returns::Of(|_| Ok(Type::set(Type::String))),
        fileset,
        "Returns the files below the directory `path` that match `pattern`: `*`, `**`, `?`, `[a-z]`, `{a,b}`.",
    ),
    function("abspath", &[string("path")], STRING, abspath, "Returns `path` as an absolute path."),
    function(
        "basename",
        &[string("path")],
        STRING,
        |args| Ok(Value::string(basename(args.str(0)))),
        "Returns the last part of `path`.",
    ),
    function(
        "dirname",
        &[string("path")],
        STRING,
        |args| Ok(Value::string(dirname(args.str(0)))),
        "Returns `path` without its last part.",
    ),
    function(
        "pathexpand",
        &[string("path")],
        STRING,
        pathexpand,
        "Returns `path` with a leading `~` replaced by the home directory.",
    ),
];

/// Returns the path that the file system is asked for.
fn located(args: &Args<'_>, path: &str) -> PathBuf {
    args.environment().base_dir.join(path)
}

/// Returns a path with a leading `~` replaced by the home directory.
fn expanded(args: &Args<'_>, path: &str) -> Result<String, &'static str> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    if !(rest.is_empty() || rest.starts_with('/')) {
        return Err("cannot expand user-specific home dir");
    }
    let home = args.environment().home.as_ref().ok_or("the home directory is not known")?;
    Ok(clean(&format!("{}{rest}", home.display())))
}

/// Reads a file; the message is the one of `file`.
pub(super) fn read(args: &Args<'_>, at: usize) -> Result<Vec<u8>, Refusal> {
    let given = args.str(at);
    let path = &expanded(args, given)
        .map_err(|why| Refusal::argument(at, format!("failed to expand ~: {why}")))?;
    let environment = args.environment();
    let bytes = environment.files.read(&located(args, path)).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            return Refusal::argument(
                at,
                format!(
                    "no file exists at {given:?}; this function works only with files that are distributed as part of \
                     the configuration source code, so if this file will be created by a resource in this \
                     configuration you must instead obtain this result from an attribute of that resource"
                ),
            );
        }
        if error.kind() == io::ErrorKind::IsADirectory {
            return Refusal::argument(at, format!("failed to read file: read {path}: is a directory"));
        }
        Refusal::argument(at, format!("failed to read file: {error}"))
    })?;
    let checked = environment.limits.check_text(bytes.len());
    checked.map(|()| bytes).map_err(|why| Refusal::argument(at, why))
}

/// Reads a file for a digest.
pub(super) fn read_plain(args: &Args<'_>, at: usize) -> Result<Vec<u8>, Refusal> {
    let path = &expanded(args, args.str(at))
        .map_err(|why| Refusal::call(format!("failed to expand ~: {why}")))?;
    args.environment().files.read(&located(args, path)).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            _ => error.to_string(),
        };
        Refusal::call(format!("open {path}: {why}"))
    })
}

pub(super) fn read_text(args: &Args<'_>, at: usize) -> Result<String, Refusal> {
    String::from_utf8(read(args, at)?).map_err(|_| {
        let why = format!(
            "contents of {:?} are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded contents \
             or the other file functions (e.g. filemd5, filesha256) to obtain file hashing results instead",
            args.str(at)
        );
        Refusal::argument(at, why)
    })
}

fn file(args: &Args<'_>) -> Result<Value, Refusal> {
    read_text(args, 0).map(Value::string)
}

fn fileexists(args: &Args<'_>) -> Result<Value, Refusal> {
    let path = &expanded(args, args.str(0))
        .map_err(|why| Refusal::call(format!("failed to expand ~: {why}")))?;
    let files = &args.environment().files;
    let full = located(args, path);
    if files.is_file(&full) {
        return Ok(Value::bool(true));
    }
    if files.list(&full).is_ok() {
        return Err(Refusal::call(format!("{path:?} is a directory, not a file")));
    }
    Ok(Value::bool(false))
}

/// Most directories deep that `fileset` looks: links may form a circle.
const MAX_DEPTH: usize = 64;

fn fileset(args: &Args<'_>) -> Result<Value, Refusal> {
    let (path, pattern) = (args.str(0), args.str(1));
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    let glob = glob.map_err(|_| {
        let shown = clean(&format!("{path}/{pattern}"));
        Refusal::call(format!("failed to glob pattern {shown:?}: syntax error in pattern"))
    })?;
    let matcher = glob.compile_matcher();
    let mut found = Vec::new();
    let mut waiting = vec![(located(args, path), String::new(), 0)];
    let deepest = if pattern.contains("**") { MAX_DEPTH } else { pattern.matches('/').count() };
    while let Some((dir, prefix, depth)) = waiting.pop() {
        let Ok(entries) = args.environment().files.list(&dir) else { continue };
        for (name, is_dir) in entries {
            let relative =
                if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            if is_dir {
                if depth < deepest {
                    waiting.push((dir.join(&name), relative, depth + 1));
                }
            } else if matcher.is_match(&relative) {
                found.push(relative);
            }
        }
    }
    found.sort_unstable();
    args.environment().files.found(&located(args, path), pattern, &found);
    Ok(Value::set(Type::String, found.into_iter().map(Value::string).collect()))
}

/// Go's `path.Clean`: `.`, `..` and double slashes resolved in the text alone.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn abspath(args: &Args<'_>) -> Result<Value, Refusal> {
    let path = args.str(0);
    if path.starts_with('/') {
        return Ok(Value::string(clean(path)));
    }
    let base = std::path::absolute(located(args, path))
        .map_err(|error| Refusal::call(error.to_string()))?;
    Ok(Value::string(clean(&base.to_string_lossy())))
}

fn basename(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/".to_owned();
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned()
}

fn dirname(path: &str) -> String {
    let dir = path.rfind('/').map_or("", |at| path.get(..=at).unwrap_or_default());
    clean(dir)
}

fn pathexpand(args: &Args<'_>) -> Result<Value, Refusal> {
    expanded(args, args.str(0)).map(Value::string).map_err(Refusal::call)
}
