//! JSON configuration: read into the same tree as the native syntax.
//!
//! A JSON value is an expression of the language, but for its strings, whose escapes and templates
//! are spelt differently. So the text is spelt anew, each token at its old offset, and goes through
//! the same parser; spans then fit the text that the user wrote.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Object, ObjectKey};
use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};

use super::Text;
use super::tree::{Argument, Block, Content};
use crate::codes;
use crate::origin::Origin;

/// Block types within a block type, each with its number of labels; the top level under "".
fn nested_blocks(kind: &str) -> &'static [(&'static str, usize)] {
    match kind {
        "" => &[
            ("check", 1),
            ("data", 2),
            ("ephemeral", 2),
            ("import", 0),
            ("locals", 0),
            ("module", 1),
            ("moved", 0),
            ("output", 1),
            ("provider", 1),
            ("removed", 0),
            ("resource", 2),
            ("terraform", 0),
            ("variable", 1),
        ],
        "variable" => &[("validation", 0)],
        "output" => &[("precondition", 0)],
        "resource" | "data" => {
            &[("lifecycle", 0), ("provisioner", 1), ("connection", 0), ("dynamic", 1)]
        }
        "removed" => &[("lifecycle", 0), ("provisioner", 1), ("connection", 0)],
        "lifecycle" => &[("precondition", 0), ("postcondition", 0)],
        "provisioner" => &[("connection", 0)],
        "terraform" => {
            &[("required_providers", 0), ("backend", 1), ("cloud", 0), ("provider_meta", 1)]
        }
        "check" => &[("data", 2), ("assert", 0)],
        "dynamic" => &[("content", 0)],
        "content" | "provider" => &[("dynamic", 1)],
        _ => &[],
    }
}

/// Reads a JSON file.
pub(crate) fn content(text: &Text, diags: &mut Diagnostics) -> Option<(Origin, Content)> {
    if let Err(error) = serde_json::from_str::<&serde_json::value::RawValue>(&text.text) {
        let start = line_start(&text.text, error.line()) + error.column().saturating_sub(1);
        let start = start.min(text.text.len());
        diags.push(
            Diagnostic::error(codes::SYNTAX, "Invalid JSON")
                .detail(format!("The file is not valid JSON: {error}."))
                .at(text.span(start..start), ""),
        );
        return None;
    }
    let origin = Origin { file: text.file, offset: 0, text: respelt(&text.text) };
    let offset = origin.text.len() - origin.text.trim_start().len();
    let origin = Origin { offset, ..origin };
    let root = match hcl_edit::parser::parse_expr(origin.text.trim()) {
        Ok(Expression::Object(root)) => root,
        Ok(_) => {
            diags.push(no_object(text.span(0..text.text.len()), "The file"));
            return None;
        }
        Err(error) => {
            diags.push(super::explain::refused_json(text, &error));
            return None;
        }
    };
    let mut reader = Reader { origin: &origin, diags };
    let content = reader.content("", &root);
    Some((origin, content))
}

fn line_start(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum()
}

fn no_object(at: Span, what: &str) -> Diagnostic {
    Diagnostic::error(codes::SYNTAX, "Incorrect JSON value type")
        .detail(format!("{what} must be a JSON object, with a property per argument or block."))
        .at(at, "")
}

