//! `Body`: the arguments and nested blocks of a block whose schema is known only later.

mod decode;

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use indexmap::IndexMap;
use indexmap::map::Entry;
use terrarium_address::{AttrPath, Mode, Name, PathStep};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};

use super::{Expr, Origin, Reference, Subject, compile};
use crate::codes;
use crate::syntax::tree;

/// Arguments and nested blocks, compiled but not yet decoded; cheap to clone.
#[derive(Clone, Debug)]
pub struct Body(Arc<Parts>);

/// Where a body stands, and how it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The whole block.
    pub(crate) span: Span,
    /// The block's type and labels.
    pub(crate) header: Span,
    /// Whether it was written as JSON, where an argument may stand for blocks.
    pub(crate) json: bool,
}

#[derive(Debug)]
struct Parts {
    place: Place,
    arguments: IndexMap<Name, Argument>,
    blocks: Vec<Nested>,
}

#[derive(Debug)]
struct Argument {
    name_span: Span,
    value: Expr,
}

/// A nested block, or what generates nested blocks.
#[derive(Debug)]
struct Nested {
    kind: Name,
    labels: Vec<(Name, Span)>,
    header: Span,
    body: Body,
    dynamic: Option<Dynamic>,
}

/// What a `dynamic` block repeats its content for.
#[derive(Debug)]
struct Dynamic {
    for_each: Expr,
    iterator: Name,
    labels: Vec<Expr>,
}

impl Body {
    /// Compiles arguments and blocks.
    pub(crate) fn compile<'a>(
        place: Place,
        arguments: impl Iterator<Item = (&'a Origin, &'a tree::Argument)>,
        blocks: impl Iterator<Item = (&'a Origin, &'a tree::Block)>,
        diags: &mut Diagnostics,
    ) -> Self {
        let mut compiled = IndexMap::new();
        for (origin, argument) in arguments {
            add_argument(&mut compiled, origin, argument, diags);
        }
        compiled.shrink_to_fit();
        let blocks = blocks.filter_map(|(origin, block)| nested(origin, block, diags)).collect();
        Self(Arc::new(Parts { place, arguments: compiled, blocks }))
    }

    /// Returns a body in which nothing is written, and which stands nowhere.
    pub fn empty() -> Self {
        let nowhere = Span::new(terrarium_diagnostic::FileId(0), 0..0);
        let place = Place { span: nowhere, header: nowhere, json: false };
        Self(Arc::new(Parts { place, arguments: IndexMap::new(), blocks: Vec::new() }))
    }

    /// Compiles what stands between the braces of a block.
    fn of_block(
        origin: &Origin,
        block: &tree::Block,
        header: Span,
        diags: &mut Diagnostics,
    ) -> Self {
        let tree::Content { arguments, blocks, json } = &block.content;
        let place = Place { span: block.span, header, json: *json };
        let (arguments, blocks) = (arguments.iter(), blocks.iter());
        let arguments = arguments.map(|argument| (origin, argument));
        Self::compile(place, arguments, blocks.map(|block| (origin, block)), diags)
    }

    /// Returns where the whole block stands.
    pub fn span(&self) -> Span {
        self.0.place.span
    }

    /// Returns where the block's type and labels stand.
    pub fn header(&self) -> Span {
        self.0.place.header
    }

    /// Returns whether it has neither arguments nor blocks.
    pub fn is_empty(&self) -> bool {
        self.0.arguments.is_empty() && self.0.blocks.is_empty()
    }

    /// Returns the value of an argument.
    pub fn attribute(&self, name: &str) -> Option<&Expr> {
        self.0.arguments.get(name).map(|argument| &argument.value)
    }

    /// Returns the names and values of all arguments in the order of the source.
    pub fn attributes(&self) -> impl Iterator<Item = (&Name, &Expr)> {
        self.0.arguments.iter().map(|(name, argument)| (name, &argument.value))
    }

    /// Returns the nested blocks of a type that are written out, in the order of the source.
    pub fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Body> {
        self.0
            .blocks
            .iter()
            .filter(move |block| &*block.kind == kind && block.dynamic.is_none())
            .map(|it| &it.body)
    }

    /// Returns what all expressions refer to, iterators of `dynamic` blocks left out.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut |reference| found.push(reference.clone()));
        found
    }

    fn collect(&self, iterators: &mut Vec<Name>, each: &mut impl FnMut(&Reference)) {
        for argument in self.0.arguments.values() {
            outside(&argument.value, iterators, each);
        }
        for block in &self.0.blocks {
            let bound = iterators.len();
            if let Some(dynamic) = &block.dynamic {
                outside(&dynamic.for_each, iterators, each);
                iterators.push(dynamic.iterator.clone());
                for label in &dynamic.labels {
                    outside(label, iterators, each);
                }
            }
            block.body.collect(iterators, each);
            iterators.truncate(bound);
        }
    }

    /// Returns every expression, `dynamic` blocks included, in the order of the source.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut found: Vec<&Expr> =
            self.0.arguments.values().map(|argument| &argument.value).collect();
        for block in &self.0.blocks {
            if let Some(dynamic) = &block.dynamic {
                found.push(&dynamic.for_each);
                found.extend(&dynamic.labels);
            }
            found.extend(block.body.expressions());
        }
        found
    }

    /// Returns the place of a part of the value: the longest beginning of the path that is written.
    ///
    /// `None` where not even its first step is.
    pub fn span_of(&self, path: &AttrPath) -> Option<Span> {
        let (PathStep::Attr(name), rest) = path.0.split_first()? else { return None };
        if let Some(argument) = self.0.arguments.get(name) {
            return Some(argument.value.span());
        }
        let of_kind: Vec<&Nested> =
            self.0.blocks.iter().filter(|block| block.kind == *name).collect();
        let (block, rest) = match rest.split_first() {
            Some((PathStep::Index(at), rest)) => {
                let at = usize::try_from(*at).unwrap_or(usize::MAX);
                (of_kind.get(at).or(of_kind.last())?, rest)
            }
            Some((PathStep::Key(key), rest)) => {
                let labelled = of_kind
                    .iter()
                    .find(|block| block.labels.first().is_some_and(|(name, _)| name == key));
                (labelled.or(of_kind.first())?, rest)
            }
            Some((PathStep::AnyElement, rest)) => (of_kind.first()?, rest),
            _ => (of_kind.first()?, rest),
        };
        Some(block.body.span_of(&AttrPath(rest.to_vec())).unwrap_or(block.header))
    }
}

