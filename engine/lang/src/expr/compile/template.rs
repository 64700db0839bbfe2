//! Templates: quoted strings, heredocs and template files.
//!
//! Literal text is read from the source again, because the parser leaves escapes within `%{ if }`
//! unread and takes indentation off wrongly there. The text becomes a flat list of tokens, a line each;
//! trim markers and indentation work on that list, as in HCL; then the tree is built from it.

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};
use terrarium_address::Name;
use terrarium_value::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::{Compiler, as_constant};
use crate::expr::node::{Conditional, For, Node, NodeKind};

/// How a template is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `"…"`: backslash escapes, one line.
    Quoted,
    /// `<<EOT`
    Heredoc,
    /// `<<-EOT`: common indentation is taken off.
    Flush,
    /// A file.
    Bare,
}

enum Token {
    Text(String),
    /// A `${…}` or `%{…}`: whether it trims the text before and after it.
    Control {
        before: bool,
        after: bool,
    },
    /// Where a literal of the syntax tree ends.
    End,
}

impl Compiler<'_> {
    pub(super) fn template(&mut self, template: &Template, form: Form) -> Node {
        let mut tokens = Vec::new();
        self.tokens(template, form, &mut tokens);
        trim(&mut tokens);
        if form == Form::Flush {
            flush(&mut tokens);
        }
        let mut texts = Texts { tokens: tokens.into_iter() };
        let span = self.origin.span(template.span());
        let mut parts = self.parts(template, form, &mut texts);
        let single = parts.len() == 1
            && (as_constant(&parts[0]).is_some()
                || matches!(template.as_single_element(), Some(Element::Interpolation(_))));
        match parts.pop() {
            None => Node::new(span, NodeKind::Constant(Value::string(""))),
            // `"${x}"` is the value of x, whatever its type.
            Some(part) if single => part,
            Some(part) => {
                parts.push(part);
                Node::new(span, NodeKind::Template(parts))
            }
        }
    }

    fn tokens(&mut self, template: &Template, form: Form, out: &mut Vec<Token>) {
        for element in template {
            match element {
                Element::Literal(text) => {
                    let source = text.span().and_then(|range| self.origin.slice(&range));
                    let Some(source) = source else {
                        // No source, so the text is what it stands for.
                        out.extend([Token::Text(text.value().clone()), Token::End]);
                        continue;
                    };
                    if form == Form::Quoted {
                        if source.contains('\n') {
                            let span = self.origin.span(text.span());
                            self.multi_line(span);
                            out.push(Token::Text(String::new()));
                        } else {
                            out.push(Token::Text(unescape(source)));
                        }
                    } else {
                        out.extend(
                            source
                                .split_inclusive('\n')
                                .map(|line| Token::Text(unescape_markers(line))),
                        );
                    }
                    out.push(Token::End);
                }
                Element::Interpolation(interpolation) => out.push(control(interpolation.strip)),
                Element::Directive(directive) => match &**directive {
                    Directive::If(one) => {
                        out.push(control(one.if_expr.strip));
                        self.tokens(&one.if_expr.template, form, out);
                        if let Some(otherwise) = &one.else_expr {
                            out.push(control(otherwise.strip));
                            self.tokens(&otherwise.template, form, out);
                        }
                        out.push(control(one.endif_expr.strip));
                    }
                    Directive::For(one) => {
                        out.push(control(one.for_expr.strip));
                        self.tokens(&one.for_expr.template, form, out);
                        out.push(control(one.endfor_expr.strip));
                    }
                },
            }
        }
    }

    fn parts(&mut self, template: &Template, form: Form, texts: &mut Texts) -> Vec<Node> {
        let mut parts = Vec::with_capacity(template.len());
        for element in template {
            let span = self.origin.span(element.span());
            match element {
                Element::Literal(_) => {
                    let text = texts.next_literal();
                    if !text.is_empty() {
                        parts.push(Node::new(span, NodeKind::Constant(Value::string(text))));
                    }
                }
                Element::Interpolation(interpolation) => {
                    texts.skip_control();
                    parts.push(self.expression(&interpolation.expr));
                }
                Element::Directive(directive) => {
                    let kind = match &**directive {
                        Directive::If(one) => self.if_directive(one, form, texts),
                        Directive::For(one) => self.for_directive(one, form, texts),
                    };
                    parts.push(Node::new(span, kind));
                }
            }
        }
        parts
    }

    fn if_directive(&mut self, one: &IfDirective, form: Form, texts: &mut Texts) -> NodeKind {
        let span = self.origin.span(one.span());
        texts.skip_control();
        let condition = self.expression(&one.if_expr.cond_expr);
        let yes = self.parts(&one.if_expr.template, form, texts);
        let no = one.else_expr.as_ref().map_or_else(Vec::new, |otherwise| {
            texts.skip_control();
            self.parts(&otherwise.template, form, texts)
        });
        texts.skip_control();
        let text = |parts| Node::new(span, NodeKind::Template(parts));
        NodeKind::Conditional(Box::new(Conditional { condition, yes: text(yes), no: text(no) }))
    }

    fn for_directive(&mut self, one: &ForDirective, form: Form, texts: &mut Texts) -> NodeKind {
        let span = self.origin.span(one.span());
        texts.skip_control();
        let collection = self.expression(&one.for_expr.collection_expr);
        let key_name: Option<Name> =
            one.for_expr.key_var.as_ref().map(|name| name.value().as_str().into());
        let value_name: Name = one.for_expr.value_var.value().as_str().into();
        let before = self.bound.len();
        self.bound.extend(key_name.iter().cloned());
        self.bound.push(value_name.clone());
        let parts = self.parts(&one.for_expr.template, form, texts);
        self.bound.truncate(before);
        texts.skip_control();
        let value = Node::new(span, NodeKind::Template(parts));
        let (key, condition, grouping) = (None, None, false);
        let each = For { key_name, value_name, collection, key, value, condition, grouping };
        NodeKind::Join(Box::new(Node::new(span, NodeKind::For(Box::new(each)))))
    }
}

