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
    for word in line.split(' ') {
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

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn prose_is_wrapped_and_examples_are_not() {
        assert_eq!(wrap("one two three", 8), "one two\nthree");
        assert_eq!(wrap("    one two three", 8), "    one two three");
        assert_eq!(wrap("a\n\nb", 8), "a\n\nb");
    }
}