/// Calls `each` with the references of an expression that name no iterator.
fn outside(expr: &Expr, iterators: &[Name], each: &mut impl FnMut(&Reference)) {
    for reference in expr.references() {
        // `port.value` of an iterator looks like a resource of the type `port`.
        let bound = match &reference.subject {
            Subject::Resource(block, _) => {
                block.mode == Mode::Managed && iterators.contains(&block.kind)
            }
            _ => false,
        };
        if !bound {
            each(reference);
        }
    }
}

fn add_argument(
    arguments: &mut IndexMap<Name, Argument>,
    origin: &Origin,
    argument: &tree::Argument,
    diags: &mut Diagnostics,
) {
    let name_span = argument.name_span;
    let value = compile(&argument.value, origin, diags);
    match arguments.entry(argument.name.clone()) {
        Entry::Occupied(first) => {
            let name = first.key();
            diags.push(
                Diagnostic::error(codes::DUPLICATE, "Attribute redefined")
                    .detail(format!(
                        "The argument \"{name}\" was already set. Each argument may be set only once."
                    ))
                    .at(name_span, "set again")
                    .also(first.get().name_span, "set here first"),
            );
        }
        Entry::Vacant(free) => {
            free.insert(Argument { name_span, value });
        }
    }
}

fn nested(origin: &Origin, block: &tree::Block, diags: &mut Diagnostics) -> Option<Nested> {
    if &*block.kind == "dynamic" {
        return generator(origin, block, diags);
    }
    let (kind, labels, header) = (block.kind.clone(), block.labels.clone(), block.header);
    let body = Body::of_block(origin, block, header, diags);
    Some(Nested { kind, labels, header, body, dynamic: None })
}

fn wrong(summary: &str, detail: &str, at: Span) -> Diagnostic {
    Diagnostic::error(codes::DYNAMIC, summary).detail(detail).at(at, "")
}

/// Reads a `dynamic` block.
fn generator(origin: &Origin, block: &tree::Block, diags: &mut Diagnostics) -> Option<Nested> {
    let header = block.header;
    let [(kind, _)] = block.labels.as_slice() else {
        let detail =
            "All dynamic blocks must have 1 label: the type of the blocks that are generated.";
        diags.push(wrong("Missing type for dynamic", detail, header));
        return None;
    };
    let (mut for_each, mut iterator, mut labels) = (None, kind.clone(), Vec::new());
    for argument in &block.content.arguments {
        match &*argument.name {
            "for_each" => for_each = Some(compile(&argument.value, origin, diags)),
            "iterator" => {
                iterator = iterator_name(&argument.value, origin, diags).unwrap_or(iterator);
            }
            "labels" => labels = list(&argument.value, origin, diags),
            name => {
                let (arguments, blocks) = (["for_each", "iterator", "labels"], ["content"]);
                let at = argument.name_span;
                diags.push(crate::unexpected::unsupported_argument(name, at, &arguments, &blocks));
            }
        }
    }
    if for_each.is_none() {
        let detail = "The argument \"for_each\" is required, but no definition was found.";
        diags.push(wrong("Missing required argument", detail, header));
    }
    let body = generated(origin, block, diags);
    let dynamic = Dynamic { for_each: for_each?, iterator, labels };
    let labels = Vec::new();
    Some(Nested { kind: kind.clone(), labels, header, body: body?, dynamic: Some(dynamic) })
}

/// Reads the `content` of a `dynamic` block.
fn generated(origin: &Origin, block: &tree::Block, diags: &mut Diagnostics) -> Option<Body> {
    let mut body = None;
    for inner in &block.content.blocks {
        if &*inner.kind == "content" && body.is_none() {
            body = Some(Body::of_block(origin, inner, block.header, diags));
        } else {
            let detail = "Only one nested content block is allowed for each dynamic block.";
            diags.push(wrong("Extraneous dynamic content block", detail, inner.header));
        }
    }
    if body.is_none() {
        let detail = "A nested block of type \"content\" is required to specify the content of each \
                      generated block.";
        diags.push(wrong("Missing dynamic content block", detail, block.header));
    }
    body
}

fn iterator_name(
    expression: &Expression,
    origin: &Origin,
    diags: &mut Diagnostics,
) -> Option<Name> {
    // JSON has no bare names, only strings.
    let name =
        expression.as_variable().map(hcl_edit::Ident::as_str).or_else(|| expression.as_str());
    if name.is_none() {
        let detail = "The iterator of a dynamic block is a single name.";
        diags.push(wrong("Invalid expression", detail, origin.span(expression.span())));
    }
    name.map(Name::from)
}

fn list(expression: &Expression, origin: &Origin, diags: &mut Diagnostics) -> Vec<Expr> {
    if let Expression::Array(array) = expression {
        return array.iter().map(|element| compile(element, origin, diags)).collect();
    }
    let detail = "The labels of a dynamic block are a list in brackets.";
    diags.push(wrong("Invalid expression", detail, origin.span(expression.span())));
    Vec::new()
}
