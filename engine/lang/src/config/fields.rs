//! Reading a block of the language: arguments and nested blocks by name, with a diagnostic for each
//! that is missing, left over or no literal.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};
use terrarium_value::Value;

use super::literal;
use crate::codes;
use crate::expr::{Body, Expr, Origin, Place, compile};
use crate::syntax::tree::{Argument, Block};
use crate::unexpected::{unsupported_argument, unsupported_block};

/// A block as it stands in a file.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) origin: &'a Origin,
    pub(super) block: &'a Block,
}

/// An argument as it stands in a file.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) origin: &'a Origin,
    pub(super) argument: &'a Argument,
    pub(super) json: bool,
}

/// What is left to read of a block.
pub(super) struct Fields<'a> {
    header: Span,
    json: bool,
    arguments: Vec<Given<'a>>,
    blocks: Vec<Written<'a>>,
    asked_arguments: Vec<&'static str>,
    asked_blocks: Vec<&'static str>,
}

impl<'a> Written<'a> {
    /// Returns the block type.
    pub(super) fn kind(self) -> &'a str {
        &self.block.kind
    }

    /// Returns the span of the header: the type and the labels.
    pub(super) fn header(self) -> Span {
        self.block.header
    }

    /// Returns the span of the whole block.
    pub(super) fn span(self) -> Span {
        self.block.span
    }

    /// Returns a label with its place.
    pub(super) fn label(self, at: usize) -> Option<(Name, Span)> {
        self.block.labels.get(at).cloned()
    }

    /// Checks that there are as many labels as `names`, and returns whether so.
    pub(super) fn has_labels(self, names: &[&str], diags: &mut Diagnostics) -> bool {
        let (kind, given, wanted) = (self.kind(), self.block.labels.len(), names.len());
        let list = names.join(", ");
        if given < wanted {
            let missing = names.get(given).copied().unwrap_or_default();
            diags.push(
                Diagnostic::error(codes::SYNTAX, format!("Missing {missing} for {kind}"))
                    .detail(format!("All {kind} blocks must have {wanted} labels ({list})."))
                    .at(self.header(), ""),
            );
            return false;
        }
        if let Some((_, span)) = self.label(wanted) {
            let detail = match wanted {
                0 => format!("No labels are expected for {kind} blocks."),
                _ => format!("Only {wanted} labels ({list}) are expected for {kind} blocks."),
            };
            diags.push(
                Diagnostic::error(codes::SYNTAX, format!("Extraneous label for {kind}"))
                    .detail(detail)
                    .at(span, ""),
            );
            return false;
        }
        true
    }

    fn has_blocks(self, kind: &str) -> bool {
        self.block.content.blocks.iter().any(|block| &*block.kind == kind)
    }

    /// Begins to read the block.
    pub(super) fn fields(self) -> Fields<'a> {
        Fields::layered(&[self])
    }
}

