//! A source text in which parts are replaced by a few words: the rest of a line of a megabyte.
//!
//! Generators write `.tf.json` on one line, and no terminal shows a line of a megabyte. Offsets are led from the
//! original to the excerpt and back, so that labels stay under what they mean.

use std::ops::Range;
use std::sync::Arc;

/// Stands for what a long line has besides.
const LEFT_OUT: &str = "…";
/// Bytes of a line that is shown whole.
const WHOLE: usize = 240;
/// Bytes shown before and after a label.
const AROUND: usize = 60;
/// Bytes of a label that is shown whole; of a longer one, both ends are.
const LABEL: usize = 120;
/// Most places of one line that are shown.
const PLACES: usize = 8;

/// A part of a text that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The part, in bytes of the original; never empty.
    pub(crate) from: Range<usize>,
    /// What stands in its place.
    pub(crate) to: &'static str,
}

/// A text with its cuts made.
#[derive(Clone, Debug)]
pub(crate) struct Excerpt {
    /// What is left.
    pub(crate) text: Arc<str>,
    /// The cuts, in order, with the offset of each in [`Self::text`].
    cuts: Vec<(Cut, usize)>,
}

impl Excerpt {
    /// Makes cuts, which are in order and apart from each other.
    pub(crate) fn of(text: &Arc<str>, cuts: Vec<Cut>) -> Self {
        if cuts.is_empty() {
            return Self { text: text.clone(), cuts: Vec::new() };
        }
        let mut left = String::new();
        let mut made = Vec::with_capacity(cuts.len());
        let mut done = 0;
        for cut in cuts {
            left.push_str(text.get(done..cut.from.start).unwrap_or_default());
            done = cut.from.end;
            let at = left.len();
            left.push_str(cut.to);
            made.push((cut, at));
        }
        left.push_str(text.get(done..).unwrap_or_default());
        Self { text: left.into(), cuts: made }
    }

    /// Returns where a label of the original is in the excerpt; around the whole of a cut that it begins or ends in.
    pub(crate) fn label(&self, label: &Range<usize>) -> Range<usize> {
        let within = |(cut, _): &&(Cut, usize)| cut.from.contains(&label.start);
        let start = self.cuts.iter().find(within).map(|(_, at)| *at);
        start.unwrap_or_else(|| self.shown(label.start))..self.shown(label.end)
    }

    /// Returns where an offset of the original is in the excerpt; what was cut, at the cut's end.
    fn shown(&self, offset: usize) -> usize {
        let before = self.cuts.partition_point(|(cut, _)| cut.from.start < offset);
        let Some((cut, at)) = before.checked_sub(1).and_then(|last| self.cuts.get(last)) else {
            return offset;
        };
        at + cut.to.len() + offset.saturating_sub(cut.from.end)
    }

    /// Returns where an offset of the excerpt was in the original; of a cut, its end.
    pub(crate) fn original(&self, offset: usize) -> usize {
        let before = self.cuts.partition_point(|(_, at)| *at < offset);
        let Some((cut, at)) = before.checked_sub(1).and_then(|last| self.cuts.get(last)) else {
            return offset;
        };
        cut.from.end + offset.saturating_sub(at + cut.to.len())
    }
}

/// Brings cuts of two kinds into one order; where two overlap, one cut covers both.
pub(crate) fn merged(mut cuts: Vec<Cut>, more: Vec<Cut>) -> Vec<Cut> {
    cuts.extend(more);
    cuts.sort_by_key(|cut| cut.from.start);
    let mut apart: Vec<Cut> = Vec::with_capacity(cuts.len());
    for cut in cuts {
        match apart.last_mut() {
            Some(last) if cut.from.start < last.from.end => {
                last.from.end = last.from.end.max(cut.from.end);
            }
            _ => apart.push(cut),
        }
    }
    apart
}

