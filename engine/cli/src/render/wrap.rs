//! Words to lines.

/// Widest prose that is comfortable to read, and what is used where no terminal tells its width.
pub const PROSE_WIDTH: usize = 77;

/// Wraps prose at `width`; lines that are indented, and line breaks, stay as they are.
pub fn wrap(text: &str, width: usize) -> String {
    text.lines().map(|line| wrap_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize) -> String {
    if line.starts_with(' ') || line.chars().count() <= width {
        return line.to_owned();
    }
    let mut out = String::with_capacity(line.len());
    let mut column = 0;
    for word in pieces(line) {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// Longest command that is kept on one line.
const LONGEST_COMMAND: usize = 50;

/// Splits a line at its blanks, but not inside an instant, `8 Mar 2027 09:00 EST`, nor inside a short command
/// between backticks.
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    let mut last = "";
    for word in line.split(' ') {
        let piece = line.get(start..end).unwrap_or_default();
        if end > 0 && !belongs(last, word) && !is_command(line, start, piece) {
            pieces.push(piece);
            start = end + 1;
        }
        end = if end == 0 && start == 0 { word.len() } else { end + 1 + word.len() };
        last = word;
    }
    pieces.push(line.get(start..).unwrap_or_default());
    pieces
}

/// Returns whether a piece that begins at `start` ends inside a command that fits on one line.
fn is_command(line: &str, start: usize, piece: &str) -> bool {
    let Some(open) = piece.rfind('`').filter(|_| piece.matches('`').count() % 2 == 1) else {
        return false;
    };
    let rest = line.get(start + open + 1..).unwrap_or_default();
    rest.find('`').is_some_and(|length| length <= LONGEST_COMMAND)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns whether two words are of one instant.
fn belongs(word: &str, next: &str) -> bool {
    let word = word.trim_start_matches(['(', '"']);
    let bare = next.trim_end_matches(['.', ',', ';', ':', ')', '"']);
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let clock = |text: &str| {
        text.split_once(':').is_some_and(|(hours, rest)| {
            digits(hours, 2) && rest.split(':').all(|part| digits(part, 2))
        })
    };
    let date = |text: &str| {
        text.len() == 10 && text.split('-').filter(|part| digits(part, 4)).count() == 3
    };
    let zone = bare.starts_with(['+', '-'])
        || (2..=5).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_uppercase())
        || bare.starts_with("UTC");
    (digits(word, 2) && MONTHS.contains(&bare))
        || (MONTHS.contains(&word) && (digits(bare, 4) && bare.len() == 4 || clock(bare)))
        || ((date(word) || digits(word, 4) && word.len() == 4) && clock(bare))
        || (clock(word) && zone)
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn prose_is_wrapped_and_examples_are_not() {
        assert_eq!(wrap("one two three", 8), "one two\nthree");
        assert_eq!(wrap("    one two three", 8), "    one two three");
        assert_eq!(wrap("a\n\nb", 8), "a\n\nb");
        assert_eq!(wrap("a  b cccc", 5), "a  b\ncccc");
    }

    #[test]
    fn instants_paths_and_addresses_stay_whole() {
        for (text, width, expected) in [
            (
                "ends 8 Mar 09:00 EST (14:00 UTC), too",
                14,
                "ends\n8 Mar 09:00 EST\n(14:00 UTC),\ntoo",
            ),
            ("at 28 Feb 2027 09:00 UTC-3.", 10, "at\n28 Feb 2027 09:00 UTC-3."),
            ("at 2027-03-01 09:00 and on", 12, "at\n2027-03-01 09:00\nand on"),
            ("see /a-b/c-d/e-f.tf", 8, "see\n/a-b/c-d/e-f.tf"),
            ("run `a b c` or `d e`.", 6, "run\n`a b c`\nor\n`d e`."),
            ("http://a-b.c/d-e x", 8, "http://a-b.c/d-e\nx"),
            ("in 12 May be 3 at 10:00 OK", 7, "in\n12 May\nbe 3 at\n10:00 OK"),
        ] {
            assert_eq!(wrap(text, width), expected, "{text}");
        }
    }
}