impl<'a> Given<'a> {
    /// Returns the argument's name.
    pub(super) fn name(self) -> &'a str {
        &self.argument.name
    }

    /// Returns where the name stands.
    pub(super) fn name_span(self) -> Span {
        self.argument.name_span
    }

    /// Returns where the whole argument stands.
    pub(super) fn span(self) -> Span {
        self.argument.span
    }

    /// Returns where the value stands.
    pub(super) fn value_span(self) -> Span {
        self.origin.span(self.argument.value.span())
    }

    /// Returns the expression that a JSON string holds where the native syntax has it bare: a type, a
    /// reference. Its places are off by the escapes before them, of which there are none in practice.
    pub(super) fn embedded(self) -> Option<(Origin, Expression)> {
        if !self.json {
            return None;
        }
        embedded(self.origin, self.expression())
    }

    /// Returns the value's syntax.
    pub(super) fn expression(self) -> &'a Expression {
        &self.argument.value
    }

    /// Compiles the value.
    pub(super) fn expr(self, diags: &mut Diagnostics) -> Expr {
        compile(&self.argument.value, self.origin, diags)
    }

    /// Returns the value, which must not depend on anything.
    pub(super) fn literal(self, diags: &mut Diagnostics) -> Option<Value> {
        literal::value(self.expression(), self.origin, diags)
    }

    /// Returns the value, which must be a literal string.
    pub(super) fn text(self, diags: &mut Diagnostics) -> Option<String> {
        let value = self.literal(diags)?;
        match (value.as_str(), value.as_number(), value.as_bool()) {
            (Some(text), ..) => Some(text.to_owned()),
            (_, Some(number), _) => Some(number.to_string()),
            (_, _, Some(flag)) => Some(flag.to_string()),
            _ => {
                self.unsuitable("a string is required", diags);
                None
            }
        }
    }

    /// Returns the value, which must be a literal bool.
    pub(super) fn flag(self, diags: &mut Diagnostics) -> Option<bool> {
        let value = self.literal(diags)?;
        match (value.as_bool(), value.as_str()) {
            (Some(flag), _) => Some(flag),
            (_, Some("true")) => Some(true),
            (_, Some("false")) => Some(false),
            _ => {
                self.unsuitable("a bool is required", diags);
                None
            }
        }
    }

    /// Returns the elements of a list that is written out.
    pub(super) fn elements(self, diags: &mut Diagnostics) -> Vec<&'a Expression> {
        if let Expression::Array(array) = self.expression() {
            return array.iter().collect();
        }
        let name = self.name();
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, "Invalid expression")
                .detail(format!("A static list expression is required for \"{name}\"."))
                .at(self.value_span(), "a list in brackets is needed here"),
        );
        Vec::new()
    }

    fn unsuitable(self, why: &str, diags: &mut Diagnostics) {
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, "Unsuitable value type")
                .detail(format!("Unsuitable value: {why}."))
                .at(self.value_span(), ""),
        );
    }
}

impl<'a> Fields<'a> {
    /// Begins to read a block with its overrides: a later layer's argument replaces an earlier one's,
    /// and its nested blocks replace all of their type.
    pub(super) fn layered(layers: &[Written<'a>]) -> Self {
        let mut arguments: Vec<Given<'a>> = Vec::new();
        let mut blocks: Vec<Written<'a>> = Vec::new();
        for (depth, layer) in layers.iter().enumerate() {
            if depth > 0 {
                let replaces =
                    |old: &Written<'_>| layer.has_blocks(old.kind()) && old.kind() != "lifecycle";
                blocks.retain(|old| !replaces(old));
            }
            for argument in &layer.block.content.arguments {
                let given =
                    Given { origin: layer.origin, argument, json: layer.block.content.json };
                // Within one layer a name that stands twice is an error of its own.
                let mut earlier = if depth > 0 { arguments.iter_mut() } else { [].iter_mut() };
                match earlier.find(|old| old.name() == given.name()) {
                    Some(old) => *old = given,
                    None => arguments.push(given),
                }
            }
            let nested = layer.block.content.blocks.iter();
            blocks.extend(nested.map(|block| Written { origin: layer.origin, block }));
        }
        let header = layers.first().map_or_else(no_span, |layer| layer.header());
        let json = layers.first().is_some_and(|layer| layer.block.content.json);
        Self {
            header,
            json,
            arguments,
            blocks,
            asked_arguments: Vec::new(),
            asked_blocks: Vec::new(),
        }
    }

    /// Returns those of the named arguments that are there, without taking them.
    pub(super) fn given(&self, names: &[&str]) -> Vec<Given<'a>> {
        self.arguments.iter().copied().filter(|given| names.contains(&given.name())).collect()
    }

