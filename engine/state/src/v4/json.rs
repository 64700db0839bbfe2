//! JSON as text: compacted, indented and escaped as Go does it, with numbers left as they stand.

use std::fmt::Write;

/// How deep the JSON of a state file may be nested; Terraform's own values stay far below.
pub(super) const DEEPEST: usize = 256;

/// Returns the number of the line where the text is nested too deeply, counted from 1.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut line, mut in_string, mut escaped) = (0usize, 1usize, false, false);
    for byte in text.bytes() {
        match byte {
            b'\n' => line += 1,
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Some(line);
        }
    }
    None
}

/// Removes the space between tokens of valid JSON.
pub(super) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ' ' | '\n' | '\r' | '\t' if !in_string => continue,
            _ => {}
        }
        out.push(c);
    }
    out
}

/// Lays out compact JSON in lines, indented by two spaces, with Go's escapes in strings.
pub(super) fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if in_string {
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            push_escaped(&mut out, c);
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                if let Some(end) = rest.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Go escapes what could end a script in HTML or JavaScript.
fn push_escaped(out: &mut String, c: char) {
    match c {
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => push_code(out, c),
        c => out.push(c),
    }
}

fn push_code(out: &mut String, c: char) {
    // Writing to a string can't fail.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}

/// Appends a text as a JSON string, as Go writes it.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => push_code(out, c),
            c => push_escaped(out, c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_escapes_are_gos() {
        let text = "{ \"a\" : [ ] , \"b\":{},\"c\" : [1.50, \"x{,}: \\\\\\\"<\", {\"d\":null}]}";
        let expected = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1.50,\n    \
                        \"x{,}: \\\\\\\"\\u003c\",\n    {\n      \"d\": null\n    }\n  ]\n}";
        assert_eq!(indent(&compact(text)), expected);
        assert_eq!(compact(expected), compact(text).replace('<', "\\u003c"));
    }

    #[test]
    fn depth_is_counted_outside_of_strings() {
        assert_eq!(too_deep(&format!("[\"{}\"]", "[".repeat(DEEPEST))), None);
        assert_eq!(too_deep(&format!("\n{}", "[".repeat(DEEPEST))), None);
        assert_eq!(too_deep(&format!("\n{}", "[".repeat(DEEPEST + 1))), Some(2));
    }

    #[test]
    fn strings_are_written_as_go_writes_them() {
        let mut out = String::new();
        push_string(&mut out, "ü<\u{1}\u{7f}\u{2028}\u{8}\"");
        assert_eq!(out, "\"ü\\u003c\\u0001\u{7f}\\u2028\\b\\\"\"");
    }
}