struct Reader<'a> {
    origin: &'a Origin,
    diags: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn content(&mut self, kind: &str, object: &Object) -> Content {
        let mut content = Content { json: true, ..Content::default() };
        for (key, value) in object {
            let (Some(name), name_span) = (key_text(key), self.origin.span(key.span())) else {
                continue;
            };
            // Such properties are comments.
            if name == "//" {
                continue;
            }
            let value = value.expr();
            if let Some((_, wanted)) =
                nested_blocks(kind).iter().find(|(nested, _)| *nested == name)
            {
                let head = Head { kind: name, name_span, wanted: *wanted, labels: &[] };
                self.blocks(head, value, &mut content.blocks);
                continue;
            }
            let span = name_span.to(self.origin.span(value.span()));
            let value = value.clone();
            content.arguments.push(Argument { name: name.into(), name_span, span, value });
        }
        content
    }

    /// Reads the blocks that a property stands for: by label where there are any, else one or several.
    fn blocks(&mut self, head: Head<'_>, value: &Expression, found: &mut Vec<Block>) {
        match value {
            Expression::Null(_) => {}
            Expression::Array(items) => {
                for item in items {
                    self.blocks(head, item, found);
                }
            }
            Expression::Object(object) if head.labels.len() < head.wanted => {
                for (key, value) in object {
                    let Some(label) = key_text(key).filter(|label| *label != "//") else {
                        continue;
                    };
                    let mut labels = head.labels.to_vec();
                    labels.push((label.into(), self.origin.span(key.span())));
                    self.blocks(Head { labels: &labels, ..head }, value.expr(), found);
                }
            }
            Expression::Object(object) => {
                let header = head.labels.last().map_or(head.name_span, |(_, label)| *label);
                let span = header.to(self.origin.span(value.span()));
                let content = self.content(head.kind, object);
                found.push(Block {
                    kind: head.kind.into(),
                    labels: head.labels.to_vec(),
                    header,
                    span,
                    content,
                });
            }
            other => {
                let what = format!("The value of \"{}\"", head.kind);
                self.diags.push(no_object(self.origin.span(other.span()), &what));
            }
        }
    }
}

/// What is known of a block before its content.
#[derive(Clone, Copy)]
struct Head<'h> {
    kind: &'h str,
    name_span: Span,
    wanted: usize,
    labels: &'h [(Name, Span)],
}

fn key_text(key: &ObjectKey) -> Option<&str> {
    match key {
        ObjectKey::Ident(ident) => Some(ident.as_str()),
        ObjectKey::Expression(expression) => expression.as_str(),
    }
}

/// Spells a valid JSON text as an expression of the language, every token at its old offset.
fn respelt(text: &str) -> Arc<str> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = if c == '"' {
            let length = string_length(rest);
            let (token, after) = rest.split_at(length);
            let spelt = serde_json::from_str::<String>(token)
                .map(|decoded| template(&decoded))
                .unwrap_or_default();
            out.push_str(&spelt);
            // Escapes of JSON are never shorter than ours: what is saved is made up for in blanks.
            out.extend(std::iter::repeat_n(' ', length.saturating_sub(spelt.len())));
            rest = after;
            continue;
        } else {
            c.len_utf8()
        };
        // Newlines between tokens mean nothing in JSON.
        out.push(if c.is_whitespace() { ' ' } else { c });
        rest = rest.get(taken..).unwrap_or_default();
    }
    out.into()
}

/// Returns the length of the JSON string that the text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Spells a text as a quoted template: quotes and newlines are escaped, but not within `${ }`.
fn template(decoded: &str) -> String {
    let mut out = String::with_capacity(decoded.len() + 2);
    out.push('"');
    let mut depth = 0usize;
    let mut quoted = false;
    let mut chars = decoded.chars().peekable();
    while let Some(c) = chars.next() {
        if depth > 0 {
            match c {
                '"' => quoted = !quoted,
                '\\' if quoted => {
                    out.push(c);
                    out.extend(chars.next());
                    continue;
                }
                '{' if !quoted => depth += 1,
                '}' if !quoted => depth -= 1,
                _ => {}
            }
            out.push(if c == '\n' { ' ' } else { c });
            continue;
        }
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '$' | '%' if chars.peek() == Some(&c) => {
                out.push(c);
                out.extend(chars.next());
                out.extend(chars.next_if_eq(&'{'));
            }
            '$' | '%' if chars.peek() == Some(&'{') => {
                out.push(c);
                out.extend(chars.next());
                depth = 1;
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::respelt;

    #[test]
    fn tokens_stay_where_they_are() {
        for (json, expected) in [
            ("{\n \"a\": 1}", "{  \"a\": 1}"),
            (r#"["\u00e9\/"]"#, "[\"é/\"     ]"),
            (r#"["a\"b\n\\"]"#, r#"["a\"b\n\\"]"#),
            (r#"["${f(\"x\\n\")} \"y\""]"#, r#"["${f("x\n")} \"y\""   ]"#),
            (r#"["$${x\"}"]"#, r#"["$${x\"}"]"#),
        ] {
            assert_eq!(&*respelt(json), expected, "{json}");
            assert_eq!(respelt(json).len(), json.len(), "{json}");
        }
    }
}