/// Returns what to leave out so that every line of a text can be shown, and the labels in it.
pub(crate) fn long_lines(text: &str, labels: &[Range<usize>]) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let length = line.trim_end_matches(['\n', '\r']).len();
        if length > WHOLE {
            shorten(text, start..start + length, labels, &mut cuts);
        }
        start += line.len();
    }
    cuts
}

/// Cuts one line.
fn shorten(text: &str, line: Range<usize>, labels: &[Range<usize>], cuts: &mut Vec<Cut>) {
    let mut done = line.start;
    for window in windows(&line, labels) {
        let start = text.floor_char_boundary(window.start);
        let end = text.ceil_char_boundary(window.end).min(line.end);
        // A gap of a few letters is not worth a sign.
        if start > done + LEFT_OUT.len() {
            cuts.push(Cut { from: done..start, to: LEFT_OUT });
        }
        done = done.max(end);
    }
    if line.end > done + LEFT_OUT.len() {
        cuts.push(Cut { from: done..line.end, to: LEFT_OUT });
    }
}

/// Returns what is shown of a long line, in order; its beginning where no label is in it.
fn windows(line: &Range<usize>, labels: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut windows = Vec::new();
    let inside = |label: &&Range<usize>| label.start <= line.end && label.end >= line.start;
    for label in labels.iter().filter(inside).take(PLACES) {
        let (start, end) = (label.start.max(line.start), label.end.min(line.end));
        let before = start.saturating_sub(AROUND).max(line.start);
        let after = (end + AROUND).min(line.end);
        if end.saturating_sub(start) > LABEL {
            windows.push(before..start + LABEL / 2);
            windows.push(end - LABEL / 2..after);
        } else {
            windows.push(before..after);
        }
    }
    windows.sort_by_key(|window| window.start);
    if windows.is_empty() {
        windows.push(line.start..line.start + LABEL);
    }
    windows
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Excerpt, long_lines};

    #[test]
    fn a_long_line_keeps_what_is_around_its_labels() {
        let text: Arc<str> = format!("a\n{}HERE{}\nb\n", "x".repeat(1000), "y".repeat(1000)).into();
        let label = 1002..1006;
        let excerpt = Excerpt::of(&text, long_lines(&text, std::slice::from_ref(&label)));
        let shown = excerpt.label(&label);
        assert_eq!(&excerpt.text[shown.clone()], "HERE");
        assert_eq!(excerpt.text.lines().count(), 3);
        let expected = format!("…{}HERE{}…", "x".repeat(60), "y".repeat(60));
        assert_eq!(excerpt.text.lines().nth(1), Some(expected.as_str()));
        assert_eq!(excerpt.original(shown.start), label.start);
        assert_eq!(excerpt.original(shown.end), label.end);
    }

    #[test]
    fn every_offset_stays_on_a_letter() {
        let text: Arc<str> = "é漢\t🚀".repeat(200).into();
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for &start in &starts {
            for end in [start, (start + 2000).min(text.len())] {
                let end = text.ceil_char_boundary(end);
                let label = start..end;
                let excerpt = Excerpt::of(&text, long_lines(&text, std::slice::from_ref(&label)));
                assert!(excerpt.text.len() < 500, "{}", excerpt.text.len());
                let shown = excerpt.label(&label);
                assert!(excerpt.text.get(shown.clone()).is_some(), "{start}..{end} {shown:?}");
                assert_eq!(excerpt.original(shown.start), start);
                assert_eq!(excerpt.original(shown.end), end);
            }
        }
    }

    #[test]
    fn short_lines_and_far_labels_are_left_alone() {
        assert!(long_lines(&"x".repeat(240), &[]).is_empty());
        let text: Arc<str> = "x".repeat(100_000).into();
        let many: Vec<_> = (0..1000).map(|at| at * 100..at * 100 + 1).collect();
        let excerpt = Excerpt::of(&text, long_lines(&text, &many));
        assert!(excerpt.text.len() < 2000);
    }
}
