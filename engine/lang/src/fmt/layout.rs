//! Blanks: indentation, spaces between tokens, and the alignment of equals signs and comments.

use unicode_segmentation::UnicodeSegmentation;

use super::Piece;
use crate::syntax::Kind;

/// A line in up to three cells; each holds an index range of the tokens.
struct Line {
    start: usize,
    /// Where the cell that begins with `=` starts, if the line is an argument that ends on it.
    assign: Option<usize>,
    /// Where the comment at the end starts.
    comment: Option<usize>,
    end: usize,
}

impl Line {
    fn lead_end(&self) -> usize {
        self.assign.or(self.comment).unwrap_or(self.end)
    }

    fn code_end(&self) -> usize {
        self.comment.unwrap_or(self.end)
    }
}

/// Sets the blanks before every token.
pub(super) fn arrange(pieces: &mut [Piece<'_>]) {
    let lines = lines(pieces);
    indent(pieces, &lines);
    space(pieces, &lines);
    align(pieces, &lines, |line| line.assign);
    align(pieces, &lines, |line| line.comment);
}

fn lines(pieces: &[Piece<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, piece) in pieces.iter().enumerate() {
        if piece.ends_line() {
            lines.push(line(pieces, start, at + 1));
            start = at + 1;
        }
    }
    if start < pieces.len() {
        lines.push(line(pieces, start, pieces.len()));
    }
    lines
}

fn line(pieces: &[Piece<'_>], start: usize, end: usize) -> Line {
    let tokens = pieces.get(start..end).unwrap_or_default();
    let has_comment =
        tokens.len() > 1 && tokens.last().is_some_and(|piece| piece.kind == Kind::Comment);
    let comment = has_comment.then(|| end - 1);
    let code = tokens.get(..tokens.len() - usize::from(has_comment)).unwrap_or_default();
    let equal = code.iter().skip(1).position(|piece| piece.kind == Kind::Equal).map(|at| at + 1);
    // An argument whose value goes on in the next line is not aligned.
    let whole =
        |at: &usize| code.iter().skip(*at).map(|piece| piece.bracket_change()).sum::<isize>() == 0;
    Line { start, assign: equal.filter(whole).map(|at| start + at), comment, end }
}

/// Sets the blanks before the first token of each line, two per line that opened brackets.
fn indent(pieces: &mut [Piece<'_>], lines: &[Line]) {
    let mut open: Vec<isize> = Vec::new();
    for line in lines {
        let code = pieces.get(line.start..line.code_end()).unwrap_or_default();
        // What stands in a heredoc is not counted, but what stands after it on further lines is: so does
        // Terraform, which thereby loses the indentation after a sequence of several lines in a heredoc.
        let counted = code.iter().take_while(|piece| piece.kind != Kind::OpenHeredoc);
        let net: isize = counted.map(|piece| piece.bracket_change()).sum();
        if code.first().is_some_and(|first| first.kind == Kind::Newline) {
            set(pieces, line.start, 0);
            continue;
        }
        if net < 0 {
            close(&mut open, -net);
        }
        set(pieces, line.start, 2 * open.len());
        if net > 0 {
            open.push(net);
        }
    }
}

/// Takes brackets off the stack of lines that opened some.
fn close(open: &mut Vec<isize>, mut closed: isize) {
    while closed > 0
        && let Some(last) = open.last_mut()
    {
        if closed < *last {
            *last -= closed;
            return;
        }
        closed -= *last;
        open.pop();
    }
}

fn set(pieces: &mut [Piece<'_>], at: usize, spaces: usize) {
    if let Some(piece) = pieces.get_mut(at) {
        piece.spaces = spaces;
    }
}

/// Sets the blanks between the tokens of each cell.
fn space(pieces: &mut [Piece<'_>], lines: &[Line]) {
    for line in lines {
        space_cell(pieces, line.start, line.lead_end());
        if let Some(assign) = line.assign {
            set(pieces, assign, 1);
            space_cell(pieces, assign, line.code_end());
        }
    }
}

fn space_cell(pieces: &mut [Piece<'_>], start: usize, end: usize) {
    let mut before = None;
    for at in start..end.saturating_sub(1) {
        let (Some(subject), Some(after)) = (pieces.get(at).copied(), pieces.get(at + 1).copied())
        else {
            return;
        };
        set(pieces, at + 1, usize::from(is_spaced(before, subject, after)));
        before = Some(subject);
    }
}

/// Returns whether a blank stands between `subject` and `after`. The first rule that fits decides.
#[expect(clippy::match_same_arms, reason = "the order of the rules is their meaning")]
fn is_spaced(before: Option<Piece<'_>>, subject: Piece<'_>, after: Piece<'_>) -> bool {
    use Kind::{
        Bang, CloseBrace, CloseHeredoc, CloseQuote, Comma, Control, Dot, DoubleColon, Ellipsis,
        HeredocText, Ident, Interpolation, Minus, Newline, Number, OpenBrace, OpenBracket,
        OpenHeredoc, OpenParen, OpenQuote, Quoted, SequenceEnd,
    };
    match (subject.kind, after.kind) {
        (_, Newline) | (Ident, OpenParen | DoubleColon) | (DoubleColon, Ident) | (Dot, _) => false,
        (_, Dot | Comma | Ellipsis) => false,
        (Comma, _) => true,
        (Quoted | HeredocText | OpenQuote | OpenHeredoc, _) => false,
        (_, Quoted | HeredocText | CloseQuote | CloseHeredoc) => false,
        // `for x in [a]`: `in` is no name that is indexed.
        (Ident, _) if subject.text == "in" && before.is_some_and(|before| before.kind == Ident) => {
            true
        }
        (Ident | Number, OpenBracket) => false,
        (_, OpenBracket) if subject.bracket_change() < 0 => false,
        (Bang, _) => false,
        (Minus, _) => before.is_some_and(|before| ends_operand(before.kind)),
        (OpenBrace, CloseBrace) => false,
        (OpenBrace, _) | (_, CloseBrace) | (CloseBrace, SequenceEnd) => true,
        (SequenceEnd, Interpolation | Control) => false,
        _ if subject.bracket_change() > 0 || after.bracket_change() < 0 => false,
        _ => true,
    }
}

/// Returns whether a minus after this token subtracts.
fn ends_operand(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::OpenParen
            | Kind::OpenBrace
            | Kind::OpenBracket
            | Kind::Equal
            | Kind::Colon
            | Kind::Comma
            | Kind::Question
            | Kind::Operator
            | Kind::Star
            | Kind::Minus
            | Kind::Bang
    )
}

/// Aligns the cells that `cell` names in runs of lines that all have it.
fn align(pieces: &mut [Piece<'_>], lines: &[Line], cell: impl Fn(&Line) -> Option<usize>) {
    let mut run: Vec<(usize, usize)> = Vec::new();
    for line in lines {
        match cell(line) {
            Some(at) => run.push((at, columns(pieces, line.start, at))),
            None => close_run(pieces, &mut run),
        }
    }
    close_run(pieces, &mut run);
}

fn close_run(pieces: &mut [Piece<'_>], run: &mut Vec<(usize, usize)>) {
    let widest = run.iter().map(|(_, columns)| *columns).max().unwrap_or(0);
    for (at, columns) in run.drain(..) {
        set(pieces, at, widest - columns + 1);
    }
}

/// Returns the width of tokens with the blanks before them.
fn columns(pieces: &[Piece<'_>], start: usize, end: usize) -> usize {
    let tokens = pieces.get(start..end).unwrap_or_default();
    tokens.iter().map(|piece| piece.spaces + width(piece.text)).sum()
}

fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).count() }
}
