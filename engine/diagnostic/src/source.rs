//! Source texts and places in them.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Which text of a run a [`Span`] lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A place in a source text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// Builds a span from a byte range. Offsets beyond 4 GiB are cut off: a source may have 64 MiB.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { file, start: clamp(range.start), end: clamp(range.end) }
    }

    /// Returns the byte range.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns the smallest span that covers both; `self` where the files differ.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.file != other.file {
            return self;
        }
        Self { start: self.start.min(other.start), end: self.end.max(other.end), ..self }
    }
}

/// One text: a file, or something typed (`-var`, the console, an environment variable).
#[derive(Clone, Debug)]
pub struct Source {
    /// The name to show: a path relative to the working directory, or `<value for var.x>`.
    pub name: Arc<str>,
    /// The path, where it is a file.
    pub path: Option<Arc<Path>>,
    /// The text, without a byte order mark.
    pub text: Arc<str>,
    /// Where its lines begin, once that was asked for.
    lines: Arc<OnceLock<Vec<usize>>>,
}

impl Source {
    /// Returns the offsets at which lines begin; the first is 0.
    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
        })
    }

    /// Returns the number of an offset's line, from 0.
    fn line(&self, offset: usize) -> usize {
        self.lines().partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Returns the lines that a part of the text lies in, and so many before and after them.
    pub fn lines_around(&self, part: Range<usize>, more: usize) -> Range<usize> {
        let lines = self.lines();
        let first = self.line(part.start).saturating_sub(more);
        let last = self.line(part.end).saturating_add(more);
        let start = lines.get(first).copied().unwrap_or_default();
        let end = lines.get(last.saturating_add(1)).copied();
        start..end.unwrap_or(self.text.len())
    }
}

/// All texts of a run. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a file's text.
    pub fn add_file(&mut self, path: PathBuf, name: &str, text: impl Into<Arc<str>>) -> FileId {
        self.add(name, Some(path.into()), text.into())
    }

    /// Adds a text that is no file.
    pub fn add_text(&mut self, name: &str, text: impl Into<Arc<str>>) -> FileId {
        self.add(name, None, text.into())
    }

    fn add(&mut self, name: &str, path: Option<Arc<Path>>, text: Arc<str>) -> FileId {
        let id = FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source { name: name.into(), path, text, lines: Arc::default() });
        id
    }

    /// Returns the text with this id.
    pub fn get(&self, file: FileId) -> Option<&Source> {
        self.0.get(file.0 as usize)
    }

    /// Returns the text of a span; empty where the span does not fit its source.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).and_then(|source| source.text.get(span.range())).unwrap_or_default()
    }

    /// Returns line and column of an offset, both from 1, columns in characters.
    pub fn line_column(&self, file: FileId, offset: u32) -> (usize, usize) {
        let offset = offset as usize;
        let Some(source) = self.get(file).filter(|it| it.text.is_char_boundary(offset)) else {
            return (1, 1);
        };
        let line = source.line(offset);
        let start = source.lines().get(line).copied().unwrap_or_default();
        let before = source.text.get(start..offset).unwrap_or_default();
        (line + 1, before.chars().count() + 1)
    }

    /// Iterates over the texts in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.0
            .iter()
            .enumerate()
            .map(|(at, source)| (FileId(u32::try_from(at).unwrap_or(u32::MAX)), source))
    }
}