/// The literals of a template in source order.
struct Texts {
    tokens: std::vec::IntoIter<Token>,
}

impl Texts {
    /// Returns the lines of one literal, and its end mark.
    fn next_literal(&mut self) -> String {
        let mut text = String::new();
        for token in self.tokens.by_ref() {
            match token {
                Token::Text(line) => text.push_str(&line),
                Token::Control { .. } | Token::End => break,
            }
        }
        text
    }

    fn skip_control(&mut self) {
        self.tokens.next();
    }
}

fn control(strip: Strip) -> Token {
    Token::Control { before: strip.strip_start(), after: strip.strip_end() }
}

/// Applies `~`: it takes white space off the token before or after it, which is at most a line.
fn trim(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let Token::Control { before, after } = tokens[at] else { continue };
        if before
            && at >= 2
            && let [Token::Text(text), Token::End] = &mut tokens[at - 2..at]
        {
            text.truncate(text.trim_end().len());
        }
        if after && let Some(Token::Text(text)) = tokens.get_mut(at + 1) {
            *text = text.trim_start().to_owned();
        }
    }
}

/// Takes the common indentation off the lines that begin with text.
fn flush(tokens: &mut [Token]) {
    let mut least: Option<usize> = None;
    let mut starts = Vec::new();
    let mut line_begins = true;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Text(text) => {
                if line_begins {
                    let rest = text.trim_start();
                    if !(rest.is_empty() && text.ends_with('\n')) {
                        let spaces = text[..text.len() - rest.len()].graphemes(true).count();
                        least = Some(least.map_or(spaces, |least| least.min(spaces)));
                        starts.push(at);
                    }
                }
                line_begins = text.ends_with('\n');
            }
            Token::Control { .. } if line_begins => {
                least = Some(0);
                line_begins = false;
            }
            Token::Control { .. } | Token::End => {}
        }
    }
    for at in starts {
        if let Token::Text(text) = &mut tokens[at] {
            let cut = text
                .grapheme_indices(true)
                .nth(least.unwrap_or(0))
                .map_or(text.len(), |(cut, _)| cut);
            text.drain(..cut);
        }
    }
}

/// Reads `$${` and `%%{`.
fn unescape_markers(text: &str) -> String {
    if !text.contains("$${") && !text.contains("%%{") {
        return text.to_owned();
    }
    text.replace("$${", "${").replace("%%{", "%{")
}

/// Reads the escapes of a quoted string; the parser has refused wrong ones.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '$', '%']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (replacement, length) = escape(rest);
        match replacement {
            Some(c) => out.push(c),
            None => out.push_str(&rest[..length.min(1)]),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Returns the character that an escape at the start stands for and its length.
fn escape(text: &str) -> (Option<char>, usize) {
    if text.starts_with("$${") || text.starts_with("%%{") {
        // One marker character is dropped, the other and the brace follow as they are.
        return (None, 2);
    }
    let mut chars = text.chars();
    if chars.next() != Some('\\') {
        return (None, 1);
    }
    let unicode = |digits: usize| {
        let code = text.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        (code.and_then(char::from_u32), 2 + digits)
    };
    match chars.next() {
        Some('n') => (Some('\n'), 2),
        Some('r') => (Some('\r'), 2),
        Some('t') => (Some('\t'), 2),
        Some('u') => unicode(4),
        Some('U') => unicode(8),
        Some(other) => (Some(other), 1 + other.len_utf8()),
        None => (None, 1),
    }
}