    /// Takes an argument.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Given<'a>> {
        self.asked_arguments.push(name);
        let at = self.arguments.iter().position(|given| given.name() == name)?;
        Some(self.arguments.remove(at))
    }

    /// Takes an argument that must be there.
    pub(super) fn need(
        &mut self,
        name: &'static str,
        diags: &mut Diagnostics,
    ) -> Option<Given<'a>> {
        let given = self.take(name);
        if given.is_none() {
            diags.push(
                Diagnostic::error(codes::MISSING, "Missing required argument")
                    .detail(format!(
                        "The argument \"{name}\" is required, but no definition was found."
                    ))
                    .at(self.header, format!("`{name}` is missing")),
            );
        }
        given
    }

    /// Takes an argument and compiles it.
    pub(super) fn expr(&mut self, name: &'static str, diags: &mut Diagnostics) -> Option<Expr> {
        self.take(name).map(|given| given.expr(diags))
    }

    /// Takes an argument that is a literal string.
    pub(super) fn text(&mut self, name: &'static str, diags: &mut Diagnostics) -> Option<String> {
        self.take(name)?.text(diags)
    }

    /// Takes an argument that is a literal bool.
    pub(super) fn flag(&mut self, name: &'static str, diags: &mut Diagnostics) -> Option<bool> {
        self.take(name)?.flag(diags)
    }

    /// Takes all nested blocks of a type.
    pub(super) fn blocks(&mut self, kind: &'static str) -> Vec<Written<'a>> {
        self.asked_blocks.push(kind);
        let (taken, rest) =
            std::mem::take(&mut self.blocks).into_iter().partition(|block| block.kind() == kind);
        self.blocks = rest;
        taken
    }

    /// Takes the nested block of a type of which there may be one.
    pub(super) fn block(
        &mut self,
        kind: &'static str,
        diags: &mut Diagnostics,
    ) -> Option<Written<'a>> {
        let found = self.blocks(kind);
        let first = found.first().copied()?;
        for extra in found.iter().skip(1) {
            diags.push(
                Diagnostic::error(codes::DUPLICATE, format!("Duplicate {kind} block"))
                    .detail(format!("Only one {kind} block is allowed here."))
                    .at(extra.header(), "")
                    .also(first.header(), "the first one"),
            );
        }
        Some(first)
    }

    /// Takes everything that is left as arguments by name.
    pub(super) fn all_arguments(&mut self) -> Vec<Given<'a>> {
        std::mem::take(&mut self.arguments)
    }

    /// Reports what is left: nothing may be.
    pub(super) fn finish(self, diags: &mut Diagnostics) {
        for given in &self.arguments {
            diags.push(unsupported_argument(
                given.name(),
                given.name_span(),
                &self.asked_arguments,
                &self.asked_blocks,
            ));
        }
        for block in &self.blocks {
            diags.push(unsupported_block(
                block.kind(),
                block.header(),
                &self.asked_blocks,
                &self.asked_arguments,
            ));
        }
    }

    /// Compiles what is left into a body that is decoded later, with a schema.
    pub(super) fn rest(self, span: Span, diags: &mut Diagnostics) -> Body {
        let arguments = self.arguments.iter().map(|given| (given.origin, given.argument));
        let blocks = self.blocks.iter().map(|written| (written.origin, written.block));
        let place = Place { span, header: self.header, json: self.json };
        Body::compile(place, arguments, blocks, diags)
    }
}

/// Parses what a string literal holds as an expression.
pub(super) fn embedded(origin: &Origin, literal: &Expression) -> Option<(Origin, Expression)> {
    let inner = hcl_edit::parser::parse_expr(literal.as_str()?).ok()?;
    let start = literal.span().map_or(0, |span| span.start + 1);
    Some((Origin { offset: origin.offset + start, ..origin.clone() }, inner))
}

/// Returns a span of nothing, for a block that is nowhere.
fn no_span() -> Span {
    Span::new(terrarium_diagnostic::FileId(0), 0..0)
}

/// Returns the text of an object key that is a name or a literal string.
pub(super) fn key_text(key: &ObjectKey) -> Option<&str> {
    match key {
        ObjectKey::Ident(ident) => Some(ident.as_str()),
        ObjectKey::Expression(expression) => {
            expression.as_str().or_else(|| expression.as_variable().map(hcl_edit::Ident::as_str))
        }
    }
}
