//! `fmt`

use std::path::{Path, PathBuf};

use similar::TextDiff;
use terrarium_diagnostic::{Diagnostics, Sources};

use crate::codes;
use crate::context::{Context, Failed, Outcome, fail, file_failed};
use crate::exit_codes;

/// Exit code of `-check` where a file is not formatted, as Terraform's.
const UNFORMATTED: u8 = 3;

/// Exit code where a file can't be read or parsed, as Terraform's.
const UNREADABLE: u8 = 2;

/// Flags.
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of a command line")]
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the names of files that are not formatted
    #[arg(long, default_value = "true")]
    pub list: bool,
    /// Write the result to the files
    #[arg(long, default_value = "true")]
    pub write: bool,
    /// Show what changes
    #[arg(long)]
    pub diff: bool,
    /// Write nothing, and exit with 3 where a file is not formatted
    #[arg(long)]
    pub check: bool,
    /// Go into subdirectories, too
    #[arg(long)]
    pub recursive: bool,
    /// Files and directories; `-` is stdin; the working directory where none is given
    #[arg(value_name = "TARGET", allow_hyphen_values = true)]
    pub targets: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    format(args, context).or_else(|Failed(diagnostics)| {
        context.report(&diagnostics);
        Ok(UNREADABLE)
    })
}

fn format(args: &Args, context: &Context) -> Outcome {
    if args.targets.iter().any(|target| target == Path::new("-")) {
        return stdin(args, context);
    }
    let targets =
        if args.targets.is_empty() { vec![PathBuf::from(".")] } else { args.targets.clone() };
    let mut files = Vec::new();
    for target in targets {
        let path = context.path(&target);
        if path.is_dir() {
            collect(&path, args.recursive, &mut files)?;
        } else if path.is_file() {
            files.push(path);
        } else {
            let summary = format!("No file or directory at {}", target.display());
            return fail(codes::FILE, &summary, "");
        }
    }
    files.sort();
    files.dedup();
    let mut work = Work::default();
    for path in files {
        work.file(args, context, &path)?;
    }
    Ok(work.finish(args, context))
}

fn stdin(args: &Args, context: &Context) -> Outcome {
    let text = context
        .out
        .read_all()
        .map_err(|error| file_failed("read", Path::new("<stdin>"), &error))?;
    let mut work = Work::default();
    if let Some(formatted) = work.format("<stdin>", None, &text) {
        work.changed |= formatted != text;
        if args.diff {
            show_diff(context, "<stdin>", &text, &formatted);
        } else if !args.check {
            context.out.data(&formatted);
        }
    }
    Ok(work.finish(args, context))
}

/// Files with formatted names below a directory.
fn collect(dir: &Path, recursive: bool, files: &mut Vec<PathBuf>) -> Result<(), Failed> {
    let entries = std::fs::read_dir(dir).map_err(|error| file_failed("read", dir, &error))?;
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if recursive {
                collect(&path, true, files)?;
            }
        } else if [".tf", ".tfvars", ".tftest.hcl"].iter().any(|end| name.ends_with(end)) {
            files.push(path);
        }
    }
    Ok(())
}

/// What was found so far.
#[derive(Default)]
struct Work {
    sources: Sources,
    diagnostics: Diagnostics,
    changed: bool,
}

impl Work {
    fn file(&mut self, args: &Args, context: &Context, path: &Path) -> Result<(), Failed> {
        let text =
            std::fs::read_to_string(path).map_err(|error| file_failed("read", path, &error))?;
        let shown = context.shown(path);
        let Some(formatted) = self.format(&shown, Some(path), &text) else { return Ok(()) };
        if formatted == text {
            return Ok(());
        }
        self.changed = true;
        if args.list {
            context.out.line(&shown);
        }
        if args.diff {
            show_diff(context, &shown, &text, &formatted);
        }
        if args.write && !args.check {
            std::fs::write(path, formatted).map_err(|error| file_failed("write", path, &error))?;
        }
        Ok(())
    }

    fn format(&mut self, name: &str, path: Option<&Path>, text: &str) -> Option<String> {
        let file = match path {
            Some(path) => self.sources.add_file(path.to_owned(), name, text),
            None => self.sources.add_text(name, text),
        };
        match terrarium_lang::fmt(file, text) {
            Ok(formatted) => Some(formatted),
            Err(found) => {
                self.diagnostics.extend(found);
                None
            }
        }
    }

    fn finish(self, args: &Args, context: &Context) -> u8 {
        context.keep_sources(self.sources);
        context.report(&self.diagnostics);
        match (self.diagnostics.has_errors(), args.check && self.changed) {
            (true, _) => UNREADABLE,
            (_, true) => UNFORMATTED,
            _ => exit_codes::SUCCESS,
        }
    }
}

fn show_diff(context: &Context, name: &str, old: &str, new: &str) {
    let diff = TextDiff::from_lines(old, new);
    let (old, new) = (format!("old/{name}"), format!("new/{name}"));
    context.out.data(&diff.unified_diff().context_radius(3).header(&old, &new).to_string());
}
